"""The atlas: a table of directed pairs, their features and their measured gains; no text.

One row a directed pair, set-up and view (what was known of the pair: ``rows``, exactly the rows
that one seed trains on, or ``full``). Parquet, so that anything can read it; features are rounded
to about three digits, which is far below their sampling error, so that it stays small.

The file holds its own SHA-256, taken with zeros in its place, among the metadata of the schema.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from taskaff.core.errors import Place, PredictError
from taskaff.core.files import whole_file
from taskaff.stages.predict import SHIPPED

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats

VERSION = "2"

MARK, ZEROS = b"sha256:", b"0" * 64
MOST_BYTES = 2**30

IDS = (
    *("source", "target", "source_content", "target_content"),
    *("source_family", "target_family"),
    *("encoder", "trunk", "recipe", "probe", "view", "metric"),
)
"""Columns of text: names and content hashes of the data sets, the first name of those that they
share rows with, the set-up, what was known."""

MEASURED = (
    *("gain", "stderr", "seeds", "first", "first_five"),
    *("stl_loss", "metric_gain", "leaked", "steps", "updates", "related"),
)
"""Columns of numbers that are measured; every other column is a feature. ``first`` is the gain of
the first seed, ``first_five`` the mean of five: the result of a probe. ``related`` is 1 where both
data sets have one domain or kind of label, 0 where they have not."""

REQUIRED = ("source", "target", "encoder", "trunk", "view", "gain", "stderr", "seeds")

MANTISSA = np.uint32(0xFFFFE000)
"""Keeps 10 bits of a float32's fraction: a relative error below 0.05 %."""


def table_of(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """A table from one mapping a row; what a row does not have is null (text) or NaN (number)."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns: dict[str, pa.Array] = {}
    for name in names:
        values = [row.get(name) for row in rows]
        if name in IDS:
            columns[name] = pa.array([None if v is None else str(v) for v in values], pa.string())
        else:
            numbers = np.array([np.nan if v is None else float(v) for v in values], np.float32)
            columns[name] = pa.array(numbers if name in MEASURED else rounded(numbers))
    return pa.table(columns)


def rounded(x: np.ndarray) -> np.ndarray:
    """Float32 with a short fraction, which compresses to half."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    half = (bits + np.uint32(0x1000)) & MANTISSA
    return np.where(np.isfinite(x), half.view(np.float32), np.float32(np.nan)).astype(np.float32)


def write(table: pa.Table, path: Path) -> None:
    """Write a table as an atlas, in one rename."""
    metadata = {"taskaff_atlas": VERSION, "taskaff_digest": (MARK + ZEROS).decode()}
    table = table.replace_schema_metadata(metadata)
    numbers = [name for name in table.column_names if name not in IDS]
    buffer = io.BytesIO()
    pq.write_table(
        table,
        buffer,
        compression="zstd",
        compression_level=19,
        use_dictionary=[name for name in table.column_names if name in IDS],
        use_byte_stream_split=numbers,
    )
    content = buffer.getvalue()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as temporary:
            temporary.write_bytes(content.replace(MARK + ZEROS, MARK + _digest(content)))
    except OSError as error:
        problem = f"the atlas cannot be written: {error.strerror or error}"
        hint = "make room, or name another file"
        raise PredictError(problem, where=Place(str(path)), hint=hint) from error


def read(path: Path) -> pa.Table:
    """Read an atlas.

    Raises
    ------
    PredictError : no Parquet file, one without the columns or the version of an atlas, or one
        that was damaged.
    """
    content = _content(path)
    try:
        table = pq.read_table(pa.BufferReader(content))
    except (OSError, pa.ArrowException) as error:
        problem = "cannot be read as an atlas: " + (str(error).splitlines() or [""])[0]
        raise PredictError(problem, where=Place(str(path)), hint=_remedy(path)) from error
    metadata = table.schema.metadata or {}
    version = metadata.get(b"taskaff_atlas", b"").decode(errors="replace")
    missing = [name for name in REQUIRED if name not in table.column_names]
    if version != VERSION or missing or MARK not in content:
        problem = f"no atlas of version {VERSION}"
        problem += (
            f": column {missing[0]!r} is missing" if missing else f", but {version or 'none'}"
        )
        raise PredictError(problem, where=Place(str(path)), hint=_remedy(path))
    return table


def _content(path: Path) -> bytes:
    """Read the bytes of an atlas and verify their digest; other Parquet files have none."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES)
    except OSError as error:
        problem = f"cannot be read as an atlas: {error.strerror}"
        raise PredictError(problem, where=Place(str(path)), hint=_remedy(path)) from error
    at = content.rfind(MARK) + len(MARK)
    end = at + len(ZEROS)
    if MARK in content and _digest(content[:at] + ZEROS + content[end:]) != content[at:end]:
        problem = "the atlas is damaged: its content does not match its digest"
        raise PredictError(problem, where=Place(str(path)), hint=_remedy(path))
    return content


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _remedy(path: Path) -> str:
    if path == SHIPPED:
        return "reinstall: pip install --force-reinstall taskaff"
    return "copy it again, or make one: taskaff atlas build FOLDER -o atlas.parquet"


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Concatenate tables; of a pair measured twice in one set-up and view the last row stays."""
    combined = pa.concat_tables(tables, promote_options="permissive")
    keys = zip(*(combined[name].to_pylist() for name in _key(combined)), strict=True)
    last = {key: number for number, key in enumerate(keys)}
    if len(last) == combined.num_rows:
        return combined
    return combined.take(sorted(last.values()))


def _key(table: pa.Table) -> list[str]:
    names = (
        *("source", "target", "source_content", "target_content", "encoder", "view"),
        *("trunk", "r", "target_rows", "source_rows", "recipe", "updates"),
    )
    return [name for name in names if name in table.column_names]


def with_families(table: pa.Table, family: Mapping[str, str]) -> pa.Table:
    """The table with the families of the data sets that ``family`` knows; others keep theirs."""
    for role in ("source", "target"):
        name, names = f"{role}_family", table[role].to_pylist()
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
        before = zip(names, table[name].to_pylist(), strict=True)
        families = pa.array([family.get(n, was) for n, was in before], pa.string())
        table = table.set_column(table.column_names.index(name), name, families)
    return table


def columns(table: pa.Table) -> dict[str, Floats]:
    """The numbers of a table, as float64 arrays; nulls are NaN."""
    return {
        name: np.asarray(pc.cast(table[name], pa.float64()).to_numpy(), dtype=np.float64)
        for name in table.column_names
        if name not in IDS
    }


def words(table: pa.Table, name: str) -> np.ndarray:
    """A column of text as an array of strings, empty where it is null."""
    return np.array([value or "" for value in table[name].to_pylist()], dtype=object)


def digest(path: Path) -> str:
    """SHA-256 of an atlas's bytes, shortened."""
    return hashlib.sha256(_content(path)).hexdigest()[:16]
