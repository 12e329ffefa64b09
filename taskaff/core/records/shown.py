"""How results show themselves in Python: one line, a table in a notebook, a pandas frame.

What does it stands above the records, so it is named here and loaded when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskaff.core.registry import load

if TYPE_CHECKING:
    from taskaff.core.records.answer import Answer

LINE = "taskaff.stages.report.frames:line"
HTML = "taskaff.stages.report.frames:html"
FRAME = "taskaff.stages.report.frames:to_pandas"
ANSWERS = "taskaff.core.answers:of_result"


class Shown:
    """A record with a short ``repr`` in place of all its fields, and a table for notebooks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {load(LINE)(self)}>"

    def _repr_html_(self) -> str:
        html: str = load(HTML)(self)
        return html


class Tabular(Shown):
    """A result whose rows can be a pandas frame."""

    __slots__ = ()

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame``: one row a directed pair (score, probe) or a finding (check).

        Raises
        ------
        UsageError : pandas is not installed; ``taskaff.to_dict`` needs nothing.
        """
        return load(FRAME)(self)


class Answered(Tabular):
    """A result that says what to do with each data set."""

    __slots__ = ()

    @property
    def answers(self) -> tuple[Answer, ...]:
        """What to do with each data set as the newcomer, and why (``taskaff.core.answers``)."""
        answers: tuple[Answer, ...] = load(ANSWERS)(self)
        return answers
