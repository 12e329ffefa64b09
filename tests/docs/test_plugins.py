"""The plug-ins that ``docs/plugins.md`` shows are complete: each passes its room's tests."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import sys

import jsonschema
import numpy as np
import pytest
from builders import naive_signature
from paths import ROOT

from taskaff.core.registry import load
from taskaff.core.settings import ScoreSettings
from taskaff.stages import score
from taskaff.stages.report import FORMATS, ReportOptions, payload, render, result_schema
from taskaff.stages.score.plugins import Score

PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(MODULE, LINE), (PSV, PSV_LINE), (TANH, TANH_LINE) = zip(BLOCKS[::2], BLOCKS[1::2], strict=True)


@pytest.fixture
def example(tmp_path, monkeypatch):
    """The name of the score, which is in the table while the test runs."""
    (tmp_path / "mean_cosine.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.setattr(score, "__path__", [*score.__path__, str(tmp_path)])
    table = dict(score.SCORES)
    exec(LINE, {"SCORES": table, "Score": Score})
    (name,) = set(table) - set(score.SCORES)
    monkeypatch.setitem(score.SCORES, name, table[name])
    yield name
    sys.modules.pop(table[name].target.partition(":")[0], None)


def tasks():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 4)) + 1.0
    Z = rng.normal(size=(40, 4)) + np.array([3.0, 0.0, 0.0, 0.0])
    return {
        "one": X,
        "other": Z,
        "zero": np.zeros((40, 4)),
        "small": X[:5],
    }


def test_the_engine_runs_the_example(example):
    inputs = tasks()
    signatures = [naive_signature(X, name=name) for name, X in inputs.items()]
    result = score.score(signatures, ScoreSettings(scores=(example,)))
    table = result.tables[example]
    a, b = inputs["one"].mean(axis=0), inputs["other"].mean(axis=0)
    assert table.at(0, 1).value == pytest.approx(a @ b / np.sqrt(a @ a) / np.sqrt(b @ b))
    assert table.at(0, 2).note == "an average vector is zero"
    assert "fewer than 10" in table.at(0, 3).note


def test_every_format_shows_the_example(example):
    signatures = [naive_signature(X, name=name) for name, X in tasks().items()]
    result = score.score(signatures, ScoreSettings(scores=(example,)))
    for name in FORMATS:
        assert example in render(result, name, ReportOptions(explain=True)), name
    jsonschema.validate(payload(result), result_schema())
    rows = list(csv.DictReader(io.StringIO(render(result, "csv"))))
    assert float(rows[0][example]) == pytest.approx(result.tables[example].at(0, 1).value)


ADDED = {
    "mean_cosine": {
        "taskaff/stages/score/mean_cosine.py": lambda _: MODULE,
        "taskaff/stages/score/plugins.py": lambda text: f"{text}\n{LINE}",
    },
    "psv": {
        "taskaff/stages/data/psv.py": lambda _: PSV,
        "taskaff/stages/data/formats.py": lambda text: f"{text}\n{PSV_LINE}",
        "tests/stages/data/_tables.py": lambda text: text.replace(
            "WRITERS = {", 'WRITERS = {"data.psv": lambda: csv_bytes(ROWS, delimiter="|"),'
        ),
    },
    "tanh": {
        "taskaff/stages/probe/tanh.py": lambda _: TANH,
        "taskaff/stages/probe/trunks.py": lambda text: f"{text}\n{TANH_LINE}",
        "taskaff/core/settings/probe.py": lambda text: text.replace(
            'Literal["linear", "relu", "mlp"]', 'Literal["linear", "relu", "mlp", "tanh"]'
        ),
    },
}
"""Plug-in to the files that it touches, and what becomes of their text; documentation and changelog
are two more."""


def test_the_examples_pass_the_conformance_tests(tmp_path):
    """In a copy of the package, with the modules and lines added as the page says."""
    ignore = shutil.ignore_patterns("__pycache__")
    for folder in ("taskaff", "tests/conformance", "tests/stages/data"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignore)
    shutil.copy(ROOT / "tests" / "builders.py", tmp_path / "tests")
    for files in ADDED.values():
        assert len(files) + 2 <= 5
        for path, change in files.items():
            file = tmp_path / path
            before = file.read_text(encoding="utf-8") if file.exists() else ""
            assert change(before) != before
            file.write_text(change(before), encoding="utf-8")
    start = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(tmp_path / 'tests')!r}]"
    run = "import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    options = ["-p", "no:cacheprovider", "--import-mode=importlib", "-v", "-k", " or ".join(ADDED)]
    where = ["-c", "/dev/null", "--rootdir", str(tmp_path)]
    files = [f"tests/conformance/test_{name}.py" for name in ("scores", "input_formats", "trunks")]
    done = subprocess.run(
        [sys.executable, "-c", f"{start}; {run}", *where, *options, *files],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = [line for line in done.stdout.splitlines() if "PASSED" in line]
    for name in ADDED:
        assert sum(name in line for line in passed) > 4, done.stdout


def test_the_page_names_what_exists():
    new = {path for files in ADDED.values() for path in files}
    tables = re.findall(r"`(taskaff(?:\.\w+)+\.[A-Z]+)`", PAGE)
    assert len(tables) > 4
    for name in tables:
        module, _, attribute = name.rpartition(".")
        assert load(f"{module}:{attribute}"), name
    for path in re.findall(r"`((?:taskaff|tests)/[\w/]+\.py)`", PAGE):
        assert (ROOT / path).exists() or path in new, path
