"""Rows that can be divided in two ways are refused; odd quotes with one reading are not."""

from __future__ import annotations

import csv
import gzip
import io
import subprocess

import pytest
from stages.data._tables import csv_bytes, opened, rows_of, write

from taskaff.core.errors import DataError

TWO_WAYS = [
    ("the quote opens in a cell", "t.csv", 'text,label,note\nfine,1,"a, b"\nbad,1"a, b"\n', 2),
    ("a missing delimiter", "t.csv", 'text,price,label\na,1,x\n"b",$9"Table, 48"""\n', 2),
    ("a blank before the quote", "t.csv", 'text,label,more\nfine, "a, b"\nx,y,z\n', 1),
    ("doubled quotes inside", "t.csv", 'label,text\nx,a\ny"a ""b"" c, d"\n', 2),
    ("three cells", "t.csv", 'text,a,label\nfine,x,y\na "b,c,d"\n', 2),
    ("in TSV", "t.tsv", 'text\tlabel\nfine\tx\nbad "a\tb"\n', 2),
    ("swallowed rows", "t.tsv", 'text\tlabel\nFirst\t1\n"Second\t0\nThird\t1\nFourth"\t0\n', 2),
    ("swallowed in CSV", "t.csv", 'text,label\nFirst,1\n"Second,0\nThird,1\nFourth",0\n', 2),
    ("swallowed first", "t.csv", 'text,label\n"Second,0\nThird,1\nFourth",0\nA,1\nB,0\n', 1),
    ("two swallowed lines", "t.csv", 'id,text,label\n1,a,0\n2,"b,0\n3,c",1\n4,d,0\n', 2),
    ("CR LF", "t.tsv", 'text\tlabel\r\n"Second\t0\r\nThird"\t1\r\nx\t1\r\n', 1),
]


def strictly(data, delimiter):
    """The rows as the standard library reads them."""
    rows = list(csv.reader(io.StringIO(data, newline=""), strict=True, delimiter=delimiter))
    return [row for row in rows[1:] if row]


@pytest.mark.parametrize(
    ("case", "name", "data", "row"), TWO_WAYS, ids=[case[0] for case in TWO_WAYS]
)
@pytest.mark.parametrize("packed", [False, True])
def test_two_readings_are_refused(tmp_path, case, name, data, row, packed):
    path = write(
        tmp_path / (name + ".gz" * packed), gzip.compress(data.encode()) if packed else data
    )
    said = {"label_kind": "classes"}
    with pytest.raises(DataError) as caught:
        opened(path, **said)
    error = caught.value
    assert error.where.row == row
    delimiter = "\t" if "tsv" in name else ","
    names = data.splitlines()[0].split(delimiter)
    plain = [line.split(delimiter) for line in data.splitlines()]
    assert ("--quote none" in error.hint) == all(len(cells) == len(names) for cells in plain)
    assert "--quote '\"'" in error.hint
    at = [names.index("text"), names.index("label")]
    rows = strictly(data, delimiter)
    found = [(r[at[0]], r[at[1]].strip()) for r in rows]
    assert rows_of(opened(path, quote='"', **said)) == found


ONE_WAY = [
    ("an inch mark", 'text,label\n5" pipe,x\nb,y\n'),
    ("two inch marks", 'text,label\n5" pipe,6" wide\nb,y\n'),
    ("sizes", 'width,text,label\n5",6",x\n7",8",y\n'),
    ("inches, then a size", 'width,text,label\n5" long,6",x\nb,c,y\n'),
    ("said", 'text,label\nsay "hi" and "ho",x\nb,y\n'),
    ("said, beside it", 'text,label\nsay "hi","a, b"\nb,y\n'),
    ("a mail", 'text,label\n"Dear John,\nthank you",1\n"Dear Ann,\nno",0\n'),
    ("a mail of three lines", 'text,label\n"Dear John,\n\nthanks, J.",1\n"b",0\n'),
    ("lines", 'text,label\n"a\nb\nc",1\n"d",0\n'),
    ("lists", 'text,label\n"milk, 2\neggs, 3",1\n"b",0\n'),
    ("quoted quotes", 'text,label\n"a ""b"" c, ""d""",1\n"""x"", y",0\n'),
    ("one column", 'text\n"a\nb"\nc\n'),
]


@pytest.mark.parametrize(("data"), [case[1] for case in ONE_WAY], ids=[c[0] for c in ONE_WAY])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_one_reading_is_taken(tmp_path, data, delimiter):
    data = data.replace(",", delimiter)
    if delimiter == "\t" and ("John" in data or "milk" in data):
        return  # a tab inside a line of a text is refused, see above
    path = write(tmp_path / "t.csv", data)
    task = opened(path, delimiter=delimiter, label_kind="classes" if "label" in data else None)
    names = data.splitlines()[0].split(delimiter)
    at = [names.index(name) for name in ("text", "label") if name in names]
    assert rows_of(task) == [tuple(row[i] for i in at) for row in strictly(data, delimiter)]


def test_a_quote_across_two_blocks_is_met(tmp_path, monkeypatch):
    monkeypatch.setattr("taskaff.stages.data.delimited.BLOCK", 1)
    path = write(tmp_path / "t.csv", TWO_WAYS[0][2])
    with pytest.raises(DataError, match="opens inside"):
        opened(path)


# -- the header in the middle


@pytest.mark.parametrize("again", ["text,label", "Text,Label", "label,text", "\ufefftext,label"])
@pytest.mark.parametrize("row", [1, 3, 300])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz"])
def test_a_header_between_the_rows(tmp_path, again, row, suffix):
    rows = csv_bytes([(f"text {i}", "xy"[i % 2]) for i in range(400)]).decode().splitlines(True)
    rows.insert(row, again + "\n")
    data = "".join(rows).replace(",", "\t" if "tsv" in suffix else ",").encode()
    if suffix.endswith(".gz"):
        data = b"".join(gzip.compress(line.encode()) for line in rows)  # many members, as cat makes
    path = write(tmp_path / f"t{suffix}", data)
    with pytest.raises(DataError) as caught:
        opened(path)
    assert "the header is repeated here" in caught.value.found
    assert caught.value.where.row == row
    assert caught.value.where.line == row + 1
    if again == "text,label" and not suffix.endswith(".gz"):
        command = caught.value.hint.partition("leave the line out: ")[2]
        subprocess.run(command, shell=True, check=True, cwd=tmp_path)
        mended = (tmp_path / "joined.csv").rename(tmp_path / f"joined{suffix}")
        assert opened(mended).info.rows == {"train": 400}


def test_names_of_columns_are_words_too(tmp_path):
    rows = [("text", "a"), ("label", "label"), ("x", "text")]
    assert rows_of(opened(write(tmp_path / "t.csv", csv_bytes(rows)))) == rows
