"""Fields inside of objects: the same rows from every format that has objects."""

from __future__ import annotations

import pyarrow as pa
import pytest
from stages.data._tables import jsonl_bytes, opened, rows_of, sink, write

from taskaff.core.errors import DataError

ROWS = [
    {
        "id": i,
        "tweet": {"text": f"row {i}", "user": {"id": i, "lang": "en"}},
        "annotations": {"sentiment": ("neg", "pos")[i % 2], "topics": ["a", "b"][: i % 3]},
    }
    for i in range(7)
]
EXPECTED = [(row["tweet"]["text"], row["annotations"]["sentiment"]) for row in ROWS]
PATHS = ("id", "tweet.text", "tweet.user.id", "tweet.user.lang")
SAID = {"text": ("tweet.text",), "label": ("annotations.sentiment",)}
MAKERS = {
    "a.jsonl": lambda rows: jsonl_bytes(rows),
    "a.parquet": lambda rows: sink(pa.Table.from_pylist(rows), "parquet"),
    "a.arrow": lambda rows: sink(pa.Table.from_pylist(rows), "file"),
    "a.arrows": lambda rows: sink(pa.Table.from_pylist(rows), "stream"),
}
EVERY = [*MAKERS, "table", "slices", "stream"]


def source(tmp_path, kind, rows):
    if kind in MAKERS:
        return write(tmp_path / kind, MAKERS[kind](rows))
    table = pa.Table.from_pylist(rows)
    if kind == "slices":
        parts = [table.slice(0, 3).to_batches()[0], *table.slice(3).to_batches()]
        return pa.Table.from_batches(parts)
    return (
        table
        if kind == "table"
        else pa.RecordBatchReader.from_batches(table.schema, table.to_batches())
    )


@pytest.mark.parametrize("kind", EVERY)
def test_fields_of_objects(tmp_path, kind):
    task = opened(source(tmp_path, kind, ROWS), **SAID)
    assert rows_of(task) == EXPECTED
    assert task.info.text_columns == ("tweet.text",)
    assert task.info.schema.columns == ("annotations.sentiment",)
    assert task.info.columns == (*PATHS, "annotations.sentiment", "annotations.topics")


@pytest.mark.parametrize("kind", EVERY)
def test_lists_patterns_and_pairs(tmp_path, kind):
    label = ("annotations.topics",)
    task = opened(source(tmp_path, kind, ROWS), text=("tweet.text", "*.lang"), label=label)
    assert task.info.layout == "pair"
    assert task.info.schema.kind == "multilabel"
    assert rows_of(task)[2] == ("row 2", "en", (1.0, 1.0))


@pytest.mark.parametrize("kind", EVERY)
def test_the_candidates_are_paths(tmp_path, kind):
    for said in ({}, {"text": ("tweet",)}):
        with pytest.raises(DataError) as caught:
            opened(source(tmp_path, kind, ROWS), **said)
        assert "'id', 'tweet.text', 'tweet.user.id'" in caught.value.found
        assert "--text tweet.text" in caught.value.hint.replace("'", "")


@pytest.mark.parametrize("kind", EVERY)
def test_a_name_with_dots_comes_before_a_path(tmp_path, kind):
    rows = [
        {"a": {"b": "inside", "c": "other"}, "a.b": "own", "label": "xy"[i % 2]} for i in (0, 1)
    ]
    task = opened(source(tmp_path, kind, rows), text=("a.b",))
    assert [text for text, _ in rows_of(task)] == ["own", "own"]
    assert task.info.columns.count("a.b") == 1
    assert rows_of(opened(source(tmp_path, kind, rows), text=("a.c",)))[0][0] == "other"


@pytest.mark.parametrize("kind", EVERY)
def test_an_object_that_is_null_has_null_fields(tmp_path, kind):
    rows = [*ROWS[:3], {**ROWS[3], "tweet": None}, *ROWS[4:]]
    with pytest.raises(DataError, match=r"text is missing in column 'tweet\.text'") as caught:
        opened(source(tmp_path, kind, rows), **SAID)
    assert caught.value.where.row == 4
    task = opened(source(tmp_path, kind, rows), on_bad_row="skip", **SAID)
    assert rows_of(task) == EXPECTED[:3] + EXPECTED[4:]


def test_a_field_that_a_line_lacks(tmp_path):
    path = write(tmp_path / "a.jsonl", jsonl_bytes([*ROWS, {**ROWS[0], "tweet": {"id": 1}}]))
    with pytest.raises(DataError, match=r"the key 'tweet\.text' is missing") as caught:
        opened(path, **SAID)
    assert caught.value.where.row == 8


def test_paths_that_meet(tmp_path):
    table = pa.table({"a": [{"b.c": "x"}], "a.b": [{"c": "y"}], "label": ["l"]})
    with pytest.raises(DataError, match=r"2 columns are named 'a\.b\.c'"):
        opened(table, text=("a.b.c",))


def test_objects_of_any_depth_and_empty_ones(tmp_path):
    line = '{"text": "a", "label": "x", "m": ' + '{"k": ' * 300 + "1" + "}" * 300 + ', "e": {}}\n'
    assert rows_of(opened(write(tmp_path / "a.jsonl", line))) == [("a", "x")]
    kind = pa.int8()
    for _ in range(40):
        kind = pa.struct([("k", kind)])
    table = pa.table({"text": ["a"], "label": ["x"], "m": pa.nulls(1, kind)})
    assert rows_of(opened(table)) == [("a", "x")]
