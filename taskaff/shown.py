"""How results show themselves in Python: one line, a table in a notebook, a pandas frame."""

from __future__ import annotations

from typing import Any


class Shown:
    """A record with a short ``repr`` in place of all its fields, and a table for notebooks."""

    __slots__ = ()

    def __repr__(self) -> str:
        from taskaff.frames import line

        return f"<{type(self).__name__}: {line(self)}>"

    def _repr_html_(self) -> str:
        from taskaff.frames import html

        return html(self)


class Tabular(Shown):
    """A result whose rows can be a pandas frame."""

    __slots__ = ()

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame``: one row a directed pair (score, probe) or a finding (check).

        Raises
        ------
        UsageError : pandas is not installed; ``taskaff.to_dict`` needs nothing.
        """
        from taskaff.frames import to_pandas

        return to_pandas(self)
