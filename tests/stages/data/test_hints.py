"""Hints make the command work: the flags of each are said, until the data set is read."""

from __future__ import annotations

import gzip
import re
import shlex
from itertools import pairwise

import pytest
from stages.data._tables import csv_bytes, jsonl_bytes, opened, write

from taskaff.cli.datasets import requests
from taskaff.cli.options import READING
from taskaff.core.config import Config
from taskaff.core.errors import TaskaffError
from taskaff.stages.data import open_task

_VALUE = r"(?:\$?'(?:[^']|'\\'')*'|[^\s;()'-][^\s;()]*)"
_FLAGS = re.compile(rf"--[a-z][a-z-]*(?:[ =]{_VALUE})?(?: --[a-z][a-z-]*(?:[ =]{_VALUE})?)*")
ROWS = [(f"a fine day with number {i} in it", "xy"[i % 2]) for i in range(60)]
LINES = csv_bytes(ROWS).decode().splitlines(True)


def ways(hint):
    """The flags that a hint offers, one dictionary for each alternative."""
    for found in _FLAGS.findall(hint):
        words = shlex.split(found.replace("$'\\t'", "'\\t'").replace("=", " "))
        words = [word.rstrip(",") for word in words]
        flags = {}
        for word, after in pairwise([*words, "--"]):
            if word.startswith("--"):
                name = KEYS[word[2:]]
                flags[name] = True if after.startswith("--") else after
        yield flags


KEYS = {each.option: each.key for each in READING.values()}


def read(path, flags):
    given = {k: int(v) if k == "skip_lines" else v for k, v in flags.items()}
    [request] = requests([str(path)], Config(), given)
    return open_task(request)


def followed(path, flags=None, steps=3):
    """Every way that the hints open leads to a data set that is read; how many rows each has."""
    flags = flags or {}
    try:
        task = read(path, flags)
    except TaskaffError as error:
        offered = list(ways(error.hint or "")) if steps else []
        if not offered:
            pytest.fail(f"{flags} do not lead on: {error}; hint: {error.hint}")
        return [rows for way in offered for rows in followed(path, flags | way, steps - 1)]
    return [sum(task.info.rows.values())]


def table(header, rows, **rules):
    return csv_bytes(rows, header, **rules)


ZOO = {
    "body.csv": (table(("id", "body", "stars"), [(i, *r) for i, r in enumerate(ROWS)]), {60}),
    "index.csv": (table(("", "review", "mood"), [(i, *r) for i, r in enumerate(ROWS)]), {60}),
    "odd.csv": (table(("a, b", "my label"), ROWS), {60}),
    "two.csv": (table(("text", "sentence", "label"), [(t, t, y) for t, y in ROWS]), {60}),
    "labels.csv": (table(("text", "label", "score"), [(t, y, y) for t, y in ROWS]), {60}),
    "gold.csv": (table(("text", "gold"), ROWS), {60}),
    "none.csv": ("".join(LINES[1:]), {60, 59}),
    "none.tsv": (table(ROWS[0], ROWS[1:], delimiter="\t"), {60, 59}),
    "numbers.tsv": ("".join(f"{i % 2}\tit is day {i} of them\n" for i in range(60)), {60, 59}),
    "twice.csv": ("x,x\n" + "".join(LINES[1:]), {61}),
    "semicolon.csv": (table(("text", "label"), ROWS, delimiter=";"), {60}),
    "tabs.csv": (table(("text", "label"), ROWS, delimiter="\t"), {60}),
    "comment.csv": ("# generated\n# today, by x\n" + "".join(LINES), {60}),
    "comment2.csv": ("# made, here\n" + "".join(LINES), {60}),
    "sep.csv": (b"sep=;\r\n" + table(("text", "label"), ROWS, delimiter=";"), {60}),
    "sep2.csv": ("sep=,\n" + "".join(LINES), {60}),
    "latin.csv": ("".join(LINES).replace("fine", "fïne").encode("latin-1"), {60}),
    "wide.csv": ("".join(LINES).encode("utf-16"), {60}),
    "quoted.csv": ('text,label,n\nfine,x,"a, b"\nbad,1"a, b"\nok,x,c\n', {3}),
    "swallowed.tsv": ('text\tlabel\nA\t1\n"B\t0\nC\t1\nD"\t0\n', {2, 4}),
    "split.csv": (table(("text", "label", "split"), [(t, y, "fold1") for t, y in ROWS]), {60}),
    "gap.csv": ("".join(LINES) + "no label,\n", {60}),
    "packed.csv": (gzip.compress("".join(LINES).encode()), {60}),
    "rows.dat": ("".join(LINES), {60}),
    "rows.json": (jsonl_bytes([{"text": t, "label": y} for t, y in ROWS]), {60}),
    "json.csv": (jsonl_bytes([{"text": t, "label": y} for t, y in ROWS]), {60}),
    "csv.parquet": ("".join(LINES), {60}),
    "packed.dat": (gzip.compress("".join(LINES).encode()), {60}),
    "table.txt": (table(ROWS[0], ROWS[1:], delimiter="\t"), {60}),
    "header.txt": ("".join(LINES), {60, 61}),
    "objects.txt": (jsonl_bytes([{"text": t, "label": y} for t, y in ROWS]), {60}),
}


