"""Every format, however it is wrapped, gives the same task."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs
import pytest
from stages.data._tables import (
    COMPRESS,
    ROWS,
    TABLE,
    WRITERS,
    csv_bytes,
    opened,
    rows_of,
    write,
)

from taskaff.core.errors import UsageError
from taskaff.core.records.data import DataRequest
from taskaff.core.registry import load
from taskaff.stages.data import FORMATS
from taskaff.stages.data.names import SUFFIXES
from taskaff.stages.data.remote import from_tree
from taskaff.stages.data.trees import Tree


def check(task, rows=ROWS):
    info = task.info
    assert info.schema.kind == "classes"
    assert info.schema.names == ("NA", "neg", "pos")
    assert info.schema.columns == ("label",)
    assert info.layout == "single"
    assert info.text_columns == ("text",)
    assert info.columns == ("text", "label")
    assert dict(info.rows) == {"train": len(rows)}
    assert info.label_counts == {n: sum(y == n for _, y in rows) for n in info.schema.names}
    assert sum(file.rows for file in info.files) == len(rows)
    assert all(len(file.sha256) == 64 for file in info.files)
    assert not info.rejects
    assert rows_of(task) == rows
    assert rows_of(task) == rows  # as often as asked


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_file_of_every_format(tmp_path, name, suffix):
    data = COMPRESS[suffix](WRITERS[name]())
    task = opened(write(tmp_path / "toy" / (name + suffix), data))
    check(task)
    assert task.info.name == "toy"
    assert task.info.files[0].bytes == len(data)


def test_every_format_of_the_table_is_written_here():
    written = {SUFFIXES[Path(name).suffix] for name in WRITERS}
    assert written | {"npz", "npy", "txt"} == set(FORMATS)
    for line in FORMATS.values():
        assert callable(load(line.target))


@pytest.mark.parametrize("name", WRITERS)
def test_a_folder_and_a_glob_of_shards(tmp_path, name):
    suffix = Path(name).suffix
    data = WRITERS[name]()
    for i in range(3):
        write(tmp_path / "toy" / f"part-{i:05d}{suffix}", data)
    folder = opened(tmp_path / "toy")
    check(folder, ROWS * 3)
    assert folder.info.name == "toy"
    assert len(folder.info.files) == 3
    pattern = opened(f"{tmp_path}/toy/part-*{suffix}")
    check(pattern, ROWS * 3)
    assert pattern.info.name == "toy"
    one = list(folder.batches(folder.info.files[1]))
    assert sum(batch.rows for batch in one) == 40
    assert one[0].file.endswith(f"part-00001{suffix}")


class Capsule:
    """Anything that speaks the stream protocol, once."""

    def __init__(self, table):
        self._reader = table.to_reader(max_chunksize=7)

    def __arrow_c_stream__(self, requested_schema=None):
        return self._reader.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize(
    "make",
    [
        lambda: TABLE,
        lambda: pa.concat_tables([TABLE.slice(0, 13), TABLE.slice(13)]),
        lambda: TABLE.combine_chunks().to_batches()[0],
        lambda: TABLE.to_reader(max_chunksize=9),
        lambda: Capsule(TABLE),
        lambda: TABLE.set_column(0, "text", TABLE["text"].cast(pa.large_string())),
        lambda: TABLE.set_column(0, "text", TABLE["text"].cast(pa.string_view())),
        lambda: TABLE.set_column(0, "text", TABLE["text"].dictionary_encode()),
        lambda: TABLE.set_column(1, "label", TABLE["label"].dictionary_encode()),
        lambda: {"train": TABLE},
    ],
    ids=[
        "table", "chunks", "batch", "reader", "capsule", "large_string", "string_view",
        "dictionary text", "dictionary label", "mapping of splits",
    ],
)  # fmt: skip
def test_tables(make):
    check(opened(make()))


def test_identity_of_a_table_ignores_chunks_but_not_values():
    digests = [
        opened(t).info.files[0].sha256
        for t in (TABLE, pa.concat_tables([TABLE.slice(0, 13), TABLE.slice(13)]), TABLE.slice(1))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_pandas_and_polars():
    pandas = pytest.importorskip("pandas")
    check(opened(pandas.DataFrame(TABLE.to_pylist())))
    polars = pytest.importorskip("polars")
    check(opened(polars.DataFrame(TABLE.to_pydict())))


def test_standard_input(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(WRITERS["data.csv"]()))
    monkeypatch.setattr(sys, "stdin", stream)
    task = opened("-", format="csv")
    check(task)
    assert task.info.name == "stdin"


def test_standard_input_needs_a_format():
    with pytest.raises(UsageError) as caught:
        opened("-")
    assert "--stdin-format" in caught.value.hint


@pytest.mark.parametrize("name", WRITERS)
def test_any_arrow_filesystem(tmp_path, name):
    write(tmp_path / "toy" / name, WRITERS[name]())
    base = pafs.SubTreeFileSystem(str(tmp_path), pafs.LocalFileSystem())
    request = DataRequest("mock://toy")
    for path in (f"toy/{name}", "toy"):
        located = from_tree(Tree(base, "mock://"), path, request)
        assert [found.path for found in located.files] == [f"mock://toy/{name}"]
        assert located.name == "toy"
        table = load(FORMATS[located.files[0].format].target)
        reader = table(located.files[0].blob, request)
        list(reader.scan(["text", "label"]))
        rows = [r for batch in reader.batches(["text", "label"]) for r in batch.to_pylist()]
        assert [(row["text"], row["label"]) for row in rows] == ROWS


def test_file_url(tmp_path):
    path = write(tmp_path / "toy" / "data.csv", WRITERS["data.csv"]())
    check(opened(f"file://{path}"))


@pytest.mark.parametrize("url", ["https://x.org/a.csv", "http://x.org/a.csv"])
def test_urls_that_are_not_read(url):
    with pytest.raises(UsageError) as caught:
        opened(url)
    assert "download" in caught.value.hint


# -- ready vectors

X = np.arange(120, dtype=np.float32).reshape(40, 3) / 8
Y = np.array([y for _, y in ROWS])
VECTORS = pa.table({"embedding": [list(map(float, row)) for row in X], "label": list(Y)})


def check_vectors(task):
    assert task.info.layout == "vectors"
    assert task.info.vector_width == 3
    assert task.info.schema.names == ("NA", "neg", "pos")
    assert rows_of(task) == [(tuple(map(float, x)), y) for x, y in zip(X, Y, strict=True)]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2"])
def test_npz(tmp_path, save, dtype):
    save(tmp_path / "toy.npz", X=X.astype(dtype), y=Y)
    check_vectors(opened(tmp_path / "toy.npz"))


def test_vectors_as_list_columns_and_arrays(tmp_path):
    fixed = VECTORS.set_column(0, "Vector", VECTORS["embedding"].cast(pa.list_(pa.float32(), 3)))
    check_vectors(opened(VECTORS))
    check_vectors(opened(fixed))
    check_vectors(opened((X, Y)))
    check_vectors(opened((X.astype(np.float64)[:, ::-1][:, ::-1], list(Y))))
    import pyarrow.parquet as pq

    pq.write_table(fixed, tmp_path / "v.parquet")
    check_vectors(opened(tmp_path / "v.parquet"))
    lines = [
        f'{{"vector": {list(map(float, x))}, "label": "{y}"}}' for x, y in zip(X, Y, strict=True)
    ]
    check_vectors(opened(write(tmp_path / "v.jsonl", "\n".join(lines))))


def test_npy_has_no_labels(tmp_path):
    np.save(tmp_path / "toy.npy", X)
    task = opened(tmp_path / "toy.npy")
    assert task.info.schema.kind == "none"
    assert rows_of(task) == [(tuple(map(float, x)),) for x in X]


def test_texts_and_labels_as_arrays():
    check_rows = [(t, y) for t, y in ROWS]
    task = opened(([t for t, _ in ROWS], [y for _, y in ROWS]))
    assert task.info.layout == "single"
    assert rows_of(task) == check_rows


def test_indicator_and_target_matrices():
    task = opened((X, np.eye(40)[:, :2]))
    assert task.info.schema.kind == "multilabel"
    assert dict(task.info.label_counts) == {"y_0": 1, "y_1": 1}
    task = opened((X, X[:, :2].astype(np.float64)))
    assert task.info.schema.kind == "regression"
    assert rows_of(task)[1] == (tuple(X[1].tolist()), tuple(X[1, :2].tolist()))


def test_features_by_pattern_in_a_csv(tmp_path):
    rows = [(i / 2, i, "ab"[i % 2]) for i in range(20)]
    path = write(tmp_path / "f.csv", csv_bytes(rows, ("Att1", "Att2", "label")))
    wide = [(*row[:2], i, row[2]) for i, row in enumerate(rows)]
    path3 = write(tmp_path / "g.csv", csv_bytes(wide, ("Att1", "Att2", "Att3", "label")))
    task = opened(path3, text=("Att*",))
    assert task.info.layout == "vectors"
    assert task.info.vector_width == 3
    assert rows_of(task)[4] == ((2.0, 4.0, 4.0), "a")
    assert opened(path, text=("Att*",)).info.layout == "pair"  # two columns of a CSV are texts


def test_save_to_disk(tmp_path):
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    one = datasets.Dataset.from_dict(TABLE.to_pydict())
    one.save_to_disk(tmp_path / "one", num_shards=3)
    check(opened(tmp_path / "one"))
    datasets.DatasetDict(train=one, validation=one.select(range(5))).save_to_disk(tmp_path / "two")
    task = opened(tmp_path / "two")
    assert dict(task.info.rows) == {"train": 40, "validation": 5}
    check(opened(one))
    check(opened(one.select(range(39, -1, -1))), ROWS[::-1])
