"""A split column decides by row, or is refused by the first word that names no split."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from stages.data._tables import csv_bytes, jsonl_bytes, opened, write

from taskaff.core.errors import DataError

HEADER = ("text", "label", "split")
ROWS = [(f"row {i}", "xy"[i % 2], ("train", "Dev", " test ")[i % 3]) for i in range(150)]


def wrong_at(index, word):
    return [(t, y, word if i == index else s) for i, (t, y, s) in enumerate(ROWS)]


def in_format(tmp_path, name, rows):
    if name == "parquet":
        import pyarrow.parquet as pq

        pq.write_table(
            pa.table({k: [r[i] for r in rows] for i, k in enumerate(HEADER)}),
            tmp_path / "t.parquet",
        )
        return tmp_path / "t.parquet"
    if name == "jsonl":
        return write(
            tmp_path / "t.jsonl", jsonl_bytes([dict(zip(HEADER, r, strict=True)) for r in rows])
        )
    delimiter = "\t" if name == "tsv" else ","
    return write(tmp_path / f"t.{name}", csv_bytes(rows, HEADER, delimiter=delimiter))


@pytest.mark.parametrize("name", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize("index", [0, 41, 140])
def test_one_unknown_word_is_named_with_its_row(tmp_path, name, index):
    assert dict(opened(in_format(tmp_path, name, ROWS)).info.rows) == {
        "train": 50,
        "validation": 50,
        "test": 50,
    }
    path = in_format(tmp_path, name, wrong_at(index, "tran"))
    with pytest.raises(DataError) as caught:
        opened(path)
    assert caught.value.found == "'tran' is not a split"
    assert (caught.value.where.row, caught.value.where.column) == (index + 1, "split")
    assert caught.value.hint.endswith("--split-column none")
    task = opened(path, split_column="none")
    assert dict(task.info.rows) == {"train": 150}
    assert task.info.split_column is None


def test_a_pattern_names_one_column(tmp_path):
    path = in_format(tmp_path, "csv", ROWS)
    assert opened(path, split_column="spl*").info.split_column == "split"
    with pytest.raises(DataError, match="stands for 3 columns") as caught:
        opened(path, split_column="*")
    assert "--split-column text" in caught.value.hint


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"text": "a", "label": "x", "label": "y"}', "the key 'label' occurs 2 times"),
        ('{"text": "a", "label": "x", "label": "x"}', "the key 'label' occurs 2 times"),
        ('{"text": "a", "label": "x", "more": [{"k": 1, "k": 2, "k": 3}]}', "'k' occurs 3 times"),
    ],
)
@pytest.mark.parametrize("index", [0, 149])
def test_a_json_object_with_a_key_twice(tmp_path, line, found, index):
    lines = [json.dumps({"text": "t", "label": "xy"[i % 2]}) for i in range(150)]
    lines[index] = line
    with pytest.raises(DataError) as caught:
        opened(write(tmp_path / "t.jsonl", "\n".join(lines)))
    assert found in caught.value.found
    assert caught.value.where.line == index + 1
