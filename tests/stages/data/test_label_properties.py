"""Padding, order of rows and shards, container and type change neither kind, classes nor rows."""

from __future__ import annotations

import json
import random

import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stages.data._tables import csv_bytes, jsonl_bytes, opened, rows_of, write

WORDS = st.sampled_from(["pos", "neg", "caf\u00e9", "n/a", "1st"])
WHOLE = st.integers(-2, 3)
LABELS = st.one_of(
    st.lists(st.one_of(WORDS, st.none()), min_size=4, max_size=30),
    st.lists(st.one_of(WHOLE, st.none()), min_size=4, max_size=30),
    st.lists(st.one_of(st.booleans(), st.none()), min_size=4, max_size=30),
    st.lists(st.sampled_from([0.5, 1.0, -2.25, 3.0, None]), min_size=4, max_size=30),
)


def text_of(label):
    return "" if label is None else str(label)


def padded(label, seed):
    before, after = random.Random(seed).choices(["", " ", "\t", "\u00a0"], k=2)
    return before + text_of(label) + after


def types_of(labels):
    """Every type that holds the labels."""
    present = [label for label in labels if label is not None]
    if all(isinstance(label, bool) for label in present):
        return [pa.bool_(), pa.string()]
    if all(isinstance(label, int) for label in present):
        numbers = [pa.int8(), pa.int64(), pa.float16(), pa.float32(), pa.float64()]
        return [*numbers, pa.decimal128(38, 0), pa.decimal128(5, 2), pa.string()]
    if all(isinstance(label, float) for label in present):
        return [pa.float32(), pa.float64(), pa.decimal128(6, 3), pa.string()]
    return [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]


def column(labels, kind):
    import decimal

    if pa.types.is_decimal(kind):
        found = [None if label is None else decimal.Decimal(str(label)) for label in labels]
    elif pa.types.is_floating(kind):
        found = [None if label is None else float(label) for label in labels]
    else:
        words = pa.types.is_dictionary(kind) or "string" in str(kind)
        found = [None if x is None else str(x) if words else x for x in labels]
    return pa.array(found, kind)


def understood(source):
    """What must not change, the rows sorted."""
    task = opened(source)
    info = task.info
    without = {split: sum(why.values()) for split, why in info.unlabelled.items()}
    seen = (info.schema.kind, info.schema.names, dict(info.rows), dict(info.label_counts), without)
    return seen, sorted(rows_of(task))


@settings(max_examples=40, deadline=None)
@given(LABELS, st.integers(0, 99))
def test_container_and_type_change_nothing(tmp_path_factory, labels, seed):
    folder = tmp_path_factory.mktemp("p", numbered=True)
    texts = [f"text {i}" for i in range(len(labels))]
    cells = list(zip(texts, map(text_of, labels), strict=True))
    expected = understood(write(folder / "a.csv", csv_bytes(cells)))
    pairs = list(zip(texts, labels, strict=True))
    blanks = [(text, padded(label, seed + i)) for i, (text, label) in enumerate(pairs)]
    objects = [{"text": text, "label": label} for text, label in pairs]
    sources = [
        write(folder / "b.tsv", csv_bytes(cells, delimiter="\t", quoting=1)),
        write(folder / "c.csv", csv_bytes(blanks)),
        write(folder / "d.jsonl", jsonl_bytes(objects)),
        pandas.DataFrame({"text": texts, "label": [text_of(x) for x in labels]}),
        pandas.DataFrame({"text": texts, "label": pandas.Series(labels).astype("object")}),
    ]
    for number, kind in enumerate(types_of(labels)):
        table = pa.table({"text": texts, "label": column(labels, kind)})
        sources.append(table)
        path = folder / f"{number}.arrow"
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=7)
        sources.append(path)
        if kind != pa.string_view():
            pq.write_table(table, folder / f"{number}.parquet")
            sources.append(folder / f"{number}.parquet")
    for source in sources:
        assert understood(source) == expected, source


@settings(max_examples=25, deadline=None)
@given(LABELS, st.integers(0, 99))
def test_rows_and_shards_in_any_order(tmp_path_factory, labels, seed):
    rows = [(f"text {i}", text_of(label)) for i, label in enumerate(labels)]
    folder = tmp_path_factory.mktemp("o", numbered=True)
    expected = understood(write(folder / "whole" / "a.csv", csv_bytes(rows)))
    order = random.Random(seed)
    order.shuffle(rows)
    assert understood(write(folder / "other" / "a.csv", csv_bytes(rows))) == expected
    cut = order.randrange(1, len(rows))
    kinds = types_of(labels)
    by_text = dict(rows)
    own = {f"text {i}": label for i, label in enumerate(labels)}
    for number, part in enumerate([list(by_text)[:cut], list(by_text)[cut:]]):
        kind = kinds[order.randrange(len(kinds))]  # shards of unlike types
        if kind == pa.string_view():
            kind = pa.string()
        table = pa.table({"text": part, "label": column([own[text] for text in part], kind)})
        (folder / "s").mkdir(exist_ok=True)
        pq.write_table(table, folder / "s" / f"part-{number}.parquet")
    assert understood(folder / "s") == expected


@pytest.mark.parametrize("cells", [["True", "true", "FALSE"], [True, False, True]])
def test_a_shard_of_truth_beside_one_of_integers(tmp_path, cells):
    for number, labels in enumerate(([0, 1, 0, 1], cells)):
        rows = [{"text": "a", "label": label} for label in labels]
        write(tmp_path / "s" / f"train-{number}.jsonl", jsonl_bytes(rows))
    info = opened(tmp_path / "s").info
    assert info.schema.names == ("0", "1")
    assert dict(info.label_counts) == {"0": 3, "1": 4}
    assert any("true and false count as 1 and 0 (3 rows" in note for note in info.notes)


def test_lists_in_text_are_those_of_typed_columns(tmp_path):
    lists = [["joy", "fear"], [], ["fear"], [" joy"]]
    texts = ["a", "b", "c", "d"]
    expected = understood(pa.table({"text": texts, "label": lists}))
    for write_list in (json.dumps, str):
        cells = zip(texts, map(write_list, lists), strict=True)
        assert understood(write(tmp_path / "a.csv", csv_bytes(list(cells)))) == expected
