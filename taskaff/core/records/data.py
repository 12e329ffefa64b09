"""Data sets: what the user asked for, what was understood, and batches of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from taskaff.core.records.shown import Shown
from taskaff.core.settings.forms import COLUMNS, VALUES
from taskaff.core.settings.setting import Setting

if TYPE_CHECKING:
    import pyarrow as pa

    from taskaff.core.records.arrays import Floats, Floats32, Ints

ROW_IDENTITY = 2
"""Version of the rule by which two rows are one (``stages.signature.text_normalization``), which
decides folds and overlap."""

LabelKind = Literal["classes", "multilabel", "regression", "none"]

OnBadRow = Literal["fail", "skip"]

SplitName = Literal["train", "validation", "test"]

Layout = Literal["single", "pair", "vectors"]

SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class DataRequest:
    """One data-set argument with everything that the user said about it.

    ``source`` is what was typed (``PATH``, a directory, a glob, ``-``, a URL) or, from Python, a
    table, an object that speaks the Arrow C stream protocol, or an ``(X, y)`` pair.
    """

    source: Any
    name: str | None = None
    text: Annotated[
        tuple[str, ...] | None,
        Setting(
            "Text column, or two for pairs.",
            "A name, or a list of names.",
            metavar="COL[,COL]",
            form=COLUMNS,
        ),
    ] = None
    label: Annotated[
        tuple[str, ...] | None,
        Setting("Label column or columns.", metavar="COL[,COL]", form=COLUMNS),
    ] = None
    label_kind: Annotated[LabelKind | None, Setting("What the labels are.")] = None
    split_column: Annotated[
        str | None,
        Setting("Column that names the split; none ignores one called split.", metavar="COL"),
    ] = None
    join_tokens: Annotated[bool, Setting("Join texts that are lists of words.")] = False
    """With blanks between them."""
    format: Annotated[
        str | None,
        Setting(
            "In place of the suffix: csv, tsv, jsonl, txt, parquet ..., or csv.gz.",
            "`csv`, `tsv`, `jsonl`, `txt`, `parquet`, `arrow`, `npz`, `npy`; compressed, `csv.gz`.",
            option="input-format",
            metavar="FORMAT",
        ),
    ] = None
    delimiter: Annotated[str | None, Setting(r"Of CSV files; \t is a tab.", metavar="CHAR")] = None
    encoding: Annotated[str | None, Setting("Of text files; UTF-8 if not given.")] = None
    quote: Annotated[str | None, Setting("Of CSV files.", metavar="CHAR")] = None
    no_header: Annotated[
        bool, Setting("CSV without a header line; its columns are c0, c1, ...")
    ] = False
    skip_lines: Annotated[int, Setting("Lines of text files to skip.", ge=0)] = 0
    on_bad_row: Annotated[
        OnBadRow, Setting("Skipped rows are counted and named in the result.")
    ] = "fail"
    missing_label: Annotated[
        tuple[str, ...],
        Setting(
            "Means no label; repeatable.",
            "A value, or a list of values.",
            metavar="VALUE",
            form=VALUES,
        ),
    ] = ()
    """Further values of the label column that stand for no label."""
    limit: Annotated[
        int | None, Setting("Rows to read of each data set.", "Of each of its splits.", ge=1)
    ] = None


@dataclass(frozen=True, slots=True)
class LabelSchema:
    """What the labels are: kind, names of the ``c`` columns of ``Y``, and where they came from.

    ``names`` are the class names in sorted order (``classes``), the label columns or list items
    (``multilabel``), the target columns (``regression``), or empty (``none``).
    """

    kind: LabelKind
    names: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """``c``."""
        return len(self.names)


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was skipped because the user allowed it, and why."""

    file: str
    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file that was read: its SHA-256 identifies the content, whatever it is called."""

    path: str
    format: str
    split: SplitName
    rows: int
    bytes: int
    sha256: str
    rejected: int = 0
    unlabelled: int = 0
    """Rows that were left out because they have no label."""


@dataclass(frozen=True, slots=True, repr=False)
class TaskInfo(Shown):
    """What was understood of a data set before anything is embedded (``taskaff inspect``)."""

    name: str
    files: tuple[InputFile, ...]
    layout: Layout
    text_columns: tuple[str, ...]
    schema: LabelSchema
    rows: Mapping[str, int]
    """Rows per split."""
    label_counts: Mapping[str, int] = field(default_factory=dict)
    """Rows per class or positive rows per label column, all splits together."""
    vector_width: int | None = None
    dialect: Mapping[str, str] = field(default_factory=dict)
    """Reader options that were in force (delimiter, encoding, quote ...)."""
    rejects: tuple[Reject, ...] = ()
    """The first skipped rows; their whole number is the sum over ``files``."""
    unlabelled: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Rows without a label that were left out: per split, why and how many."""
    label_ids: tuple[str, ...] = ()
    """Names of the ids 0, 1 ... of the label column, by ClassLabel metadata."""
    columns: tuple[str, ...] = ()
    """Every column of the input, used or not."""
    split_column: str | None = None
    """The column that names each row's split, when one does."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Consecutive rows of one file: texts or ready vectors, and their labels.

    ``text`` holds one Arrow string array (single texts), two (pairs) or none (ready vectors);
    nulls never occur. ``vectors`` is ``(n, d)`` float32. ``labels`` is ``(n,)`` int64 codes into
    ``LabelSchema.names`` for classes, ``(n, c)`` float64 for multi-label and regression, or None.
    """

    file: str
    split: SplitName
    first_row: int
    text: tuple[pa.Array, ...]
    vectors: Floats32 | None
    labels: Ints | Floats | None

    @property
    def rows(self) -> int:
        """``n``."""
        return len(self.text[0]) if self.text else len(self.vectors)  # type: ignore[arg-type]


class Task(Protocol):
    """An opened data set: scanned and validated once, readable in batches any number of times."""

    @property
    def info(self) -> TaskInfo:
        """What was understood."""
        ...

    def batches(self, file: InputFile | None = None) -> Iterator[RowBatch]:
        """Stream the rows of one file (all files by default), never a whole file in memory."""
        ...
