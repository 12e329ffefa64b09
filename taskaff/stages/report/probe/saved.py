"""Files that hold parts of a probe for other programs: predictions, and alignment matrices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taskaff.core.records.probe import ProbeResult

if TYPE_CHECKING:
    import pyarrow as pa

    from taskaff.core.records.probe import PairOutcome, PredictedRows


def write_predictions(result: ProbeResult, path: Path) -> None:
    """Parquet: a line for each test row of each arm of each comparison and seed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = [_table(*predicted) for predicted in _predicted(result)]
    predicted = pa.concat_tables([_schema().empty_table(), *tables])
    pq.write_table(predicted, path, compression="zstd")


def _schema() -> pa.Schema:
    import pyarrow as pa

    names = pa.dictionary(pa.int32(), pa.string())
    return pa.schema(
        [
            *((name, names) for name in ("source", "target", "recipe", "against", "arm")),
            ("trained", names),
            ("seed", pa.int64()),
            ("row", pa.uint64()),
            ("label", pa.list_(pa.float64())),
            ("predicted", pa.list_(pa.float64())),
        ]
    )


def _predicted(result: ProbeResult) -> Iterator[tuple[PairOutcome, int, PredictedRows]]:
    for pair in result.pairs:
        for seed in pair.seeds:
            if seed.predicted is not None:
                yield pair, seed.seed, seed.predicted


def _table(pair: PairOutcome, seed: int, rows: PredictedRows) -> pa.Table:
    """``trained`` is the arm that predicts: ``against`` or ``arm`` of the comparison."""
    import pyarrow as pa

    n = 2 * len(rows.ids)
    words = {name: getattr(pair, name) for name in ("source", "target", "recipe", "against", "arm")}
    columns: list[Any] = [pa.array([word] * n).dictionary_encode() for word in words.values()]
    trained = np.repeat([pair.against, pair.arm], len(rows.ids))
    columns.append(pa.array(trained).dictionary_encode())
    columns += [
        pa.array(np.full(n, seed)),
        pa.array(np.tile(rows.ids, 2)),
        _lists(np.tile(rows.labels, (2, 1))),
        _lists(np.concatenate([rows.against, rows.arm])),
    ]
    return pa.table(columns, schema=_schema())


def _lists(values: np.ndarray) -> pa.Array:
    import pyarrow as pa

    n, width = values.shape
    offsets = pa.array(np.arange(n + 1, dtype=np.int32) * width)
    return pa.ListArray.from_arrays(offsets, pa.array(values.ravel()))


def matrices(result: ProbeResult) -> bytes:
    """safetensors: ``R (d, d)`` of every task and seed at the checkpoint that was tested.

    Names are ``TASK/SEED`` in a mix and ``SOURCE/TARGET/TASK/SEED`` else; ``index`` in the
    metadata has the same as JSON, by name.
    """
    from safetensors.numpy import save

    arrays: dict[str, np.ndarray] = {}
    index: dict[str, dict[str, Any]] = {}
    for report in result.alignment:
        pair = {"source": report.source, "target": report.target} if result.mode != "mix" else {}
        for task, seed, R in report.matrices:
            about = {**pair, "task": task, "seed": seed}
            name = "/".join(map(str, about.values()))
            arrays[name], index[name] = R, {**about, "form": report.form}
    return bytes(save(arrays, {"index": json.dumps(index)}))
