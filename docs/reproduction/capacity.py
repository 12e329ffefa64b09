"""Table 1, Figures 10 and 11: the best capacity of one model for all tasks, and of one for each.

    TASKAFF_DATA=FOLDER python docs/reproduction/capacity.py [--quick --out FOLDER]

W's protocol: every sentiment set divided at random, most of it trained on, the whole model trained
from GloVe on. Each sweep is made twice, with the rows that sets share left in and taken out. `six`
is Table 1 and Figure 10; `lstm`, `cnn` and `mlp-tokens` on SST and MR are Figure 11; `longer` is
the two sets at the paper's capacity for about six passes, enough to learn shared rows by heart.
Finished runs stand in the product's cache: the same command goes on where it was stopped.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import _kit as kit
import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIX = ("cr", "mpqa", "mr", "sst", "subj", "trec")
TWO = ("sst", "mr")
LEAKS = {"keep": "shared rows left in", "remove": "shared rows taken out"}
PAPER = {
    "sst": (200, 82.3, 90.8),
    "mr": (200, 76.4, 96.0),
    "cr": (5, 73.2, 78.7),
    "subj": (200, 91.5, 89.5),
    "mpqa": (500, 86.7, 87.0),
    "trec": (100, 85.7, 78.7),
}
"""W Table 1: best capacity and accuracy alone, accuracy of the joint model at capacity 100."""
PRINTED = {"alone": 82.6, "together": 85.1, "sum": 1205, "joint": 100}
"""Its last line."""

SPLITS = ("splits=drawn", "test_rows=1000", "validation_rows=500", "weight_decay=[0.0]")
COMMON = ("--lr", 0.003, "--recipe", "concat", "--target-rows", 9000, "--no-predict")
PLANS: Mapping[str, tuple[Sequence[str], str, str, int, int]] = {
    "six": (SIX, "lstm", "5,25,100,200", 6, 3),
    "lstm": (TWO, "lstm", "5,25,100", 6, 3),
    "cnn": (TWO, "cnn", "5,25,100", 6, 3),
    "mlp-tokens": (TWO, "mlp-tokens", "5,25,100,500", 6, 3),
    "longer": (TWO, "lstm", "100", 12, 3),
    "phrases": (("sst2", "mr"), "lstm", "100", 3, 3),
}
"""Sets, trunk, capacities, epochs, seeds."""
PHRASES = ("--target-rows", 60000, "--config", "probe.splits=own")
"""Of ``phrases``, which takes GLUE's SST-2: the phrases of SST's training sentences."""
TRUNKS = ("lstm", "cnn", "mlp-tokens")


def sweep(plan: str, leaks: str, quick: bool) -> kit.Result:
    """One capacity sweep by the product, and its command."""
    names, trunk, capacities, epochs, seeds = PLANS[plan]
    data = Path(os.environ["TASKAFF_DATA"])
    folders = {name: data / ("glue" if name == "sst2" else "sentiment") / name for name in names}
    if quick:
        capacities, epochs, seeds = "2,4", 1, 2
    more = PHRASES if plan == "phrases" else ()
    more += ("--target-rows", 300) if quick else ()
    splits = ("test_rows=60", "validation_rows=20") if quick else ()
    chosen = [word for key in (*SPLITS, *splits) for word in ("--config", f"probe.{key}")]
    words = ["--trunk", trunk, "--capacity", capacities, "--epochs", epochs, "--seeds", seeds]
    words += [*COMMON, *chosen, *more, "--leaks", leaks]
    found = kit.taskaff("probe", *(f"{name}={path}" for name, path in folders.items()), *words)
    kept = ("capacity", "settings", "tasks", "runs", "environment", "timings")
    command = " ".join(["taskaff probe", *names, *map(str, words)])
    return {"command": command, **{key: found[key] for key in kept}}


def shared_shares() -> dict[str, float]:
    """Share of each of SST's and MR's rows that stand in the other set."""
    data = Path(os.environ["TASKAFF_DATA"]) / "sentiment"
    asked = ("--scores", "overlap", "--split", "all", "--no-capacity", "--no-intervals")
    found = kit.taskaff("score", *(data / name for name in TWO), *asked, "--no-predict")
    return {pair["target"]: pair["scores"]["overlap"]["value"] for pair in found["pairs"]}


def measure(quick: bool) -> kit.Result:
    """All sweeps, each with shared rows left in and taken out."""
    started = time.perf_counter()
    plans = ("six", "mlp-tokens", "longer") if quick else (*TRUNKS, "six", "longer")
    sweeps = {plan: {leaks: sweep(plan, leaks, quick) for leaks in LEAKS} for plan in plans}
    sweeps["phrases"] = {"keep": sweep("phrases", "keep", quick)}
    seconds = round(time.perf_counter() - started, 1)
    return {"sweeps": sweeps, "shared": shared_shares(), "seconds": seconds}


# ------------------------------------------------------------------ reading


def curves(found: kit.Result) -> dict[str, kit.Result]:
    """By model: ``all`` or a task's name."""
    return {each["model"]: each for each in found["capacity"]}


