"""Answers as a user meets them: first on the page, at any width, with commands that run."""

from __future__ import annotations

import json
import shlex

import pytest
from paths import EXAMPLES

SETS = ("films.csv", "books.csv", "questions.csv")


@pytest.fixture
def examples(tmp_path):
    """The example files, one under a name that a shell must quote."""
    for name in SETS:
        (tmp_path / name).write_bytes((EXAMPLES / name).read_bytes())
    (tmp_path / "my books.csv").write_bytes((EXAMPLES / "books.csv").read_bytes())
    return tmp_path


@pytest.mark.parametrize("width", ["80", "120"])
def test_score_begins_with_the_answers(cli, examples, width):
    done = cli("score", *SETS, "--limit", "60", real=True, environment={"COLUMNS": width})
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("films: undecided; run the probe; same label names as books")
    assert [line for line in lines if len(line) > int(width)] == []
    assert lines[-1] == "  taskaff probe films.csv books.csv questions.csv --limit 60"
    assert "Scores" not in done.stdout


def test_the_proposed_command_runs_as_printed_and_proposes_the_next(direct, examples):
    document = json.loads(
        direct("score", "films.csv", "b=my books.csv", "--limit", "60", "--json").stdout
    )
    start = shlex.split(document["answers"][0]["next"])
    assert start == ["taskaff", "probe", "films.csv", "b=my books.csv", "--limit", "60"]
    quick = ("--updates", "10", "--seeds", "2", "--recipe", "turns", "--no-predict")
    probed = json.loads(direct(*start[1:], *quick, "--json").stdout)
    assert [answer["name"] for answer in probed["answers"]] == ["films", "b"]
    for answer in probed["answers"]:
        if answer["next"]:
            words = shlex.split(answer["next"])[1:]
            assert "--seeds" not in words or "--max-seeds" not in words
            limited = [w if w != "6" else "3" for w in words]
            assert direct(*limited, "-q").returncode == 0


def test_tables_come_when_they_are_asked_for(direct, examples):
    asked = ("score", *SETS[:2], "--limit", "60")
    assert "Tasks ─" not in direct(*asked).stdout
    for more in (("-v",), ("--explain",), ("--scores", "overlap,mean_shift")):
        assert "Tasks ─" in direct(*asked, *more).stdout, more
    assert "Tasks ─" not in direct(*asked, "-v", "-q").stdout


def test_a_stored_result_is_explained(direct, examples):
    direct("score", *SETS, "--limit", "60", "-q", "-o", "r.json")
    whole = direct("explain", "r.json")
    assert whole.stdout.startswith("films: undecided. Run the probe.")
    one = direct("explain", "r.json", "books->films").stdout
    assert one.startswith("books added to films: undecided, since scores alone do not tell")
    assert "  taskaff probe films.csv books.csv questions.csv --limit 60" in one
    assert direct("explain", "r.json", "film").returncode == 2


def test_near_copies_and_written_labels_stand_in_the_answer(direct, tmp_path):
    def text(n, end):
        return " ".join(f"w{(n * 7 + m * 13) % 97}x{m}{n}" for m in range(12)) + end

    lines = [f"{text(n, ' end')},{'no' if n % 2 else 'yes'}" for n in range(60)]
    (tmp_path / "a.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    near = [f"{text(n, ' end more')},{'no' if n % 2 else 'yes'}" for n in range(60)]
    (tmp_path / "b.csv").write_text("text,label\n" + "\n".join(near) + "\n")
    told = [
        f"{text(n + 100, ' no' if n % 2 else ' yes')},{'no' if n % 2 else 'yes'}" for n in range(60)
    ]
    (tmp_path / "c.csv").write_text("text,label\n" + "\n".join(told) + "\n")
    found = json.loads(direct("score", "a.csv", "b.csv", "c.csv", "--json").stdout)["answers"]
    assert "100% of its rows are near copies of rows of b" in found[0]["reasons"]
    assert any(r.startswith("the label may be written into the text") for r in found[2]["reasons"])
    assert not any(r.startswith("the label may be") for r in found[0]["reasons"])
