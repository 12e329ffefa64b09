"""Build an atlas: find data sets, embed them, measure, describe, write one table."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taskaff.core.errors import TaskaffError, UsageError
from taskaff.core.records.data import DataRequest
from taskaff.core.records.embedding import TaskVectors
from taskaff.core.records.prediction import Setup
from taskaff.core.settings import RunSettings
from taskaff.core.store import digest_key
from taskaff.pipeline.atlas.draw import Groups, not_drawn, read_groups, related
from taskaff.pipeline.atlas.features import Features, Plan, full_features, small_features
from taskaff.pipeline.atlas.measure import Known, Member, Members, all_parts, finished, measure
from taskaff.pipeline.atlas.setups import SetUp, datasets_under, probe_settings
from taskaff.pipeline.kept_rows import DRAWS, collect
from taskaff.pipeline.prediction import training_of
from taskaff.pipeline.session import Progress, Session
from taskaff.stages import data
from taskaff.stages.predict import atlas, fit
from taskaff.stages.predict.features import of_setup
from taskaff.stages.probe.prepare import prepare
from taskaff.stages.probe.seeding import content_id
from taskaff.stages.score.near import NearRows, near_counts
from taskaff.stages.score.sketches import shared_counts

if TYPE_CHECKING:
    import pyarrow as pa

Gains = dict[tuple[str, str], list[dict[str, Any]]]
"""Names of source and target to one row of ``measure`` a seed."""

Summary = dict[str, Any]
"""The measured columns of one pair's row."""

PROBE = "2"
"""Version of what is measured: gains of another one are not taken over."""

PARTS = ".parts"
"""Suffix of the folder beside the atlas where finished parts wait."""


def build(
    folders: Sequence[Path],
    out: Path,
    setups: Sequence[SetUp],
    settings: RunSettings | None = None,
    progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
    onto: Path | None = None,
    groups: Sequence[Path] = (),
) -> pa.Table:
    """Measure every directed pair of the data sets under ``folders`` and write the atlas.

    Interrupted, it leaves its parts in ``out.parts`` and takes up there; a finished build removes
    them. A data set that cannot be used is named through ``note`` and left out. Gains that the
    atlas ``onto`` has of a set-up are taken over and not measured again; features are.

    Raises
    ------
    UsageError : fewer than two usable data sets, no pair that can be trained, no table of groups.
    PredictError : ``onto`` is no atlas.
    """
    before = [] if onto is None else [atlas.read(onto)]
    grouped = read_groups(groups)
    paths = datasets_under(folders)
    members: dict[tuple[str, int], list[Member]] = {}
    for chosen in dict.fromkeys(setup.members for setup in setups):
        encoder, draws = chosen
        asked = replace(settings or RunSettings(), encoder=encoder, split="all")
        session = Session(asked, rows_again=True)
        found = (embedded(session, path, note, draws) for path in paths)
        members[chosen] = [member for member in found if member is not None]
        if len(members[chosen]) < 2:
            where = ", ".join(map(str, folders))
            hint = "one folder a data set, such as DIR/reviews/train.csv"
            raise UsageError(f"fewer than two data sets under {where}", hint=hint)
    folder = out.with_name(out.name + PARTS)
    rows: list[dict[str, Any]] = []
    taken = {setup: taken_over(setup, members[setup.members], before) for setup in setups}
    known = {
        setup: not_drawn(setup, members[setup.members], grouped) | taken[setup].keys()
        for setup in setups
    }
    gains = measured(setups, members, folder, known, progress)
    for setup in setups:
        new = {pair: summary(seeds) for pair, seeds in gains[setup].items() if usable(seeds)}
        every = taken[setup] | new
        rows += described(setup, members[setup.members], every, folder, grouped)
    tables = [*before, *([atlas.table_of(rows)] if rows else [])]
    if not tables:
        hint = "two data sets of one layout, or --setup layouts=all"
        raise UsageError("no pair of these data sets has a gain", hint=hint)
    table = atlas.joined(tables)
    table = atlas.with_families(table, families(next(iter(members.values()))))
    atlas.write(table, out)
    shutil.rmtree(folder, ignore_errors=True)
    return table


def taken_over(
    setup: SetUp, members: Sequence[Member], before: Sequence[pa.Table]
) -> dict[tuple[str, str], Summary]:
    """What an atlas has measured in a set-up, of pairs whose rows are those of ``members``."""
    content = {member.content: member.vectors.name for member in members}
    asked = {
        "encoder": members[0].card.id,
        "trunk": setup.trunk,
        "recipe": setup.recipe,
        "probe": PROBE,
        "updates": setup.updates,
        "r": setup.r,
        "target_rows": setup.target_rows,
        "source_rows": setup.source_rows,
    }
    found: dict[tuple[str, str], Summary] = {}
    for row in (row for table in before for row in table.to_pylist()):
        source, target = (content.get(row.get(f"{role}_content")) for role in ("source", "target"))
        if source and target and all(row.get(name) == value for name, value in asked.items()):
            names = ("metric", *atlas.MEASURED)
            found[source, target] = {name: row[name] for name in names if name in row}
    return found