def at(curve: kit.Result, r: int | None = None) -> kit.Result:
    """The point of a curve at one capacity, by default the chosen one."""
    wanted = curve["chosen"] if r is None else r
    return next(point for point in curve["curve"] if point["r"] == wanted)


def percent(found: Mapping[str, float]) -> str:
    """An accuracy and its interval."""
    value, low, high = (100 * found[key] for key in ("value", "low", "high"))
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"


def total(found: kit.Result) -> int:
    """The chosen capacities of all tasks alone, added up."""
    return sum(curve["chosen"] for name, curve in curves(found).items() if name != "all")


def difference(one: kit.Result, other: kit.Result) -> list[float]:
    """Other less one in points, and its interval with the errors added as independent."""
    from scipy.stats import t

    error = float(np.hypot(one["stderr"], other["stderr"]))
    reach = float(t.ppf(0.5 + kit.LEVEL / 2, one["n"] + other["n"] - 2)) * error
    mean = other["value"] - one["value"]
    return [round(100 * x, 2) for x in (mean, mean - reach, mean + reach)]


def joint_gain(found: kit.Result, name: str) -> list[float]:
    """Accuracy in the joint model less that alone, both at their chosen capacities."""
    models = curves(found)
    return difference(at(models[name])["metric"], at(models["all"])["tasks"][name])


def overall_gain(found: kit.Result) -> list[float]:
    """The same of the mean over tasks."""
    models = curves(found)
    alone = [at(curve)["metric"] for name, curve in models.items() if name != "all"]
    error = float(np.sqrt(np.sum([point["stderr"] ** 2 for point in alone]))) / len(alone)
    mean = float(np.mean([point["value"] for point in alone]))
    one = {"value": mean, "stderr": error, "n": alone[0]["n"]}
    return difference(one, at(models["all"])["metric"])


# ------------------------------------------------------------ tables, claims


def tables(result: kit.Result) -> dict[str, str]:
    """Table 1, the curves of Figure 10, Figure 11, and the longer runs."""
    sweeps = result["sweeps"]
    return {
        "table1": table_one(sweeps["six"]),
        "curves": curve_table(sweeps["six"]["remove"]),
        "figure11": figure_eleven(sweeps),
        "longer": longer_table(sweeps["longer"], sweeps["phrases"]["keep"]),
        "heart": heart_table(result),
        "commands": "\n".join(
            f"- {plan}: `{two['keep']['command']}`" + ", and with `remove`" * (len(two) > 1)
            for plan, two in sweeps.items()
        ),
    }


