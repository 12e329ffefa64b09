"""Token lists are texts where that was asked for, and only there."""

from __future__ import annotations

import pyarrow as pa
import pytest
from stages.data._tables import jsonl_bytes, opened, rows_of, sink, write

from taskaff.core.errors import DataError

ROWS = [
    {"id": str(i), "tokens": ["word", f"nr{i}", "."][: i % 4], "label": "ab"[i % 2]}
    for i in range(8)
]
EXPECTED = [(" ".join(row["tokens"]), row["label"]) for row in ROWS]
KINDS = ["jsonl", "parquet", "file", "stream", "table", "large", "words", "fixed"]


def source(tmp_path, kind, rows):
    if kind == "jsonl":
        return write(tmp_path / "a.jsonl", jsonl_bytes(rows))
    table = pa.Table.from_pylist(rows)
    lists = {"large": pa.large_list(pa.string()), "words": pa.list_(pa.large_string())}
    if kind in lists:
        return table.set_column(1, "tokens", table["tokens"].cast(lists[kind]))
    if kind == "fixed":
        three = [(row["tokens"] + ["", "", ""])[:3] for row in rows]
        return table.set_column(1, "tokens", pa.array(three, pa.list_(pa.string(), 3)))
    if kind == "table":
        return table
    suffix = {"file": "arrow", "stream": "arrows"}.get(kind, kind)
    return write(tmp_path / f"a.{suffix}", sink(table, kind))


def refused(source, found, hint, **said):
    with pytest.raises(DataError) as caught:
        opened(source, **said)
    assert found in caught.value.found, caught.value.found
    assert hint == caught.value.hint, caught.value.hint
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_joined_when_asked_for(tmp_path, kind):
    task = opened(source(tmp_path, kind, ROWS), text=("tokens",), join_tokens=True)
    rows = rows_of(task)
    assert [(text.strip(), label) for text, label in rows] == EXPECTED
    assert kind == "fixed" or rows == EXPECTED
    assert task.info.layout == "single"


@pytest.mark.parametrize("kind", KINDS)
def test_refused_otherwise_with_the_flag(tmp_path, kind):
    path = source(tmp_path, kind, ROWS)
    for said in ({}, {"text": ("tokens",)}, {"text": ("tok*",)}):
        hint = (
            "--text 'tok*' --join-tokens"
            if said.get("text") == ("tok*",)
            else ("--text tokens --join-tokens")
        )
        error = refused(path, "'tokens' holds lists of words", hint, **said)
        assert error.where.column == "tokens"


def test_names_that_say_text():
    table = pa.table({"text": [["a", "b"], ["c"]], "label": ["x", "y"]})
    assert rows_of(opened(table, join_tokens=True)) == [("a b", "x"), ("c", "y")]
    refused(table, "'text' holds lists of words", "--text text --join-tokens")


def test_a_text_beside_lists_of_words():
    table = pa.table({"text": ["a", "b"], "answer": [["c"], ["d"]], "label": ["x", "y"]})
    assert rows_of(opened(table)) == [("a", "x"), ("b", "y")]
    pair = opened(table, text=("text", "answer"), join_tokens=True)
    assert rows_of(pair) == [("a", "c", "x"), ("b", "d", "y")]
    hint = "--text text,answer --join-tokens"
    refused(table, "'answer' holds lists of words", hint, text=("text", "answer"))


def test_lists_of_labels_stay_lists():
    table = pa.table({"tokens": [["a", "b"], ["c"]], "tags": [["x"], ["x", "y"]]})
    task = opened(table, text=("tokens",), label=("tags",), join_tokens=True)
    assert task.info.schema.kind == "multilabel"
    assert rows_of(task) == [("a b", (1.0, 0.0)), ("c", (1.0, 1.0))]


def test_the_hint_says_the_label_too():
    tokens = [["a", "b"], ["c"], ["d"], ["e"]]
    table = pa.table({"tokens": tokens, "gold": ["x", "y", "x", "y"]})
    refused(table, "'tokens' holds", "--text tokens --join-tokens --label gold")
    said = {"text": ("tokens",), "join_tokens": True, "label": ("gold",)}
    assert rows_of(opened(table, **said))[0] == ("a b", "x")
    refused(table.select(["tokens"]), "'tokens' h", "--text tokens --join-tokens --label-kind none")


def test_nothing_to_join():
    table = pa.table({"text": ["a", "b"], "label": ["x", "y"]})
    refused(
        table, "no text column holds lists of words", "leave --join-tokens out", join_tokens=True
    )
    more = table.append_column("words", pa.array([["c"], ["d"]]))
    refused(more, "no text column holds", "--text words --join-tokens", join_tokens=True)


@pytest.mark.parametrize("tokens", [None, ["a", None]])
def test_lists_that_are_null_are_bad_rows(tokens):
    table = pa.table({"tokens": [["a"], tokens, ["b"]], "label": ["x", "y", "y"]})
    said = {"text": ("tokens",), "join_tokens": True}
    with pytest.raises(DataError, match="text is missing in column 'tokens'") as caught:
        opened(table, **said)
    assert caught.value.where.row == 2
    assert rows_of(opened(table, on_bad_row="skip", **said)) == [("a", "x"), ("b", "y")]


def test_tokens_inside_of_objects(tmp_path):
    rows = [{"s": {"tokens": row["tokens"]}, "label": row["label"]} for row in ROWS]
    path = write(tmp_path / "a.jsonl", jsonl_bytes(rows))
    assert rows_of(opened(path, text=("s.tokens",), join_tokens=True)) == EXPECTED
