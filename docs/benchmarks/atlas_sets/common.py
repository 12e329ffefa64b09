"""What the readers of the data sets share: files of a pinned commit, tables, cleaning, output."""

from __future__ import annotations

import csv
import html
import io
import json
import random
import re
import subprocess
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

Row = tuple[Any, ...]  # one or two texts and a label: a name, a number in a regression, None: drop
LONGEST = 4000  # characters of a text
MOST_ROWS = 20_000
SMALLEST_CLASS = 8

csv.field_size_limit(10**8)

# ---- sources ------------------------------------------------------------------------------------


def git(clone: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    command = ["git", "-C", str(clone), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=True).stdout


@dataclass(frozen=True)
class Source:
    """A line of `sources.tsv`, and the files it names, read from a clone at the pinned commit."""

    name: str
    repository: str
    commit: str
    paths: list[str]  # files and folders
    clones: Path

    def files(self, paths: Iterable[str] | None = None) -> Iterator[tuple[str, bytes]]:
        """Path and content of every file under the paths, or under all paths of the source."""
        for path in self.paths if paths is None else paths:
            yield from read_tree(self.clones / self.repository, self.commit, path)

    def texts(
        self, paths: Iterable[str] | None = None, encoding: str | None = None
    ) -> Iterator[tuple[str, str]]:
        for path, content in self.files(paths):
            yield path, content.decode(encoding, "ignore") if encoding else decoded(content)

    def lines(self, paths: Iterable[str] | None = None) -> Iterator[str]:
        for _, text in self.texts(paths):
            yield from text.replace("\r\n", "\n").split("\n")

    def split(self, separator: str, width: int) -> Iterator[list[str]]:
        """The lines that have `width` fields; separators beyond stay in the last field."""
        rows = (line.split(separator, width - 1) for line in self.lines())
        return (row for row in rows if len(row) == width)

    def rows(self) -> Iterator[list[str]]:
        """The rows of CSV files without a header."""
        for _, text in self.texts():
            yield from csv.reader(io.StringIO(text, newline=""))

    def records(self, paths: Iterable[str] | None = None, **form: Any) -> Iterator[dict[str, str]]:
        for _, text in self.texts(paths):
            yield from records(text, **form)

    def json(self) -> Iterator[Any]:
        return (json.loads(text) for _, text in self.texts())

    def json_lines(self) -> Iterator[Any]:
        return (json.loads(line) for line in self.lines() if line.strip())

    def archive(self) -> zipfile.ZipFile:
        return zipfile.ZipFile(io.BytesIO(next(self.files())[1]))

    def sheets(self) -> dict[str, list[dict[str, str]]]:
        return sheets(self.archive())


def read_tree(clone: Path, commit: str, path: str) -> Iterator[tuple[str, bytes]]:
    """A file, or all files of a folder in the order of their names, by two processes in all."""
    listing = git(clone, "ls-tree", "-r", "-z", commit, "--", path).split(b"\0")[:-1]
    if not listing:
        raise FileNotFoundError(f"{clone}: no {path} in {commit}")
    entries = [line.split(b"\t", 1) for line in listing]
    ids = [meta.split()[2] for meta, _ in entries]
    content = io.BytesIO(git(clone, "cat-file", "--batch", stdin=b"\n".join(ids) + b"\n"))
    for _, name in entries:
        head = content.readline().split()
        if head[-1] == b"missing":
            raise FileNotFoundError(f"{clone}: the clone lacks the content of {name.decode()}")
        yield name.decode(), content.read(int(head[-1]))
        content.read(1)


def decoded(content: bytes) -> str:
    """UTF-8; in files that mix encodings, the lines that are not UTF-8 are cp1252."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        lines = content.splitlines(keepends=True)
        return "".join(map(decoded_line, lines)).lstrip("\ufeff")


def decoded_line(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")


def records(text: str, **form: Any) -> Iterator[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), **form)
    reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
    for record in reader:
        yield {name: record[name] or "" for name in reader.fieldnames}


MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def sheets(workbook: zipfile.ZipFile) -> dict[str, list[dict[str, str]]]:
    """The sheets of an xlsx file by name, a row as its values by column letter."""

    def parsed(path: str) -> ElementTree.Element:
        return ElementTree.fromstring(workbook.read(path))

    strings = [
        "".join(part.text or "" for part in item.iter(f"{MAIN}t"))
        for item in parsed("xl/sharedStrings.xml").iter(f"{MAIN}si")
    ]
    targets = {part.get("Id"): part.get("Target") for part in parsed("xl/_rels/workbook.xml.rels")}
    found = {}
    for sheet in parsed("xl/workbook.xml").iter(f"{MAIN}sheet"):
        target = (targets[sheet.get(RELATION)] or "").removeprefix("/").removeprefix("xl/")
        rows = parsed(f"xl/{target}").iter(f"{MAIN}row")
        found[sheet.get("name") or ""] = [dict(cells(row, strings)) for row in rows]
    return found


def cells(row: ElementTree.Element, strings: list[str]) -> Iterator[tuple[str, str]]:
    for cell in row:
        value = cell.findtext(f"{MAIN}v")
        if value:
            column = (cell.get("r") or "").rstrip("0123456789")
            yield column, strings[int(value)] if cell.get("t") == "s" else value


# ---- readers of usual shapes --------------------------------------------------------------------

Reader = Callable[[Source], Iterable[Row]]
Value = Callable[[str], Any]  # a label from what the file says; None drops the row


def picked(
    rows: Iterable[Any], texts: tuple[Any, ...], label: Any, value: Value, edit: Value
) -> Iterator[Row]:
    for row in rows:
        yield (*(edit(row[text]) for text in texts), value(row[label].strip()))


def columns(
    *texts: str, label: str, value: Value = str.lower, edit: Value = str, **form: Any
) -> Reader:
    """Tables with a header; `form` goes to `csv.DictReader`."""
    return lambda source: picked(source.records(**form), texts, label, value, edit)


def fields(
    separator: str, *texts: int, label: int, width: int, value: Value = str.lower, edit: Value = str
) -> Reader:
    """Lines of fields without a header and without quotation marks that mean something."""
    return lambda source: picked(source.split(separator, width), texts, label, value, edit)


def coded(names: str) -> Value:
    """From "0 none, 1 weak": gives codes their names; any other code drops the row."""
    return dict(entry.split(" ", 1) for entry in names.split(", ")).get


def numbered(names: str) -> Value:
    """The same for numbers that count from 1."""
    return {str(n): name for n, name in enumerate(names.split(", "), 1)}.get


def replacing(*changes: tuple[str, str]) -> Callable[[str], str]:
    """An edit by patterns and what to put in their place, one after the other."""

    def edit(text: str) -> str:
        for pattern, instead in changes:
            text = re.sub(pattern, instead, text)
        return text

    return edit


bracketed = replacing(  # what treebank tokens stand for; the tokens stay spaced
    ("(?i)-lrb-", "("), ("(?i)-rrb-", ")"), ("(?i)-lsb-", "["), ("(?i)-rsb-", "]"), ("``|''", '"')
)


def number(text: str) -> float | None:
    return float(text) if text.strip() else None


def unquoted(text: str) -> str:
    return text.strip().strip('"').replace('""', '"')


TSV: dict[str, Any] = {"delimiter": "\t", "quoting": csv.QUOTE_NONE}


# ---- cleaning -----------------------------------------------------------------------------------

C1 = {code: bytes([code]).decode("cp1252", "ignore") or " " for code in range(0x80, 0xA0)}
# UTF-8 punctuation that was read as cp1252 is these two signs and a third one, which may be lost.
MISREAD = "\u00e2\u20ac"
THIRD = {"\u0153": '"', "\u2122\u02dc": "'", "\u00a6": "...", "\u201c\u201d": "-"}


def repaired(text: str) -> str:
    """Turns bytes read in the wrong encoding back into what was written."""
    text = text.translate(C1)
    if MISREAD in text or "\u00c3" in text:
        with suppress(UnicodeError):
            text = text.encode("cp1252").decode("utf-8")
    for signs, meant in THIRD.items():
        text = re.sub(f"{MISREAD}[{signs}]", meant, text)
    return text.replace(MISREAD, '"')


@dataclass(frozen=True)
class Cleaning:
    """What is done to the texts of a group of sets, beyond the white space."""

    entities: bool = False
    misread: bool = False
    tags: str = ""
    lost: str = " "  # for the sign that stands for lost bytes
    lines: bool = False  # keep line ends

    def __call__(self, text: str) -> str:
        if self.entities:
            text = html.unescape(html.unescape(text))
        if self.misread:
            text = repaired(text)
        text = re.sub("\ufffd+", self.lost, text).replace("\x00", " ")
        if self.tags:
            text = re.sub(self.tags, " ", text, flags=re.IGNORECASE)
        if self.lines:
            text = re.sub(r"[ \t]+", " ", text.replace("\r", ""))
        else:
            text = re.sub(r"\s+", " ", text)
        return text.strip()[:LONGEST].strip()


# ---- from rows to a file ------------------------------------------------------------------------


def has_letters(text: str) -> bool:
    return re.search("[A-Za-z]", text) is not None


def in_english(text: str) -> bool:
    return has_letters(text) and sum(ord(sign) > 127 for sign in text) <= 0.3 * len(text)


@dataclass(frozen=True)
class Sets:
    """The readers of a group of data sets by name; `most` caps the rows of a class in some.

    A row stays if all its texts are `wanted`.
    """

    clean: Cleaning
    readers: dict[str, Reader] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    wanted: Callable[[str], Any] = has_letters

    def add(self, reader: Reader) -> Reader:
        self.readers[reader.__name__] = reader
        return reader

    def make(self, source: Source) -> list[Row]:
        kept = agreeing(self.cleaned(self.readers[source.name](source)))
        if source.name in self.most:
            kept = levelled(kept, self.most[source.name])
        return without_rare(sampled(kept, MOST_ROWS))

    def cleaned(self, rows: Iterable[Row]) -> Iterator[Row]:
        for *texts, label in rows:
            texts = [self.clean(text or "") for text in texts]
            label = self.clean(label or "") if not isinstance(label, float) else label
            if label != "" and label == label and all(map(self.wanted, texts)):
                yield (*texts, label)


def agreeing(rows: Iterable[Row]) -> list[Row]:
    """Every text once, in order of appearance; texts with more than one label are dropped."""
    labels: dict[Row, set[Any]] = {}
    for *texts, label in rows:
        labels.setdefault(tuple(texts), set()).add(label)
    return [(*texts, *found) for texts, found in labels.items() if len(found) == 1]


def levelled(rows: list[Row], most: int) -> list[Row]:
    classes = defaultdict(list)
    for row in rows:
        classes[row[-1]].append(row)
    kept = [row for label in sorted(classes) for row in sampled(classes[label], most)]
    random.Random(0).shuffle(kept)
    return kept


def sampled(rows: list[Any], most: int) -> list[Any]:
    return random.Random(0).sample(rows, most) if len(rows) > most else rows


def without_rare(rows: list[Row]) -> list[Row]:
    count = Counter(row[-1] for row in rows)
    return [r for r in rows if isinstance(r[-1], float) or count[r[-1]] >= SMALLEST_CLASS]


def write(rows: list[Row], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"] if len(rows[0]) == 2 else ["text", "text_b", "label"])
        for *texts, label in rows:
            writer.writerow([*texts, f"{label:.6g}" if isinstance(label, float) else label])
