"""Size and shape of the code: the table of docs/design.md.

    python docs/house.py            # print the table
    python docs/house.py --write    # put it into docs/design.md
    python docs/house.py --walk score A.csv B.csv    # the files that a datum passes, in order

Lines of a function are its lines of code: no docstring, comments or blank lines. Calls from file to
file are those of one run, counted by the interpreter's profiler in every thread.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import re
import statistics
import sys
import threading
import tokenize
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGE, TESTS, PAGE = ROOT / "taskaff", ROOT / "tests", ROOT / "docs" / "design.md"
EXAMPLES = PACKAGE / "examples"
GOALS = {"median": 90, "p90": 200, "max": 300, "function": 18, "tests": 0.9, "root": 3}


def lines(path: Path) -> int:
    """All lines of a file."""
    return path.read_text(encoding="utf-8").count("\n")


def code_lines(source: str) -> set[int]:
    """Numbers of the lines that hold code: neither blank, comment nor docstring."""
    found: set[int] = set()
    quiet = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in quiet:
            found.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                found.difference_update(range(node.lineno, (node.end_lineno or 0) + 1))
    return found


def function_lines(path: Path) -> Iterator[int]:
    """Lines of code of every function of a file, nested ones in their outer one as well."""
    source = path.read_text(encoding="utf-8")
    code = code_lines(source)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            yield len(code & set(range(node.lineno, (node.end_lineno or 0) + 1)))


def percentile(numbers: list[int], share: float) -> int:
    """The smallest number that this share does not exceed."""
    return sorted(numbers)[min(len(numbers) - 1, int(share * len(numbers)))]


def shape() -> dict[str, Any]:
    """The figures of the table."""
    files = sorted(PACKAGE.rglob("*.py"))
    sizes = [lines(path) for path in files]
    functions = [n for path in files for n in function_lines(path)]
    calls = walk(["score", str(EXAMPLES / "films.csv"), str(EXAMPLES / "products.csv"), "-q"])
    return {
        "lines": sum(sizes),
        "files": len(files),
        "median": int(statistics.median(sizes)),
        "p90": percentile(sizes, 0.9),
        "max": max(sizes),
        "over": sum(size > GOALS["max"] for size in sizes),
        "function": percentile(functions, 0.9),
        "tests": sum(map(lines, TESTS.rglob("*.py"))) / sum(sizes),
        "root": len(list(PACKAGE.glob("*.py"))),
        "walk": [
            len({call[2:] for call in calls}),
            len({call[2] for call in calls}),
            len({(call[0], call[2]) for call in calls if call[0] != call[2]}),
        ],
    }


def table(now: dict[str, Any]) -> str:
    """The figures beside the goals, as Markdown."""
    rows = [
        ("lines, files", f"{now['lines']:,}, {now['files']}", ""),
        (
            "lines of a file: median / p90 / max",
            f"{now['median']} / {now['p90']} / {now['max']} ({now['over']} over {GOALS['max']})",
            f"{GOALS['median']} / {GOALS['p90']} / {GOALS['max']}",
        ),
        ("lines of code of a function, p90", str(now["function"]), str(GOALS["function"])),
        ("lines of tests per line of source", f"{now['tests']:.2f}", str(GOALS["tests"])),
        ("modules at the root of the package", str(now["root"]), f"at most {GOALS['root']}"),
        ("import circles, imports upwards", "0, 0 (tested)", "0, 0"),
        (
            "functions, files, calls from file to file of `score A B`",
            ", ".join(map(str, now["walk"])),
            "fewer detours",
        ),
    ]
    head = ["| | now | goal |", "|---|---|---|"]
    return "\n".join(head + [f"| {name} | {value} | {goal} |" for name, value, goal in rows])


Call = tuple[str, str, str, str]
FUNCTION = 0x1
"""Flag of code with local variables: a function, not the body of a class or module."""


def walk(arguments: list[str]) -> list[Call]:
    """Own calls of one command, once each in the order of their first: file and function, twice."""
    from taskaff.cli.run import run

    seen: dict[Call, None] = {}

    def name(frame: FrameType) -> tuple[str, str] | None:
        file = frame.f_code.co_filename
        if not file.startswith(str(PACKAGE)):
            return None
        function = re.sub(r"\.<locals>\.<\w+>|^<\w+>$", "", frame.f_code.co_qualname)
        return str(Path(file).relative_to(PACKAGE)), function

    def profile(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_flags & FUNCTION and (own := name(frame)):
            caller = frame.f_back
            while caller and not name(caller):
                caller = caller.f_back
            seen[(*((name(caller) if caller else None) or ("", "")), *own)] = None

    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            run(arguments)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    return list(seen)


def main() -> None:
    """Print the table, write it, or print a walk."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--walk", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    if asked.walk:
        last = ""
        for _, _, file, function in walk(asked.walk):
            print(f"{file if file != last else '':42} {function}")
            last = file
        return
    made = table(shape())
    print(made)
    if asked.write:
        text = PAGE.read_text(encoding="utf-8")
        block = r"(<!-- house -->\n).*?(\n<!-- end -->)"
        PAGE.write_text(
            re.sub(block, lambda m: m[1] + made + m[2], text, flags=re.DOTALL), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
