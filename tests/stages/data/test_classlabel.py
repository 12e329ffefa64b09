"""Names of class ids that the metadata of datasets gives."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stages.data._tables import opened, rows_of

from taskaff.core.errors import DataError

CLASS = {"names": ["neg", "pos"], "_type": "ClassLabel"}


def table(labels, feature=CLASS, kind=None):
    found = pa.table(
        {"text": [f"t{i}" for i in range(len(labels))], "label": pa.array(labels, kind)}
    )
    features = {"text": {"dtype": "string", "_type": "Value"}, "label": feature}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return found.replace_schema_metadata(metadata)


def parquet(path, *given, **more):
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table(*given, **more), path)
    return path


def write_stream(path, source):
    with pa.ipc.new_stream(path, source.schema) as writer:
        writer.write_table(source)
    return path


@pytest.mark.parametrize("kind", ["table", "parquet", "arrow"])
def test_names_are_shown_and_minus_one_is_no_label(tmp_path, kind):
    source = table([1, 0, -1, 1])
    if kind == "parquet":
        source = parquet(tmp_path / "a.parquet", [1, 0, -1, 1])
    elif kind == "arrow":
        source = write_stream(tmp_path / "a.arrow", source)
    info = opened(source).info
    assert info.schema.names == ("neg", "pos")
    assert info.label_counts == {"neg": 1, "pos": 2}
    assert info.unlabelled == {"train": {"-1, which ClassLabel has for none": 1}}
    assert [row[1] for row in rows_of(opened(source))] == ["pos", "neg", "pos"]
    numbers = opened(source, label_kind="regression")
    assert [row[1] for row in rows_of(numbers)] == [(1.0,), (0.0,), (-1.0,), (1.0,)]


@pytest.mark.parametrize(
    "feature",
    [
        {"feature": CLASS, "_type": "Sequence"},
        {"feature": CLASS, "length": -1, "_type": "List"},
        [CLASS],
    ],
)
def test_lists_of_ids(feature):
    task = opened(table([[1], [0, 1], []], feature, pa.list_(pa.int64())))
    assert task.info.schema.names == ("neg", "pos")
    assert [row[1] for row in rows_of(task)] == [(0.0, 1.0), (1.0, 1.0), (0.0, 0.0)]
    lost = opened(table([[1], [-1], [0]], feature, pa.list_(pa.int64())))
    assert lost.info.unlabelled == {"train": {"-1, which ClassLabel has for none": 1}}
    assert [row[0] for row in rows_of(lost)] == ["t0", "t2"]


def test_shards_that_disagree_are_refused(tmp_path):
    one = parquet(tmp_path / "s" / "train-0.parquet", [0, 1])
    other = {"names": ["pos", "neg"], "_type": "ClassLabel"}
    two = parquet(tmp_path / "s" / "train-1.parquet", [0, 1], other)
    with pytest.raises(DataError, match="0 is 'pos', and 'neg' in") as caught:
        opened(tmp_path / "s")
    assert str(one) in caught.value.found
    assert caught.value.where.file == str(two)
    parquet(tmp_path / "s" / "train-1.parquet", [0, 2], CLASS | {"names": ["neg", "pos", "odd"]})
    assert opened(tmp_path / "s").info.schema.names == ("neg", "odd", "pos")


def test_many_names_are_no_ids():
    names = [f"intent {i}" for i in range(150)]
    info = opened(table(list(range(150)), {"names": names, "_type": "ClassLabel"})).info
    assert info.schema.width == 150


def test_odd_metadata_says_nothing():
    for text in ("", "[]", "{", '{"info": 3}', '{"info": {"features": []}}'):
        odd = table([0, 1]).replace_schema_metadata({"huggingface": text})
        assert opened(odd).info.schema.names == ("0", "1")


FIELDS = {"polarity": CLASS, "topics": {"feature": CLASS, "_type": "List"}, "n": {"_type": "Value"}}


@pytest.mark.parametrize("kind", ["table", "parquet", "stream"])
@pytest.mark.parametrize("depth", [1, 2])
def test_names_inside_of_objects(tmp_path, kind, depth):
    rows = [{"polarity": i, "topics": [i], "n": i} for i in (0, 1, -1, 1)]
    feature = FIELDS
    if depth == 2:
        rows, feature = [{"x": row} for row in rows], {"x": FIELDS}
    source = table(rows, feature)
    if kind == "parquet":
        pq.write_table(source, tmp_path / "a.parquet")
        source = tmp_path / "a.parquet"
    elif kind == "stream":
        source = write_stream(tmp_path / "a.arrow", source)
    path = "label" + ".x" * (depth - 1)
    task = opened(source, label=(f"{path}.polarity",))
    assert task.info.label_counts == {"neg": 1, "pos": 2}
    task = opened(source, label=(f"{path}.topics",))
    assert task.info.label_counts == {"neg": 1, "pos": 2}
    assert opened(source, label=(f"{path}.n",)).info.schema.names == ("-1", "0", "1")
