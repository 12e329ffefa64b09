"""The files of the public corpora, what is said of each when it is opened, and what it holds.

A `Case` is one file; its `truth` comes from what the corpus itself says (clean counterparts, JSON
beside the file, the first letter of its name) or, for Parquet and Arrow without such, from polars.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Columns = Mapping[str, list[Any]]


@dataclass(frozen=True)
class Truth:
    """`table`: the columns; `refuse`: no reading is right; `open`: the corpus leaves it open."""

    kind: Literal["table", "refuse", "open"]
    columns: Columns = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One file, opened as `request` says."""

    name: str
    path: Path
    request: Mapping[str, Any] = field(default_factory=dict)
    truth: Truth | None = None
    """None: polars is to say."""


# ------------------------------------------------------------------ CSV


def pollock(folder: Path, declared: bool) -> Iterator[Case]:
    """The polluted files; `declared`: opened with the dialect that their parameters name."""
    files = folder / "polluted_files"
    for path in sorted((files / "csv").glob("*.csv")):
        text = (files / "parameters" / f"{path.name}_parameters.json").read_text("utf-8")
        truth = clean_table(files / "clean" / path.name, header=json.loads(text)["header_lines"])
        request = dialect(json.loads(text)) if declared else {}
        yield Case(path.name, path, request, truth)


