"""Measure an atlas: train every directed pair of many data sets, seed by seed, in several set-ups.

One part on disk a set-up, seed and few targets: what was finished is not trained again, and an
interruption loses one part. Texts of one layout are trained at their own width; pairs of data sets
that mix single texts and pairs of texts at the wider one (W, section 2.1).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from taskaff.core.records.data import Layout
from taskaff.core.records.embedding import EncodeCounts, EncoderCard, TaskVectors
from taskaff.core.records.probe import PairOutcome
from taskaff.core.store import Store, digest_key
from taskaff.pipeline.atlas.setups import SetUp, probe_settings


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One data set of an atlas, embedded: its rows, and what its rows no longer say."""

    vectors: TaskVectors
    layout: Layout
    card: EncoderCard
    counts: EncodeCounts
    """Of the rows in ``vectors``."""
    content: str
    """Hash of the rows."""


Members = Mapping[tuple[str, int], Sequence[Member]]
"""By ``SetUp.members``."""

Known = Mapping[SetUp, Collection[tuple[str, str]]]
"""Names of source and target of the pairs that are not to be trained."""

CHOOSING = ("draws", "layouts", "sources", "related")
"""Parts of a set-up that say which rows and pairs are trained; a part names these itself."""

TARGETS = 8
"""Targets of a part: enough runs to be trained side by side, few enough to lose."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Directed pairs of one set-up that are trained in one call."""

    setup: SetUp
    seed: int
    members: tuple[Member, ...]
    wanted: tuple[tuple[int, int], ...]

    def _trained(self) -> dict[str, Any]:
        """What of the set-up a seed's outcome follows from; the rows are named apart."""
        every = asdict(replace(self.setup, seeds=0))
        return {name: value for name, value in every.items() if name not in CHOOSING}

    @property
    def key(self) -> str:
        """Everything that changes the outcome."""
        return digest_key(
            setup=self._trained(),
            probe=asdict(probe_settings(self.setup, self.seed)),
            sets=[[m.vectors.name, m.content, m.card.fingerprint] for m in self.members],
            wanted=self.wanted,
        )


def parts(
    setup: SetUp, seed: int, members: Sequence[Member], known: Collection[tuple[str, str]] = ()
) -> Iterator[Part]:
    """The pairs of one layout each, then those that mix layouts; without the known ones."""
    layouts = [m.layout for m in members]
    names = [m.vectors.name for m in members]
    for mixed in (False, True) if setup.mixed else (False,):
        wanted = [
            (s, t)
            for t, s in permutations(range(len(members)), 2)
            if (layouts[s] != layouts[t]) is mixed and (names[s], names[t]) not in known
        ]
        for layout in dict.fromkeys(layouts):
            targets = list(dict.fromkeys(t for _, t in wanted if layouts[t] == layout))
            for first in range(0, len(targets), TARGETS):
                some = targets[first : first + TARGETS]
                yield _part(setup, seed, members, [pair for pair in wanted if pair[1] in some])


def _part(
    setup: SetUp, seed: int, members: Sequence[Member], wanted: Sequence[tuple[int, int]]
) -> Part:
    """The pairs with no other data sets than theirs, so that others change nothing."""
    used = sorted({number for pair in wanted for number in pair})
    place = {number: n for n, number in enumerate(used)}
    own = tuple(members[number] for number in used)
    return Part(setup, seed, own, tuple((place[s], place[t]) for s, t in wanted))


def measure(part: Part, folder: Path, device: str = "cpu") -> list[dict[str, Any]]:
    """Gains of the part's pairs, from ``folder`` when it has them; each pair is one row."""

    def compute() -> list[dict[str, Any]]:
        from taskaff.stages.probe.pairs import probe_pairs

        settings = replace(probe_settings(part.setup, part.seed), device=device)
        result = probe_pairs(_same_width(part.members), settings, wanted=part.wanted)
        return [_row(pair) for pair in result.pairs]

    gains: list[dict[str, Any]] = finished(folder, "part", part.key, compute)
    return gains


def finished(folder: Path, kind: str, key: str, compute: Callable[[], Any]) -> Any:
    """What ``compute`` gives, as it comes back from JSON; done once, and stored in ``folder``."""
    store = Store(folder)
    path = store.get(kind, key)
    if path is None:
        text = json.dumps(compute())

        def write(file: Path) -> None:
            file.write_text(text, encoding="utf-8")

        path = store.put(kind, key, write)
    return json.loads(path.read_text(encoding="utf-8"))


def _row(pair: PairOutcome) -> dict[str, Any]:
    (seed,) = pair.seeds or (None,)
    known = seed is not None and pair.gain.mean is not None
    return {
        "source": pair.source,
        "target": pair.target,
        "gain": pair.gain.mean,
        "stl_loss": pair.stl_loss if known else None,
        "metric": pair.metric,
        "metric_gain": seed.metric_gain if seed is not None and known else None,
        "leaked": pair.leaked,
    }


def _same_width(members: Sequence[Member]) -> list[TaskVectors]:
    width = max(m.vectors.X.shape[1] for m in members)
    return [
        replace(v, X=np.pad(v.X, ((0, 0), (0, width - v.X.shape[1]))))
        for v in (m.vectors for m in members)
    ]


def all_parts(setups: Sequence[SetUp], members: Members, known: Known) -> Iterator[Part]:
    """Seed by seed over all set-ups, so that an early end leaves some of everything."""
    for seed in range(max(setup.seeds for setup in setups)):
        for setup in setups:
            if seed < setup.seeds:
                yield from parts(setup, seed, members[setup.members], known[setup])


__all__ = [
    "Known",
    "Member",
    "Members",
    "Part",
    "all_parts",
    "finished",
    "measure",
    "parts",
]
