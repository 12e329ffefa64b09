"""Figures 5b and 6: alignment matrices in transfer learning and in training of pairs, by an LSTM.

    TASKAFF_DATA=FOLDER python docs/reproduction/alignment_sentiment.py [--quick --out FOLDER]

Figure 5b: an LSTM is trained on SST and fine-tuned on each other set, with and without an alignment
matrix for the target. Figure 6: every pair of the six sets is trained together and goes on with and
without alignment (Algorithm 1); the gain in accuracy stands beside equation 6. Shared rows are
taken out. Finished runs stand in the product's cache: the same command goes on where it stopped.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _kit as kit
import numpy as np
from scipy.stats import spearmanr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIX = ("cr", "mpqa", "mr", "sst", "subj", "trec")
TARGETS = ("mr", "cr", "subj", "mpqa", "trec")
SPLITS = ("weight_decay=[0.0]", "splits=drawn", "test_rows=1000", "validation_rows=300")
COMMON = ("--trunk", "lstm", "--lr", 0.003, "--no-predict")
ROWS = ("--target-rows", 2000, "--source-rows", 4000)
TRANSFER = ("--mode", "transfer", "--align", "--r", 32, "--epochs", 10, "--seeds", 5)
VARIANTS = {
    "R at ten times the rate": ("--align-lr", 0.01),
    "300 target rows": ("--target-rows", 300),
}
"""Transfer again, with one thing changed: may alignment need longer steps, or a small target?"""
PAIRS = ("--align", "--r", 16, "--recipe", "concat", "--epochs", 5, "--seeds", 4)
TURNED = ("fine-tuned with R", "fine-tuned")
AGAINST = {
    "first": "the pair as it was",
    "mtl": "the pair trained on",
    "align control": "each task alone with R",
}
"""What the pair with alignment is compared with. Algorithm 1 starts from a trained pair (`first`)
and fixes its shared module; `mtl` goes on from there as long, without R, and moves everything."""
DRAWS = 4000


def probe(names: Sequence[str], asked: Sequence[str | int | float], quick: bool) -> kit.Result:
    """One probe by the product, and its command."""
    data = Path(os.environ["TASKAFF_DATA"]) / "sentiment"
    words = [*COMMON, *ROWS, *asked]
    words += [word for key in SPLITS for word in ("--config", f"probe.{key}")]
    if quick:
        words += ["--r", 2, "--epochs", 1, "--seeds", 2, "--target-rows", 100, "--source-rows", 100]
        words += ["--config", "probe.test_rows=60", "--config", "probe.validation_rows=20"]
    found = kit.taskaff("probe", *(f"{name}={data / name}" for name in names), *words)
    return {"command": " ".join(["taskaff probe", *names, *map(str, words)]), **found}


def slim(found: kit.Result, pairs: Sequence[kit.Result]) -> kit.Result:
    """A probe without what no table or picture needs."""
    ends = ("source", "target", "arm", "against")
    short = [
        {
            **{key: pair[key] for key in ends},
            **{key: three(pair[key]) for key in ("gain", "metric_gain")},
            "accuracy": [[seed["stl_metric"], seed["mtl_metric"]] for seed in pair["seeds"]],
        }
        for pair in pairs
    ]
    kept = ("command", "settings", "runs", "environment", "timings")
    names = [task["name"] for task in found["tasks"]]
    return {**{key: found[key] for key in kept}, "tasks": names, "pairs": short}


def three(found: kit.Result) -> list[float]:
    """An estimate and the ends of its interval."""
    return [found[key] for key in ("value", "low", "high")]


def measure(quick: bool) -> kit.Result:
    """Transfer from SST to each of the others, all pairs, and equation 6 of the GloVe vectors."""
    started = time.perf_counter()
    targets, names = (TARGETS[:2], SIX[:3]) if quick else (TARGETS, SIX)
    transfer = {target: from_sst(target, (), quick) for target in targets}
    variants = {
        name: {target: from_sst(target, more, quick) for target in targets[quick:]}
        for name, more in VARIANTS.items()
    }
    found = probe(names, PAIRS, quick)
    pairs = slim(found, [p for p in found["pairs"] if p["arm"] in ("align", "mtl")])
    pairs["alignment"] = [
        {key: each[key] for key in ("source", "target")}
        | {key: each[key]["value"] for key in ("similarity_before", "similarity_after")}
        for each in found["alignment"]
    ]
    data = Path(os.environ["TASKAFF_DATA"]) / "sentiment"
    sets = [f"{name}={data / name}" for name in names]
    score = ("--scores", "covariance_similarity", "--no-capacity", "--no-predict")
    scored = kit.taskaff("score", *sets, *score, "--no-intervals", "--split", "all")
    glove = {
        f"{p['source']} {p['target']}": p["scores"]["covariance_similarity"]["value"]
        for p in scored["pairs"]
    }
    seconds = round(time.perf_counter() - started, 1)
    measured = {"transfer": transfer, "variants": variants, "pairs": pairs, "glove": glove}
    return {**measured, "seconds": seconds}


def from_sst(target: str, more: Sequence[str | float], quick: bool) -> kit.Result:
    """Transfer from SST, as asked."""
    found = probe(("sst", target), (*TRANSFER, *more), quick)
    return slim(found, [pair for pair in found["pairs"] if pair["source"] == "sst"])


# ------------------------------------------------------------------ reading


def arm(found: kit.Result, source: str, target: str, words: tuple[str, str]) -> kit.Result:
    """One comparison: what was trained, against what."""
    return next(
        pair
        for pair in found["pairs"]
        if (pair["source"], pair["target"]) == (source, target)
        and (pair["arm"], pair["against"]) == words
    )


def points(pair: kit.Result) -> list[float]:
    """The gain in accuracy and its interval, in points."""
    return [100 * value for value in pair["metric_gain"]]


def unordered(result: kit.Result, against: str) -> dict[tuple[str, str], list[float]]:
    """By pair, the gain in accuracy of alignment, mean over both tasks, in points: interval."""
    found = result["pairs"]
    gains = {}
    for a, b in combinations(found["tasks"], 2):
        both = [gain_of(found, *ends, against) for ends in ((a, b), (b, a))]
        gains[a, b] = kit.interval((100 * np.mean(both, 0)).tolist())
    return gains


def gain_of(found: kit.Result, source: str, target: str, against: str) -> np.ndarray:
    """By seed, the target's accuracy with alignment less that of what it is compared with."""
    ends, compared = (source, target), "mtl" if against == "first" else against
    without, aligned = np.transpose(arm(found, *ends, ("align", compared))["accuracy"])
    if against == "first":
        without = np.array(arm(found, *ends, ("mtl", "alone"))["accuracy"])[:, 1]
    return np.asarray(aligned - without)


