"""What ``taskaff overlap`` found: rows of two data sets that are the same, or nearly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

SharedKind = Literal["exact", "near"]


@dataclass(frozen=True, slots=True)
class RowPlace:
    """One row of a file, as a person finds it again."""

    file: str
    row: int
    """Number among the rows that were read of this file, from 1; a header is no row."""
    split: str
    label: str
    """Names of classes or labels, or numbers; empty where there are none."""
    text: str
    """The text, or both with `` ||| `` between them."""


@dataclass(frozen=True, slots=True)
class SharedRow:
    """A row of the target and the first row of the source that is its copy."""

    kind: SharedKind
    """``exact``: equal in the normal form of both; ``near``: but for about a word."""
    target: RowPlace
    source: RowPlace
    conflict: bool
    """Whether both have labels of the same set, and different ones."""


@dataclass(frozen=True, slots=True)
class OverlapResult:
    """Rows of the target that the source has, in the order of the target."""

    source: str
    target: str
    rows: Sequence[SharedRow]
    target_rows: int
    """Rows of the target in all."""

    def count(self, kind: SharedKind) -> int:
        """Rows of one kind."""
        return sum(row.kind == kind for row in self.rows)

    @property
    def conflicts(self) -> int:
        """Rows whose copy has another label."""
        return sum(row.conflict for row in self.rows)
