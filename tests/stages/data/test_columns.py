"""Which columns are what: by name, by flag, or an error that lists the candidates."""

from __future__ import annotations

import pyarrow as pa
import pytest
from stages.data._tables import csv_bytes, jsonl_bytes, opened, rows_of, sink, write

from taskaff.core.errors import DataError


def table(*names, **more):
    return pa.table({name: ["a b", "c"] * 10 for name in names} | more)


LABEL = {"label": ["x", "y"] * 10}


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["text"], ["text"]),
        (["Sentence"], ["Sentence"]),
        (["idx", "QUESTION"], ["QUESTION"]),
        (["text", "text_b"], ["text", "text_b"]),
        (["text_b", "text_a"], ["text_a", "text_b"]),
        (["sentence1", "sentence2", "idx"], ["sentence1", "sentence2"]),
        (["premise", "hypothesis"], ["premise", "hypothesis"]),
        (["question1", "question2", "id"], ["question1", "question2"]),
        (["sentence", "question"], ["question", "sentence"]),
        (["question", "Context"], ["question", "Context"]),
    ],
)
def test_texts_by_name(names, text):
    info = opened(table(*names, **LABEL)).info
    assert list(info.text_columns) == text
    assert info.layout == ("pair" if len(text) == 2 else "single")
    assert info.schema.columns == ("label",)


@pytest.mark.parametrize("label", ["label", "Labels", "score", "TARGET"])
def test_labels_by_name(label):
    info = opened(table("text", "idx", **{label: ["x", "y"] * 10})).info
    assert info.schema.columns == (label,)


def test_flags_name_columns_exactly():
    t = table("text", "sentence", "label", gold=["u", "v"] * 10)
    task = opened(t, text=("sentence",), label=("gold",))
    assert task.info.text_columns == ("sentence",)
    assert task.info.schema.names == ("u", "v")
    task = opened(t, text=("sentence", "text"), label=("gold",))
    assert task.info.layout == "pair"


def refused(t, found, hint, **said):
    with pytest.raises(DataError) as caught:
        opened(t, **said)
    assert found in str(caught.value)
    assert hint in caught.value.hint


def test_what_is_ambiguous_lists_the_candidates():
    two = table("text", "sentence", **LABEL)
    refused(two, "text or sentence", "--text text or --text sentence")
    three = table("text", "premise", "hypothesis")
    refused(three, "premise,hypothesis", "--text premise,hypothesis")
    refused(table("text", "label", "score"), "'label', 'score'", "--label label or --label score")
    refused(table("text", "gold"), "candidates: 'gold'", "--label gold")
    refused(table("text", "my col", "b"), "'my col', 'b'", "--label 'my col'")
    refused(table("body", **LABEL), "no column has a name that says text", "--text body")
    refused(table("text", "Text", **LABEL), "differ only in case", "rename")
    refused(table("text", **LABEL), "no column 'txet'", "--text text", text=("txet",))
    refused(table("text", "a"), "both input and label", "--label", text=("a",), label=("a",))
    refused(table("text", **LABEL), "both input and split", "--split-column", split_column="text")
    refused(table("text", **LABEL), "stands for 2 columns", "--split-column text", split_column="*")
    refused(
        table("text", n=list(range(20)), **LABEL),
        "not numeric",
        "--text",
        text=("text", "n", "label"),
    )


def test_a_column_that_is_asked_for_is_not_taken_for_the_splits():
    t = table("text", "label", split=["train", "train", "test", "test"] * 5)
    assert opened(t).info.rows == {"train": 10, "test": 10}
    assert opened(t, label=("split",)).info.schema.names == ("test", "train")
    assert opened(t, text=("split",)).info.rows == {"train": 20}
    assert opened(t, split_column="sp*").info.rows == {"train": 10, "test": 10}


def test_a_text_alone_has_no_labels(tmp_path):
    assert opened(table("text")).info.schema.kind == "none"
    path = write(tmp_path / "t.csv", csv_bytes([("a",), ("b",)], ("text",)))
    task = opened(path)
    assert task.info.schema.kind == "none"
    assert rows_of(task) == [("a",), ("b",)]
    assert next(iter(task.batches())).labels is None
    assert opened(table("text", "gold"), label_kind="none").info.schema.kind == "none"


