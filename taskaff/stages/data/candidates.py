"""Which columns could be meant, when no name says it: the flags that a hint offers.

Texts are string columns, the longest first; a label is a column whose first cells repeat. A column
without a name is never offered, and what is offered works as printed.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.types as pat

from taskaff.stages.data.reader import Reader

_SEEN = 200
"""Number of columns that are examined."""
_LABEL_WORDS = (
    "label", "class", "category", "target", "sentiment", "polarity", "rating", "stars", "score",
    "topic", "intent", "emotion", "gold", "answer", "toxic", "y",
)  # fmt: skip
_LONG_NAME = 40
_NAME_WORDS = 5


class Candidates:
    """The first rows of every column of a file that could be a text or a label."""

    def __init__(self, reader: Reader, without: Collection[str | None] = ()) -> None:
        kinds = {c.name: c.type for c in reader.columns if c.name and c.name not in without}
        names = [name for name, kind in kinds.items() if is_text(kind) or _is_plain(kind)][:_SEEN]
        batch = reader.peek(names)
        columns = zip(names, batch.columns, strict=True) if names else ()
        self._cells = {
            name: ["" if cell is None else str(cell) for cell in array.to_pylist()]
            for name, array in columns
        }
        self._texts = [name for name in names if is_text(kinds[name])]

    def texts(self) -> list[str]:
        """String columns that hold no numbers, the longest first."""
        length = {n: sum(map(len, self._cells[n])) for n in self._texts if not self._numeric(n)}
        return sorted((n for n, size in length.items() if size), key=lambda n: -length[n])

    def labels(self, text: str | None) -> list[str]:
        """Columns of few values, those first whose name sounds like a label."""
        columns = [name for name in self._cells if name != text and self._repeats(name)]
        return sorted(columns, key=lambda n: (not _sounds(n), len(set(self._cells[n]))))

    def label_flag(self, text: str | None) -> str:
        """``--label COL`` with the likeliest one; without any, the comparison of inputs."""
        labels = self.labels(text)
        return flag("--label", labels[:1]) if labels else "--label-kind none"

    def flags(self, label: bool = True) -> str | None:
        """``--text COL``, with the label too if that is wanted and there is another column."""
        texts = self.texts()
        if not texts:
            return None
        said = flag("--text", texts[:1])
        return f"{said} {self.label_flag(texts[0])}" if label and len(self._cells) > 1 else said

    def _numeric(self, name: str) -> bool:
        cells = [cell for cell in self._cells[name] if cell]
        return 2 * sum(is_number(cell) for cell in cells) > len(cells)

    def _repeats(self, name: str) -> bool:
        cells = self._cells[name]
        kinds = len(set(cells))
        return "" not in cells and (2 * kinds <= len(cells) or kinds <= 2)


def looks_like_a_row(names: Sequence[str], reader: Reader) -> bool:
    """Whether a header line could be a row: a number, a sentence, or a value of its column."""
    if [*names] == [str(at) for at in range(len(names))]:
        return False  # the column names that pandas gives
    shown = names[:_SEEN]
    columns = [array.to_pylist() for array in reader.peek(shown).columns]
    return any(
        is_number(name)
        or len(name) > _LONG_NAME
        or len(name.split()) > _NAME_WORDS
        or (name.strip() and name in column)
        for name, column in zip(shown, columns, strict=True)
    )


def flag(option: str, names: Sequence[str]) -> str:
    """``option`` with column names, quoted for the shell and for the list between commas."""
    return valued(option, ",".join(_listed(name) for name in names))


def valued(option: str, text: str) -> str:
    """``option`` with one value, quoted for the shell."""
    value = shlex.quote(text)
    return f"{option}={value}" if value.startswith(("-", "'-")) else f"{option} {value}"


def _listed(name: str) -> str:
    plain = name == name.strip() and not set(name) & set(',"\r\n')
    return name if plain else '"' + name.replace('"', '""') + '"'


def is_number(text: str) -> bool:
    """Whether a cell is written like a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds strings (or nothing)."""
    if pat.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pat.is_string(kind)
        or pat.is_large_string(kind)
        or pat.is_string_view(kind)
        or pat.is_null(kind)
    )


def _is_plain(kind: pa.DataType) -> bool:
    return bool(pat.is_integer(kind) or pat.is_boolean(kind) or pat.is_floating(kind))


def _sounds(name: str) -> bool:
    lower = name.lower()
    return any(word in lower if len(word) > 1 else word == lower for word in _LABEL_WORDS)
