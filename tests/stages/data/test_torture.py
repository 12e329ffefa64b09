"""Bad input: refused with the file, the place and what to do; nothing is guessed."""

from __future__ import annotations

import csv
import gzip
import json
import os
import struct
import threading

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stages.data._tables import (
    COMPRESS,
    ROWS,
    TABLE,
    csv_bytes,
    jsonl_bytes,
    opened,
    rows_of,
    sink,
    write,
)

from taskaff.core.errors import DataError, TaskaffError, UsageError
from taskaff.stages.data.delimited import CsvReader


def refused(path, found, hint="", *, line=None, row=None, column=None, **said):
    """The input is refused before a batch is given, by name and place."""
    with pytest.raises(TaskaffError) as caught:
        opened(path, **said)
    error = caught.value
    assert found in error.found, error.found
    assert error.hint
    assert hint in error.hint, error.hint
    assert error.task
    assert error.where is not None
    assert error.where.file.startswith(str(path)), error.where
    if line is not None:
        assert error.where.line == line
    if row is not None:
        assert error.where.row == row
    if column is not None:
        assert error.where.column == column
    return error


# -- CSV

GOOD = b"text,label\nfine,pos\nawful,neg\n"
CSV = [
    ("latin-1", b"text,label\nfine,pos\ncaf\xe9,neg\n", "not UTF-8", "--encoding latin-1", 3),
    ("utf-16", GOOD.decode().encode("utf-16"), "UTF-16", "--encoding utf-16", 1),
    ("utf-16 without mark", GOOD.decode().encode("utf-16-le"), "NUL", "--encoding utf-16-le", 1),
    ("nul", b"text,label\nfine,pos\na\0b,neg\n", "NUL", "remove", 3),
    ("unclosed quote", b'text,label\nfine,pos\n"awful,neg\nx,pos\n', "never closed", "quote", 3),
    ("swallowed rows", b'text,label\na,x\n"b,x\nc,"y"\n', "follows a closing", "--quote none", 3),
    ("text after quote", b'text,label\na,x\n"b" c,x\n', "follows a closing", "double", 3),
    ("repeated header", b"text,label,label\na,b,c\n", "2 times", "rename", 1),
    ("semicolons", b"text;label\nfine;pos\n", "'text;label'", "--delimiter ';'", 1),
    ("tabs", b"text\tlabel\nfine\tpos\n", "one column", "--delimiter $'\\t'", 1),
    ("ragged, long", b"text,label\nfine,pos\na,b,c\n", "3 cells", "quote", 3),
    ("ragged, short", b'text,label\n"fi\nne",pos\na\n', "1 cells", "quote", 4),
    ("empty", b"", "empty", "", None),
    ("only a mark", b"\xef\xbb\xbf", "empty", "", 1),
    ("blank", b"\n\n\r\n", "empty", "", 1),
    ("header only", b"text,label\n", "no row", "", None),
    ("no header", b"nice film,pos\nbad film,neg\n", "no column", "--text", None),
]