def table_one(six: kit.Result) -> str:
    """Capacity and accuracy of each task alone and in the joint model, beside W's."""
    head = ["task", "alone, W", *(f"alone, {text}" for text in LEAKS.values())]
    head += ["joint, W", *(f"joint, {text}" for text in LEAKS.values())]
    models = {leaks: curves(six[leaks]) for leaks in LEAKS}
    rows = []
    for name, (r, alone, together) in PAPER.items():
        row = [name, f"r {r}: {alone}"]
        for found in models.values():
            row.append(f"r {found[name]['chosen']}: {percent(at(found[name])['metric'])}")
        row.append(f"r 100: {together}")
        for found in models.values():
            of_task = at(found["all"])["tasks"][name]
            row.append(f"r {found['all']['chosen']}: {percent(of_task)}")
        rows.append(row)
    mean = [np.mean([row[i] for row in PAPER.values()]) for i in (1, 2)]
    last = ["mean, sum of r", f"r {PRINTED['sum']:,}: {mean[0]:.1f}"]
    for leaks, found in models.items():
        alone = np.mean([at(found[name])["metric"]["value"] for name in PAPER])
        last.append(f"r {total(six[leaks])}: {100 * alone:.1f}")
    last.append(f"r 100: {mean[1]:.1f} (printed: {PRINTED['together']})")
    last += [f"r {f['all']['chosen']}: {percent(at(f['all'])['metric'])}" for f in models.values()]
    return kit.table(head, [*rows, last])


def curve_table(found: kit.Result) -> str:
    """Held-out loss over that of a constant against capacity."""
    models = curves(found)
    widths = [point["r"] for point in models["all"]["curve"]]
    rows = []
    for name, curve in models.items():
        cells = []
        for point in curve["curve"]:
            text = f"{point['loss']['value']:.3f} ± {point['loss']['stderr']:.3f}"
            cells.append(f"**{text}**" if point["r"] == curve["chosen"] else text)
        rows.append(["together" if name == "all" else name, *cells])
    return kit.table(["model", *(f"r = {r}" for r in widths)], rows)


def figure_eleven(sweeps: kit.Result) -> str:
    """Chosen capacities and accuracies of three trunks on SST and MR."""
    head = ["trunk", "shared rows", "together", "sst", "mr", "sum alone", "joint accuracy"]
    head += ["mean accuracy alone"]
    rows = []
    for trunk in (each for each in TRUNKS if each in sweeps):
        for leaks in LEAKS:
            found = curves(sweeps[trunk][leaks])
            alone = np.mean([at(found[name])["metric"]["value"] for name in TWO])
            chosen = [found[name]["chosen"] for name in ("all", *TWO)]
            last = (percent(at(found["all"])["metric"]), f"{100 * alone:.1f}")
            word = LEAKS[leaks].removeprefix("shared rows ")
            rows.append([trunk, word, *chosen, total(sweeps[trunk][leaks]), *last])
    return kit.table(head, rows)


def longer_table(longer: kit.Result, phrases: kit.Result) -> str:
    """Accuracy of SST and MR alone and together, at one capacity and for more passes."""
    head = ["set", "shared rows", "alone", "together", "gain, points"]
    rows = []
    arms = [(text.removeprefix("shared rows "), longer[leaks]) for leaks, text in LEAKS.items()]
    for text, found in [*arms, ("left in, phrases of SST in place of its sentences", phrases)]:
        for name, curve in curves(found).items():
            if name == "all":
                continue
            ends = at(curve)["metric"], at(curves(found)["all"])["tasks"][name]
            gain = kit.mark(joint_gain(found, name), 1)
            rows.append([name, text, *map(percent, ends), gain])
    return kit.table(head, rows)


def ceiling(shared: float, trained: float, alone: float) -> float:
    """Accuracy in % of a model that knows by heart what the other set trains on of this one's rows.

    ``shared`` of the rows stand there, ``trained`` of those in its training part; the rest is
    predicted as well as ``alone``, in %.
    """
    seen = shared * trained
    return 100 * seen + (1 - seen) * alone


