"""How many near copies are found, how many falsely, and what it costs.

    python docs/benchmarks/near_duplicates.py DATA [--json near_duplicates.json]

DATA is the folder of the shared sets. Copies of 1 %, 10 % and 100 % of a set's rows are changed in
one place and planted in an unrelated set; every ordered pair of sets is compared for false alarms.
Everything goes through the hashes and keys that a signature keeps.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import time
from collections.abc import Callable, Sequence
from itertools import permutations
from pathlib import Path

import pyarrow as pa

from taskaff.core.records.data import RowBatch
from taskaff.stages.score.near import NearRows, near_counts, near_rows, near_share
from taskaff.stages.signature import row_content, row_hashes
from taskaff.stages.signature.sketches import SketchBuilder

BATCH = 8192
FAMILIES = ("sentiment", "glue", "calibration", "quickstart")
TARGETS = ("sentiment/mr", "sentiment/trec", "calibration/ag_news", "calibration/reviews_books")
HOST = "calibration/chemprot_relation"
WORDS = 8
"""Fewest words of a row that is copied; shorter ones are found as exact copies only."""
SHARES = (0.01, 0.1, 1.0)
Row = tuple[str, ...]
Change = Callable[[random.Random, list[str]], list[str]]


def one_more(draw: random.Random, words: list[str]) -> list[str]:
    """A word appended."""
    return [*words, draw.choice(("indeed", "zebra", "42"))]


def one_of(draw: random.Random, words: list[str]) -> int:
    """The place of a word of letters, which the normal form keeps whole."""
    return draw.choice([i for i, word in enumerate(words) if word.isalpha()] or [0])


def replaced(draw: random.Random, words: list[str]) -> list[str]:
    """One word replaced."""
    at = one_of(draw, words)
    return [*words[:at], "zebra", *words[at + 1 :]]


def typo(draw: random.Random, words: list[str]) -> list[str]:
    """One letter of one word doubled, and everything in capitals."""
    at = one_of(draw, words)
    changed = words[at] + words[at][-1]
    return [word.upper() for word in (*words[:at], changed, *words[at + 1 :])]


def two_more(draw: random.Random, words: list[str]) -> list[str]:
    """Two words appended."""
    return one_more(draw, one_more(draw, words))


CHANGES: tuple[Change, ...] = (one_more, replaced, typo, two_more)


def read(folder: Path) -> dict[str, list[Row]]:
    """The texts of every set, all its files together."""
    found = {}
    for path in sorted(p for family in FAMILIES for p in (folder / family).iterdir()):
        files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
        rows: list[Row] = []
        for file in (f for f in files if f.suffix == ".csv"):
            with file.open(encoding="utf-8", newline="") as lines:
                columns = ("text", "text_b")
                rows += [tuple(r[c] for c in columns if c in r) for r in csv.DictReader(lines)]
        if rows:
            found[f"{path.parent.name}/{path.stem}"] = rows
    return found


def batches(rows: Sequence[Row]) -> list[RowBatch]:
    parts = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    texts = [
        tuple(pa.array(list(c), pa.string()) for c in zip(*part, strict=True)) for part in parts
    ]
    return [RowBatch("file", "train", 0, columns, None, None) for columns in texts]


def sketched(rows: Sequence[Row]) -> tuple[NearRows, int]:
    """The rows as a signature knows them, and the bytes of their keys."""
    builder = SketchBuilder()
    for batch in batches(rows):
        content = row_content(batch)
        builder.add(content.hashes, content.near)
    sketch = builder.sketch()
    near = near_rows([sketch])
    assert near is not None
    assert sketch.near is not None
    return near, 5 * len(sketch.near.keys) + len(sketch.near.counts)


def planted(sets: dict[str, list[Row]], seed: int = 1) -> list[dict[str, object]]:
    """Of changed rows of a target, planted among another set, the share that is found."""
    host = sets[HOST][:2000]
    out: list[dict[str, object]] = []
    for name in TARGETS:
        every = list(dict.fromkeys(sets[name]))[:4000]
        rows = [row for row in every if len(row[0].split()) >= WORDS]
        for change in CHANGES:
            found = {}
            for share in SHARES:
                draw = random.Random(seed)
                chosen = draw.sample(rows, max(1, round(share * len(rows))))
                copies = [(" ".join(change(draw, row[0].split())),) for row in chosen]
                source, _ = sketched([*host, *copies])
                originals, _ = sketched(chosen)
                hits = int(near_counts([source, originals])[0, 1])
                found[f"{share:g}"] = round(hits / len(originals.hashes), 4)
            long = round(len(rows) / len(every), 4)
            out.append({"set": name, "long": long, "change": change.__name__, "found": found})
    return out


def alarms(sets: dict[str, list[Row]]) -> list[dict[str, object]]:
    """Share of every target's rows with a near copy in every other set, and of exact copies."""
    names = list(sets)
    near = [sketched(sets[name])[0] for name in names]
    counts = near_counts(near)
    held = [set(part.hashes.tolist()) for part in near]
    out = []
    for i, j in permutations(range(len(names)), 2):
        source, target = near[i], near[j]
        share = near_share(counts[i, j], len(target.hashes), source.share)
        exact = len(held[i] & held[j]) / len(held[j])
        out.append(
            {
                "source": names[i],
                "target": names[j],
                "near": round(float(share), 6),
                "rows": int(counts[i, j]),
                "exact": round(exact, 6),
            }
        )
    return out


def cost(sets: dict[str, list[Row]]) -> list[dict[str, object]]:
    """Processor time of a row's content, without and with keys, best of three; bytes a row."""
    out = []
    for name in (*TARGETS, "glue/qnli"):
        made = batches(sets[name])
        best = {}
        for what, function in (("hashes", row_hashes), ("with keys", row_content)):
            times = []
            for _ in range(3):
                start = time.process_time()
                for batch in made:
                    function(batch)
                times.append(time.process_time() - start)
            best[what] = round(1e6 * min(times) / len(sets[name]), 2)
        near, size = sketched(sets[name])
        out.append(
            {
                "set": name,
                "rows": len(sets[name]),
                "microseconds a row": best,
                "bytes a row": round(size / len(near.hashes), 1),
            }
        )
    return out


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", type=Path, default=Path(__file__).with_suffix(".json"))
    chosen = parser.parse_args()
    sets = read(chosen.data)
    every = alarms(sets)
    unrelated = [a for a in every if float(str(a["exact"])) < 0.001]
    result = {
        "planted": planted(sets),
        "pairs without shared rows": len(unrelated),
        "near rows of all targets of these": sum(int(str(a["rows"])) for a in unrelated),
        "above 0.1 %": [a for a in unrelated if float(str(a["near"])) > 0.001],
        "largest of the others": [
            a for a in sorted(every, key=lambda a: -float(str(a["near"]))) if a not in unrelated
        ][:12],
        "cost": cost(sets),
    }
    chosen.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