def similarities(result: kit.Result) -> dict[tuple[str, str], tuple[float, float]]:
    """By pair, equation 6 before and after alignment, mean over both directions and seeds."""
    reports = {(each["source"], each["target"]): each for each in result["pairs"]["alignment"]}
    found = {}
    for a, b in combinations(result["pairs"]["tasks"], 2):
        both = [reports[a, b], reports[b, a]]
        before, after = (
            float(np.mean([each[f"similarity_{when}"] for each in both]))
            for when in ("before", "after")
        )
        found[a, b] = before, after
    return found


def correlation(x: Sequence[float], y: Sequence[float]) -> list[float]:
    """Spearman's rank correlation and its bootstrap interval over pairs."""
    rng = np.random.default_rng(0)
    x, y = np.array(x), np.array(y)
    draws = []
    for _ in range(DRAWS):
        at = rng.integers(0, len(x), len(x))
        if len(np.unique(x[at])) > 1 and len(np.unique(y[at])) > 1:
            draws.append(spearmanr(x[at], y[at]).statistic)
    tail = 50 * (1 - kit.LEVEL)
    low, high = np.percentile(draws, [tail, 100 - tail])
    return [round(float(v), 3) for v in (spearmanr(x, y).statistic, low, high)]


def correlations(result: kit.Result) -> dict[str, list[float]]:
    """Of the gain from alignment with equation 6 before alignment, and how that moved."""
    gains = [gain[0] for gain in unordered(result, "first").values()]
    moved = similarities(result)
    before = [one for one, _ in moved.values()]
    change = [other - one for one, other in moved.values()]
    return {"before": correlation(before, gains), "change": correlation(change, gains)}


