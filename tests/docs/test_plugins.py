"""The score that ``docs/plugins.md`` shows is complete: it runs and passes its room's tests."""

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

PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
MODULE, LINE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def example(tmp_path, monkeypatch):
    """The name of the score, which is in the table while the test runs."""
    (tmp_path / "mean_cosine.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.setattr(score, "__path__", [*score.__path__, str(tmp_path)])
    table = dict(score.SCORES)
    exec(LINE, {"SCORES": table})
    (name,) = set(table) - set(score.SCORES)
    monkeypatch.setitem(score.SCORES, name, table[name])
    yield name
    sys.modules.pop(table[name].partition(":")[0], None)


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


def test_the_example_passes_the_conformance_tests(tmp_path):
    """In a copy of the package, with the module and the line added as the page says."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "taskaff", tmp_path / "taskaff", ignore=ignore)
    shutil.copytree(ROOT / "tests/conformance", tmp_path / "tests/conformance", ignore=ignore)
    shutil.copy(ROOT / "tests" / "builders.py", tmp_path / "tests")
    room = tmp_path / "taskaff/stages/score"
    (room / "mean_cosine.py").write_text(MODULE, encoding="utf-8")
    with (room / "__init__.py").open("a", encoding="utf-8") as file:
        file.write("\n" + LINE)
    start = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(tmp_path / 'tests')!r}]"
    run = "import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    options = ["-p", "no:cacheprovider", "--import-mode=importlib", "-k", "mean_cosine"]
    where = [
        "-c",
        "/dev/null",
        "--rootdir",
        str(tmp_path),
        "tests/conformance/test_scores.py",
    ]
    done = subprocess.run(
        [sys.executable, "-c", f"{start}; {run}", *options, *where],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b1\d passed", done.stdout), done.stdout


def test_the_page_names_what_exists():
    tables = re.findall(r"`(taskaff(?:\.\w+)+\.[A-Z]+)`", PAGE)
    assert len(tables) > 4
    for name in tables:
        module, _, attribute = name.rpartition(".")
        assert load(f"{module}:{attribute}"), name
    for path in re.findall(r"`((?:taskaff|tests)/[\w/]+\.py)`", PAGE):
        assert (ROOT / path).exists() or path.endswith("mean_cosine.py"), path