def dialect(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What the options of taskaff can say of a dialect: no escape character, no preamble."""
    request: dict[str, Any] = {}
    if len(parameters["delimiter"]) == 1 and parameters["delimiter"] != ",":
        request["delimiter"] = parameters["delimiter"]
    if parameters["quotechar"] != '"':
        request["quote"] = parameters["quotechar"]
    return request


def clean_table(path: Path, header: int = 1) -> Truth:
    """A file with every cell in quotes; without a header the columns are c0, c1 ..."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, strict=True))
    if not rows:
        return Truth("refuse")
    names = rows.pop(0) if header else [f"c{n}" for n in range(len(rows[0]))]
    if not rows:
        return Truth("refuse")
    return Truth("table", {name: [row[n] for row in rows] for n, name in enumerate(names)})


def csv_spectrum(folder: Path) -> Iterator[Case]:
    """Acid tests of CSV with the same rows as JSON."""
    for path in sorted((folder / "csvs").glob("*.csv")):
        rows = json.loads((folder / "json" / f"{path.stem}.json").read_text("utf-8"))
        columns = {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
        yield Case(path.name, path, {}, Truth("table", columns))


# ----------------------------------------------------------------- JSON


def json_suite(folder: Path, made: Path) -> Iterator[Case]:
    """Every document as a value of a JSON Lines file; `y_` is JSON, `n_` is not, `i_` is open.

    A document that is a list of one string is the text itself, so that the string is compared.
    Documents with a line end cannot stand in a line: they are opened as they are.
    """
    kinds: dict[str, Literal["table", "refuse", "open"]]
    kinds = {"y": "table", "n": "refuse", "i": "open"}
    for path in sorted((folder / "test_parsing").glob("*.json")):
        document = path.read_bytes().rstrip(b"\r\n")
        kind = kinds[path.name[0]]
        if b"\n" in document or b"\r" in document:
            yield Case(path.name, path, {"format": "jsonl"}, Truth("open"))
            continue
        text = single_string(document) if kind != "refuse" else None
        line = b'{"text": "a fine day", "more": %s}' % document
        if text is not None:
            line = b'{"text": %s}' % document.strip()[1:-1]
        target = made / f"{path.stem}.jsonl"
        target.write_bytes(line + b'\n{"text": "and another"}\n')
        columns = {"text": ["a fine day" if text is None else text, "and another"]}
        yield Case(path.name, target, {}, Truth(kind, columns))


def single_string(document: bytes) -> str | None:
    """The text of `["text"]`; None of everything else."""
    try:
        value = json.loads(document.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    one = isinstance(value, list) and len(value) == 1 and isinstance(value[0], str)
    return value[0] if one and value[0].strip() else None


# ------------------------------------------------------ Parquet and Arrow


def parquet_testing(folder: Path) -> Iterator[Case]:
    """Good files, bad files and encrypted ones."""
    for path in sorted(folder.rglob("*.parquet*")):
        if path.suffix != ".json":
            name = str(path.relative_to(folder))
            truth = Truth("refuse") if "corrupt-checksum" in name else None
            yield Case(name, path, {"format": "parquet"}, truth)


def arrow_testing(folder: Path) -> Iterator[Case]:
    """Files of other writers with their values in JSON, and files that fuzzers made."""
    data = folder / "data" if (folder / "data").is_dir() else folder
    for path in sorted(path for path in data.rglob("*") if path.is_file()):
        found = arrow_format(path)
        if found is None:
            continue
        gold = path.with_suffix(".json.gz")
        truth = gold_table(gold) if gold.exists() and path.suffix != ".parquet" else None
        yield Case(str(path.relative_to(folder)), path, {"format": found}, truth)


def arrow_format(path: Path) -> str | None:
    """By suffix, or else by the folder of the fuzzers' files."""
    suffixes = {".arrow_file": "arrow", ".stream": "arrow", ".arrow": "arrow"}
    suffixes |= {".parquet": "parquet", ".csv": "csv"}
    if path.suffix in suffixes:
        return suffixes[path.suffix]
    if path.suffix not in ("", ".fuzz") and not path.name.startswith(("crash", "clusterfuzz")):
        return None
    places = {"arrow-ipc": "arrow", "parquet": "parquet", "csv": "csv"}
    return next((name for word, name in places.items() if word in str(path.parent)), None)


def gold_table(path: Path) -> Truth:
    """The text columns of a file of Arrow's integration tests."""
    with gzip.open(path) as file:
        document = json.load(file)
    words = {entry["id"]: entry["data"]["columns"][0] for entry in document.get("dictionaries", [])}
    columns: dict[str, list[Any]] = {}
    for n, field_ in enumerate(document["schema"]["fields"]):
        if field_["type"]["name"] not in ("utf8", "largeutf8"):
            continue
        values: list[Any] = []
        for batch in document["batches"]:
            column = batch["columns"][n]
            if "dictionary" in field_:
                known = gold_values(words[field_["dictionary"]["id"]])
                codes = gold_values(column)
                values += [None if code is None else known[int(code)] for code in codes]
            else:
                values += gold_values(column)
        columns[field_["name"]] = values
    return Truth("table", columns) if any(map(any, columns.values())) else Truth("open")


def gold_values(column: Mapping[str, Any]) -> list[Any]:
    """Values of a column of the JSON form; None where it is null."""
    valid = column.get("VALIDITY", [1] * column["count"])
    data = column.get("DATA", [None] * column["count"])
    return [value if ok else None for value, ok in zip(data, valid, strict=True)]


def read_with_polars(job: tuple[str, str]) -> Truth:
    """Text and number columns as another library reads them; `open` where it cannot."""
    import polars

    path, format_ = job
    reads: dict[str, list[Any]] = {
        "parquet": [polars.read_parquet],
        "arrow": [polars.read_ipc_stream, lambda p: polars.read_ipc(p, memory_map=False)],
        "csv": [],
    }
    for read in reads[format_]:
        try:
            frame = read(path)
        except BaseException:  # a panic is no Exception
            continue
        words = [c for c in frame.columns if frame[c].dtype in (polars.String, polars.Categorical)]
        columns = {name: frame[name].cast(polars.String).to_list() for name in words}
        numbers = [c for c in frame.columns if frame[c].dtype.is_numeric()]
        columns |= {name: numbers_of(frame[name]) for name in numbers}
        return Truth("table" if any(columns.values()) else "open", columns)
    return Truth("open")


def numbers_of(series: Any) -> list[Any]:
    """Values of a polars column; narrow floats as their shortest decimals, NaN as missing."""
    import numpy as np
    import polars

    narrow = series.dtype.is_float() and series.dtype != polars.Float64
    values = [None if v is None or v != v else v for v in series.to_list()]
    return [float(str(np.float32(v))) if narrow and v is not None else v for v in values]


def names_of(job: tuple[str, str]) -> list[str]:
    """The columns of a Parquet or Arrow file; none where its schema cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path, format_ = job
    reads: list[Any] = [pq.read_schema] if format_ == "parquet" else []
    if format_ == "arrow":
        reads = [lambda p: pa.ipc.open_stream(p).schema, lambda p: pa.ipc.open_file(p).schema]
    for read in reads:
        try:
            return list(dict.fromkeys(read(path).names))
        except (pa.ArrowException, OSError, ValueError):
            continue
    return []