def families(members: Sequence[Member]) -> dict[str, str]:
    """One name for data sets that share rows or near copies; pairs need not be among the drawn."""
    names = np.array([member.vectors.name for member in members], dtype=object)
    parts = [_near_rows(member.vectors) for member in members]
    shared = shared_counts([part.hashes for part in parts]) + near_counts(parts)
    share = shared / np.array([max(len(part.hashes), 1) for part in parts])
    source, target = np.indices(share.shape)
    return fit.families(names[source.ravel()], names[target.ravel()], share.ravel())


def _near_rows(task: TaskVectors) -> NearRows:
    """The distinct rows of a task with their near keys."""
    hashes, first = np.unique(task.hashes, return_index=True)
    near = np.zeros((len(hashes), 0), np.uint64) if task.near is None else task.near[first]
    owner, place = np.nonzero(near)
    return NearRows(hashes, owner, near[owner, place], 1.0)


def embedded(
    session: Session, path: Path, note: Callable[[str], None] | None = None, draws: int = DRAWS
) -> Member | None:
    """One data set, embedded; None when it cannot be used."""
    request, settings = DataRequest(str(path), name=path.name), probe_settings(SetUp(), 0)
    try:
        opened = data.open_task(request)
        found = collect(session, opened, settings, draws)
        prepare([found.task], settings)  # can it be trained on at all?
    except TaskaffError as error:
        if note:
            note(f"{path.name} is left out: {error}")
        return None
    info, vectors = opened.info, found.task
    return Member(vectors, info.layout, session.card(info), found.counts, content_id(vectors))


def measured(
    setups: Sequence[SetUp],
    members: Members,
    folder: Path,
    known: Known,
    progress: Progress | None = None,
) -> dict[SetUp, Gains]:
    """Gains of every set-up, pair and seed; parts that stand in ``folder`` are not trained."""
    found: dict[SetUp, Gains] = {setup: {} for setup in setups}
    parts = list(all_parts(setups, members, known))
    for number, part in enumerate(parts):
        for row in measure(part, folder):
            found[part.setup].setdefault((row["source"], row["target"]), []).append(row)
        if progress:
            progress("train", "", number + 1, len(parts))
    return found


def described(
    setup: SetUp,
    members: Sequence[Member],
    gains: Mapping[tuple[str, str], Summary],
    folder: Path,
    groups: Groups,
) -> Iterator[dict[str, Any]]:
    """Rows of the atlas: features in both views beside what was measured."""
    asked = Setup(
        encoder=members[0].card.id,
        width=max(member.vectors.X.shape[1] for member in members),
        trunk=setup.trunk,
        r=setup.r,
        target_rows=setup.target_rows,
        source_rows=setup.source_rows,
    )
    probe = probe_settings(setup, 0)
    names = [member.vectors.name for member in members]
    every = {(s, t) for s, t in product(names, repeat=2) if s != t}
    # Trunks on vectors differ in one column of the features, and recipes in none.
    plan = Plan(
        replace(asked, trunk="linear"),
        training_of(probe),
        setup.mixed,
        frozenset(every - gains.keys()),
    )
    views: dict[str, Callable[[], Features]] = {
        "rows": lambda: small_features(members, probe, 0, plan),
        "full": lambda: full_features(members, plan),
    }
    told = {
        "encoder": asked.encoder,
        "trunk": setup.trunk,
        "recipe": setup.recipe,
        "probe": PROBE,
        "updates": setup.updates,
    }
    content = {member.vectors.name: member.content for member in members}
    for view, compute in views.items():
        sets = [[m.vectors.name, m.content, m.card.fingerprint] for m in members]
        key = digest_key(view=view, plan={**asdict(plan), "known": sorted(plan.known)}, sets=sets)
        for (source, target), found in kept(folder, key, compute).items():
            yield {
                "source": source,
                "target": target,
                "source_content": content[source],
                "target_content": content[target],
                "view": view,
                "related": float(related(groups, source, target)) if groups else None,
                **told,
                **gains[source, target],
                **found,
                **of_setup(replace(asked, width=int(found["width"]))),
            }


def kept(folder: Path, key: str, compute: Callable[[], Features]) -> Features:
    """Features from ``folder`` when it has them, else computed and kept there."""

    def rows_of_features() -> list[list[Any]]:
        return [[*pair, found] for pair, found in compute().items()]

    rows = finished(folder, "features", key, rows_of_features)
    return {(source, target): found for source, target, found in rows}


def usable(seeds: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every seed of a pair has a gain."""
    return bool(seeds) and all(row["gain"] is not None for row in seeds)


def summary(seeds: Sequence[Mapping[str, Any]]) -> Summary:
    """What was measured of a pair, over its seeds."""
    gain = np.array([row["gain"] for row in seeds])
    deviation = float(gain.std(ddof=1)) if len(gain) > 1 else np.nan
    means = ("stl_loss", "metric_gain", "leaked")
    return {
        "metric": seeds[0]["metric"],
        "gain": float(gain.mean()),
        "stderr": deviation / len(gain) ** 0.5,
        "seeds": len(gain),
        "first": float(gain[0]),
        "first_five": float(gain[:5].mean()) if len(gain) > 5 else np.nan,
        **{name: float(np.mean([row[name] for row in seeds])) for name in means},
    }