def counted(gains: Mapping[object, Sequence[float]]) -> str:
    """How many gains are above 0, and how many of them certainly."""
    values = list(gains.values())
    up = sum(gain[0] > 0 for gain in values)
    sure, lost = (sum(gain[i] * sign > 0 for gain in values) for i, sign in ((1, 1), (2, -1)))
    most = max(gain[0] for gain in values)
    text = f"up on {up} of {len(values)}, at best {most:+.1f} points".replace("-", "−")
    return f"{text}; {sure} intervals above 0, {lost} below"


# ------------------------------------------------------------ tables, claims


def tables(result: kit.Result) -> dict[str, str]:
    """Transfer, pairs, and the commands."""
    arms = [result["transfer"], *result["variants"].values()]
    commands = [result["pairs"]["command"]]
    for each in arms:
        target, found = next(iter(each.items()))
        commands.append(found["command"].replace(f" {target} ", " TARGET ", 1))
    return {
        "transfer": transfer_table(result["transfer"]),
        "variants": variant_table(result["variants"]),
        "pairs": pair_table(result),
        "commands": "\n".join(f"- `{command}`" for command in commands),
    }


def transfer_table(transfer: Mapping[str, kit.Result]) -> str:
    """Accuracies of the target alone, fine-tuned, and fine-tuned with R, and the gain of R."""
    head = ["SST to", "alone, %", "fine-tuned", "with R", "gain of tuning, points", "gain of R"]
    head += ["gain of R in loss"]
    rows = []
    for target, found in transfer.items():
        tuned, turned = (arm(found, "sst", target, w) for w in (("fine-tuned", "alone"), TURNED))
        alone, plain = np.mean(tuned["accuracy"], 0)
        row = [
            target,
            *(f"{100 * x:.1f}" for x in (alone, plain, np.mean(turned["accuracy"], 0)[1])),
        ]
        row += [kit.mark(points(tuned), 1), kit.mark(points(turned), 1)]
        row += [kit.mark(turned["gain"], 4)]
        rows.append(row)
    return kit.table(head, rows)


def variant_table(variants: Mapping[str, Mapping[str, kit.Result]]) -> str:
    """The gain of R with one thing changed."""
    rows = [
        [name, *(kit.mark(points(arm(f, "sst", t, TURNED)), 1) for t, f in each.items())]
        for name, each in variants.items()
    ]
    return kit.table(["changed", *next(iter(variants.values()))], rows)


def pair_table(result: kit.Result) -> str:
    """Gain from alignment of every pair, and equation 6."""
    head = ["pair", *(f"over {text}" for text in AGAINST.values()), "eq. 6 of GloVe", "before"]
    head += ["after", "change"]
    gains = [unordered(result, against) for against in AGAINST]
    rows = []
    for pair, (before, after) in similarities(result).items():
        marks = (kit.mark(found[pair], 1) for found in gains)
        change = f"{after - before:+.4f}".replace("-", "−")
        row = [" + ".join(pair), *marks, f"{glove(result, pair):.3f}", f"{before:.3f}"]
        rows.append([*row, f"{after:.3f}", change])
    return kit.table(head, rows)


def glove(result: kit.Result, pair: tuple[str, str]) -> float:
    """Equation 6 of the two sets' GloVe vectors, before anything is trained."""
    return float(result["glove"][" ".join(pair)])


