"""Streams without an end, and streams and arrays of other programs that fail on the way."""

from __future__ import annotations

import io
import os
import sys

import pyarrow as pa
import pytest
from stages.data._tables import TABLE, opened

from taskaff.core.errors import DataError, UsageError


def fed(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_standard_input_has_a_bound(monkeypatch):
    monkeypatch.setattr("taskaff.stages.data.sources.STDIN_BYTES", 1000)
    fed(monkeypatch, b"text,label\n" * 1000)
    with pytest.raises(DataError, match="more than 1,000 bytes") as caught:
        opened("-", format="csv")
    assert "give its path" in caught.value.hint


@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl"])
def test_a_first_line_without_end_is_refused_at_once(monkeypatch, format):
    monkeypatch.setattr("taskaff.stages.data.sources.CELL_BYTES", 1000)
    fed(monkeypatch, bytes(5000))
    with pytest.raises(DataError, match="first line is longer"):
        opened("-", format=format)


class Stream:
    """An Arrow stream that fails in its middle, at its schema, or at once."""

    def __init__(self, after):
        self._after = after

    def __arrow_c_stream__(self, requested_schema=None):
        if self._after is None:
            raise RuntimeError("the connection is closed")

        def batches():
            for number in range(10):
                if number == self._after:
                    raise KeyError("gone")
                yield TABLE.to_batches()[0]

        reader = pa.RecordBatchReader.from_batches(TABLE.schema, batches())
        return reader.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("after", [None, 0, 3])
def test_a_stream_that_fails(after):
    with pytest.raises(DataError, match="cannot be read as Arrow") as caught:
        opened(Stream(after))
    assert caught.value.hint


MIXED = {
    "mixed": {"text": ["a", 1, b"c"], "label": [0, 1, 0]},
    "lists and texts": {"text": ["a", ["b"], "c"], "label": [0, 1, 0]},
    "objects": {"text": [object(), "b", "c"], "label": [0, 1, 0]},
    "sets": {"text": ["a", "b", "c"], "label": [{1}, 2, "x"]},
}


@pytest.mark.parametrize("kind", MIXED)
def test_pandas_columns_of_mixed_types(kind):
    pandas = pytest.importorskip("pandas")
    with pytest.raises(DataError):
        opened(pandas.DataFrame(MIXED[kind]))


def test_pandas_columns_of_one_name():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(DataError):
        opened(pandas.DataFrame([["a", "b", 1]], columns=["text", "text", "label"]))


@pytest.mark.parametrize(
    "X", [["a", ["b"]], [[1.0], [1.0, 2.0]], [["a"], ["b"]], [{}, {}], [b"\xff"]]
)
def test_arrays_that_are_none(X):
    with pytest.raises(UsageError) as caught:
        opened((X, [0] * len(X)))
    assert caught.value.hint


@pytest.mark.parametrize("folder", [True, False])
def test_a_file_name_that_is_not_utf8(tmp_path, folder):
    path = tmp_path / os.fsdecode(b"caf\xe9.csv")
    try:
        path.write_bytes(b"text,label\na,b\nc,d\n")
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    with pytest.raises(DataError, match=r"file name .*is not UTF-8") as caught:
        opened(tmp_path if folder else path)
    assert caught.value.hint == "rename the file"