@pytest.mark.parametrize(
    ("data", "found", "hint", "line"), [c[1:] for c in CSV], ids=[c[0] for c in CSV]
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_csv_refused(tmp_path, data, found, hint, line, suffix):
    path = write(tmp_path / ("toy.csv" + suffix), COMPRESS[suffix](data))
    refused(path, found, hint, line=line)


def test_the_row_of_a_ragged_line_counts_rows_not_lines(tmp_path):
    path = write(tmp_path / "toy.csv", 'text,label\n"a\n\n\nb",x\n\nc,y\nd\n')
    refused(path, "1 cells", line=8, row=3)


ACCEPTED = [
    ("quoted newlines", b'text,label\n"a\nb\r\nc",x\n"d",y\n', {}, [("a\nb\r\nc", "x"), ("d", "y")]),  # noqa: E501
    ("byte-order mark", b"\xef\xbb\xbftext,label\na,x\nb,y\n", {}, [("a", "x"), ("b", "y")]),
    ("only CR", b"text,label\ra,x\rb,y\r", {}, [("a", "x"), ("b", "y")]),
    ("CRLF, no last end", b"text,label\r\na,x\r\nb,y", {}, [("a", "x"), ("b", "y")]),
    ("blank lines", b"\ntext,label\n\na,x\n\r\n\nb,y\n\n", {}, [("a", "x"), ("b", "y")]),
    ("NA and null are words", b"text,label\nNA,null\n,NA\n", {}, [("NA", "null"), ("", "NA")]),
    ("latin-1", b"text,label\ncaf\xe9,x\n", {"encoding": "latin-1"}, [("café", "x")]),
    ("utf-16", "text,label\né€,x\n".encode("utf-16"), {"encoding": "utf-16"}, [("é€", "x")]),
    ("utf-16-le", "text,label\n€,x\n".encode("utf-16-le"), {"encoding": "utf-16-le"}, [("€", "x")]),
    ("semicolon", b"text;label\na,b;x\n", {"delimiter": ";"}, [("a,b", "x")]),
    ("tab by name", b"text\tlabel\na\tx\n", {"delimiter": "\\t"}, [("a", "x")]),
    ("no quotes", b'text,label\n"a,x\nb"c,y\n', {"quote": "none"}, [('"a', "x"), ('b"c', "y")]),
    ("single quotes", b"text,label\n'a,b',x\n", {"quote": "'"}, [("a,b", "x")]),
    ("quote inside", b'text,label\na"b"c,x\n', {}, [('a"b"c', "x")]),
    ("odd separators", "text,label\na\u2028b\x0b\x85c,x\n".encode(), {}, [("a\u2028b\x0b\x85c", "x")]),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "said", "rows"), [c[1:] for c in ACCEPTED], ids=[c[0] for c in ACCEPTED]
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_csv_accepted(tmp_path, data, said, rows, suffix):
    path = write(tmp_path / ("toy.csv" + suffix), COMPRESS[suffix](data))
    assert rows_of(opened(path, **said)) == rows


def test_tsv_with_bare_quotes_needs_the_flag(tmp_path):
    path = write(tmp_path / "toy.tsv", 'text\tlabel\n"a" b\tx\n')
    refused(path, "closing quote", "--quote none")
    assert rows_of(opened(path, quote="none")) == [('"a" b', "x")]


@pytest.mark.parametrize("tail", [0, 200])
def test_a_cell_of_two_megabytes(tmp_path, tail):
    long = "wörd " * 400_000
    rows = [(f"r{i}", "x") for i in range(300)] + [(long, "y")] + [("z", "x")] * tail
    before = csv.field_size_limit()
    task = opened(write(tmp_path / "toy.csv", csv_bytes(rows)))
    assert rows_of(task) == rows
    assert csv.field_size_limit() == before


def test_many_large_cells_come_in_small_batches(tmp_path):
    rows = [("x" * 2_000_000, "a")] * 25
    task = opened(write(tmp_path / "toy.csv", csv_bytes(rows)))
    batches = list(task.batches())
    assert sum(batch.rows for batch in batches) == 25
    assert max(batch.text[0].nbytes for batch in batches) <= 32 << 20


def test_a_cell_that_never_ends(tmp_path, monkeypatch):
    monkeypatch.setattr("taskaff.stages.data.delimited.CELL_BYTES", 1000)
    path = write(tmp_path / "toy.csv", 'text,label\na,x\n"' + "b,x\n" * 1000)
    refused(path, "longer than", "--quote none", line=3)


def test_ten_thousand_columns(tmp_path):
    names = ["text", *(f"c{i}" for i in range(9_998)), "label"]
    rows = [[f"t{r}", *["0"] * 9_998, "ab"[r % 2]] for r in range(5)]
    task = opened(write(tmp_path / "toy.csv", csv_bytes(rows, tuple(names))))
    assert rows_of(task) == [(f"t{r}", "ab"[r % 2]) for r in range(5)]
    assert len(task.info.columns) == 10_000


def test_the_limit_of_the_csv_module_survives_two_scans_at_once(tmp_path):
    path = write(tmp_path / "toy.csv", csv_bytes([("x" * 200_000, "a")] * 30))
    before = csv.field_size_limit()
    errors = []

    def scan():
        try:
            opened(path)
        except DataError as error:
            errors.append(error)

    threads = [threading.Thread(target=scan) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert csv.field_size_limit() == before


def test_two_readers_that_disagree_are_noticed(tmp_path, monkeypatch):
    task = opened(write(tmp_path / "toy.csv", "text,label\na,pos\nb,pos\n"))
    strict = CsvReader._strict
    lines = ["text,label\n", "a,pos\n"]
    monkeypatch.setattr(CsvReader, "_strict", lambda reader, _: strict(reader, lines))
    other = opened(tmp_path / "toy.csv")
    with pytest.raises(DataError, match="disagree"):
        list(other.batches())
    monkeypatch.undo()
    assert len(rows_of(task)) == 2


def test_a_file_that_changes_after_the_scan(tmp_path):
    path = write(tmp_path / "toy.csv", GOOD)
    task = opened(path)
    write(path, GOOD + b"more,pos\n")
    with pytest.raises(DataError, match="changed while"):
        list(task.batches())
    path.unlink()
    with pytest.raises(DataError, match="No such file"):
        list(task.batches())


@pytest.mark.parametrize(
    "said", [{"delimiter": ";;"}, {"quote": "ab"}, {"encoding": "klingon"}, {"encoding": "hex"}]
)
def test_wrong_options(tmp_path, said):
    with pytest.raises(UsageError):
        opened(write(tmp_path / "toy.csv", GOOD), **said)


# -- compressed


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("harm", ["cut", "garbage"])
def test_damaged_compression(tmp_path, suffix, harm):
    data = COMPRESS[suffix](csv_bytes([(f"text {i * i}", "ab"[i % 2]) for i in range(5000)]))
    data = data[: len(data) // 2] if harm == "cut" else b"garbage" + data
    refused(write(tmp_path / f"toy.csv{suffix}", data), "")


@pytest.mark.parametrize("suffix", [".gz", ".xz"])
def test_a_bomb(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr("taskaff.stages.data.byte_source.RATIO_FREE", 1 << 20)
    bomb = COMPRESS[suffix](b"text,label\n" + b"aaaaaaaaaaaaaaaaaaaaaa,b\n" * 200_000)
    refused(write(tmp_path / f"toy.csv{suffix}", bomb), "200 times", "decompress")


# -- JSON Lines

LINES = [
    ("not json", "{oops", "not JSON"),
    ("not a number", '{"text": "a", "label": NaN}', "not JSON: NaN"),
    ("infinite, unused", '{"text": "a", "label": 1, "more": [-Infinity]}', "not JSON: -Inf"),
    ("a list", "[1, 2]", "a list where an object"),
    ("a word", '"text"', "text where an object"),
    ("deep", '{"text": ' + "[" * 100_000 + "]" * 100_000 + ', "label": "x"}', "nested too deeply"),
    ("a key is missing", '{"text": "a"}', "'label' is missing"),
    ("another type", '{"text": 3, "label": "x"}', "'text' is a number"),
    ("label of another type", '{"text": "a", "label": 3}', "'label' is a number"),
    ("label is an object", '{"text": "a", "label": {}}', "'label' is an object"),
    ("half a surrogate", '{"text": "\\ud800", "label": "x"}', "surrogate"),
    ("cut short", '{"text": "a", "lab', "not JSON"),
]


@pytest.mark.parametrize(("bad", "found"), [c[1:] for c in LINES], ids=[c[0] for c in LINES])
def test_jsonl_refused(tmp_path, bad, found):
    good = [{"text": f"t{i}", "label": "xy"[i % 2]} for i in range(200)]
    data = jsonl_bytes(good[:150]) + b"\n" + bad.encode() + b"\n" + jsonl_bytes(good[150:])
    path = write(tmp_path / "toy.jsonl", data)
    refused(path, found, "one JSON object", line=152, row=151)


def test_half_a_surrogate_in_the_first_row(tmp_path):
    """Where columns are chosen, before the rows are read."""
    lines = ['{"text": "\\ud800 x", "label": "a"}', '{"text": "fine", "label": "b"}']
    refused(write(tmp_path / "toy.jsonl", "\n".join(lines)), "surrogate", line=1, row=1)


@pytest.mark.parametrize("value", ["9" * 30, "9" * 5000])
def test_jsonl_huge_integers(tmp_path, value):
    lines = [f'{{"text": "t", "label": {i % 2}}}' for i in range(120)]
    lines[110] = f'{{"text": "t", "label": {value}}}'
    refused(write(tmp_path / "toy.jsonl", "\n".join(lines)), "", line=111)


def test_jsonl_counts_the_other_bad_lines(tmp_path):
    lines = [json.dumps({"text": "t", "label": "xy"[i % 2]}) for i in range(300)]
    for i in (149, 199, 249):
        lines[i] = "{"
    error = refused(write(tmp_path / "toy.jsonl", "\n".join(lines)), "2 more bad lines", line=150)
    assert "(200, 250)" in error.found


def test_jsonl_encodings(tmp_path):
    data = jsonl_bytes([{"text": "é€", "label": "x"}]).decode()
    assert rows_of(opened(write(tmp_path / "a.jsonl", "\ufeff" + data))) == [("é€", "x")]
    refused(write(tmp_path / "b.jsonl", data.replace("€", "").encode("latin-1")), "latin-1", line=1)
    path = write(tmp_path / "c.jsonl", data.encode("utf-16"))
    refused(path, "UTF-16")
    assert rows_of(opened(path, encoding="utf-16")) == [("é€", "x")]


def test_jsonl_without_newlines_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("taskaff.stages.data.jsonl.CELL_BYTES", 1000)
    refused(write(tmp_path / "toy.jsonl", "[" * 5000), "longer than", line=1)


# -- Parquet and Arrow


def parquet(path, table, **rules):
    pq.write_table(table, path, **rules)
    return path


@pytest.mark.parametrize("keep", [4, 100, 0.5, 0.99])
@pytest.mark.parametrize("kind", ["parquet", "arrow", "stream"])
def test_cut_short(tmp_path, keep, kind):
    path = tmp_path / ("toy.parquet" if kind == "parquet" else "toy.arrow")
    data = sink(TABLE, {"arrow": "file"}.get(kind, kind))
    if kind == "stream" and keep == 0.99:
        keep = 0.9  # a stream may end without its end mark
    write(path, data[: keep if isinstance(keep, int) else int(len(data) * keep)])
    refused(path, "cannot be read")


@pytest.mark.parametrize("kind", ["parquet", "file", "stream"])
def test_flipped_bytes_give_an_error_or_other_values_but_no_crash(tmp_path, kind):
    """Eight bytes at a time through the whole file, read to its end."""
    data = sink(TABLE, kind)
    path = tmp_path / ("toy.parquet" if kind == "parquet" else "toy.arrow")
    outcomes = set()
    for at in range(0, len(data), 61):
        write(path, data[:at] + b"\xff" * 8 + data[at + 8 :])
        try:
            found = rows_of(opened(path))
        except DataError:
            outcomes.add("refused")
        else:
            assert all(isinstance(text, str) for text, *_ in found)
            outcomes.add("the same" if found == ROWS else "other values")
    assert outcomes >= {"refused", "the same"}


def test_a_small_parquet_file_that_declares_much(tmp_path):
    text = pa.array(["x" * 1_000_000] * 100)
    table = pa.table({"text": text, "label": ["a", "b"] * 50})
    path = parquet(tmp_path / "toy.parquet", table, compression="zstd", use_dictionary=False)
    assert path.stat().st_size < 100_000
    refused(path, "declares", "smaller row groups", column="text")


@pytest.mark.parametrize("make", [pa.ipc.new_file, pa.ipc.new_stream])
@pytest.mark.parametrize("codec", ["zstd", "lz4"])
@pytest.mark.parametrize("keyed", [False, True])
def test_a_small_arrow_file_that_declares_much(tmp_path, make, codec, keyed):
    text = pa.array(["x" * 1_000_000] * 100)
    if keyed:
        text = pa.DictionaryArray.from_arrays(pa.array(np.arange(100, dtype=np.int32)), text)
    table = pa.table({"text": text, "label": ["a", "b"] * 50})
    path = tmp_path / "toy.arrow"
    with make(path, table.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        writer.write_table(table)
    assert path.stat().st_size < 1_000_000
    refused(path, "declares", "without compression")


def test_one_long_text_repeated_in_a_small_parquet_file(tmp_path):
    """Stored once in a dictionary; spelled out it would be 800 MB."""
    codes = pa.array(np.zeros(4_000, np.int32))
    text = pa.DictionaryArray.from_arrays(codes, pa.array(["y" * 200_000]))
    table = pa.table({"text": text, "label": ["a", "b"] * 2_000})
    schema = pa.schema({"text": pa.string(), "label": pa.string()})
    path = parquet(tmp_path / "toy.parquet", table, store_schema=False)
    assert path.stat().st_size < 50_000
    assert pq.read_schema(path).equals(schema)
    task = opened(path)
    assert task.info.rows == {"train": 4_000}
    first = next(iter(task.batches()))
    assert first.text[0].nbytes <= 64 << 20


def test_text_that_is_not_utf8_is_named_by_its_row(tmp_path):
    cells = [b"fine"] * 9_000 + [b"\xff\xfe"] + [b"fine"] * 10
    text = pa.array(cells, pa.binary()).view(pa.string())
    table = pa.table({"text": text, "label": ["a"] * len(cells)})
    refused(parquet(tmp_path / "toy.parquet", table), "invalid", "UTF-8", row=9_001, column="text")
    with pytest.raises(DataError) as caught:
        opened(table)
    assert caught.value.where.row == 9_001


def test_parquet_reads_only_the_needed_columns(tmp_path):
    bad = pa.array([b"\xff"] * 40, pa.binary()).view(pa.string())
    path = parquet(tmp_path / "toy.parquet", TABLE.append_column("other", bad))
    assert rows_of(opened(path)) == ROWS


def test_repeated_column_names(tmp_path):
    twice = pa.Table.from_arrays(
        [TABLE["text"], TABLE["label"], TABLE["label"]], ["text", "label", "label"]
    )
    with pytest.raises(DataError, match="2 columns are named"):
        opened(twice)


def test_not_parquet_at_all(tmp_path):
    refused(write(tmp_path / "toy.parquet", GOOD), "is text", "--input-format csv")
    refused(write(tmp_path / "toy.arrow", GOOD), "is text", "--input-format csv")
    refused(write(tmp_path / "empty.parquet", b""), "empty")
    refused(write(tmp_path / "empty.arrow", b""), "empty")
    refused(write(tmp_path / "toy.csv", gzip.compress(GOOD)), "")


# -- NumPy


class Evil:
    def __reduce__(self):
        return (exec, ("raise SystemExit('ran')",))


def test_npz_with_objects_runs_nothing(tmp_path):
    np.savez(tmp_path / "toy.npz", X=np.array([Evil(), Evil()], dtype=object), y=np.arange(2))
    refused(tmp_path / "toy.npz", "can run code", "astype")
    np.save(tmp_path / "toy.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    refused(tmp_path / "toy.npy", "can run code")


def npy(shape, body=b"", descr="<f4"):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (npy((10**9, 4), b"\0" * 64), "ends before"),
        (npy((2, 10**9), b"\0" * 64), "columns"),
        (npy((4,), b"\0" * 16), "shape"),
        (npy((0, 3)), "no row"),
        (npy((-1, 3)), ""),
        (b"\x93NUMPY\x01\x00\xff\xff", "header"),
        (b"garbage", "is text"),
        (b"\0garbage", "header"),
        (b"", "empty"),
    ],
)
def test_npy_headers_that_lie(tmp_path, data, found):
    refused(write(tmp_path / "toy.npy", data), found)


def test_npz_members(tmp_path):
    np.savez(tmp_path / "a.npz", Q=np.ones((3, 2)))
    refused(tmp_path / "a.npz", "Q", "np.savez")
    np.savez(tmp_path / "b.npz", X=np.ones((3, 2)), y=np.arange(4))
    refused(tmp_path / "b.npz", "different numbers")
    np.savez(tmp_path / "c.npz", X=np.asfortranarray(np.ones((3, 2))), y=np.arange(3))
    refused(tmp_path / "c.npz", "by columns", "ascontiguousarray")
    data = (tmp_path / "b.npz").read_bytes()
    refused(write(tmp_path / "d.npz", data[: len(data) // 2]), "")


def test_vectors_of_two_widths_and_without_end(tmp_path):
    rows = [{"vector": [1.0, 2.0], "label": "a"}] * 30
    path = write(tmp_path / "w.jsonl", jsonl_bytes([*rows, {"vector": [1.0], "label": "a"}]))
    refused(path, "1 numbers where earlier rows have 2", row=31, column="vector")
    X = np.ones((30, 2))
    X[17, 1] = np.nan
    np.savez(tmp_path / "n.npz", X=X, y=np.arange(30) % 2)
    refused(tmp_path / "n.npz", "not finite", "--on-bad-row skip", row=18)
    X[17, 1] = 1e39  # beyond float32
    np.savez(tmp_path / "n.npz", X=X, y=np.arange(30) % 2)
    refused(tmp_path / "n.npz", "not finite", row=18)
    assert opened(tmp_path / "n.npz", on_bad_row="skip").info.files[0].rejected == 1


# -- folders


def test_folders(tmp_path):
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "no file of a known format")
    write(tmp_path / "up" / "mr" / "data.csv", GOOD)
    assert opened(tmp_path / "up").info.notes == ("read from its folder mr",)
    write(tmp_path / "up" / "sst" / "data.csv", GOOD)
    refused(tmp_path / "up", "2 data sets: mr, sst", "up/mr")
    write(tmp_path / "mix" / "a.csv", GOOD)
    write(tmp_path / "mix" / "b.jsonl", jsonl_bytes(TABLE.to_pylist()))
    refused(tmp_path / "mix", "mixes formats", "/*.csv'")
    refused(tmp_path / "mix" / "a.cvs", "no such file", "did you mean")
    refused(write(tmp_path / "a.xlsx", b"PK\3\4" + bytes(26) + b"xl/"), "suffix", "as CSV")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "not a regular file", "--stdin-format")
    with pytest.raises(DataError, match="no file matches"):
        opened(f"{tmp_path}/none*.csv")


def test_a_missing_shard_of_a_saved_data_set(tmp_path):
    state = {"_data_files": [{"filename": "data-0.arrow"}, {"filename": "data-1.arrow"}]}
    write(tmp_path / "set" / "state.json", json.dumps(state))
    write(tmp_path / "set" / "data-0.arrow", b"x")
    with pytest.raises(DataError, match=r"lists 'data-1\.arrow'"):
        opened(tmp_path / "set")
    write(tmp_path / "set" / "state.json", "{}")
    with pytest.raises(DataError, match="save_to_disk"):
        opened(tmp_path / "set")
