"""docs/mutate.py: which changes it makes of a module, and that each is a single one."""

from __future__ import annotations

import ast
import importlib.util
import sys

import pytest
from paths import ROOT

SOURCE = """
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    size = not 1 + 1

def f(x: int | None, y: "a < b" = -1) -> int | str:
    z: int | None = x + y
    if x is None or x < y <= 3:
        return -z
    return [a for a in y if a] if not z else 2
"""


@pytest.fixture(scope="module")
def mutate():
    spec = importlib.util.spec_from_file_location("mutate", ROOT / "docs" / "mutate.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_every_operator_and_branch_is_changed_by_itself(mutate, tmp_path):
    path = tmp_path / "module.py"
    path.write_text(SOURCE)
    plain = ast.unparse(ast.parse(SOURCE)).splitlines()
    found = {}
    for change in mutate.changes_of(path):
        lines = ast.unparse(mutate.changed(change)).splitlines()
        [(before, after)] = [
            (one.strip(), other.strip())
            for one, other in zip(plain, lines, strict=True)
            if one != other
        ]
        found[change.words] = (before, after)
    [start] = [line for line in plain if line.startswith("def f")]
    condition = "if x is None or x < y <= 3:"
    last = "return [a for a in y if a] if not z else 2"
    assert found == {
        "-1 without its sign": (start, start.replace("-1", "1")),
        "+ to -": ("z: int | None = x + y", "z: int | None = x - y"),
        "or to and": (condition, "if x is None and x < y <= 3:"),
        "is to is not": (condition, "if x is not None or x < y <= 3:"),
        "< to <=": (condition, "if x is None or x <= y <= 3:"),
        "<= to <": (condition, "if x is None or x < y < 3:"),
        "not (x is None or x < y <= 3)": (condition, "if not (x is None or x < y <= 3):"),
        "-z without its sign": ("return -z", "return z"),
        "not z without its sign": (last, "return [a for a in y if a] if z else 2"),
        "not (not z)": (last, "return [a for a in y if a] if not not z else 2"),
        "not (a)": (last, "return [a for a in y if not a] if not z else 2"),
    }


def test_changes_that_make_no_difference_are_of_lines_that_exist(mutate):
    every = {
        (change.source(), change.words)
        for modules, _ in mutate.ROOMS.values()
        for name in modules
        for path in mutate._files(ROOT / name, "*.py")
        for change in mutate.changes_of(path)
    }
    assert mutate.known() <= every
    assert len(every) > 1000


def test_every_room_has_its_tests(mutate):
    for modules, tests in mutate.ROOMS.values():
        assert all((ROOT / name).exists() for name in [*modules, *tests])
