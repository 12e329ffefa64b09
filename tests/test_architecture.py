"""The rules of docs/design.md that a reader cannot see in one file."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "taskaff"
ROOMS = ("data", "embed", "moments", "scoring", "probing", "predict", "gate", "report")
SHARED = (
    "answers",
    "svd_weights",
    "arrow",
    "records",
    "probe_records",
    "predict_records",
    "gate_records",
    "overlap_records",
    "content",
    "errors",
    "files",
    "registry",
    "store",
    "config",
    "parallel",
    "provenance",
    "recipe",
    "spectra",
)
ORDER = {
    "records": 0,
    "probe_records": 0,
    "predict_records": 0,
    "gate_records": 0,
    "overlap_records": 0,
    "errors": 0,
    "files": 0,
    "registry": 1,
    "parallel": 1,
    "store": 1,
    "provenance": 1,
    "spectra": 1,
    "recipe": 2,
}
MODELS = ("transformers", "tokenizers", "huggingface_hub", "sentence_transformers")
HEAVY = ("torch", "sklearn", *MODELS)
LIGHT_START = ("numpy", "scipy", "pyarrow", "pydantic", "safetensors", *HEAVY)


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Dotted names of everything of taskaff's own that a file imports, wherever it does."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def rooms_of(names: set[str]) -> set[str]:
    parts = (name.split(".") for name in names if name.startswith("taskaff."))
    return {part[1] for part in parts}


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_do_not_import_each_other(room):
    for path in (PACKAGE / room).rglob("*.py"):
        foreign = rooms_of(imported(path)) - {room, *SHARED}
        own = {
            name
            for name in foreign
            if (PACKAGE / name).exists() or (PACKAGE / f"{name}.py").exists()
        }
        assert not own, f"{path.relative_to(PACKAGE)} imports {own}"


@pytest.mark.parametrize("name", [*ORDER, "answers", "config"])
def test_shared_modules_stand_below_the_rooms(name):
    where = PACKAGE / name
    files = where.glob("*.py") if where.is_dir() else [where.with_suffix(".py")]
    found = {room for file in files for room in rooms_of(imported(file))}
    above = {*ROOMS, "cli", "pipeline", "api"}
    assert not found & above


def test_only_the_probe_and_the_transformers_import_torch():
    for path in modules():
        heavy = {name.split(".")[0] for name in imported(path)} & set(HEAVY)
        transformer = path.is_relative_to(PACKAGE / "embed" / "transformer")
        allowed = set(MODELS) | {"torch"} if transformer else set()
        if path.is_relative_to(PACKAGE / "probing"):
            allowed = {"torch"}
        if path == PACKAGE / "data" / "hub.py":
            allowed = {"huggingface_hub"}
        if path.is_relative_to(PACKAGE / "predict"):
            allowed = {"sklearn"}
        assert heavy <= allowed, f"{path.relative_to(PACKAGE)} imports {heavy}"


def test_only_the_command_line_prints_or_reads_the_environment():
    for path in modules():
        if path.is_relative_to(PACKAGE / "cli"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Name):
                assert node.id != "print", path.name
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("environ", "getenv"), path.name


def test_click_is_never_imported():
    assert not [p for p in modules() if any(n.split(".")[0] == "click" for n in imported(p))]


def test_tables_of_plugins_resolve():
    """Every "module:attribute" string of every room's table can be imported."""
    from taskaff import data, embed, registry, report, scoring

    for table in (data.FORMATS, embed.ENCODERS, scoring.SCORES, report.FORMATS):
        assert table
        for target in table.values():
            assert callable(registry.load(target)), target


@pytest.mark.parametrize("statement", ["import taskaff", "import taskaff.cli"])
def test_start_is_light(statement):
    code = f"import sys; {statement}; print(*[m for m in {LIGHT_START!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
