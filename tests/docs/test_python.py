"""The code of ``docs/python.md`` runs, and prints what its comments say.

The blocks of the page are one program. A block after ``<!-- needs: a, b -->`` is run on its
own, where those packages are installed.
"""

from __future__ import annotations

import contextlib
import io
import re
import shutil

import pytest
from paths import ROOT

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(?:<!-- needs: ([^\n>]+) -->\n)?```python\n(.*?)```", re.DOTALL)
PRINTED = re.compile(r"^ *print\(.*\)  # (.+)$", re.MULTILINE)
BLOCKS = [(match[1], match[2]) for match in BLOCK.finditer(PAGE)]
PROGRAM = "\n".join(code for needs, code in BLOCKS if needs is None)


@pytest.fixture
def folder(tmp_path, tmp_path_factory, monkeypatch):
    homes = tmp_path_factory.mktemp("homes")
    monkeypatch.setenv("XDG_CACHE_HOME", str(homes / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(homes / "data"))
    for file in (ROOT / "taskaff" / "examples").glob("*.csv"):
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(code):
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, "docs/python.md", "exec"), {})
    assert output.getvalue().splitlines() == PRINTED.findall(code)


def test_the_page_runs(folder):
    assert len(PRINTED.findall(PROGRAM)) == PROGRAM.count("print(") > 10
    check(PROGRAM)
    assert {path.name for path in folder.iterdir() if path.suffix != ".csv"} == {
        "films.taskaff",
        "cache",
    }


@pytest.mark.parametrize(("needs", "code"), [block for block in BLOCKS if block[0]])
def test_blocks_that_need_other_packages(needs, code, folder):
    for package in needs.split(", "):
        pytest.importorskip(package)
    check(code)


def test_every_function_is_on_the_page():
    import taskaff

    for name in set(taskaff.__all__) - {"__version__"}:
        assert (f"taskaff.{name}(" if name.islower() else name) in PAGE
