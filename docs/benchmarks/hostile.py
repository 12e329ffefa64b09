"""Public corpora of odd, broken and hostile files: what is read, what is refused, what is wrong.

    python docs/benchmarks/hostile.py --pollock DIR --parquet-testing DIR --arrow-testing DIR \
        --json-suite DIR --csv-spectrum DIR

Each corpus is a clone of its repository, or of the folders that hold its files; those that are not
given are left out. Every file is read whole in a process of its own kind, which a file may kill
without ending the run, and every text is compared with what the reference says. Writes
`hostile.json` beside itself, or where `-o` says, and the table of `hostile.md` on stdout.
"""

from __future__ import annotations

import argparse
import json
import platform
import struct
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import hostile_corpora as corpora
from hostile_corpora import Case, Truth
from hostile_worker import Fault, Opened, Refused, Worker, open_file

HERE = Path(__file__).parent
WORST = ("crashes", "different", "equal", "not compared", "refused")
COLUMNS = ("files", "refused", "equal", "different", "not compared", "crashes")


def main() -> None:
    """Read the corpora that were given."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("pollock", "parquet-testing", "arrow-testing", "json-suite", "csv-spectrum"):
        parser.add_argument(f"--{name}", type=Path, metavar="DIR")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "hostile.json")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        found = {name: Corpus().read(cases) for name, cases in sources(given, Path(made)).items()}
    document = {"python": platform.python_version(), "corpora": found}
    given.output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(table(found))


def sources(given: argparse.Namespace, made: Path) -> dict[str, Iterable[Case]]:
    """Name of a row of the table to its cases."""
    out: dict[str, Iterable[Case]] = {}
    if given.pollock:
        out["Pollock, as found"] = corpora.pollock(given.pollock, declared=False)
        out["Pollock, declared dialect"] = corpora.pollock(given.pollock, declared=True)
    if given.csv_spectrum:
        out["csv-spectrum"] = corpora.csv_spectrum(given.csv_spectrum)
    if given.json_suite:
        out["JSONTestSuite"] = corpora.json_suite(given.json_suite, made)
    if given.parquet_testing:
        out["parquet-testing"] = corpora.parquet_testing(given.parquet_testing)
    if given.arrow_testing:
        out["arrow-testing"] = corpora.arrow_testing(given.arrow_testing)
    return out


class Corpus:
    """Counts of one corpus; of what is different or crashed, each file and why."""

    def __init__(self) -> None:
        self._ours, self._names = Worker(open_file), Worker(corpora.names_of)
        self._theirs = Worker(corpora.read_with_polars)
        self._counts: Counter[str] = Counter()
        self._refusals: Counter[str] = Counter()
        self._shown: list[dict[str, str]] = []

    def read(self, cases: Iterable[Case]) -> dict[str, Any]:
        """Every case, then what they came to."""
        started = time.perf_counter()
        for case in cases:
            outcome, why = self._judged(case)
            self._counts.update(("files", outcome))
            if outcome == "refused":
                self._refusals[sort_of(why, case)] += 1
            elif outcome != "equal":
                self._shown.append({"file": case.name, "outcome": outcome, "why": why})
        for worker in (self._ours, self._names, self._theirs):
            worker.close()
        return {
            **{name: self._counts[name] for name in COLUMNS},
            "peak_mb": round(self._ours.peak / 1e6),
            "seconds": round(time.perf_counter() - started, 1),
            "refusals": dict(self._refusals.most_common()),
            "shown": self._shown,
        }

    def _judged(self, case: Case) -> tuple[str, str]:
        """One file: the worst that any way of opening it comes to."""
        truth, names = case.truth, []
        if case.request.get("format") in ("parquet", "arrow"):
            names = self._names.ask((str(case.path), case.request["format"]))
        if truth is None:
            truth = self._theirs.ask((str(case.path), case.request["format"]))
        truth = truth if isinstance(truth, Truth) else Truth("open")
        request = {"source": str(case.path), "on_bad_row": "skip", **case.request}
        found = []
        for columns in ways(truth, names if isinstance(names, list) else []):
            more = {"text": columns, "label_kind": "none"} if columns else {}
            found.append(verdict(self._ours.ask({**request, **more}), truth, columns))
        return min(found, key=lambda pair: WORST.index(pair[0]))


def ways(truth: Truth, names: list[str]) -> list[tuple[str, ...]]:
    """Without a word; every column as the texts; all numbers together as the vector."""
    texts = [c for c, values in truth.columns.items() if any(isinstance(v, str) for v in values)]
    numbers = [c for c in truth.columns if c not in texts]
    columns = dict.fromkeys([*texts, *names])
    vector = [tuple(numbers)] if len(numbers) >= 3 and not texts else []
    return [*((c,) for c in columns), *vector, *(() if texts else ((),))]


def verdict(
    answer: Opened | Refused | Fault, truth: Truth, columns: tuple[str, ...]
) -> tuple[str, str]:
    """What one opening came to."""
    if isinstance(answer, Fault):
        return "crashes", f"{', '.join(columns) or 'no column named'}: {answer.why}"
    if isinstance(answer, Refused):
        return "refused", answer.found
    if truth.kind == "refuse":
        return "different", "accepted, and the reference says that it is none"
    if truth.kind == "open" or not set(columns) <= set(truth.columns):
        return "not compared", "accepted, and there is nothing to compare with"
    if answer.texts:
        values = present(truth.columns[columns[0]])
        kind = next(map(type, values), str)
        return compared(columns[0], [kind(text) for text in present(answer.texts)], values)
    rows = zip(*(truth.columns[c] for c in columns or truth.columns), strict=True)
    known = (row for row in rows if None not in row)
    wanted = [[struct.unpack("f", struct.pack("f", v))[0] for v in row] for row in known]
    return compared("vectors", answer.vectors, [row for row in wanted if all(map(finite, row))])


def finite(value: float) -> bool:
    """A row with another number is skipped."""
    return value - value == 0.0


def present(values: Iterable[Any]) -> list[Any]:
    """Those that are not missing: empty cells and nulls are skipped, whoever reads them."""
    return [value for value in values if value is not None and str(value).strip()]


def compared(what: str, ours: list[Any], theirs: list[Any]) -> tuple[str, str]:
    if ours == theirs:
        return "equal", ""
    if len(ours) != len(theirs):
        return "different", f"{what}: {len(ours)} values, the reference has {len(theirs)}"
    row = next(n for n, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1])
    return "different", f"{what}, row {row + 1}: {ours[row]!r:.60}, not {theirs[row]!r:.60}"


def sort_of(why: str, case: Case) -> str:
    """A reason without the names and numbers of one file."""
    words = why.split(f"({case.path}")[0].split(": ", 2)[-1]
    words = words.split(" (")[0].split("'")[0].split(";")[0]
    return "".join("N" if c.isdigit() else c for c in words).replace("NN", "N")[:70].strip()


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The table of the page."""
    heads = ["corpus", *COLUMNS, "peak", "time"]
    lines = ["| " + " | ".join(heads) + " |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    for name, row in found.items():
        cells = [f"{row[column]:,}" for column in COLUMNS]
        cells += [f"{row['peak_mb']} MB", f"{row['seconds']:.0f} s"]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
