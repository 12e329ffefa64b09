"""Build an atlas: find data sets, embed them, measure, describe, write one table."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taskaff.core.errors import TaskaffError, UsageError
from taskaff.core.records.data import DataRequest
from taskaff.core.records.prediction import Setup
from taskaff.core.settings import RunSettings
from taskaff.core.store import digest_key
from taskaff.pipeline.atlas.features import Features, Plan, full_features, small_features
from taskaff.pipeline.atlas.measure import (
    Known,
    Member,
    Members,
    all_parts,
    finished,
    measure,
    not_drawn,
)
from taskaff.pipeline.atlas.setups import SetUp, datasets_under, probe_settings
from taskaff.pipeline.kept_rows import DRAWS, collect
from taskaff.pipeline.prediction import training_of
from taskaff.pipeline.session import Progress, Session
from taskaff.stages import data
from taskaff.stages.predict import atlas, fit
from taskaff.stages.predict.features import of_setup
from taskaff.stages.probe.prepare import prepare
from taskaff.stages.probe.seeding import content_id
from taskaff.stages.score.sketches import shared_counts

if TYPE_CHECKING:
    import pyarrow as pa

Gains = dict[tuple[str, str], list[dict[str, Any]]]
"""Names of source and target to one row of ``measure`` a seed."""

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
) -> pa.Table:
    """Measure every directed pair of the data sets under ``folders`` and write the atlas.

    Interrupted, it leaves its parts in ``out.parts`` and takes up there; a finished build removes
    them. A data set that cannot be used is named through ``note`` and left out. What the atlas
    ``onto`` has of a set-up is taken over and not measured again.

    Raises
    ------
    UsageError : fewer than two usable data sets, or no pair that can be trained.
    PredictError : ``onto`` is no atlas.
    """
    before = [] if onto is None else [atlas.read(onto)]
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
    known = {
        setup: taken_over(setup, group, before) | not_drawn(setup, group)
        for setup, group in ((setup, members[setup.members]) for setup in setups)
    }
    gains = measured(setups, members, folder, known, progress)
    rows = [
        row
        for setup in setups
        for row in described(setup, members[setup.members], gains, folder, known[setup])
    ]
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
) -> frozenset[tuple[str, str]]:
    """Names of source and target of the pairs of ``members`` that an atlas has in a set-up.

    The rows of both must be the same, and so must be what an atlas says of the set-up; which
    version of the probe measured it, it does not say.
    """
    content = {member.content: member.vectors.name for member in members}
    asked = {
        "encoder": members[0].card.id,
        "trunk": setup.trunk,
        "recipe": setup.recipe,
        "updates": setup.updates,
        "r": setup.r,
        "target_rows": setup.target_rows,
        "source_rows": setup.source_rows,
    }
    names = [*asked, "source_content", "target_content"]
    found = set()
    for table in before:
        nothing = [None] * table.num_rows
        have = [table[n].to_pylist() if n in table.column_names else nothing for n in names]
        for *told, source, target in zip(*have, strict=True):
            if told == list(asked.values()) and source in content and target in content:
                found.add((content[source], content[target]))
    return frozenset(found)


def families(members: Sequence[Member]) -> dict[str, str]:
    """One name for data sets that share rows; pairs of them need not be among the drawn ones."""
    names = np.array([member.vectors.name for member in members], dtype=object)
    distinct = [np.unique(member.vectors.hashes) for member in members]
    share = shared_counts(distinct) / np.array([max(len(rows), 1) for rows in distinct])
    source, target = np.indices(share.shape)
    return fit.families(names[source.ravel()], names[target.ravel()], share.ravel())


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
    gains: Mapping[SetUp, Gains],
    folder: Path,
    known: Collection[tuple[str, str]],
) -> Iterator[dict[str, Any]]:
    """Rows of the atlas: features in both views beside what was measured."""
    widths = max(member.vectors.X.shape[1] for member in members)
    asked = Setup(
        encoder=members[0].card.id,
        width=widths,
        trunk=setup.trunk,
        r=setup.r,
        target_rows=setup.target_rows,
        source_rows=setup.source_rows,
    )
    probe = probe_settings(setup, 0)
    training = training_of(probe)
    # Trunks on vectors differ in one column of the features, which are dear.
    plain = replace(asked, trunk="linear")
    plan = Plan(plain, training, setup.mixed, frozenset(known))
    views: dict[str, Callable[[], Features]] = {
        "rows": lambda: small_features(members, probe, 0, plan),
        "full": lambda: full_features(members, plan),
    }
    content = {member.vectors.name: member.content for member in members}
    for view, compute in views.items():
        sets = [[m.vectors.name, m.content, m.card.fingerprint] for m in members]
        told = {**asdict(plan), "known": sorted(plan.known)}
        key = digest_key(view=view, plan=told, sets=sets)
        features = kept(folder, key, compute)
        for found in features.values():
            found |= of_setup(replace(asked, width=int(found["width"])))
        yield from rows_of(view, setup, asked.encoder, features, gains[setup], content)


def kept(folder: Path, key: str, compute: Callable[[], Features]) -> Features:
    """Features from ``folder`` when it has them, else computed and kept there."""

    def rows_of_features() -> list[list[Any]]:
        return [[*pair, found] for pair, found in compute().items()]

    rows = finished(folder, "features", key, rows_of_features)
    return {(source, target): found for source, target, found in rows}


def rows_of(
    view: str,
    setup: SetUp,
    encoder: str,
    features: Features,
    gains: Gains,
    content: Mapping[str, str],
) -> Iterator[dict[str, Any]]:
    """Rows of one view of one set-up, for the pairs that were measured."""
    for (source, target), found in features.items():
        seeds = gains.get((source, target), [])
        known = [row["gain"] for row in seeds if row["gain"] is not None]
        if not known or len(known) < len(seeds):
            continue
        deviation = float(np.std(known, ddof=1)) if len(known) > 1 else np.nan
        yield {
            "source": source,
            "target": target,
            "source_content": content[source],
            "target_content": content[target],
            "encoder": encoder,
            "trunk": setup.trunk,
            "view": view,
            "metric": seeds[0]["metric"],
            "gain": float(np.mean(known)),
            "stderr": deviation / len(known) ** 0.5,
            "seeds": len(known),
            "first": float(known[0]),
            "first_five": float(np.mean(known[:5])) if len(known) > 5 else np.nan,
            "stl_loss": float(np.mean([row["stl_loss"] for row in seeds])),
            "metric_gain": float(np.mean([row["metric_gain"] for row in seeds])),
            "leaked": float(np.mean([row["leaked"] for row in seeds])),
            "recipe": setup.recipe,
            "updates": setup.updates,
            **found,
        }
