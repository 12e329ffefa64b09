"""The same small table in every format, and how to read a task back in full."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

from taskaff.core.records.data import DataRequest, Task
from taskaff.stages.data import open_task

ROWS = [
    (f'say "{i}", twice\nünïcode {i} ' if i % 7 == 3 else f" row {i}", ("neg", "pos", "NA")[i % 3])
    for i in range(40)
]
TABLE = pa.table({"text": [t for t, _ in ROWS], "label": [y for _, y in ROWS]})


def csv_bytes(rows: list[Any], header: tuple[str, ...] = ("text", "label"), **rules: Any) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, **({"lineterminator": "\n"} | rules))
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


def sink(table: pa.Table, kind: str) -> bytes:
    sink = io.BytesIO()
    if kind == "parquet":
        pq.write_table(table, sink, row_group_size=16)
    elif kind == "stream":
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=16)
    elif kind == "file":
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=16)
    else:
        pyarrow.feather.write_feather(table, sink, compression="zstd")
    return sink.getvalue()


def jsonl_bytes(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


WRITERS = {
    "data.csv": lambda: csv_bytes(ROWS),
    "data.tsv": lambda: csv_bytes(ROWS, delimiter="\t"),
    "data.jsonl": lambda: jsonl_bytes(TABLE.to_pylist()),
    "data.parquet": lambda: sink(TABLE, "parquet"),
    "data.arrow": lambda: sink(TABLE, "file"),
    "data.arrows": lambda: sink(TABLE, "stream"),
    "data.feather": lambda: sink(TABLE, "feather"),
}
COMPRESS = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}


def write(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def opened(source: Any, **said: Any) -> Task:
    return open_task(DataRequest(str(source) if isinstance(source, Path) else source, **said))


def rows_of(task: Task) -> list[tuple[Any, ...]]:
    """Every row: texts (or vectors as tuples), then the label as a name or numbers."""
    names = task.info.schema.names
    out: list[tuple[Any, ...]] = []
    for batch in task.batches():
        assert batch.rows > 0
        columns: list[list[Any]] = [array.to_pylist() for array in batch.text]
        if batch.vectors is not None:
            assert batch.vectors.dtype == np.float32
            columns.append([tuple(map(float, row)) for row in batch.vectors])
        if batch.labels is not None:
            assert len(batch.labels) == batch.rows
            if task.info.schema.kind == "classes":
                assert batch.labels.dtype == np.int64
                columns.append([names[code] for code in batch.labels])
            else:
                assert batch.labels.dtype == np.float64
                assert batch.labels.shape == (batch.rows, len(names))
                columns.append([tuple(map(float, row)) for row in batch.labels])
        out += zip(*columns, strict=True)
    return out