def claims(result: kit.Result) -> list[kit.Claim]:
    """What Figures 5b and 6 say."""
    turned = {t: points(arm(f, "sst", t, TURNED)) for t, f in result["transfer"].items()}
    first, gains, moved = *(unordered(result, a) for a in ("first", "mtl")), similarities(result)
    rises = sum(after > before for before, after in moved.values())
    change = [after - before for before, after in moved.values()]
    found = correlations(result)
    return [
        kit.Claim(
            "Figure 5b",
            "alignment improves transfer from SST on 4 of 5 targets, by up to 2.5 points",
            counted(turned),
            verdict(turned, 4),
            "the first layer B is fine-tuned too, and R B is no more than another B",
        ),
        kit.Claim(
            "Figure 6, accuracy",
            "alignment improves 13 of 15 pairs, by up to 4.1 points",
            f"over the pair before alignment: {counted(first)}",
            verdict(first, 13),
            "what is compared with has had fewer updates; see the next line",
        ),
        kit.Claim(
            "Figure 6, accuracy, equal updates",
            "the same; W do not say how long the baseline was trained",
            f"over the pair trained on for as long without R: {counted(gains)}",
            verdict(gains, 13),
            "the shared module is fixed under alignment, and the pair without R moves it",
        ),
        kit.Claim(
            "Figure 6, similarity",
            "equation 6 rises by alignment for all 15 pairs",
            f"rises for {rises} of {len(moved)}, by {min(change):+.4f} to {max(change):+.4f}",
            "agrees" if rises == len(moved) else "in part" if 2 * rises > len(moved) else "differs",
            "R is trained for the loss alone; W's scores (0.1 to 0.5) are of other embeddings",
        ),
        kit.Claim(
            "Figure 6, scatter",
            "equation 6 against the gain, without a number for how they go together",
            "Spearman "
            + "; ".join(
                f"with {'eq. 6' if k == 'before' else 'its change'} {kit.mark(v, 2)}"
                for k, v in found.items()
            ),
            "not testable here",
            "the paper states no relation to test",
        ),
    ]


def verdict(gains: Mapping[Any, Sequence[float]], of: int) -> kit.Verdict:
    """By how many mean gains are above 0, as W count them; most of those must be certain."""
    values = list(gains.values())
    up, sure = (sum(gain[i] > 0 for gain in values) for i in (0, 1))
    if up >= of and 2 * sure > up:
        return "agrees"
    return "in part" if up >= of or 2 * sure > len(values) else "differs"


# -------------------------------------------------------------------- picture


def plot(result: kit.Result) -> Figure:
    """Figure 5b: gains of R by target; Figure 6: gain against equation 6, before and after."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12.5, 4), layout="constrained")
    turned = {t: points(arm(f, "sst", t, TURNED)) for t, f in result["transfer"].items()}
    for i, (mean, low, high) in enumerate(turned.values()):
        left.bar(i, mean, color="C0", width=0.6)
        left.errorbar(i, mean, [[mean - low], [high - mean]], color="black", capsize=3)
    left.set_xticks(range(len(turned)), [f"sst →\n{t}" for t in turned], fontsize=8)
    left.axhline(0, color="grey", lw=0.8)
    left.set_ylabel("gain in accuracy by R, points (90 % interval)", fontsize=8)
    left.set_title("Figure 5b: fine-tuning with R, against without", fontsize=9)
    moved = similarities(result)
    before = [one for one, _ in moved.values()]
    for k, against in enumerate(("first", "mtl")):
        gains = unordered(result, against)
        mean, low, high = np.array(list(gains.values())).T
        ends, label = [mean - low, high - mean], f"over {AGAINST[against]}"
        middle.errorbar(before, mean, ends, fmt="o", ms=4, color=f"C{k}", lw=0.8, label=label)
        for pair, x, y in zip(gains, before, mean, strict=True) if k == 0 else ():
            place = {"xytext": (3, 3), "textcoords": "offset points", "fontsize": 5}
            middle.annotate("+".join(pair), (x, y), color=f"C{k}", **place)
    middle.margins(x=0.15)
    middle.legend(fontsize=7)
    middle.axhline(0, color="grey", lw=0.8)
    middle.set_xlabel("covariance similarity (eq. 6) before alignment", fontsize=8)
    middle.set_ylabel("gain in accuracy, points (90 % interval)", fontsize=8)
    middle.set_title("Figure 6: gain of alignment", fontsize=9)
    change = sorted((after - before, "+".join(pair)) for pair, (before, after) in moved.items())
    colours = ["C2" if x > 0 else "C3" for x, _ in change]
    right.barh([name for _, name in change], [x for x, _ in change], color=colours)
    right.axvline(0, color="grey", lw=0.8)
    right.tick_params(axis="y", labelsize=7)
    right.locator_params(axis="x", nbins=4)
    right.set_xlabel("change of equation 6 by alignment, mean over seeds", fontsize=8)
    right.set_title("Figure 6: does the similarity rise?", fontsize=9)
    return figure


if __name__ == "__main__":
    kit.main(__file__, measure, tables, plot, claims)
