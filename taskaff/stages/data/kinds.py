"""What one column of scalars is: classes, numbers to predict, or lists that were written as text.

Values decide and not how they are stored, so that a file gives the same task in every format.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from taskaff.core.errors import DataError
from taskaff.core.records.data import LabelKind
from taskaff.stages.data.candidates import valued
from taskaff.stages.data.spelling import listed
from taskaff.stages.data.value_counts import MAX_COUNTED, Tally

MAX_CLASSES = 1000
"""More distinct classes than this look like an id, unless the kind was given."""
MAX_CLASSES_ASKED = 10_000


@dataclass(frozen=True, slots=True)
class Column:
    """Labelled values of a column: its tally without those that mean "no label"."""

    name: str
    tally: Tally
    words: Counter[str]
    """Labelled values, as far as they were counted."""
    forms: Counter[str]
    """Labelled values by the form in which they are written (``Tally.forms``)."""
    named: bool
    """Whether a ClassLabel names the values."""

    @property
    def rows(self) -> int:
        """Labelled rows."""
        return self.forms.total()

    @property
    def numeric(self) -> bool:
        """Whether all labelled values are numbers."""
        return not (self.forms["word"] or self.forms["comma"] or self.forms["list"])

    def sample(self, form: str) -> str:
        """One value of a form, for messages."""
        return repr(self.tally.samples[form][:60])


def kind_of(column: Column) -> LabelKind:
    """Label kind that the values tell; raises ``DataError`` where they mix kinds."""
    forms = column.forms
    if column.named:
        return "classes"
    if forms["list"]:
        _check_lists(column)
        return "multilabel"
    decimals = forms["decimal"]
    if column.numeric:
        return "regression" if decimals or _too_many(column) else "classes"
    if not forms["word"]:
        raise DataError(
            f"label column {column.name!r} holds numbers with a comma, such as "
            + column.sample("comma"),
            hint="write 1.5 and 1000 for 1,5 and 1,000; if they are names of classes: "
            "--label-kind classes",
        )
    if 2 * decimals > column.rows:
        said = valued("--missing-label", column.tally.samples["word"])
        raise DataError(
            f"label column {column.name!r} holds numbers with a decimal point, and "
            f"words such as {column.sample('word')}",
            hint=f"fix those cells; if they mean no label: {said}; if all are classes: "
            "--label-kind classes",
        )
    return "classes"


def _check_lists(column: Column) -> None:
    """Lists written as text are read where every cell is one."""
    odd = next((word for word in column.words if listed(word) is None), None)
    if odd is not None:
        raise DataError(
            f"label column {column.name!r} holds lists such as {column.sample('list')}, "
            f"and {odd[:60]!r}",
            hint="write every label as a list, or take the text as the name of a class: "
            "--label-kind classes",
        )
    check_count(column, asked=False)


def _too_many(column: Column) -> bool:
    """Whether whole numbers are too many to be classes; those that count the rows are refused."""
    distinct = len(column.words)
    if not _like_an_id(column, distinct, asked=False):
        return False
    spans = column.tally.spans.values()
    low, high = min(s.low for s in spans), max(s.high for s in spans)
    if high - low + 1 == column.rows and (column.tally.full or distinct == column.rows):
        check_count(column, asked=False)
    return True


def check_count(column: Column, *, asked: bool) -> None:
    """Refuse more classes than can be meant."""
    distinct = len(column.words)
    if _like_an_id(column, distinct, asked):
        number = f"over {MAX_COUNTED:,}" if column.tally.full else f"{distinct:,}"
        raise DataError(
            f"label column {column.name!r} has {number} distinct values in "
            f"{column.rows:,} rows: it looks like an id or free text",
            hint="--label OTHER, or --label-kind regression if it is a number"
            + ("" if asked else ", or --label-kind classes if it is meant"),
        )


def _like_an_id(column: Column, distinct: int, asked: bool) -> bool:
    many = column.tally.full or distinct > (MAX_CLASSES_ASKED if asked else MAX_CLASSES)
    alike = not asked and not column.named and column.rows > 50 and 2 * distinct > column.rows
    return many or alike
