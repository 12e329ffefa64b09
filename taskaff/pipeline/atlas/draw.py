"""Which pairs of many data sets an atlas measures: related sources first, then any others.

Where a source helps it is mostly of the target's domain or has its kind of label, and among drawn
pairs few are. So a set-up may ask for some of these first.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from taskaff.core.errors import Place, UsageError
from taskaff.core.files import read_text
from taskaff.core.store import digest_key
from taskaff.pipeline.atlas.measure import Member
from taskaff.pipeline.atlas.setups import SetUp

KINDS = ("domain", "label")
"""Columns of a table of groups: kind of text, and kind of label."""

MIXED = frozenset({"", "general", "other"})
"""Values that two data sets may have in common without being related."""

MOST_BYTES = 2**24

Groups = Mapping[str, tuple[str, ...]]
"""Data set to its value in each of ``KINDS``."""


def read_groups(paths: Sequence[Path]) -> Groups:
    """Domain and kind of label of data sets, from tables with tabs: ``name domain label``.

    Raises
    ------
    UsageError : a table that cannot be read, or has none of these columns.
    """
    groups: dict[str, tuple[str, ...]] = {}
    for path in paths:
        try:
            text = read_text(path, MOST_BYTES)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot be read: {error}", where=Place(str(path))) from error
        rows = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
        if not {"name", *KINDS} <= {*(rows.fieldnames or ())}:
            problem = f"not a table with the columns name, {', '.join(KINDS)}, separated by tabs"
            raise UsageError(problem, where=Place(str(path)))
        groups |= {row["name"]: tuple((row[kind] or "").strip() for kind in KINDS) for row in rows}
    return groups


def related(groups: Groups, source: str, target: str) -> bool:
    """Whether two data sets have one domain, or one kind of label."""
    ends = zip(groups.get(source, ()), groups.get(target, ()), strict=False)
    return any(one == other and one not in MIXED for one, other in ends)


def not_drawn(
    setup: SetUp, members: Sequence[Member], groups: Groups | None = None
) -> set[tuple[str, str]]:
    """Names of source and target of what is too much: a draw stays when data sets are added."""
    layout = {member.vectors.name: member.layout for member in members}
    names = set()
    for target, own in layout.items():
        able = [s for s, its in layout.items() if s != target and (setup.mixed or its == own)]
        drawn = sorted(able, key=lambda source: digest_key(source=source, target=target))
        near = [s for s in drawn if related(groups or {}, s, target)][: setup.related]
        drawn = [*near, *(s for s in drawn if s not in near)]
        names |= {(source, target) for source in drawn[setup.sources :]}
    return names