def heart_table(result: kit.Result) -> str:
    """The most that shared rows can give, by W's accuracies and by ours."""
    head = ["set", "rows in the other set", "by heart, W", "joint, W", "by heart, here"]
    head += ["joint, here (longer, left in)"]
    found, rows = result["sweeps"]["longer"]["keep"], []
    models, sizes = curves(found), {task["name"]: task for task in found["tasks"]}
    for name, other in zip(TWO, reversed(TWO), strict=True):
        shared, trained = result["shared"][name], sizes[other]["train"] / sizes[other]["rows"]
        alone = 100 * at(models[name])["metric"]["value"]
        theirs = ceiling(shared, 0.8, PAPER[name][1])
        row = [name, f"{100 * shared:.1f} %", f"{theirs:.1f}", PAPER[name][2]]
        row += [f"{ceiling(shared, trained, alone):.1f}", percent(at(models["all"])["tasks"][name])]
        rows.append(row)
    return kit.table(head, rows)


def claims(result: kit.Result) -> list[kit.Claim]:
    """What Table 1 and Figures 10 and 11 say."""
    sweeps = result["sweeps"]
    return [
        _capacities(sweeps["six"]),
        _accuracies(sweeps["six"]),
        _leaks(sweeps["longer"]),
        _by_heart(result["shared"]["mr"], sweeps["phrases"]["keep"]),
        _arithmetic(),
        _trunks(sweeps),
    ]


def _capacities(six: kit.Result) -> kit.Claim:
    found = {leaks: (curves(six[leaks])["all"]["chosen"], total(six[leaks])) for leaks in LEAKS}
    widest = max(point["r"] for point in six["remove"]["capacity"][0]["curve"])
    below = all(joint < alone for joint, alone in found.values())
    edge = found["remove"][0] == widest
    texts = [f"{joint} against {alone} ({LEAKS[leaks]})" for leaks, (joint, alone) in found.items()]
    return kit.Claim(
        "Table 1, Figure 10",
        "the six tasks together do best at capacity 100, alone at 1,205 in all",
        "; ".join(texts),
        "differs" if not below else "in part" if edge else "agrees",
        "the joint model chooses the widest that was tried: its best may lie above"
        if edge
        else "fewer updates, so narrower models do; curves alone are flat within errors",
    )


def _accuracies(six: kit.Result) -> kit.Claim:
    gains = {leaks: overall_gain(six[leaks]) for leaks in LEAKS}
    up = [gain[1] > 0 for gain in gains.values()]
    texts = [f"{kit.mark(gain, 1)} points ({LEAKS[leaks]})" for leaks, gain in gains.items()]
    return kit.Claim(
        "Table 1, accuracy",
        "together better on average than alone: 85.1 against 82.6",
        "; ".join(texts),
        "agrees" if all(up) else "in part" if any(up) else "differs",
        "with shared rows in, part of the gain is test sentences seen in another set",
    )


def _leaks(longer: kit.Result) -> kit.Claim:
    gains = {leaks: joint_gain(longer[leaks], "mr") for leaks in LEAKS}
    texts = [f"{kit.mark(gain, 1)} ({LEAKS[leaks]})" for leaks, gain in gains.items()]
    paper = PAPER["mr"][2] - PAPER["mr"][1]
    left, clean = gains["keep"], gains["remove"]
    apart = left[1] > 0 and left[0] > clean[0]
    return kit.Claim(
        "Table 1, MR",
        f"MR rises from 76.4 alone to 96.0 in the joint model: +{paper:.1f} points",
        "; ".join(texts),
        "agrees" if left[2] >= paper else "in part" if apart else "differs",
        f"{left[0] - clean[0]:.1f} of our {left[0]:.1f} points need MR's test sentences in SST",
    )