BITS = {"joy": [1, 0] * 10, "fear": [0, 0, 1, 1] * 5}


def test_all_other_columns_0_or_1_are_labels(tmp_path):
    task = opened(table("text", **BITS))
    assert task.info.schema.kind == "multilabel"
    assert task.info.schema.names == ("joy", "fear")
    assert dict(task.info.label_counts) == {"joy": 10, "fear": 10}
    assert "multi-label: the 2 other columns" in task.info.notes[0]
    assert rows_of(task)[0] == ("a b", (1.0, 0.0))
    rows = [(f"t{i}", i % 2, "1.0" if i % 3 else "0") for i in range(30)]
    path = write(tmp_path / "w.csv", csv_bytes(rows, ("text", "joy", "fear")))
    assert dict(opened(path).info.label_counts) == {"joy": 15, "fear": 20}


def test_one_column_that_is_not_0_or_1_needs_the_flag(tmp_path):
    wide = table("text", "author", **BITS)
    refused(wide, "'author', 'joy', 'fear'", "--label joy,fear")
    assert opened(wide, label=("joy", "fear")).info.schema.kind == "multilabel"
    rows = [(f"t{i}", i % 2, 2 if i == 150 else 1) for i in range(200)]  # after the first rows
    path = write(tmp_path / "w.csv", csv_bytes(rows, ("text", "joy", "fear")))
    refused(path, "not all 0/1", "--label")


def test_the_label_prefix_and_numeric_features():
    t = pa.table(
        {
            "f1": [0.5, 1.5] * 10,
            "score": [1, 2] * 10,
            "label::a": [0, 1] * 10,
            "label::b": [1, 1] * 10,
        }
    )
    task = opened(t)
    assert task.info.layout == "vectors"
    assert task.info.text_columns == ("f1", "score")
    assert task.info.schema.names == ("label::a", "label::b")
    assert rows_of(task)[1] == ((1.5, 2.0), (1.0, 1.0))
    assert len(task.info.notes) == 2
    assert opened(t, text=("f*",), label=("label::a",)).info.layout == "single"


NUMBERS = {"integers": [3, 1, 2] * 4, "floats": [0.5, 1.5, 2.25] * 4, "truth": [True, False] * 6}


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("text", [None, ("text",), ("text", "other")])
def test_a_text_column_that_holds_numbers_is_text_in_every_format(tmp_path, kind, text):
    columns = {"text": NUMBERS[kind], "other": range(12), "label": ["a", "b"] * 6}
    table = pa.table({name: list(values) for name, values in columns.items()})
    header = tuple(columns)
    rows = list(zip(*columns.values(), strict=True))
    found = set()
    for name, data in {
        "t.csv": csv_bytes(rows, header),
        "t.jsonl": jsonl_bytes(table.to_pylist()),
        "t.parquet": sink(table, "parquet"),
        "t.arrow": sink(table, "file"),
    }.items():
        path = write(tmp_path / name, data)
        task = opened(path, text=text, label=("label",))
        found.add((task.info.layout, tuple(row[0] for row in rows_of(task)).__repr__().lower()))
        notes = [note for note in task.info.notes if "which are read as words" in note]
        assert len(notes) == (len(text or "1") - (kind == "truth"))
    assert len(found) == 1


def test_a_missing_number_is_a_missing_text():
    table = pa.table({"text": [0.5, float("nan"), None], "label": ["a", "b", "a"]})
    task = opened(table, on_bad_row="skip")
    assert rows_of(task) == [("0.5", "a")]


def test_shards_share_their_columns(tmp_path):
    write(tmp_path / "s" / "train.csv", csv_bytes([("a", "x"), ("b", "y")]))
    write(tmp_path / "s" / "more.csv", csv_bytes([("a",), ("b",)], ("text",)))
    with pytest.raises(DataError) as caught:
        opened(tmp_path / "s")
    assert caught.value.where.file.endswith("train.csv")
    assert "the label columns are label, and in" in caught.value.found
    (tmp_path / "s" / "more.csv").unlink()
    write(tmp_path / "s" / "test.csv", csv_bytes([("x", "a"), ("y", "b")], ("label", "text")))
    assert opened(tmp_path / "s").info.rows == {"train": 2, "test": 2}  # in any order
