"""Rows without a label are left out, counted by split and reason, and said."""

from __future__ import annotations

import pyarrow as pa
import pytest
from stages.data._tables import csv_bytes, opened, rows_of, write

from taskaff.core.errors import DataError


def folder(tmp_path, **splits):
    """A folder of CSV files with these labels."""
    for split, labels in splits.items():
        rows = [(f"{split} {i}", label) for i, label in enumerate(labels)]
        write(tmp_path / "toy" / f"{split}.csv", csv_bytes(rows))
    return tmp_path / "toy"


def unlabelled(task):
    return {split: sum(why.values()) for split, why in task.info.unlabelled.items()}


@pytest.mark.parametrize("none", ["", " ", "-"])
def test_cells_that_are_no_label(tmp_path, none):
    task = opened(folder(tmp_path, train=["a", "b", none, "a"], test=["b", none]))
    assert task.info.schema.names == ("a", "b")
    assert dict(task.info.rows) == {"train": 3, "test": 1}
    assert unlabelled(task) == {"train": 1, "test": 1}
    assert [file.unlabelled for file in task.info.files] == [1, 1]
    assert [row[0] for row in rows_of(task)] == ["test 0", "train 0", "train 1", "train 3"]
    [note] = [n for n in task.info.notes if n.startswith("rows without a label")]
    assert "train 1 (" in note


def test_a_dash_beside_a_plus_is_a_class(tmp_path):
    task = opened(folder(tmp_path, train=["+", "-", "+"], test=["-"]))
    assert task.info.schema.names == ("+", "-")
    assert not task.info.unlabelled


@pytest.mark.parametrize("value", ["-1", "-1.0", "?", "unknown"])
@pytest.mark.parametrize("train", [["0", "1"] * 4, ["0.5", "1.25", "3"] * 3, ["n", "p"] * 4])
def test_one_value_in_all_of_test_is_no_label(tmp_path, value, train):
    task = opened(folder(tmp_path, train=train, test=[value] * 5))
    assert dict(task.info.rows) == {"train": len(train)}
    assert unlabelled(task) == {"test": 5}
    assert task.info.schema.kind == ("regression" if "0.5" in train else "classes")
    assert len(rows_of(task)) == len(train)


def test_a_class_that_train_does_not_have(tmp_path):
    task = opened(folder(tmp_path, train=["a", "b"], dev=["a", "c"], test=["b", "d", "d"]))
    assert task.info.schema.names == ("a", "b")
    assert task.info.unlabelled == {
        "validation": {"'c', which train does not have": 1},
        "test": {"'d', which train does not have": 2},
    }
    without = opened(folder(tmp_path / "x", test=["b", "d"], dev=["c", "d"]))
    assert without.info.schema.names == ("b", "c", "d")  # no train to lack them


def test_a_limit_makes_no_class_unseen(tmp_path):
    source = folder(tmp_path, train=["a", "a", "b"], test=["b", "a"])
    task = opened(source, limit=2)
    assert not task.info.unlabelled
    assert task.info.schema.names == ("a", "b")


def test_a_number_of_a_small_split_is_no_sign(tmp_path):
    task = opened(folder(tmp_path, train=["0.5", "1.5", "4.5"], test=["2.5", "2.5"]))
    assert not task.info.unlabelled


@pytest.mark.parametrize("value", ["-1", "-1.0", "+NA", "none"])
@pytest.mark.parametrize("kind", [None, "classes"])
def test_a_declared_value(tmp_path, value, kind):
    source = folder(tmp_path, train=["0", "1", value, "1", f" {value}"])
    task = opened(source, missing_label=("9", value), label_kind=kind)
    assert task.info.schema.names == ("0", "1")
    assert unlabelled(task) == {"train": 2}
    assert "by --missing-label" in next(iter(task.info.unlabelled["train"]))


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1.5, None, 2.5]),
        pa.array([1.5, float("nan"), 2.5]),
        pa.array(["1.5", "nan", "2.5"]),
        pa.array(["1.5", "-", "2.5"]),
        pa.array(["a", None, "b"]).dictionary_encode(),
        pa.array([["a"], None, ["b"]]),
        pa.array([[1.0, 0.0], None, [0.0, 1.0]], pa.list_(pa.float64(), 2)),
        pa.array([[1.0, 0.0], [-1.0, -1.0], [0.0, 1.0]], pa.list_(pa.float64(), 2)),
    ],
)
@pytest.mark.parametrize("rule", ["fail", "skip"])
def test_no_label_in_any_type(column, rule):
    table = pa.table({"text": ["x", "y", "z"], "label": column})
    task = opened(table, on_bad_row=rule)
    assert [row[0] for row in rows_of(task)] == ["x", "z"]
    assert unlabelled(task) == {"train": 1}
    assert not task.info.rejects


def test_several_columns(tmp_path):
    rows = [("a", 0, 1), ("b", 1, 1), ("c", -1, -1), ("d", "", "")]
    path = write(tmp_path / "a.csv", csv_bytes(rows, ("text", "joy", "fear")))
    task = opened(path, label=("joy", "fear"))
    assert (task.info.schema.kind, unlabelled(task)) == ("multilabel", {"train": 2})
    assert rows_of(task) == [("a", (0.0, 1.0)), ("b", (1.0, 1.0))]
    path = write(tmp_path / "b.csv", csv_bytes([("a", 0.5, 1), ("c", -1, -1)], ("text", "v", "w")))
    task = opened(path, label=("v", "w"))
    assert (task.info.schema.kind, len(rows_of(task))) == ("regression", 2)
    path = write(tmp_path / "c.csv", csv_bytes([("a", 0, 1), ("b", "", 1)], ("text", "v", "w")))
    with pytest.raises(DataError, match="label is missing in column 'v'"):
        opened(path, label=("v", "w"))  # a part of a label


