"""The input formats, by name."""

from __future__ import annotations

from typing import NamedTuple


class Format(NamedTuple):
    """One format's line of ``FORMATS``."""

    target: str
    """``"module:attribute"``, a ``reader.Reader``, called with ``(blob, request)``."""
    suffixes: tuple[str, ...]
    """Endings of file names that say the format, in lower case."""


FORMATS: dict[str, Format] = {
    "csv": Format("taskaff.stages.data.delimited:CsvReader", (".csv",)),
    "tsv": Format("taskaff.stages.data.delimited:TsvReader", (".tsv", ".tab")),
    "jsonl": Format("taskaff.stages.data.jsonl:JsonlReader", (".jsonl", ".ndjson")),
    "txt": Format("taskaff.stages.data.lines:TxtReader", (".txt",)),
    "parquet": Format("taskaff.stages.data.parquet:ParquetReader", (".parquet", ".pq")),
    "arrow": Format(
        "taskaff.stages.data.ipc:ArrowReader", (".arrow", ".arrows", ".feather", ".ipc")
    ),
    "npz": Format("taskaff.stages.data.arrays:NpzReader", (".npz",)),
    "npy": Format("taskaff.stages.data.arrays:NpyReader", (".npy",)),
}
"""Format name to its line."""
