"""What people read of a result: headings, paragraphs and tables, described before any markup.

A page is built once for every result (``PAGES``) and written by two writers, for a terminal and as
markdown. Texts hold names as they are in the data: the writers escape, number footnotes and cut
names to their room.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from taskaff.core.records.check import CheckResult
from taskaff.core.records.data import TaskInfo
from taskaff.core.records.overlap import OverlapResult
from taskaff.core.records.probe import ProbeResult
from taskaff.core.records.score import CapacityPoint, PairTable, ScoreResult
from taskaff.core.registry import load
from taskaff.stages.report.options import ReportOptions

PAGES: dict[type, str] = {
    ScoreResult: "taskaff.stages.report.score.page:page",
    ProbeResult: "taskaff.stages.report.probe.page:page",
    CheckResult: "taskaff.stages.report.check.page:page",
    TaskInfo: "taskaff.stages.report.inspection:page",
    OverlapResult: "taskaff.stages.report.overlap:page",
}
"""Record to ``page(result, options, wide)``."""


@dataclass(frozen=True, slots=True)
class Page:
    """Everything in order; ``verdicts`` are the lines that stand for it when only they are asked.

    ``title`` opens a document; at a terminal the command that was typed says as much.
    """

    title: str
    verdicts: Sequence[str]
    parts: Iterable[Part]


class Part:
    """Something that stands on a line of its own; each writer has a function for every kind."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Heading(Part):
    """The title of a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Gap(Part):
    """An empty line at a terminal; markdown has one between any two parts."""


@dataclass(frozen=True, slots=True)
class Paragraph(Part):
    """A text; ``style`` is rich's, ``dim`` for what explains."""

    text: str
    style: str = ""
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Line(Part):
    """A text on one line however long it is: a row of a listing, or a command to copy."""

    text: str
    code: bool = False


@dataclass(frozen=True, slots=True)
class Items(Part):
    """Texts of one kind: a list in markdown. Of ``answers`` the part before ``;`` stands out."""

    texts: Sequence[str]
    style: str = ""
    answers: bool = False


@dataclass(frozen=True, slots=True)
class Listing(Part):
    """Terms and what is said of each, under two headers where headers are written."""

    entries: Sequence[tuple[str, str]]
    headers: tuple[str, str] = ("what", "found")


@dataclass(frozen=True, slots=True)
class Names:
    """A cell of data sets' names; ``mark`` stands between two."""

    names: tuple[str, ...]
    mark: str = "→"


@dataclass(frozen=True, slots=True)
class Noted:
    """A cell with a footnote; the same note has the same number. An empty note is none."""

    text: str
    note: str


@dataclass(frozen=True, slots=True)
class Styled:
    """A cell with a style of rich."""

    text: str
    style: str


Cell = str | Names | Noted | Styled


@dataclass(frozen=True, slots=True)
class Table(Part):
    """Headers and rows; the columns in ``right`` hold numbers.

    The first ``lead`` columns are repeated where the others do not fit side by side, unless cells
    are ``folding``. ``names`` are the least and most columns of a terminal for a name, and the part
    of its width in between.
    """

    headers: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    right: Sequence[int] = ()
    lead: int = 1
    names: tuple[int, int, int] = (8, 24, 7)
    folding: bool = False

    @property
    def columns(self) -> list[Sequence[Cell]]:
        """The cells column by column, in which order their footnotes are numbered."""
        return [[row[n] for row in self.rows] for n in range(len(self.headers))]


@dataclass(frozen=True, slots=True)
class Footnotes(Part):
    """The notes of the cells since the last footnotes."""


@dataclass(slots=True)
class Numbering:
    """Footnotes in the order of their first use, each text once; what a writer keeps of them."""

    texts: list[str] = field(default_factory=list)

    def mark(self, cell: Cell) -> int:
        """The number of a cell's note, 0 for none."""
        note = cell.note if isinstance(cell, Noted) else ""
        if note and note not in self.texts:
            self.texts.append(note)
        return self.texts.index(note) + 1 if note else 0

    def flush(self) -> list[tuple[int, str]]:
        """The notes with their numbers, which start again."""
        found = list(enumerate(self.texts, 1))
        self.texts.clear()
        return found


@dataclass(frozen=True, slots=True)
class ScoreList(Part):
    """Scores of the only pair: name, direction, value, interval, further numbers, explanation."""

    rows: Sequence[tuple[str, Names | None, Noted, str, str, str]]


@dataclass(frozen=True, slots=True)
class Block:
    """A matrix of signs: what every row does to every column, and how it was trained."""

    title: str
    signs: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Signs(Part):
    """What every data set does to every other one, as one sign each."""

    names: tuple[str, ...]
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class HeatMap(Part):
    """A score of all pairs as shades, at a terminal alone."""

    table: PairTable
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Curve(Part):
    """Error against capacity, with the recommended one marked."""

    points: Sequence[CapacityPoint]
    recommended: int | None


def page_of(result: Any, options: ReportOptions, wide: bool) -> Page:
    """The page of a result; ``wide`` where rows may be as long as they are."""
    found: Page = load(PAGES[type(result)])(result, options, wide)
    return found
