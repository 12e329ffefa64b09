"""Change single operators and branches of a room, and count the changes that its tests notice.

    python docs/mutate.py predict --count 40
    python docs/mutate.py probe --only taskaff/stages/probe/verdict.py

A change is one operator replaced (``<`` by ``<=``, ``+`` by ``-``, ``and`` by ``or``, a sign or a
``not`` dropped) or one condition negated. Nothing on the disk is changed: each change is compiled
in a process of its own, which runs the room's tests until one fails. A test that starts processes
sees the unchanged program in them. Changes that no test could notice are listed with the reason in
``docs/mutate_equivalent.toml`` and do not count.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import importlib.util
import os
import random
import resource
import signal
import sys
import tomllib
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
EQUIVALENT = Path(__file__).with_name("mutate_equivalent.toml")
LOADED_ONCE = ("numpy", "scipy.stats", "pyarrow.parquet", "sklearn.tree", "pytest")
CPU_SECONDS = 120
"""Of one change's tests; a change that never ends counts as noticed."""

STAGES, TESTS = "taskaff/stages", "tests/stages"
ROOMS = {
    "predict": ([f"{STAGES}/predict"], [f"{TESTS}/predict"]),
    "score": ([f"{STAGES}/score"], [f"{TESTS}/score", "tests/conformance/test_scores.py"]),
    "signature": ([f"{STAGES}/signature"], [f"{TESTS}/signature"]),
    "gate": ([f"{STAGES}/gate"], [f"{TESTS}/gate", "tests/cli/test_gate_hints.py"]),
    "probe": (
        [f"{STAGES}/probe/{name}.py" for name in ("finite", "verdict", "comparison")],
        [f"{TESTS}/probe/test_{name}.py" for name in ("finite", "verdict", "comparison")],
    ),
}
"""What is changed and what has to notice it."""

