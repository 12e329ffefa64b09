"""Rules of docs/design.md that a reader cannot see in one file; every module is held to them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from paths import ROOT

from taskaff.core.registry import load

PACKAGE = ROOT / "taskaff"
BELOW = {"core": 0, "stages": 1, "pipeline": 2, "api": 3, "cli": 3}
"""Layers: a module imports from its own and from those below it."""
ROOT_MODULES = {"__init__", "__main__"}

MODELS = ("transformers", "tokenizers", "huggingface_hub", "sentence_transformers")
HEAVY = ("torch", "sklearn", *MODELS)
ALLOWED = {
    "stages/embed/transformer": {"torch", *MODELS},
    "stages/probe": {"torch"},
    "stages/predict": {"sklearn"},
    "stages/data/hub.py": {"huggingface_hub"},
}
"""Who may import a heavy library."""
LIGHT_START = ("numpy", "scipy", "pyarrow", "pydantic", "safetensors", *HEAVY)


def name_of(path: Path) -> str:
    """Dotted name of a module of the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


def imports(name: str) -> Iterator[str]:
    """Dotted names of all that a module imports, wherever in it and for whatever purpose."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: a relative import"
            assert node.module
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module


OWN = {name: {n for n in imports(name) if n.split(".")[0] == "taskaff"} - {name} for name in TREES}


def layer(name: str) -> str:
    """``core``, ``stages``, ``pipeline``, ``api`` or ``cli``; empty at the root."""
    return [*name.split("."), ""][1].removeprefix("__main__")


def room(name: str) -> str:
    """``data`` ... ``report`` of a module in ``stages``."""
    return [*name.split("."), "", ""][2]


@pytest.mark.parametrize("name", sorted(TREES))
def test_imports_go_down_and_rooms_do_not_import_each_other(name):
    own = layer(name)
    for other in OWN[name]:
        there = layer(other)
        if own and there:
            assert BELOW[there] <= BELOW[own], f"{name} imports {other}, which stands above it"
            assert own == there or (own, there) != ("api", "cli"), f"{name} imports {other}"
            if own == there == "stages":
                assert room(name) == room(other), f"{name} imports {other}, another room"
        elif own:
            assert other == "taskaff", f"{name} imports {other}"


def test_no_import_circle():
    """Depth first over all imports; a package stands for its ``__init__``."""
    done: set[str] = set()
    path: list[str] = []

    def visit(name: str) -> None:
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name in done or name not in TREES:
            return
        path.append(name)
        for other in sorted(OWN[name]):
            visit(other)
        path.pop()
        done.add(name)

    for name in sorted(TREES):
        visit(name)


def test_the_root_holds_the_entry_points_alone():
    assert {path.stem for path in PACKAGE.glob("*.py")} == ROOT_MODULES
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir()} - {"__pycache__"}
    assert folders == {*BELOW, "examples"}


@pytest.mark.parametrize("name", sorted(TREES))
def test_heavy_libraries_are_imported_where_they_belong(name):
    heavy = {found.split(".")[0] for found in imports(name)} & set(HEAVY)
    where = MODULES[name].relative_to(PACKAGE)
    allowed = [set(ok) for place, ok in ALLOWED.items() if where.is_relative_to(place)]
    assert heavy <= set().union(*allowed), f"{name} imports {heavy}"


def test_only_the_command_line_prints_or_reads_the_environment():
    for name, tree in TREES.items():
        if layer(name) == "cli":
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                assert node.id != "print", name
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("environ", "getenv"), name


def test_click_is_never_imported():
    assert not [n for n in TREES if any(found.split(".")[0] == "click" for found in imports(n))]


def plugins() -> Iterator[str]:
    """Every ``"module:attribute"`` string of the package."""
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found = re.fullmatch(r"taskaff(\.\w+)+:\w+", node.value)
                if found:
                    yield node.value


@pytest.mark.parametrize("target", sorted(set(plugins())))
def test_every_plugin_resolves(target):
    load(target)


def test_there_are_plugins_of_every_kind():
    rooms = {target.split(".")[2] for target in plugins() if target.startswith("taskaff.stages.")}
    assert {"data", "embed", "score", "probe", "report"} <= rooms


@pytest.mark.parametrize("statement", ["import taskaff", "import taskaff.cli"])
def test_start_is_light(statement):
    code = f"import sys; {statement}; print(*[m for m in {LIGHT_START!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


LARGE = 300_000
MAY_BE_LARGE = (".parquet", ".safetensors", ".svg", ".png")
"""The atlas, fitted arrays and pictures."""


def test_no_large_file_is_tracked():
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if found.returncode:
        pytest.skip("not a checkout of git")
    paths = [ROOT / name for name in found.stdout.decode().split("\0") if name]
    large = [p for p in paths if p.exists() and p.stat().st_size > LARGE]
    assert not [p for p in large if p.suffix not in MAY_BE_LARGE]
