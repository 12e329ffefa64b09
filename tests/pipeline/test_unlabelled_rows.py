"""Rows without a label and odd labels: ``score``, ``probe`` and ``check`` say them and use none."""

from __future__ import annotations

import numpy as np
import pytest

import taskaff
from taskaff.cli.run import run

WORDS = ("good", "bad", "film", "food", "warm", "cold", "song", "rain")
QUICK = {"predict": False, "cache": "off"}
BRIEF = {"updates": 5, "seeds": 1, "weight_decay": [0.0], **QUICK}


def texts(name, rows):
    """Short texts, no two alike."""
    return [f"a {WORDS[n % 8]} {WORDS[n // 8 % 8]} {WORDS[n // 64]} {name}" for n in range(rows)]


def written(path, labels, name="day"):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{t},{label}\n" for t, label in zip(texts(name, len(labels)), labels, strict=True)]
    path.write_text("text,label\n" + "".join(rows), encoding="utf-8")
    return path


def task(folder, *, hidden):
    """A folder of train and dev, and of a test or an unsupervised split without labels."""
    written(folder / "train.csv", [n % 2 for n in range(60)])
    written(folder / "dev.csv", [n % 2 for n in range(40)], "night")
    if hidden:
        written(folder / f"{hidden}.csv", [-1] * 30, "noon")
    return folder


def sources(tmp_path, hidden):
    other = written(tmp_path / "other.csv", ["x", "y", "z"] * 40, "evening")
    return task(tmp_path / (hidden or "without") / "toy", hidden=hidden), other


def said(result, word):
    """Notes on the task ``toy``, be they kept with the task or with the result."""
    own = [f"{t.name}: {note}" for t in getattr(result, "tasks", ()) for note in t.notes]
    return [note for note in (*own, *result.notes) if note.startswith(f"toy: {word}")]


@pytest.mark.parametrize(
    ("hidden", "reason"),
    [
        ("test", "test 30 ('-1', which train does not have)"),
        ("unsupervised", "unsupervised 30 (that split has none)"),
    ],
)
def test_rows_without_a_label_are_said_and_not_used(tmp_path, hidden, reason):
    with_them, without = sources(tmp_path, hidden), sources(tmp_path, "")
    scored, probed = taskaff.score(with_them, **QUICK), taskaff.probe(with_them, **BRIEF)
    checked = taskaff.check([with_them[0]], [with_them[1]], overlap=0.5, **QUICK)
    for result in (scored, probed, checked):
        assert said(result, "rows") == [f"toy: rows without a label are left out: {reason}"]
    bare = taskaff.probe(without, **BRIEF)
    assert not said(bare, "rows")
    assert [t.rows for t in probed.tasks] == [t.rows for t in bare.tasks]
    for one, other in zip(probed.pairs, bare.pairs, strict=True):
        assert (one.gain, one.stl_loss) == (other.gain, other.stl_loss)
    alone = taskaff.score(without, **QUICK)
    assert {*scored.tables} == {*alone.tables}
    for name, table in scored.tables.items():
        np.testing.assert_array_equal(table.value, alone.tables[name].value)


def test_odd_labels_are_said(tmp_path):
    odd = written(tmp_path / "toy.csv", ["pos", "Pos", "neg", "pos"] * 15)
    other = written(tmp_path / "other.csv", ["x", "y"] * 40, "evening")
    scored, probed = taskaff.score([odd, other], **QUICK), taskaff.probe([odd, other], **BRIEF)
    checked = taskaff.check([odd], [other], overlap=0.5, **QUICK)
    for result in (scored, probed, checked):
        [note] = said(result, "labels:")
        assert note.endswith("classes that differ only in case or blanks: 'Pos' 15, 'pos' 30")


@pytest.mark.parametrize("command", ["score", "probe"])
def test_the_command_line_says_them(tmp_path, capsys, monkeypatch, command):
    toy, other = sources(tmp_path, "test")
    monkeypatch.chdir(tmp_path)
    brief = ["--updates", "5", "--seeds", "1"] if command == "probe" else ["--no-capacity"]
    arguments = [command, toy, other, "--no-predict", "--cache", "off", *brief]
    assert run([str(argument) for argument in arguments]) == 0
    printed = " ".join("".join(capsys.readouterr()).split())
    assert "rows without a label are left out: test 30" in printed