LEFT_OUT = ("test_real_overlap.py",)
"""Tests of real data."""

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
SIGNS = {
    **{ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%"},
    **{ast.Pow: "**", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<"},
    **{ast.RShift: ">>", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=="},
    **{ast.NotEq: "!=", ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in"},
    **{ast.And: "and", ast.Or: "or"},
}


@dataclass(frozen=True)
class Change:
    """One change of one module: the ``place``-th node in the order of ``ast.walk``."""

    path: Path
    place: int
    kind: str
    """``operator``, ``sign`` (a unary operator dropped) or ``branch`` (a condition negated)."""
    line: int
    part: int = 0
    """Which operator of a comparison, or which condition of a comprehension."""
    words: str = ""

    def source(self) -> str:
        """The changed line."""
        return self.path.read_text(encoding="utf-8").splitlines()[self.line - 1].strip()


def changes_of(path: Path) -> Iterator[Change]:
    """Every change of a module, in its order."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = _not_run(tree)
    for place, node in enumerate(ast.walk(tree)):
        if id(node) in skipped:
            continue
        for kind, part, words in _ways(node):
            line = node.ifs[part].lineno if isinstance(node, ast.comprehension) else node.lineno
            yield Change(path, place, kind, line, part, words)


def _not_run(tree: ast.Module) -> set[int]:
    """Ids of nodes in annotations and in imports for type checkers."""
    roots: list[ast.AST | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign | ast.arg):
            roots.append(node.annotation)
        elif isinstance(node, ast.FunctionDef):
            roots.append(node.returns)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            roots.append(node)
    return {id(inner) for root in roots if root for inner in ast.walk(root)}


def _ways(node: ast.AST) -> Iterator[tuple[str, int, str]]:
    match node:
        case ast.BinOp(op=op) | ast.BoolOp(op=op) | ast.AugAssign(op=op) if type(op) in SWAPS:
            yield "operator", 0, f"{SIGNS[type(op)]} to {SIGNS[SWAPS[type(op)]]}"
        case ast.Compare(ops=ops):
            for part, op in enumerate(ops):
                yield "operator", part, f"{SIGNS[type(op)]} to {SIGNS[SWAPS[type(op)]]}"
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()):
            yield "sign", 0, f"{ast.unparse(node)[:30]} without its sign"
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            if not isinstance(test, ast.Compare) or len(test.ops) > 1 or not _flips(test):
                yield "branch", 0, f"not ({ast.unparse(test)})"
        case ast.comprehension(ifs=tests):
            for part, test in enumerate(tests):
                yield "branch", part, f"not ({ast.unparse(test)})"


def _flips(test: ast.Compare) -> bool:
    """Whether changing the operator of a condition negates it already."""
    return isinstance(test.ops[0], ast.Eq | ast.NotEq | ast.Is | ast.IsNot | ast.In | ast.NotIn)


def changed(change: Change) -> ast.Module:
    """The module with the change."""
    tree = ast.parse(change.path.read_text(encoding="utf-8"))
    parents = {id(child): node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    node: Any = [*ast.walk(tree)][change.place]
    if change.kind == "sign":
        _replace(parents[id(node)], node, node.operand)
    elif change.kind == "branch" and isinstance(node, ast.comprehension):
        node.ifs[change.part] = _negated(node.ifs[change.part])
    elif change.kind == "branch":
        node.test = _negated(node.test)
    elif isinstance(node, ast.Compare):
        node.ops[change.part] = SWAPS[type(node.ops[change.part])]()
    else:
        node.op = SWAPS[type(node.op)]()
    return ast.fix_missing_locations(tree)


def _negated(test: ast.expr) -> ast.expr:
    return ast.copy_location(ast.UnaryOp(ast.Not(), copy.copy(test)), test)


def _replace(parent: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for name, value in ast.iter_fields(parent):
        if value is old:
            setattr(parent, name, new)
        elif isinstance(value, list) and any(item is old for item in value):
            value[:] = [new if item is old else item for item in value]


class Loader(SourceFileLoader):
    """A module with a change."""

    def __init__(self, name: str, change: Change) -> None:
        super().__init__(name, str(change.path))
        self.change = change

    def get_code(self, _: str) -> Any:
        return compile(changed(self.change), str(self.change.path), "exec")


class Finder:
    """Finds one module changed; everything else is as it is."""

    def __init__(self, change: Change) -> None:
        self.change = change
        parts = change.path.relative_to(ROOT).with_suffix("").parts
        self.name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def find_spec(self, name: str, *_: Any) -> Any:
        if name != self.name:
            return None
        loader = Loader(name, self.change)
        return importlib.util.spec_from_file_location(name, self.change.path, loader=loader)


def _files(path: Path, pattern: str) -> list[Path]:
    return sorted(path.rglob(pattern)) if path.is_dir() else [path]


def files_of_tests(tests: list[str], module: Path | None) -> list[str]:
    """Files of tests, those that are named like the module first."""
    found: list[Path] = []
    for name in tests:
        found += _files(ROOT / name, "test_*.py")
    found = [path for path in found if path.name not in LEFT_OUT and path.exists()]
    stem = module.stem if module else ""
    return [str(path) for path in sorted(found, key=lambda path: stem not in path.stem)]


def run(tests: list[str], change: Change | None) -> int:
    """Exit code of the tests in a process of their own; negative: it was stopped by a signal."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        if change:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            sys.meta_path.insert(0, Finder(change))  # type: ignore[arg-type]
        import pytest

        options = ["-x", "-n0", "-p", "no:cacheprovider", "-p", "no:randomly"]
        code = int(pytest.main([*options, *tests]))
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    os._exit(code)


def known() -> set[tuple[str, str]]:
    """Changes that make no difference: their lines and what is changed in them."""
    with EQUIVALENT.open("rb") as file:
        return {(each["line"], each["change"]) for each in tomllib.load(file)["equivalent"]}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("room", choices=[*ROOMS])
    parser.add_argument("--count", type=int, default=40, help="changes, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=Path, help="one module of the room, all of its changes")
    parser.add_argument("--matching", default="", help="only changes of lines with this text")
    return parser.parse_args()


def drawn(chosen: argparse.Namespace) -> list[Change]:
    """The changes that are tried, by module, without those that make no difference."""
    modules, _ = ROOMS[chosen.room]
    paths = [path for name in modules for path in _files(ROOT / name, "*.py")]
    if chosen.only:
        paths = [chosen.only.resolve()]
    every = [change for path in paths for change in changes_of(path)]
    every = [c for c in every if chosen.matching in c.source()]
    if not chosen.only and len(every) > chosen.count:
        every = random.Random(chosen.seed).sample(every, chosen.count)
    equivalent = known()
    matter = [c for c in every if (c.source(), c.words) not in equivalent]
    return sorted(matter, key=lambda c: (c.path, c.line))


def main() -> None:
    chosen = arguments()
    for name in LOADED_ONCE:  # once, not once a change
        importlib.import_module(name)
    _, tests = ROOMS[chosen.room]
    if run(files_of_tests(tests, None), None):
        raise SystemExit("the tests fail without any change")
    missed = []
    some = drawn(chosen)
    for change in some:
        noticed = run(files_of_tests(tests, change.path), change) != 0
        where = f"{change.path.relative_to(ROOT)}:{change.line}  {change.words}"
        print("noticed     " if noticed else "NOT NOTICED ", where, flush=True)
        if not noticed:
            missed.append(change)
            print("   ", change.source(), flush=True)
    share = 1 - len(missed) / max(len(some), 1)
    print(f"{chosen.room}: {len(some) - len(missed)} of {len(some)} noticed ({share:.0%})")


if __name__ == "__main__":
    main()
