"""How often the probe gives a verdict where there is nothing to find.

    python docs/benchmarks/probe_null.py [--pairs 200] [--recipe turns] [--updates 80] [--threads 2]

Every pair is drawn anew, so that verdicts are independent. A verdict is false when what it says is
not true of the mean over all splits, initial weights and batches of the pair's rows, which is what
the interval over seeds is about. That mean must therefore be known, and it is in three designs:

* ``noise``: a source of Gaussian vectors and coin-toss labels. It teaches nothing, but it has an
  effect, as a regulariser and as a distraction, so the margin is set to the size of its own mean
  effect, measured on as many further seeds: any verdict is false. As the effect lies on one edge
  of the margin, the nominal rate is half of ``1 - confidence``. (``neutral`` says that the effect
  is no larger than the margin, which is true here, and so is not counted.)
* ``halves``: a source identical in law to the target. Against the target alone it truly helps, as
  it brings rows; so each seed halves it at random, and the target with one half is compared with
  the target with the other. The two are exchangeable: the mean is exactly 0, the margin too, and
  every verdict is false. The nominal rate is ``1 - confidence``.
* ``permutations``: the same with two permutations of the labels of one source.

``fixed`` is the verdict on the first five seeds; ``budget`` that of ``--budget``, with its four
looks at 5, 10, 20 and 40 seeds and the levels that pay for them; ``naive`` that of somebody who
looks as often without paying. Intervals of the rates are exact binomial ones at 95 %. Results go
to probe_null.json beside this script.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from scipy.stats import binomtest

from taskaff.probing.budget import level, looks
from taskaff.probing.controls import permuted
from taskaff.probing.engine import train
from taskaff.probing.pairs import plan_pairs
from taskaff.probing.prepare import prepare
from taskaff.probing.reading import best_decay
from taskaff.probing.records import ProbeSettings, Run, Slot
from taskaff.probing.streams import stream
from taskaff.probing.synthetic import row_ids, synthetic_task
from taskaff.probing.verdict import decide, t_interval
from taskaff.records import TaskVectors

FIVE = 5
GROUP = 20
"""Pairs trained in one call."""
DESIGNS = ("noise", "halves", "permutations")

SETTINGS = ProbeSettings(
    r=4,
    updates=80,
    patience=0.0,
    weight_decay=(0.0,),
    target_rows=60,
    source_rows=240,
    validation_rows=60,
    test_rows=200,
)


def target(number: int) -> TaskVectors:
    spec = f"synthetic:logistic?task=1&rows=700&d=20&kappa=3&noise=0.5&train=1&seed={number}"
    return synthetic_task(spec, f"target{number}")


def noise(number: int) -> TaskVectors:
    rng = np.random.default_rng((number, 1))
    X = rng.standard_normal((400, 20)).astype(np.float32)
    one = target(number)
    labels = rng.integers(0, 2, 400)
    name, splits = f"noise{number}", np.zeros(400, np.int64)
    return TaskVectors(name, X, labels, row_ids(X), splits, one.schema)


def twin(number: int) -> TaskVectors:
    """Another sample of the target's law."""
    spec = (
        f"synthetic:logistic?task=2&cosine=1&rows=700&d=20&kappa=3&noise=0.5&train=1&seed={number}"
    )
    return synthetic_task(spec, f"twin{number}")


def halves(run: Run) -> tuple[Run, Run]:
    one, source = run.slots
    rows = stream(run.seed, "halves", source.stream).permutation(source.train)
    cut = len(rows) // 2
    return _two(run, one, (replace(source, train=rows[:cut]), replace(source, train=rows[cut:])))


def permutations(run: Run) -> tuple[Run, Run]:
    one, source = run.slots
    return _two(run, one, (permuted(source, run.seed), permuted(source, run.seed + 10_000)))


def _two(run: Run, one: Slot, sources: tuple[Slot, Slot]) -> tuple[Run, Run]:
    first, second = (
        replace(run, key=(arm, *run.key[1:]), slots=(one, source))
        for arm, source in zip(("first", "second"), sources, strict=True)
    )
    return first, second


def gains(design: str, numbers: range, settings: ProbeSettings) -> np.ndarray:
    """``(pairs, seeds)``."""
    source_of = noise if design == "noise" else twin
    tasks = [task for number in numbers for task in (target(number), source_of(number))]
    wanted = [(2 * i + 1, 2 * i) for i in range(len(numbers))]
    prepared = prepare(tasks, settings)
    runs = list(plan_pairs(prepared, wanted).runs)
    arms = "stl", "mtl"
    if design != "noise":
        make: Callable[[Run], tuple[Run, Run]] = halves if design == "halves" else permutations
        runs = [run for pair in runs if pair.key[0] == "mtl" for run in make(pair)]
        arms = "first", "second"
    best = best_decay(train(prepared.bank, runs))

    def loss(arm: str, source: int, one: int, n: int) -> float:
        return best[arm, -1 if arm == "stl" else source, one, n][0].test_loss

    return np.array(
        [
            [loss(arms[0], *pair, n) - loss(arms[1], *pair, n) for n in range(len(settings.seeds))]
            for pair in wanted
        ]
    )


def called(values: np.ndarray, margin: float, at: tuple[int, ...], confidence: float) -> bool:
    """Whether some look says that there is an effect (a false verdict, by design)."""
    calls = (decide(t_interval(values[:n].tolist(), confidence), margin).call for n in at)
    return any(call in ("positive", "negative") for call in calls)


def rate(wrong: list[bool]) -> dict[str, float]:
    span = binomtest(sum(wrong), len(wrong)).proportion_ci(0.95)
    return {
        "false": sum(wrong),
        "pairs": len(wrong),
        "rate": sum(wrong) / len(wrong),
        "low": round(span.low, 4),
        "high": round(span.high, 4),
    }


def measure(design: str, pairs: int, settings: ProbeSettings, at: tuple[int, ...]) -> dict:
    used = replace(settings, seeds=tuple(range(at[-1] * (2 if design == "noise" else 1))))
    groups = [range(i, min(i + GROUP, pairs)) for i in range(0, pairs, GROUP)]
    found = np.concatenate([gains(design, numbers, used) for numbers in groups])
    judged, further = found[:, : at[-1]], found[:, at[-1] :]
    margins = np.abs(further.mean(1)) if design == "noise" else np.zeros(pairs)
    confidence = settings.confidence
    ways = {
        "fixed": ((FIVE,), confidence),
        "budget": (at, level(at, confidence)),
        "naive": (at, confidence),
    }
    return {
        "mean_gain": float(found.mean()),
        "nominal": round((1 - confidence) / (2 if design == "noise" else 1), 4),
        **{
            name: rate([called(*pair, *way) for pair in zip(judged, margins, strict=True)])
            for name, way in ways.items()
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--recipe", default="turns")
    parser.add_argument("--updates", type=int, default=SETTINGS.updates)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    settings = replace(SETTINGS, updates=given.updates, recipes=(given.recipe,))
    at, started = looks(FIVE), time.perf_counter()
    result = {
        "level": round(1 - settings.confidence, 4),
        "looks": at,
        "confidence_of_a_look": level(at, settings.confidence),
        "settings": asdict(settings),
    }
    for design in DESIGNS:
        result[design] = measure(design, given.pairs, settings, at)
        print(design, json.dumps(result[design]), flush=True)
    result["seconds"] = round(time.perf_counter() - started, 1)
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