@pytest.mark.parametrize("cells", [[None, None], ["", ""], ["-", "-"]])
def test_no_label_at_all(cells):
    table = pa.table({"text": ["x", "y"], "label": pa.array(cells, pa.string())})
    info = opened(table).info
    assert (info.schema.kind, dict(info.rows)) == ("none", {"train": 2})
    assert "no row has a label: only the inputs are compared" in info.notes
    with pytest.raises(DataError, match="no row has a label"):
        opened(table, label_kind="classes")


def test_the_unsupervised_split_joins_no_other(tmp_path):
    source = folder(tmp_path, train=["0", "1"], test=["1", "0"], unsupervised=["-1"] * 3)
    task = opened(source)
    assert dict(task.info.rows) == {"train": 2, "test": 2}
    assert unlabelled(task) == {"unsupervised": 3}
    assert len(rows_of(task)) == 4
    rows = [("a", "x", "train"), ("b", "y", "train"), ("c", "", "unsupervised")]
    path = write(tmp_path / "a.csv", csv_bytes(rows, ("text", "label", "split")))
    assert unlabelled(opened(path)) == {"unsupervised": 1}
    tables = {s: pa.table({"text": ["t"], "label": ["x"]}) for s in ("train", "unsupervised")}
    assert unlabelled(opened(tables)) == {"unsupervised": 1}
    alone = opened(source / "unsupervised.csv", label_kind="none")
    assert dict(alone.info.rows) == {"train": 3}


def test_bad_rows_are_counted_apart(tmp_path):
    table = pa.table({"text": ["a", None, "c", "d"], "label": ["x", "y", None, "y"]})
    with pytest.raises(DataError, match="text is missing"):
        opened(table)
    info = opened(table, on_bad_row="skip").info
    assert (info.files[0].rejected, info.files[0].unlabelled, info.files[0].rows) == (1, 1, 2)


LISTS = pa.list_(pa.string())


def lists(train, test, kind=LISTS, as_text=False):
    """Tables of two splits with these lists of labels, stored as lists or as text."""
    cells = {"train": train, "test": test}
    if as_text:
        cells = {
            split: [None if own is None else str(own) for own in c] for split, c in cells.items()
        }
        kind = pa.string()
    return {
        split: pa.table(
            {"text": [f"{split} {i}" for i in range(len(c))], "label": pa.array(c, kind)}
        )
        for split, c in cells.items()
    }


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("order", [("train", "test"), ("test", "train")])
def test_labels_of_lists_that_train_does_not_have(as_text, order):
    tables = lists(
        [["a"], ["b", "a"], []], [["a", "c"], ["c"], ["d", "c"], [], ["b"]], as_text=as_text
    )
    task = opened({split: tables[split] for split in order})
    assert task.info.schema.names == ("a", "b")
    assert task.info.unlabelled == {"test": {"no label that train has": 2}}
    assert {row[0]: row[1] for row in rows_of(task) if "test" in row[0]} == {
        "test 0": (1.0, 0.0),
        "test 3": (0.0, 0.0),
        "test 4": (0.0, 1.0),
    }
    assert task.info.label_counts == {"a": 3, "b": 2}
    [note] = [note for note in task.info.notes if note.startswith("labels:")]
    assert "train has none of 'c' " in note
    assert "of test, where they are left out" in note
    alone = opened({"validation": tables["test"], "test": tables["test"]})
    assert alone.info.schema.names == ("a", "b", "c", "d")  # no train to lack them


@pytest.mark.parametrize("as_text", [False, True])
def test_a_limit_makes_no_label_of_a_list_unseen(as_text):
    tables = lists([["a"], ["a", "b"], ["c"]], [["c"], ["b"]], as_text=as_text)
    task = opened(tables, limit=2)
    assert not task.info.unlabelled
    assert len(rows_of(task)) == 4


@pytest.mark.parametrize("as_text", [False, True])
def test_empty_lists_in_all_of_test_are_no_labels(as_text):
    task = opened(lists([["a"], ["b"]], [[], []], as_text=as_text))
    assert (dict(task.info.rows), unlabelled(task)) == ({"train": 2}, {"test": 2})
    assert len(rows_of(task)) == 2
    both = opened(lists([["a"], []], [[], []], as_text=as_text))
    assert not both.info.unlabelled


@pytest.mark.parametrize("value", ["?", "-1"])
def test_lists_of_a_declared_value(value):
    task = opened(lists([["a"], [value], [value, "a"]], [["a"]]), missing_label=(value,))
    assert unlabelled(task) == {"train": 1}
    assert "by --missing-label" in next(iter(task.info.unlabelled["train"]))
    assert [row[0] for row in rows_of(task)] == ["train 0", "train 2", "test 0"]


@pytest.mark.parametrize("kind", [pa.null(), pa.string(), LISTS])
def test_a_file_without_any_label_beside_lists(kind):
    tables = lists([["a"], ["b"]], [None, None])
    tables["test"] = tables["test"].set_column(1, "label", pa.nulls(2, kind))
    task = opened(tables)
    assert (dict(task.info.rows), unlabelled(task)) == ({"train": 2}, {"test": 2})
    assert len(rows_of(task)) == 2
