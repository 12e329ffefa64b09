"""Which columns are texts, vectors, labels and splits.

By default names decide, whatever their case:

* texts: one of ``text``, ``sentence``, ``question``; or a pair: ``text, text_b``,
  ``text_a, text_b``, ``sentence1, sentence2``, ``premise, hypothesis``, ``question1, question2``,
  or ``question`` with one of ``sentence, answer, context, passage``;
* ready vectors: a list column ``vector``, ``vectors``, ``embedding``, ``embeddings`` or ``X``;
* labels: every column that starts with ``label::``; else one of ``label``, ``labels``, ``score``,
  ``target`` (and ``y`` beside ``X``); else, when at least two columns are left and **all** of them
  are 0/1 columns, those (multi-label). A file with nothing left has no labels;
* numeric features: in a typed format without text or vector column, once the labels are known,
  every other column if all are numbers.

Anything else is an error that lists the candidates. ``--text`` and ``--label`` name columns
exactly, or by a pattern (``--text 'Att*'``); more than two are features.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from taskaff.core.errors import DataError, Place
from taskaff.core.records.data import DataRequest, Layout
from taskaff.core.registry import closest
from taskaff.stages.data import roles
from taskaff.stages.data.candidates import Candidates, flag, is_number, looks_like_a_row
from taskaff.stages.data.names import LABELS, TEXT_PAIRS, TEXTS, and_more
from taskaff.stages.data.reader import Reader

_VECTORS = ("vector", "vectors", "embedding", "embeddings", "x")
_LABEL_PREFIX = "label::"
_ROLES: dict[Layout, roles.Role] = {"single": "text", "pair": "text", "vectors": "vector"}
NO_SPLIT = "none"
"""``--split-column none``: a column called ``split`` holds something else."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The columns in use. ``inputs`` are one or two texts, one vector column, or many features."""

    layout: Layout
    inputs: tuple[str, ...]
    features: bool
    labels: tuple[str, ...]
    binary: bool
    """The labels were taken because they are 0/1 columns."""
    split: str | None
    notes: tuple[str, ...]

    @property
    def used(self) -> tuple[str, ...]:
        """Every column to read, once each."""
        split = (self.split,) if self.split else ()
        return tuple(dict.fromkeys(self.inputs + self.labels + split))


