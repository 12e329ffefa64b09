"""Label kinds, bad rows, limits: the same rows in both passes, counted and named."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from stages.data._tables import csv_bytes, jsonl_bytes, opened, rows_of, write

from taskaff.core.errors import DataError


def of(tmp_path, labels, **said):
    """A task from a CSV with these labels."""
    rows = [(f"t{i}", label) for i, label in enumerate(labels)]
    return opened(write(tmp_path / "toy.csv", csv_bytes(rows)), **said)


def typed(labels, kind=None, **said):
    labels = pa.array(labels, kind)
    return opened(
        pa.table({"text": [f"t{i}" for i in range(len(labels))], "label": labels}), **said
    )


@pytest.mark.parametrize(
    ("labels", "kind", "names"),
    [
        (["b", "a"], "classes", ("a", "b")),
        (["10", "9", "-1"], "classes", ("-1", "9", "10")),
        (["1", "2.5"], "regression", ("label",)),
        (["1e3", "-.5", "+2.", "7"], "regression", ("label",)),
        (["1", "x", "2"], "classes", ("1", "2", "x")),
        (["1.5", "x", "y", "z"], "classes", ("1.5", "x", "y", "z")),
        (["NA", "null", "None"], "classes", ("NA", "None", "null")),
        (["nan", "a"], "classes", ("a", "nan")),
        (["1.0", "0.0"], "classes", ("0", "1")),
        ([" 0", "1", "+1", "01"], "classes", ("0", "1")),
        (["True", "true", "FALSE"], "classes", ("false", "true")),
        (["True", "1", "0", "FALSE"], "classes", ("0", "1")),
        (["pos", "pos ", "\tpos", "neg\u00a0"], "classes", ("neg", "pos")),
        (["caf\u00e9", "cafe\u0301", "tea"], "classes", ("caf\u00e9", "tea")),
        (["['joy', 'fear']", "[]", "['joy']"], "multilabel", ("fear", "joy")),
        (["[0, 10]", "[9]"], "multilabel", ("0", "9", "10")),
        (["+", "-"], "classes", ("+", "-")),
        (["true", "false"], "classes", ("false", "true")),
    ],
)
def test_kind_of_csv_cells(tmp_path, labels, kind, names):
    schema = of(tmp_path, labels * 4).info.schema
    assert (schema.kind, schema.names) == (kind, names)


@pytest.mark.parametrize(
    ("labels", "arrow", "kind", "names"),
    [
        ([3, 1, 2], pa.int8(), "classes", ("1", "2", "3")),
        ([True, False], None, "classes", ("false", "true")),
        ([1.0, 2.0], pa.float32(), "classes", ("1", "2")),
        ([1.0, 2.5], pa.float32(), "regression", ("label",)),
        ([1.0, 2.0], pa.float16(), "classes", ("1", "2")),
        ([1, 2], pa.decimal128(38, 0), "classes", ("1", "2")),
        ([1, 2], pa.decimal128(5, 2), "classes", ("1", "2")),
        (["1.5", "2.5"], None, "regression", ("label",)),
        ([["b", "a"], [], ["a"]], None, "multilabel", ("a", "b")),
        ([[10, 9], [9]], None, "multilabel", ("9", "10")),
        ([[1.0, 0.0], [0.0, 1.0]], pa.list_(pa.float32(), 2), "multilabel", ("label_0", "label_1")),
        ([[1.5, 0.0], [0.0, 1.0]], pa.list_(pa.float64(), 2), "regression", ("label_0", "label_1")),
    ],
)
def test_kind_of_typed_columns(labels, arrow, kind, names):
    schema = typed(labels * 4, arrow).info.schema
    assert (schema.kind, schema.names) == (kind, names)


def test_the_kind_can_be_said(tmp_path):
    task = of(tmp_path, ["1", "2", "3", "1"], label_kind="regression")
    assert rows_of(task)[2] == ("t2", (3.0,))
    assert typed([1.0, 2.0, 1.0], label_kind="classes").info.schema.names == ("1", "2")
    assert of(tmp_path, ["0", "1", "1"], label_kind="multilabel").info.label_counts == {"label": 2}
    with pytest.raises(DataError, match="hold 0 or 1"):
        of(tmp_path, ["0", "1", "2"], label_kind="multilabel")
    with pytest.raises(DataError, match="one label column"):
        typed([["a"], ["b"]], label_kind="classes")
    with pytest.raises(DataError, match="no regression target"):
        typed([["a"], ["b"]], label_kind="regression")


def test_multilabel_lists():
    task = typed([["b", "a"], [], ["a", "a"], ["c"]])
    assert [row[1] for row in rows_of(task)] == [(1, 1, 0), (0, 0, 0), (1, 0, 0), (0, 0, 1)]
    assert task.info.label_counts == {"a": 2, "b": 1, "c": 1}


def test_the_kind_is_decided_over_all_files(tmp_path):
    write(tmp_path / "s" / "train.csv", csv_bytes([("a", "1"), ("b", "2")]))
    write(tmp_path / "s" / "test.csv", csv_bytes([("c", "1.5"), ("d", "2")]))
    task = opened(tmp_path / "s")
    assert task.info.schema.kind == "regression"
    assert rows_of(task) == [("c", (1.5,)), ("d", (2.0,)), ("a", (1.0,)), ("b", (2.0,))]
    write(tmp_path / "s" / "test.csv", csv_bytes([("c", "x"), ("d", "2")]))
    task = opened(tmp_path / "s")
    assert task.info.schema.names == ("1", "2")
    assert task.info.unlabelled == {"test": {"'x', which train does not have": 1}}


def test_ids_and_free_text_are_no_classes(tmp_path):
    many = [f"id{i}" for i in range(60)]
    with pytest.raises(DataError) as caught:
        of(tmp_path, many)
    assert "60 distinct values in 60 rows" in caught.value.found
    assert "--label-kind classes" in caught.value.hint
    assert of(tmp_path, many, label_kind="classes").info.schema.width == 60
    with pytest.raises(DataError, match="1,200 distinct"):
        of(tmp_path, [f"id{i % 1200}" for i in range(6000)])
    with pytest.raises(DataError, match="over 20,"):
        of(tmp_path, [f"id{i}" for i in range(40_000)], label_kind="classes")


def test_numbers_with_a_few_words_are_refused(tmp_path):
    with pytest.raises(DataError) as caught:
        of(tmp_path, ["1.5"] * 20 + ["NA"])
    assert "'NA'" in caught.value.found
    assert "--label-kind classes" in caught.value.hint


def test_classes_that_differ_in_case_are_noted(tmp_path):
    notes = of(tmp_path, ["pos", "Pos", "neg"]).info.notes
    assert any("'Pos' 1, 'pos' 1" in note for note in notes)


BAD = [
    (["1.5", "3.5", "2.5", "-Inf", "1e999"], None, {4, 5}, "not a finite number"),
    (["1", "x", "2"], "regression", {2}, "not a finite number"),
]


@pytest.mark.parametrize(("labels", "kind", "bad", "reason"), BAD)
def test_bad_rows(tmp_path, labels, kind, bad, reason):
    labels = labels * 3000
    every = {i * (len(labels) // 3000) + row for i in range(3000) for row in bad}
    with pytest.raises(DataError) as caught:
        of(tmp_path, labels, label_kind=kind)
    assert reason in caught.value.found
    assert f"({len(every)} such rows" in caught.value.found
    assert caught.value.where.row == min(bad)
    task = of(tmp_path, labels, label_kind=kind, on_bad_row="skip")
    left = [f"t{i - 1}" for i in range(1, len(labels) + 1) if i not in every]
    assert [row[0] for row in rows_of(task)] == left
    assert task.info.rows == {"train": len(left)}
    assert task.info.files[0].rejected == len(every)
    assert [reject.row for reject in task.info.rejects] == sorted(every)[:20]
    assert reason in task.info.rejects[0].reason
    for batch in task.batches():
        assert batch.text[0][0].as_py() == f"t{batch.first_row - 1}"


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "table"])
def test_nulls_are_bad_rows(tmp_path, kind):
    rows = [{"text": "a", "label": 1.5}, {"text": None, "label": 2.5}, {"text": "c", "label": None}]
    rows = [*rows, {"text": "d", "label": float("nan")}, {"text": None, "label": None}] * 5
    source = pa.Table.from_pylist(rows)
    if kind == "jsonl":  # which has no NaN
        rows = [row | {"label": None} if row["text"] == "d" else row for row in rows]
        source = write(tmp_path / "toy.jsonl", jsonl_bytes(rows))
    elif kind == "parquet":
        import pyarrow.parquet as pq

        pq.write_table(source, tmp_path / "toy.parquet")
        source = tmp_path / "toy.parquet"
    with pytest.raises(DataError) as caught:
        opened(source)
    assert caught.value.where.row == 2
    task = opened(source, on_bad_row="skip")
    assert rows_of(task) == [("a", (1.5,))] * 5
    assert task.info.files[0].rejected == 10
    assert task.info.unlabelled == {"train": {"no value": 10}}


def test_nulls_in_lists_and_vectors():
    t = pa.table({"vector": [[1.0, 2.0], None, [3.0, None]], "label": [["a"], ["b"], ["c"]]})
    task = opened(t, on_bad_row="skip")
    assert rows_of(task) == [((1.0, 2.0), (1.0,))]
    assert task.info.schema.names == ("a",)
    t = pa.table({"text": ["x", "y", "z"], "label": [["a"], [None], None]})
    sliced = pa.concat_tables([t, t]).slice(1, 4)
    assert rows_of(opened(sliced, on_bad_row="skip")) == [("x", (1.0,))]
    everything = pa.table({"text": pa.array([None, None], pa.string()), "label": ["a", "b"]})
    with pytest.raises(DataError, match="all 2 rows were skipped"):
        opened(everything, on_bad_row="skip")


def test_empty_texts_are_allowed(tmp_path):
    path = write(tmp_path / "toy.csv", csv_bytes([("", "a"), ("x", "b")]))
    assert rows_of(opened(path)) == [("", "a"), ("x", "b")]


def test_limit_is_the_beginning_of_each_split(tmp_path):
    write(tmp_path / "s" / "train-0.csv", csv_bytes([("a", "x"), ("b", "y")]))
    write(tmp_path / "s" / "train-1.csv", csv_bytes([("c", "z"), ("d", "w")]))
    write(tmp_path / "s" / "train-2.csv", csv_bytes([("e", "z"), ("f", "w")]))
    write(tmp_path / "s" / "test.csv", csv_bytes([("g", "x"), ("h", "x")]))
    task = opened(tmp_path / "s", limit=3)
    assert task.info.rows == {"train": 3, "test": 2}
    assert task.info.schema.names == ("x", "y", "z")
    assert sorted(row[0] for row in rows_of(task)) == ["a", "b", "c", "g", "h"]
    assert [file.rows for file in task.info.files] == [2, 2, 1]
    shard = next(file for file in task.info.files if file.path.endswith("train-1.csv"))
    assert [batch.text[0].to_pylist() for batch in task.batches(shard)] == [["c"]]
    assert any("first 3 rows" in note for note in task.info.notes)


def test_a_limit_does_not_hide_a_broken_file(tmp_path):
    path = write(tmp_path / "toy.csv", "text,label\na,x\nb,y\nc\n")
    with pytest.raises(DataError, match="1 cells"):
        opened(path, limit=1)


def test_splits_from_a_column(tmp_path):
    words = ["train", "dev", "TEST", "train", "val"]
    rows = [(f"t{i}", "ab"[i % 2], words[i % 5]) for i in range(20)]
    path = write(tmp_path / "toy.csv", csv_bytes(rows, ("text", "label", "split")))
    task = opened(path)
    assert task.info.rows == {"train": 8, "validation": 8, "test": 4}
    assert [file.split for file in task.info.files] == ["train", "validation", "test"]
    assert sum(b.rows for b in task.batches(task.info.files[1])) == 8
    assert {b.split for b in task.batches(task.info.files[1])} == {"validation"}
    assert sorted(rows_of(task)) == sorted(row[:2] for row in rows)
    limited = opened(path, limit=2)
    assert limited.info.rows == {"train": 2, "validation": 2, "test": 2}
    assert rows_of(limited)[:2] == [("t0", "a"), ("t3", "b")]
    rows = [*rows, ("x", "a", "held")]
    bad = write(tmp_path / "b.csv", csv_bytes(rows, ("text", "label", "part")))
    with pytest.raises(DataError) as caught:
        opened(bad, split_column="part")
    assert "'held' is not a split" in caught.value.found
    assert caught.value.where.row == 21


def test_jsonl_numbers_may_be_whole_or_not(tmp_path):
    lines = [json.dumps({"text": "t", "label": value}) for value in (1, 2.5, 3)]
    task = opened(write(tmp_path / "toy.jsonl", "\n".join(lines)))
    assert task.info.schema.kind == "regression"
    assert [row[1] for row in rows_of(task)] == [(1.0,), (2.5,), (3.0,)]


def test_many_label_columns_are_judged_together(tmp_path, monkeypatch):
    """Types that change, missing cells and odd values are found in the column where they are."""
    monkeypatch.setattr("taskaff.stages.data.values._CELLS", 50)
    rows = 12
    columns = {f"c{i}": [str((i + row) % 2) for row in range(rows)] for i in range(40)}
    columns |= {f"d{i}": [(i + row) % 2 for row in range(rows)] for i in range(3)}
    columns |= {"e0": ["true", "false"] * 6, "e1": [1.0, 0.0] * 6}
    table = pa.table({"text": [f"t {row}" for row in range(rows)]} | columns)
    task = opened(table, label=("c*", "d*", "e*"))
    assert task.info.schema.kind == "multilabel"
    assert set(task.info.label_counts.values()) == {6}
    expected = [[float(v in ("1", 1, "true", 1.0)) for v in values] for values in columns.values()]
    assert [list(y) for _, y in rows_of(task)] == [list(y) for y in zip(*expected, strict=True)]

    for name, value, found in (("c17", None, "missing in column 'c17'"), ("c9", "2", "'c9' holds")):
        odd = columns | {name: [value, *columns[name][1:]]}
        table = pa.table({"text": [f"t {row}" for row in range(rows)]} | odd)
        with pytest.raises(DataError, match=found):
            opened(table, label=("c*", "d*", "e*"), label_kind="multilabel")
