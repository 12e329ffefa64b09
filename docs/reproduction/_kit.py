"""What the scripts of this folder share: the product's commands, results, pages and the summary.

A script is one result of the paper. It has ``measure(quick)``, which calls ``taskaff`` and gives a
JSON document; ``tables(result)``, markdown by name; ``plot(result)``, a figure; ``claims(result)``,
what the paper says beside what was found; and ends in ``kit.main(...)`` of these. The document and
the picture stand beside the script, and the page of the same name is filled from the document:
no number of a page is written by hand.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from taskaff.cli.run import run
from taskaff.stages.probe.verdict import t_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent
LEVEL = 0.9
"""Of all intervals."""

Result = dict[str, Any]
Verdict = Literal["agrees", "differs", "in part", "undecided", "not testable here"]
"""``undecided``: the intervals hold the paper's number, and no effect as well."""


@dataclass(frozen=True)
class Claim:
    """One row of the summary."""

    result: str
    """Such as "Figure 3a"."""
    paper: str
    """What the paper says."""
    ours: str
    """What was found, with numbers from the document."""
    verdict: Verdict
    why: str = ""
    """One line."""


def taskaff(*words: str | int | float | Path) -> Result:
    """What ``taskaff WORDS -o FILE.json`` writes; printed as a command first.

    Raises
    ------
    RuntimeError : the command did not end with 0.
    """
    line = [str(word) for word in words]
    print("$ taskaff", shlex.join(line), file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "result.json"
        code = run([*line, "-q", "-o", str(out)])
        if code != 0:
            raise RuntimeError(f"taskaff {shlex.join(line)} ended with {code}")
        found: Result = json.loads(out.read_text(encoding="utf-8"))
        return found


def interval(values: Sequence[float]) -> list[float]:
    """``[mean, low, high]`` of a t interval at ``LEVEL``, rounded to five places."""
    found = t_interval(list(values), LEVEL)
    ends = (found.mean, found.low, found.high)
    return [round(float("nan") if x is None else x, 5) for x in ends]


def rounded(value: Any) -> Any:
    """A document with its numbers to six digits, more than any page shows."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def written(result: Result) -> str:
    """A document as text: one line a list of numbers or words, so that it stays short."""
    text = json.dumps(rounded(result), indent=1, ensure_ascii=False)
    lists = re.compile(r"\[\n\s+([^\[\]{}]*?)\n\s+\]")
    return lists.sub(lambda one: "[" + re.sub(r",\n\s+", ", ", one[1]) + "]", text) + "\n"


def mark(found: Sequence[float], digits: int = 3) -> str:
    """An interval as text, with a bold sign in front where it excludes 0."""
    mean, low, high = found
    sign = "**+** " if low > 0 else "**−** " if high < 0 else ""
    return f"{sign}{mean:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]".replace("-", "−")


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def claim_table(claims: Sequence[Claim]) -> str:
    """Claims as every page and the summary show them."""
    head = ("result", "paper", "here", "", "why")
    rows = [(c.result, c.paper, c.ours, f"**{c.verdict}**", c.why) for c in claims]
    return table(head, rows)


def fill(page: str, tables: Mapping[str, str]) -> str:
    """The page with each text between ``<!-- table: NAME -->`` and ``<!-- end -->`` replaced.

    Raises
    ------
    KeyError : the page asks for a table that there is none of.
    """

    def made(match: re.Match[str]) -> str:
        return f"{match[1]}\n{tables[match[2]].strip()}\n<!-- end -->"

    return re.sub(r"(<!-- table: (\S+) -->)\n.*?<!-- end -->", made, page, flags=re.DOTALL)


def main(
    script: str,
    measure: Callable[[bool], Result],
    tables: Callable[[Result], Mapping[str, str]],
    plot: Callable[[Result], Figure],
    claims: Callable[[Result], Sequence[Claim]],
) -> None:
    """The command line of a script: measure, write document and picture, fill the page."""
    path = Path(script)
    parser = argparse.ArgumentParser(description=(sys.modules["__main__"].__doc__ or "").strip())
    parser.add_argument("--quick", action="store_true", help="smaller; for the tests")
    parser.add_argument("--page", action="store_true", help="fill the page again, train nothing")
    parser.add_argument("--out", type=Path, default=None, help="folder for document and picture")
    options = parser.parse_args()
    if options.quick and options.out is None:
        parser.error("--quick needs --out: what stands here is measured in full")
    out = options.out or HERE
    document = out / f"{path.stem}.json"
    if not options.page:
        found = measure(options.quick)
        document.write_text(written(found), encoding="utf-8")
    result = json.loads(document.read_text(encoding="utf-8"))
    save(plot(result), out / f"{path.stem}.svg")
    made = {**tables(result), "claims": claim_table(claims(result))}
    if out == HERE:
        page = path.with_suffix(".md")
        page.write_text(fill(page.read_text(encoding="utf-8"), made), encoding="utf-8")
    for name, text in made.items():
        print(f"\n{name}\n{text}")


def save(figure: Figure, path: Path) -> None:
    """Write an SVG that is the same for the same numbers."""
    import matplotlib as mpl

    mpl.rcParams["svg.hashsalt"] = "taskaff"
    figure.savefig(path, format="svg", bbox_inches="tight", metadata={"Date": None})


def scripts() -> list[Path]:
    """All scripts of this folder that measure something."""
    found = [path for path in HERE.glob("*.py") if not path.name.startswith("_")]
    return sorted(path for path in found if path.name != "index.py")


def load(path: Path) -> ModuleType:
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(HERE))
    sys.modules[path.stem] = module  # where dataclasses look for their module
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(HERE))
        del sys.modules[path.stem]
    return module
