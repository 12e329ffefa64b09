"""docs/benchmarks/hostile.py: it counts what is read right, read wrong, refused, and fatal."""

from __future__ import annotations

import csv
import importlib
import json
import os
import subprocess
import sys

import pytest
from paths import ROOT

FOLDER = ROOT / "docs" / "benchmarks"
ROWS = [["text", "label"], ["a fine day", "1"], ["no, thanks", "0"]]


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    names = ("hostile", "hostile_corpora", "hostile_worker")
    yield importlib.import_module("hostile")
    for name in names:
        sys.modules.pop(name, None)


def pollock(folder, files):
    """A corpus of Pollock's form: name to the polluted text; the clean one is always ``ROWS``."""
    for part in ("csv", "clean", "parameters"):
        (folder / "polluted_files" / part).mkdir(parents=True)
    for name, (text, delimiter) in files.items():
        (folder / "polluted_files" / "csv" / name).write_text(text)
        with (folder / "polluted_files" / "clean" / name).open("w", newline="") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL).writerows(ROWS)
        parameters = {"delimiter": delimiter, "quotechar": '"', "header_lines": 1}
        path = folder / "polluted_files" / "parameters" / f"{name}_parameters.json"
        path.write_text(json.dumps(parameters))


def test_a_tiny_corpus(tmp_path):
    files = {
        "same.csv": ('text,label\na fine day,1\n"no, thanks",0\n', ","),
        "semicolons.csv": ("text;label\na fine day;1\nno, thanks;0\n", ";"),
        "other_words.csv": ('text,label\na fine day,1\n"no thanks",0\n', ","),
        "cut.csv": ('text,label\na fine day,1\n"no, tha', ","),
    }
    pollock(tmp_path / "pollock", files)
    suite = tmp_path / "json" / "test_parsing"
    suite.mkdir(parents=True)
    for name, text in {"y_a": '["été"]', "y_b": "[1, {}]", "n_c": "[1,", "i_d": "[1e999]"}.items():
        (suite / f"{name}.json").write_text(text, encoding="utf-8")
    out = tmp_path / "out.json"
    options = ["--pollock", tmp_path / "pollock", "--json-suite", tmp_path / "json", "-o", out]
    command = [sys.executable, FOLDER / "hostile.py", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(out.read_text())["corpora"]
    counts = {
        name: [row[c] for c in ("files", "refused", "equal", "different", "not compared")]
        for name, row in found.items()
    }
    assert counts == {
        "Pollock, as found": [4, 2, 1, 1, 0],
        "Pollock, declared dialect": [4, 1, 2, 1, 0],
        "JSONTestSuite": [4, 1, 2, 0, 1],
    }
    assert all(row["crashes"] == 0 for row in found.values())
    [wrong] = found["Pollock, as found"]["shown"]
    assert wrong["file"] == "other_words.csv"
    assert "text, row 2: 'no thanks', not 'no, thanks'" in wrong["why"]
    assert "| Pollock, as found | 4 | 2 | 1 | 1 | 0 | 0 |" in done.stdout


def test_a_file_that_kills_its_process_is_counted(script):
    worker = importlib.import_module("hostile_worker").Worker(os._exit)
    assert worker.ask(3).why == worker.ask(3).why == "the process died: 3"
    fault = importlib.import_module("hostile_worker").Fault("the process died: -6")
    truth = script.Truth("refuse")
    assert script.verdict(fault, truth, ("a",)) == ("crashes", "a: the process died: -6")


def test_what_is_accepted_is_compared(script):
    truth = script.Truth("table", {"a": ["x", None, " ", "y"], "n": [1.5, None, 2.0, 0.1]})
    opened = importlib.import_module("hostile_worker").Opened
    assert script.verdict(opened(2, 2, texts=["x", "y"]), truth, ("a",)) == ("equal", "")
    assert script.verdict(opened(2, 2, texts=["x"]), truth, ("a",))[0] == "different"
    assert script.verdict(opened(3, 1, texts=["1.5", "2", "0.1"]), truth, ("n",))[0] == "equal"
    assert script.verdict(opened(2, 2, texts=["x"]), truth, ("b",))[0] == "not compared"
    assert script.verdict(opened(2, 2), script.Truth("refuse"), ())[0] == "different"
    numbers = script.Truth("table", {"p": [0.1, None], "q": [1.0, 2.0]})
    vectors = opened(1, 1, vectors=[[0.10000000149011612, 1.0]])
    assert script.verdict(vectors, numbers, ("p", "q")) == ("equal", "")