@pytest.mark.parametrize("name", ZOO)
def test_every_hint_works(tmp_path, name):
    data, rows = ZOO[name]
    assert set(followed(write(tmp_path / name, data))) == rows


def test_texts_are_offered_longest_first_and_never_an_id_or_nothing(tmp_path):
    for name in ("body.csv", "index.csv"):
        with pytest.raises(TaskaffError) as caught:
            opened(write(tmp_path / name, ZOO[name][0]))
        assert re.match(r"--text (body --label stars|review --label mood)$", caught.value.hint)


ELSE = [
    ("lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "lfs pull"),
    ("html", b"\n<!DOCTYPE html>\n<html>\n<body>not found</body>\n", "fetch the file itself"),
    ("xml", b"<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code></Error>\n", "fetch the file"),
    ("xlsx", b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml" + bytes(90), "save it as CSV"),
    ("zip", b"PK\x03\x04" + bytes(26) + b"data.csv" + bytes(90), "unpack it"),
    ("sqlite", b"SQLite format 3\0" + bytes(90), "export the table"),
    ("pickle", b"\x80\x04\x95" + bytes(90), "never opened"),
    ("pdf", b"%PDF-1.7\n" + bytes(90), "extract its text"),
]


@pytest.mark.parametrize(("data", "hint"), [case[1:] for case in ELSE], ids=[c[0] for c in ELSE])
@pytest.mark.parametrize(
    "name", ["t.csv", "t.tsv", "t.jsonl", "t.txt", "t.parquet", "t.arrow", "t.npy", "t.dat"]
)
def test_what_a_file_is_comes_before_its_columns(tmp_path, data, hint, name):
    with pytest.raises(TaskaffError) as caught:
        opened(write(tmp_path / name, data))
    assert hint in caught.value.hint
    assert not list(ways(caught.value.hint))


def test_no_header_and_plain_text(tmp_path):
    path = write(tmp_path / "t.tsv", "fine\t1\nbad\t0\n")
    task = opened(path, no_header=True, text=("c0",), label=("c1",))
    assert dict(task.info.rows) == {"train": 2}
    assert task.info.dialect["header"] == "none"
    with pytest.raises(TaskaffError, match="as a header does"):
        opened(write(tmp_path / "h.csv", "text,label\na,x\n"), no_header=True)
    lines = opened(write(tmp_path / "t.txt", "one, two\n\nthree\r\n"))
    assert dict(lines.info.rows) == {"train": 2}
    assert [b.text[0].to_pylist() for b in lines.batches()] == [["one, two", "three"]]
    for name, data, said in (
        ("t.jsonl", '{"text": "a"}\n', {"no_header": True}),
        ("l.txt", "a\n", {"delimiter": ";"}),
    ):
        with pytest.raises(TaskaffError, match="means nothing"):
            opened(write(tmp_path / name, data), **said)