def _by_heart(shared: float, phrases: kit.Result) -> kit.Claim:
    tried = at(curves(phrases)["all"])["tasks"]["mr"]
    most, joint = ceiling(shared, 0.8, PAPER["mr"][1]), PAPER["mr"][2]
    return kit.Claim(
        "Table 1, MR, by heart",
        f"{joint} in the joint model",
        f"knowing by heart what SST (80 %) holds of MR, and 76.4 on the rest: {most:.1f} at most",
        "agrees" if most >= joint else "differs",
        f"not explained; with SST's phrases as second set MR reaches {percent(tried)} here",
    )


def _arithmetic() -> kit.Claim:
    alone, together = (np.mean([row[i] for row in PAPER.values()]) for i in (1, 2))
    same = [abs(alone - PRINTED["alone"]) < 0.06, abs(together - PRINTED["together"]) < 0.06]
    return kit.Claim(
        "Table 1, last line",
        f"means of the six rows: {PRINTED['alone']} alone, {PRINTED['together']} together",
        f"the printed rows average {alone:.1f} and {together:.1f}",
        "agrees" if all(same) else "in part" if any(same) else "differs",
        "the joint mean does not follow from its rows",
    )


def _trunks(sweeps: kit.Result) -> kit.Claim:
    texts, below = [], []
    for trunk in (each for each in TRUNKS if each in sweeps):
        clean = sweeps[trunk]["remove"]
        joint, alone = curves(clean)["all"]["chosen"], total(clean)
        below.append(joint < alone)
        texts.append(f"{trunk} {joint} against {alone}")
    return kit.Claim(
        "Figure 11",
        "SST and MR: the best joint capacity is less than the sum alone, for MLP, CNN and LSTM",
        "; ".join(texts) + " (shared rows taken out)",
        "agrees" if all(below) else "in part" if any(below) else "differs",
        "smallest capacity within one standard error of the best",
    )


# -------------------------------------------------------------------- picture


def plot(result: kit.Result) -> Figure:
    """Accuracy against capacity: Figure 10 above, Figure 11 below."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    sweeps = result["sweeps"]
    figure = plt.figure(figsize=(10.5, 7.6), layout="constrained")
    grid = figure.add_gridspec(2, 6)
    for i, (leaks, text) in enumerate(LEAKS.items()):
        ax = figure.add_subplot(grid[0, 3 * i : 3 * i + 3])
        _curves(ax, sweeps["six"][leaks], "-")
        ax.set_title(f"six sets, LSTM: {text}", fontsize=10)
        ax.legend(fontsize=7, ncols=2)
    for i, trunk in enumerate(each for each in TRUNKS if each in sweeps):
        ax = figure.add_subplot(grid[1, 2 * i : 2 * i + 2])
        for leaks, style in (("remove", "-"), ("keep", "--")):
            _curves(ax, sweeps[trunk][leaks], style)
        ax.set_title(f"SST and MR, {trunk}", fontsize=10)
        if i == 0:
            ax.legend(fontsize=6, title="dashed: shared rows left in", title_fontsize=6)
    return figure


def _curves(ax: Axes, found: kit.Result, style: str) -> None:
    models = curves(found)
    colours = {"all": "black"} | {name: f"C{i}" for i, name in enumerate(SIX)}
    for name, curve in models.items():
        r = [point["r"] for point in curve["curve"]]
        y, error = (
            [100 * point["metric"][key] for point in curve["curve"]] for key in ("value", "stderr")
        )
        called = ("mean over tasks, together" if name == "all" else f"{name} alone") * (
            style == "-"
        )
        wide = 2.2 if name == "all" else 1.1
        ax.errorbar(r, y, error, fmt=f"o{style}", color=colours[name], ms=3, lw=wide, label=called)
    ax.set_xscale("log")
    ax.set_xticks(r, [str(x) for x in r])
    ax.minorticks_off()
    ax.set_xlabel("capacity r (width of the shared module)", fontsize=8)
    ax.set_ylabel("test accuracy, % (± standard error)", fontsize=8)


if __name__ == "__main__":
    kit.main(__file__, measure, tables, plot, claims)