class Chooser:
    """Applies the rules above to the columns of one file."""

    def __init__(self, request: DataRequest, reader: Reader, path: str) -> None:
        self._request, self._reader, self._path = request, reader, path
        self._typed = reader.typed
        self._columns = {column.name: column for column in reader.columns}
        self._notes: list[str] = []

    def choose(self) -> Choice:
        """Choose the columns; raises ``DataError`` with the candidates and the flag."""
        split = self._split()
        labels = self._named_labels(split)
        inputs, layout, features = self._inputs(labels, split)
        self._check_types(inputs, "feature" if features else _ROLES[layout])
        binary = labels is None
        if labels is None:
            labels = self._remaining_labels(inputs, split)
        if both := set(inputs) & set(labels):
            raise self._error(
                f"column {min(both)!r} is both input and label", "--text COL --label OTHER"
            )
        if split is not None and split in (*inputs, *labels):
            use = "input" if split in inputs else "label"
            raise self._error(
                f"column {split!r} is both {use} and split",
                "--split-column OTHER, or --split-column none",
            )
        self._check_types(labels, "label" if len(labels) == 1 else "labels")
        self._check_types((split,) if split else (), "split")
        if layout != "vectors":
            self._note_numbers(inputs)
        notes = tuple(self._notes)
        return Choice(layout, inputs, features, labels, binary and bool(labels), split, notes)

    def _check_types(self, names: Sequence[str], role: roles.Role) -> None:
        """Refuse columns whose type the role does not accept; cells of CSV may hold anything."""
        for name in names if self._typed else ():
            roles.check(self._columns[name], role, self._path)

    def _note_numbers(self, names: Sequence[str]) -> None:
        """Say of texts that are numbers, whatever the format, that each is read as a word."""
        for name, cells in zip(names, self._reader.peek(names).columns, strict=True):
            shown = [str(cell) for cell in cells.to_pylist() if cell is not None]
            if shown and all(map(is_number, shown)):
                self._notes.append(
                    f"text column {name!r} holds numbers, which are read as words; "
                    "three or more columns would be numeric features"
                )

    # -- splits

    def _split(self) -> str | None:
        """The column that ``--split-column`` names, or one called ``split``; ``none`` is neither.

        The scan checks its cells and refuses the first one that names no split.
        """
        asked = self._request.split_column
        if asked == NO_SPLIT:
            return None
        if asked is not None:
            columns = self._exact((asked,), "--split-column")
            if len(columns) > 1:
                raise self._error(
                    f"{asked!r} stands for {len(columns)} columns, and one names the splits",
                    flag("--split-column", columns[:1]),
                )
            return columns[0]
        named = self._match(("split",))
        if named in (*(self._request.text or ()), *(self._request.label or ())):
            return None
        if named:
            self._notes.append(f"splits from column {named!r}")
        return named

    # -- inputs

    def _inputs(
        self, labels: tuple[str, ...] | None, split: str | None
    ) -> tuple[tuple[str, ...], Layout, bool]:
        if self._request.text is not None:
            return self._asked(self._exact(self._request.text, "--text"))
        named = self._among(_VECTORS)
        vectors = [name for name in named if roles.fits(self._columns[name].type, "vector")]
        matched = [[self._match((name,)) for name in pair] for pair in TEXT_PAIRS]
        pairs = [(first, second) for first, second in matched if first and second]
        paired = {name for pair in pairs for name in pair}
        singles = [name for name in self._among(TEXTS) if name not in paired]
        candidates = [(name,) for name in vectors] + pairs + [(name,) for name in singles]
        if len(candidates) > 1:
            raise self._error(
                "several columns could be the text: "
                + " or ".join(",".join(names) for names in candidates),
                " or ".join(flag("--text", names) for names in candidates),
            )
        if candidates:
            names = candidates[0]
            if vectors:
                return names, "vectors", False
            return names, "pair" if len(names) == 2 else "single", False
        return self._features(labels, split), "vectors", True

    def _asked(self, names: tuple[str, ...]) -> tuple[tuple[str, ...], Layout, bool]:
        """What ``--text`` named: texts, one vector column, or features."""
        kinds = {name: self._columns[name].type for name in names}
        if len(names) == 1 and roles.fits(kinds[names[0]], "vector"):
            return names, "vectors", False
        if len(names) > 2:
            wrong = [n for n in names if self._typed and not roles.fits(kinds[n], "feature")]
            if wrong:
                raise self._error(
                    f"{len(names)} input columns are numeric features, and {wrong[0]!r} is not "
                    "numeric",
                    "--text with one or two text columns, or only numeric ones",
                )
            return names, "vectors", True
        return names, "pair" if len(names) == 2 else "single", False

    def _features(self, labels: tuple[str, ...] | None, split: str | None) -> tuple[str, ...]:
        left = [name for name in self._columns if name not in (*(labels or ()), split)]
        numbers = {"integers", "floats", "decimals"}
        numeric = {roles.family(self._columns[name].type) for name in left} <= numbers
        if labels and left and self._typed and numeric:
            self._notes.append(
                f"no text column: the {len(left)} numeric columns are the input vectors"
            )
            return tuple(left)
        problem = f"no column has a name that says text; columns: {_quoted(list(self._columns))}"
        wanted = labels is None and self._request.label_kind != "none"
        flags = Candidates(self._reader, without=(*(labels or ()), split)).flags(label=wanted)
        hint = flags or "name a column of texts in the header, or --text COL"
        headless = self._headless()
        if headless is not None:
            problem += "; the first line looks like a row"
            hint = f"--no-header {Candidates(headless).flags()}; or, if it is the header: {hint}"
        raise self._error(problem, hint)

    def _headless(self) -> Reader | None:
        """Reader of the file without a header line, if that line looks like a row; else None."""
        again = getattr(self._reader, "without_header", None)
        if again is None or not looks_like_a_row(list(self._columns), self._reader):
            return None
        return cast(Reader, again())

    # -- labels

    def _named_labels(self, split: str | None) -> tuple[str, ...] | None:
        """Labels by flag or by name; None when neither says anything."""
        if self._request.label is not None:
            return self._exact(self._request.label, "--label")
        if self._request.label_kind == "none":
            return ()
        prefixed = tuple(n for n in self._columns if n.lower().startswith(_LABEL_PREFIX))
        if prefixed:
            self._notes.append(f"labels: the {len(prefixed)} columns that start with 'label::'")
            return prefixed
        arrays = self._match(("x",)) or self._path == "(X, y)"  # whose X may be texts
        asked = self._request.text or ()
        names = self._among((*LABELS, "y") if arrays else LABELS)
        columns = [name for name in names if name not in (*asked, split)]
        if len(columns) > 1:
            raise self._error(
                f"several columns could be the label: {_quoted(columns)}",
                " or ".join(flag("--label", [name]) for name in columns),
            )
        return tuple(columns) or None

    def _remaining_labels(self, inputs: tuple[str, ...], split: str | None) -> tuple[str, ...]:
        left = [name for name in self._columns if name not in (*inputs, split)]
        if not left:
            return ()
        binary = self._binary(left) if len(left) > 1 else []
        if len(left) > 1 and len(binary) == len(left):
            self._notes.append(f"multi-label: the {len(left)} other columns, all 0/1")
            return tuple(left)
        likely = Candidates(self._reader, without=(*inputs, split)).label_flag(None)
        first = flag("--label", binary[:40]) if len(binary) > 1 else likely
        none = "--label-kind none"
        raise self._error(
            f"no column has a name that says label; candidates: {_quoted(left)}",
            f"{first} (or {none} to compare inputs only)" if first != none else none,
        )

    def _binary(self, names: Sequence[str]) -> list[str]:
        """The columns whose first rows are all 0 or 1."""
        plain = [
            n for n in names if not self._typed or roles.fits(self._columns[n].type, "feature")
        ]
        head = self._reader.peek(plain) if plain else None
        if head is None or not head.num_rows:
            return []
        digits = {"0", "1", "0.0", "1.0", "true", "false"}
        cells = [{str(cell).lower() for cell in array.to_pylist()} for array in head.columns]
        return [name for name, own in zip(plain, cells, strict=True) if own <= digits]

    # -- names

    def _match(self, names: Sequence[str]) -> str | None:
        """The one column whose lower-case name is among ``names``."""
        columns = [name for name in self._columns if name.lower() in names]
        if len(columns) > 1:
            raise self._error(
                f"columns {_quoted(columns)} differ only in case", "rename one of them"
            )
        return columns[0] if columns else None

    def _among(self, names: Sequence[str]) -> list[str]:
        return [column for name in names if (column := self._match((name,)))]

    def _exact(self, asked: Sequence[str], option: str) -> tuple[str, ...]:
        """Columns named exactly, or by patterns."""
        names: list[str] = []
        for word in asked:
            fitting = [name for name in self._columns if fnmatch.fnmatchcase(name, word)]
            matches = [word] if word in self._columns else fitting
            if not matches:
                every, near = list(self._columns), closest(word, self._columns)
                raise self._error(
                    f"there is no column {word!r}; columns: {_quoted(every)}",
                    flag(option, [near]) if near else f"{flag(option, every[:1])}, for example",
                )
            names.extend(matches)
        return tuple(dict.fromkeys(names))

    def _error(self, problem: str, hint: str) -> DataError:
        return DataError(problem, where=Place(self._path), hint=hint)


def _quoted(names: Sequence[str]) -> str:
    return and_more([repr(name[:60]) for name in names])
