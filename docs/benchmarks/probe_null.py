"""Do the probe's intervals hold, and are its verdicts right, where the truth is known?

    python docs/benchmarks/probe_null.py [--pairs 1600] [--swaps 800] [--adaptive 240] [--out DIR]

Every pair of data sets is drawn anew, so that verdicts are independent. The truth is known in two
ways, and both are measured with the product's own plan, training, intervals and stopping.

*Laws.* Target and source are drawn from one law again and again; the true gain is the mean over
all draws of the data sets, seeds, weights and batches, and so known to a fraction of an interval:
``related`` (the source knows what the target needs), ``unrelated`` (it needs something else),
``noise`` (vectors and labels are noise). An interval covers when it holds that mean: it must
contain what other rows would have given, not only what other seeds would.

*Swaps.* Two sources that are exchangeable, so that the mean difference is exactly 0: ``halves``
trains the target with one random half of a source or with the other, ``permutations`` with two
permutations of one source's labels; which is which is drawn in every seed.

``fixed`` has five seeds. ``adaptive`` adds seeds as the default does, after 5, 10 and 20, until a
pair is decided; a verdict is false when it says what is not so of the truth: *positive* although
the gain is not above the margin, *negative* although it is not below it, *neutral* although it is
beyond it. Swaps have margin 0, so that every verdict is false; laws the default margin. Rates have
exact binomial intervals at 95 %. With ``--out`` finished parts are kept there, and not measured
again. Results go to probe_null.json, and the tables of probe_null.md are filled from it.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import binomtest

from taskaff.core.records.embedding import TaskVectors
from taskaff.core.records.probe import PairOutcome, ProbeResult, Progress
from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.budget import Names, drive
from taskaff.stages.probe.comparison import Arms, best_decay, compare_arms
from taskaff.stages.probe.controls import permuted
from taskaff.stages.probe.pairs import plan_pairs, probe_pairs
from taskaff.stages.probe.prepare import Prepared, prepare
from taskaff.stages.probe.records import Run, Slot
from taskaff.stages.probe.seeding import stream
from taskaff.stages.probe.synthetic import row_ids, synthetic_task
from taskaff.stages.probe.verdict import t_interval

PAGE, DOCUMENT = (Path(__file__).with_suffix(suffix) for suffix in (".md", ".json"))
RECIPES = ("turns", "concat", "share=0.2", "temperature=2")
LAWS, SWAPS = ("related", "unrelated", "noise"), ("halves", "permutations")
GROUP = 80
"""Pairs trained in one call."""
MOST = 20
"""Seeds of the adaptive way, as by default."""
STOPPED = ("turns", "concat")
"""Recipes of the adaptive way."""

SETTINGS = ProbeSettings(
    recipes=RECIPES,
    r=4,
    updates=120,
    weight_decay=(1.0,),
    target_rows=60,
    source_rows=800,
    validation_rows=100,
    test_rows=300,
)

Wanted = list[tuple[int, int]]


# -------------------------------------------------------------------------- data


def target(number: int) -> TaskVectors:
    """A linear rule with noise in 20 dimensions; every seed splits its rows anew."""
    spec = f"synthetic:logistic?task=1&rows=800&d=20&kappa=3&noise=0.5&train=1&seed={number}"
    return synthetic_task(spec, f"target{number}")


def source(law: str, number: int) -> TaskVectors:
    """What the law has beside the target."""
    if law == "noise":
        rng = np.random.default_rng((number, 1))
        X = rng.standard_normal((1500, 20)).astype(np.float32)
        labels, schema = rng.integers(0, 2, 1500), target(number).schema
        splits = np.zeros(1500, np.int64)
        return TaskVectors(f"noise{number}", X, labels, row_ids(X), splits, schema)
    task, cosine = (3, 0.0) if law == "unrelated" else (2, 0.9)
    what = f"task={task}&cosine={cosine}&rows=1500"
    spec = f"synthetic:logistic?{what}&d=20&kappa=3&noise=0.5&train=1&seed={number}"
    return synthetic_task(spec, f"source{number}")


def drawn(law: str, numbers: range) -> tuple[list[TaskVectors], Wanted]:
    """The data sets of some pairs, and the pairs: source and target."""
    tasks = [task for n in numbers for task in (target(n), source(law, n))]
    return tasks, [(2 * i + 1, 2 * i) for i in range(len(numbers))]


# ------------------------------------------------------------------------- swaps


def swapped(design: str, run: Run) -> tuple[Run, Run]:
    """The run of a pair with either of two sources that are exchangeable."""
    one, other = run.slots
    if design == "halves":
        rows = stream(run.seed, "halves", other.stream).permutation(other.train)
        cut = len(rows) // 2
        pair = replace(other, train=rows[:cut]), replace(other, train=rows[cut : 2 * cut])
    else:
        pair = permuted(other, run.seed), permuted(other, run.seed + 10_000)
    first, second = (_with(run, arm, one, each) for arm, each in zip("ab", pair, strict=True))
    return first, second


def _with(run: Run, arm: str, one: Slot, other: Slot) -> Run:
    return replace(run, key=(f"{arm} {run.key[0]}", *run.key[1:]), slots=(one, other))


def swaps(
    design: str, tasks: Sequence[TaskVectors], settings: ProbeSettings, wanted: Wanted
) -> ProbeResult:
    """Pairs as the probe reads them, of one exchangeable source over the other."""
    prepared = prepare(tasks, settings)
    runs = [run for run in plan_pairs(prepared, wanted).runs if run.key[0] != "stl"]
    outcomes = prepared.train([half for run in runs for half in swapped(design, run)], None)
    arms = Arms(best_decay(outcomes), rows=prepared.finite())
    names = ("mtl", *(f"mtl {recipe}" for recipe in settings.recipes[1:]))
    pairs = tuple(
        replace(_compared(prepared, arms, way, name), recipe=recipe)
        for recipe, name in zip(settings.recipes, names, strict=True)
        for way in wanted
    )
    return prepared.result("pairs", pairs=pairs)


def _compared(prepared: Prepared, arms: Arms, way: tuple[int, int], name: str) -> PairOutcome:
    keys = (f"a {name}", *way), (f"b {name}", *way)
    return compare_arms(prepared, arms, way, keys, ("alone", "mtl"))


# --------------------------------------------------------------------- measuring


def measured(design: str, numbers: range, settings: ProbeSettings) -> ProbeResult:
    """Verdicts of some pairs, with as many seeds as the settings ask for."""
    tasks, every = drawn(design if design in LAWS else "related", numbers)

    def measure(
        settings: ProbeSettings, names: Names | None, progress: Progress | None
    ) -> ProbeResult:
        wanted = [
            way
            for way in every
            if names is None or (tasks[way[0]].name, tasks[way[1]].name) in names
        ]
        if design in LAWS:
            return probe_pairs(tasks, settings, progress, wanted=wanted)
        return swaps(design, tasks, settings, wanted)

    return drive(measure, 2 * len(every), settings)


def row(pair: PairOutcome) -> dict[str, Any]:
    """What the tables need of an outcome; ``seeds_only`` is the interval without finite rows."""
    gain, alone = pair.gain, t_interval([seed.gain for seed in pair.seeds], 0.9)
    return {
        "recipe": pair.recipe,
        "verdict": pair.verdict.call,
        "seeds": gain.n,
        "gain": gain.mean,
        "low": gain.low,
        "high": gain.high,
        "seeds_only": [alone.low, alone.high],
    }


def part(design: str, way: str, recipe: str, pairs: int, out: Path | None) -> list[dict[str, Any]]:
    """Outcomes of one design, kept group by group; ``recipe`` is empty for all of them at once."""
    settings = replace(SETTINGS, margin=SETTINGS.margin if design in LAWS else 0.0)
    if way == "adaptive":
        settings = replace(settings, recipes=(recipe,), max_seeds=MOST)
    rows: list[dict[str, Any]] = []
    for start in range(0, pairs, GROUP):
        numbers = range(start, min(start + GROUP, pairs))
        path = out / f"{design} {way} {recipe} {start}-{numbers.stop}.json" if out else None
        if path and path.exists():
            rows += json.loads(path.read_text(encoding="utf-8"))
            continue
        found = [row(pair) for pair in measured(design, numbers, settings).pairs]
        rows += found
        if path:
            temporary = path.with_suffix(".tmp")
            temporary.write_text(json.dumps(found), encoding="utf-8")
            temporary.replace(path)
    return rows


# --------------------------------------------------------------------- summaries


def rate(found: Sequence[bool]) -> dict[str, float]:
    """How often, with the exact interval at 95 %."""
    span = binomtest(int(sum(found)), len(found)).proportion_ci(0.95)
    share = sum(found) / len(found)
    return {
        "of": len(found),
        "rate": round(share, 4),
        "low": round(span.low, 4),
        "high": round(span.high, 4),
    }


def covered(rows: Sequence[dict[str, Any]], truth: float) -> dict[str, Any]:
    """How many of the intervals hold the truth."""
    return {
        "truth": round(truth, 5),
        "covers": rate([r["low"] <= truth <= r["high"] for r in rows]),
        "seeds_only": rate([r["seeds_only"][0] <= truth <= r["seeds_only"][1] for r in rows]),
        "half_width": round(float(np.median([(r["high"] - r["low"]) / 2 for r in rows])), 5),
    }


def judged(rows: Sequence[dict[str, Any]], truth: float, margin: float) -> dict[str, Any]:
    """How many verdicts of each kind there are, and how many are false."""
    right = {
        "positive": truth > margin,
        "negative": truth < -margin,
        "neutral": abs(truth) <= margin,
        "inconclusive": True,
    }
    counts = Counter(r["verdict"] for r in rows)
    return {
        **{call: counts[call] for call in right},
        "false": rate([not right[r["verdict"]] for r in rows]),
        "seeds": round(float(np.mean([r["seeds"] for r in rows])), 1),
    }


def summary(laws: int, swaps: int, adaptive: int, out: Path | None) -> dict[str, Any]:
    """Everything, design by design."""
    found: dict[str, Any] = {}
    for design in (*LAWS, *SWAPS):
        rows = part(design, "fixed", "", laws if design in LAWS else swaps, out)
        margin = SETTINGS.margin if design in LAWS else 0.0
        for recipe in RECIPES:
            here = [r for r in rows if r["recipe"] == recipe]
            truth = float(np.mean([r["gain"] for r in here])) if design in LAWS else 0.0
            kept = {"fixed": {**covered(here, truth), **judged(here, truth, margin)}}
            if recipe in STOPPED:
                more = part(design, "adaptive", recipe, adaptive, out)
                kept["adaptive"] = judged(more, truth, margin)
            found[f"{design} {recipe}"] = kept
            print(design, recipe, json.dumps(found[f"{design} {recipe}"]), flush=True)
    return found


def _percent(found: dict[str, float]) -> str:
    ends = f"[{100 * found['low']:.1f}, {100 * found['high']:.1f}]"
    return f"{100 * found['rate']:.1f} % {ends}"


def tables(document: dict[str, Any]) -> dict[str, str]:
    """The tables of the page by the names of their markers."""
    cover = ["| design | recipe | true gain | intervals that hold it | of seeds alone |"]
    cover.append("|---|---|---:|---|---|")
    false = ["| design | recipe | helps | hurts | no effect | undecided | false | seeds |"]
    false.append("|---|---|---:|---:|---:|---:|---|---:|")
    for name, found in document["designs"].items():
        design, recipe = name.split(" ", 1)
        fixed = found["fixed"]
        truth = f"{fixed['truth']:+.4f}".replace("-", "\N{MINUS SIGN}") if design in LAWS else "0"
        both = f"{_percent(fixed['covers'])} | {_percent(fixed['seeds_only'])}"
        cover.append(f"| {design} | `{recipe}` | {truth} | {both} |")
        if "adaptive" not in found:
            continue
        judged = found["adaptive"]
        calls = " | ".join(
            str(judged[call]) for call in ("positive", "negative", "neutral", "inconclusive")
        )
        wrong = f"{_percent(judged['false'])} | {judged['seeds']}"
        false.append(f"| {design} | `{recipe}` | {calls} | {wrong} |")
    return {"covers": "\n".join(cover), "false": "\n".join(false)}


def fill(page: Path, document: dict[str, Any]) -> None:
    """Put the tables between their markers."""
    text = page.read_text(encoding="utf-8")
    for name, table in tables(document).items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
        text = re.sub(pattern, lambda m, t=table: f"{m[1]}{t}\n{m[2]}", text, flags=re.DOTALL)
    page.write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1600)
    parser.add_argument("--swaps", type=int, default=800, help="pairs of each kind of swap")
    parser.add_argument("--adaptive", type=int, default=240)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    document = {
        "settings": asdict(SETTINGS),
        "designs": summary(given.pairs, given.swaps, given.adaptive, given.out),
        "seconds": round(time.perf_counter() - started, 1),
    }
    DOCUMENT.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    fill(PAGE, document)


if __name__ == "__main__":
    main()
