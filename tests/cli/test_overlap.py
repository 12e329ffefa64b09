"""``taskaff overlap``: which rows are shared, where they stand, and what every format says."""

from __future__ import annotations

import csv
import io
import json

import jsonschema
import pytest

SENTENCE = "the quick brown fox jumps over the lazy old dog"
SOURCE = [
    ("a film that nobody needs to see twice", "bad"),
    (SENTENCE, "good"),
    ("short and sweet", "good"),
]
TARGET = [
    ("nothing that the other one has at all here", "bad"),
    (SENTENCE.upper() + " !", "good"),
    (SENTENCE + " indeed", "bad"),
    ("short and sweet indeed", "good"),
    ("Short, and sweet.", "bad"),
]


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows])


@pytest.fixture
def call(direct, tmp_path):
    write(tmp_path / "a.csv", SOURCE)
    write(tmp_path / "b.csv", TARGET)
    return lambda *options: direct("overlap", "a.csv", "b.csv", *options)


FOUND = [("exact", 2, 2, False), ("near", 3, 2, True), ("exact", 5, 3, True)]


def test_rows_are_listed_with_their_places(call):
    done = call("--json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    rows = [(r["kind"], r["target_row"], r["source_row"], r["conflict"]) for r in document["rows"]]
    assert rows == FOUND
    assert (document["exact"], document["near"], document["conflicts"]) == (2, 1, 2)
    assert document["rows"][1]["target_text"] == SENTENCE + " indeed"
    assert document["rows"][1]["source_label"] == "good"
    assert document["rows"][0]["target_file"].endswith("b.csv")


def test_the_document_follows_the_schema(call, direct):
    jsonschema.validate(
        json.loads(call("--json").stdout), json.loads(direct("schema", "result").stdout)
    )


def test_the_table_says_how_many_and_cuts_texts_to_the_width(call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = call().stdout.splitlines()
    assert lines[0].startswith(
        "3 of 5 rows of b (60.0%) are in a: 2 exactly, 1 but for about a word"
    )
    assert "near, with different labels" in lines
    assert all(len(line) <= 80 for line in lines[1:])
    assert call("-q").stdout.splitlines() == lines[:1]


def test_a_csv_file_has_every_row(call, tmp_path):
    assert call("-o", "shared.csv", "-q").returncode == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "shared.csv").read_text("utf-8"))))
    assert [(r["kind"], int(r["target_row"])) for r in rows] == [f[:2] for f in FOUND]
    assert rows[1]["conflict"] == "true"


def test_lines_and_markdown(call):
    lines = [json.loads(line) for line in call("-f", "jsonl").stdout.splitlines()]
    assert [line["kind"] for line in lines] == ["exact", "near", "exact"]
    assert "bad ≠ good" in call("-f", "markdown").stdout


def test_long_lists_are_cut_in_the_table_alone(direct, tmp_path):
    rows = [(f"{SENTENCE} number {i}", "good") for i in range(30)]
    write(tmp_path / "many.csv", rows)
    short, whole = (
        direct("overlap", "many.csv", "many.csv"),
        direct("overlap", "many.csv", "many.csv", "-v"),
    )
    assert short.stdout.count("\nexact") == 20
    assert "10 more: -v lists them, -o rows.csv writes them" in short.stdout
    assert whole.stdout.count("\nexact") == 30


def test_nothing_shared(direct, tmp_path):
    write(tmp_path / "a.csv", SOURCE[:1])
    write(tmp_path / "b.csv", TARGET[:1])
    done = direct("overlap", "a.csv", "b.csv")
    assert done.stdout == "no row of b is in a, exactly or nearly\n"
    assert done.returncode == 0


def test_signatures_and_other_layouts_are_refused(call, direct, tmp_path):
    done = direct("overlap", "a.taskaff", "b.csv")
    assert done.returncode == 2
    assert "holds no rows to list" in done.stderr
    (tmp_path / "pair.csv").write_text("premise,hypothesis,label\na b,c d,x\n")
    call()
    done = direct("overlap", "a.csv", "pair.csv")
    assert done.returncode == 2
    assert "no row in common" in done.stderr


def test_text_is_escaped(direct, tmp_path):
    text = "=cmd()\x1b[31m the quick brown fox jumps over"
    write(tmp_path / "a.csv", [(text, "x")])
    write(tmp_path / "b.csv", [(text, "x")])
    for format in ("table", "csv", "json", "jsonl", "markdown"):
        assert "\x1b" not in direct("overlap", "a.csv", "b.csv", "-f", format).stdout
    assert ",'=cmd()" in direct("overlap", "a.csv", "b.csv", "-f", "csv").stdout
