"""Every command in README and docs/ runs, and every transcript shows what it prints.

In a fenced ``console`` block a line ``$ command`` is run by bash in a folder that holds the example
files; the lines after it must be its output, where ``...`` alone on a line stands for any lines. A
command alone in its block is only run. ``# exit N`` at its end states another exit code than 0. A
block after ``<!-- not run: why -->`` is left out. Commands on real data run where ``TASKAFF_DATA``
is set. Blocks that train, fine-tune or follow from one another run with the slow tests.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from paths import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"(<!-- not run: .+ -->\n)?```console\n(.*?)```", re.DOTALL)

ONE_STORY = "docs/gate.md"
"""Its blocks follow from each other, so that one process must run them all, in order."""


@dataclass(frozen=True)
class Command:
    line: str
    code: int
    expected: list[str]


def blocks() -> list[tuple[str, list[Command]]]:
    """All blocks to run, named page:number."""
    found = []
    for page in PAGES:
        for number, match in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8")), 1):
            if match[1] is None:
                name = f"{page.relative_to(ROOT)}:{number}"
                found.append((name, commands(match[2])))
    whole = [lines for name, lines in found if name.startswith(ONE_STORY)]
    apart = [block for block in found if not block[0].startswith(ONE_STORY)]
    return [*apart, (ONE_STORY, [line for lines in whole for line in lines])]


def is_slow(name: str, lines: list[Command]) -> bool:
    """Whether a block takes more than a few seconds."""
    works = re.compile(r"taskaff probe|--probe|atlas build|TASKAFF_DATA|minilm|reproduction/")
    return name == ONE_STORY or any(works.search(command.line) for command in lines)


def parameters():
    """The blocks as parameters of a test."""
    return [
        pytest.param(name, lines, id=name, marks=[pytest.mark.slow] * is_slow(name, lines))
        for name, lines in blocks()
    ]


def commands(text: str) -> list[Command]:
    out: list[Command] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            body, _, comment = line[2:].partition("# exit ")
            out.append(Command(body.strip(), int(comment or 0), []))
        else:
            out[-1].expected.append(line)
    return out


def matches(expected: list[str], printed: list[str]) -> bool:
    """Whether the printed lines are the expected ones, ``...`` standing for any lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line.rstrip()) + r"\n"
        for line in expected
    )
    return re.fullmatch(pattern, "".join(line.rstrip() + "\n" for line in printed)) is not None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("docs")
    for file in (ROOT / "taskaff" / "examples").glob("*.csv"):
        shutil.copy(file, where)
    return where


def environment(folder: Path) -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    own = {"PATH": path, "TASKAFF_CACHE_DIR": str(folder / ".cache"), "NO_COLOR": "1"}
    return {**os.environ, **own, "COLUMNS": "100"}


def in_a_shell(command: Command, folder: Path) -> tuple[int, str]:
    """Exit code and output of a line as a reader runs it."""
    done = subprocess.run(
        ["bash", "-c", command.line],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def here(folder, monkeypatch, capsys, glove_once):
    """The same of a plain ``taskaff ...`` in this process, which takes a tenth of the time."""
    from taskaff.cli.run import run

    for name, value in environment(folder).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)

    def call(command: Command) -> tuple[int, str]:
        code = run(shlex.split(command.line)[1:])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return call


PLAIN = re.compile(r"taskaff [^|<>&;$`*]+")
"""A line without anything that only a shell understands."""


@pytest.mark.parametrize(("name", "lines"), parameters())
def test_commands_do_what_the_page_says(name, lines, folder, here):
    if any("$TASKAFF_DATA" in c.line for c in lines) and "TASKAFF_DATA" not in os.environ:
        pytest.skip("TASKAFF_DATA is not set: the real data sets are not at hand")
    for command in lines:
        plain = PLAIN.fullmatch(command.line) and not is_slow(name, lines)
        code, printed = here(command) if plain else in_a_shell(command, folder)
        assert code == command.code, printed
        if command.expected:
            assert matches(command.expected, printed.splitlines()), printed


def test_the_test_command_is_the_one_that_ci_runs():
    setup = "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt -e '.[dev]'"
    command = f"{setup} && .venv/bin/pytest -n 2"
    for page in ("README.md", "CONTRIBUTING.md", ".ci/run"):
        assert command in (ROOT / page).read_text(encoding="utf-8"), page
