"""W Figure 3: gain of a target against the rows of its source, of the same and other covariance.

    python docs/reproduction/figure3.py

Task 1 is the target, task 2 the source with its covariance, task 3 the source with another one
(section 2.3). ``small target`` was found by a search on draws 0 to 7. ``printed`` is appendix B
word for word, with the 9,000 target rows of B.1; ``printed, 300 rows`` the same with a small
target. ``150 epochs`` and ``cosine 1`` test causes. All train as appendix B: in every epoch one
update for each batch of either task, shuffled; the printed number of epochs is 30.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import _kit as kit
import _synthetic as syn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANELS = {"linear": "a linear", "logistic": "b logistic", "relu": "c ReLU"}
METRIC = {"linear": "Spearman", "logistic": "accuracy", "relu": "Spearman"}
SOURCES = {"same": 2, "other": 3}
"""Covariance of a source to its number as a synthetic task."""
SMALL = {"epochs": 30, "batch": 50, "recipe": "concat", "target_rows": 300, "seeds": 2}
"""B.3's epochs and batches, at the product's rate of 0.01."""
PRINTED = {"epochs": 30, "batch": 50, "lr": 0.001, "recipe": "concat", "seeds": 2}
HELD_OUT: dict[str, Any] = {"weight_decay": "[0.0]", "validation_rows": 400, "test_rows": 1000}
NOISY = {"rows": 10600, "kappa": 10, "noise": 0.5}
AS_PRINTED = {"rows": 10600, "kappa": 100}


class Arm(NamedTuple):
    """One set-up: which models and sizes, how tasks are drawn, and how they are trained."""

    training: Mapping[str, Any]
    drawn: Mapping[str, Any]
    draws: range
    sizes: tuple[int, ...]
    models: tuple[str, ...] = tuple(PANELS)
    relu_r: int = 1
    """Capacity with ReLU labels; it is 1 with the others."""


SMALL_TARGET = Arm(SMALL, NOISY, range(100, 108), (100, 300, 1000, 9000), relu_r=4)
AS_IN_B = Arm(
    {**PRINTED, "target_rows": 9000}, AS_PRINTED, range(200, 203), (1000, 3000), ("linear",)
)
CAUSE = SMALL_TARGET._replace(models=("linear",), sizes=(300, 9000))
ARMS = {
    "small target": SMALL_TARGET,
    "printed": AS_IN_B,
    "printed, 300 rows": AS_IN_B._replace(training={**PRINTED, "target_rows": 300}),
    "printed, 300 rows, 150 epochs": AS_IN_B._replace(
        training={**PRINTED, "target_rows": 300, "epochs": 150}
    ),
    "cosine 1": CAUSE._replace(drawn={**NOISY, "cosine": 1}),
}


def quick(arm: Arm) -> Arm:
    """The first model, two draws, two sizes, few rows and one epoch."""
    less = {"epochs": 1, "seeds": 2, "target_rows": min(arm.training["target_rows"], 900)}
    return arm._replace(
        training={**arm.training, **less},
        drawn={**arm.drawn, "rows": 1900},
        draws=arm.draws[:2],
        sizes=(min(arm.sizes), 1200),
        models=arm.models[:1],
    )


def curves(probe: syn.Probe, arm: Arm, model: str) -> list[kit.Result]:
    """Gains by covariance and source rows: intervals over draws, and the draws."""
    words = [syn.task(model, "target", 1, **arm.drawn)]
    for name, number in SOURCES.items():
        for size in arm.sizes:
            rows = {"rows": syn.rows_for(size, HELD_OUT["validation_rows"])}
            words.append(syn.task(model, f"{name}-{size}", number, **{**arm.drawn, **rows}))
    trunk = {"trunk": "relu", "r": arm.relu_r} if model == "relu" else {"r": 1}
    training = {**HELD_OUT, **arm.training, **trunk, "source_rows": max(arm.sizes)}
    line = [*words, "--targets", "target", *syn.options(**training)]
    documents = [probe(line, draw) for draw in arm.draws]
    draws = [syn.gains(document) for document in documents]
    alone = round(sum(map(syn.alone, documents)) / len(documents), 5)
    points = []
    for name in SOURCES:
        for size in arm.sizes:
            found = [draw[f"{name}-{size}"] for draw in draws]
            point = {"model": model, "covariance": name, "source_rows": size, "alone": alone}
            points.append({**point, **syn.intervals(found), "draws": syn.rounded(found)})
    return points


def measure(small: bool) -> kit.Result:
    """Every arm, model, covariance and size."""
    probe = syn.Probe()
    arms = {name: quick(arm) if small else arm for name, arm in ARMS.items()}
    found = {
        name: {
            "draws": list(arm.draws),
            "training": arm.training,
            "curves": [row for model in arm.models for row in curves(probe, arm, model)],
        }
        for name, arm in arms.items()
    }
    return {**probe.provenance(), "arms": found}


def curve(result: kit.Result, arm: str, model: str, covariance: str) -> list[kit.Result]:
    """One line of the figure, by rising source rows."""
    rows = result["arms"][arm]["curves"]
    return [r for r in rows if (r["model"], r["covariance"]) == (model, covariance)]


def models(result: kit.Result, arm: str) -> list[str]:
    """Models of an arm, in the order of the panels."""
    return list(dict.fromkeys(row["model"] for row in result["arms"][arm]["curves"]))


def rise(line: list[kit.Result]) -> list[float]:
    """Gain in the metric with the most source rows minus with the fewest, over draws."""
    few, many = line[0]["draws"], line[-1]["draws"]
    return kit.interval([b[1] - a[1] for a, b in zip(few, many, strict=True)])


def tables(result: kit.Result) -> dict[str, str]:
    """A table for each arm: gain in the metric, by model, covariance and source rows."""
    made = {}
    for arm in result["arms"]:
        lines, head = [], ["model", "covariance"]
        for model in models(result, arm):
            for covariance in SOURCES:
                line = curve(result, arm, model, covariance)
                head = [*head[:2], *(f"{row['source_rows']:,}" for row in line), "rise"]
                cells = [kit.mark(row["metric_gain"]) for row in line]
                lines.append([model, covariance, *cells, kit.mark(rise(line))])
        made[arm.replace(", ", "_").replace(" ", "_")] = kit.table(head, lines)
    return made | {"small_target_loss": losses(result)}


def losses(result: kit.Result) -> str:
    """Gain in the held-out loss with a small target."""
    lines, head = [], []
    for model in models(result, "small target"):
        for covariance in SOURCES:
            line = curve(result, "small target", model, covariance)
            head = ["model", "covariance", *(f"{row['source_rows']:,}" for row in line)]
            lines.append([model, covariance, *(kit.mark(row["gain"]) for row in line)])
    return kit.table(head, lines)


def claims(result: kit.Result) -> list[kit.Claim]:
    """Each panel with a small target, and with what is printed."""
    found = []
    for model in models(result, "small target"):
        for covariance, judged in (("same", helps), ("other", turns)):
            found.append(judged(result, "small target", model, covariance))
    for arm in ("printed", "printed, 300 rows"):
        found.append(as_printed(result, arm))
    return found


def _told(line: list[kit.Result]) -> str:
    cells = [f"{kit.mark(row['metric_gain'])} ({row['source_rows']:,})" for row in line]
    return f"{METRIC[line[0]['model']]} {cells[0]} to {cells[-1]}"


def helps(result: kit.Result, arm: str, model: str, covariance: str) -> kit.Claim:
    """Red line: positive at every size that the figure shows (1,000 rows and more)."""
    line = curve(result, arm, model, covariance)
    shown = [row["metric_gain"] for row in line if row["source_rows"] >= 1000]
    leans = all(mean > 0 for mean, *_ in shown)
    whole = all(map(syn.above, shown))
    verdict: kit.Verdict = "agrees" if whole else "in part" if leans else "differs"
    why = "" if whole or not leans else _undecided(line)
    paper = "same covariance: positive transfer"
    return kit.Claim(f"Figure 3{PANELS[model]}", paper, _told(line), verdict, why)


def turns(result: kit.Result, arm: str, model: str, covariance: str) -> kit.Claim:
    """Green line: negative with few source rows, positive with many."""
    line = curve(result, arm, model, covariance)
    first, last, rises = line[0]["metric_gain"], line[-1]["metric_gain"], rise(line)
    whole = syn.below(first) and syn.above(last)
    leans = first[0] < 0 < rises[0]
    verdict: kit.Verdict = "agrees" if whole else "in part" if leans else "differs"
    decided = syn.below(first) and syn.above(rises)
    why = "rises, and is not positive" if decided else _undecided(line)
    if syn.below(last):
        why = "negative with the most rows too"
    told = f"{_told(line)}, rise {kit.mark(rises)}"
    paper = "other covariance: negative, to positive with more source rows"
    return kit.Claim(f"Figure 3{PANELS[model]}", paper, told, verdict, "" if whole else why)


def _undecided(line: list[kit.Result]) -> str:
    return f"not all decided with {len(line[0]['draws'])} draws"


def as_printed(result: kit.Result, arm: str) -> kit.Claim:
    """How many of the panels show the figure with the settings of the appendix."""
    shown = 0
    for model in models(result, arm):
        same, other = (curve(result, arm, model, name) for name in SOURCES)
        shown += all(syn.above(row["metric_gain"]) for row in same) and syn.below(
            other[0]["metric_gain"]
        )
    total = len(models(result, arm))
    verdict: kit.Verdict = "agrees" if shown == total else "in part" if shown else "differs"
    rows = result["arms"][arm]["training"]["target_rows"]
    return kit.Claim(
        f"Figure 3, settings as printed, {rows:,} target rows",
        "same covariance positive, other negative with few source rows",
        f"{shown} of {total} panels",
        verdict,
        "".join(why(result, arm)),
    )


def why(result: kit.Result, arm: str) -> Iterator[str]:
    """What is left to gain, and what five times as many epochs give."""
    alone = [curve(result, arm, model, "same")[0]["alone"] for model in models(result, arm)]
    yield f"the target alone has {', '.join(f'{x:.3f}' for x in alone)}"
    if (longer := f"{arm}, 150 epochs") in result["arms"]:
        before, after = (curve(result, a, "linear", "same")[-1] for a in (arm, longer))
        cells = [kit.mark(row["metric_gain"]) for row in (before, after)]
        yield f"; linear, same covariance, {cells[0]}, and after 150 epochs {cells[1]}"


def plot(result: kit.Result) -> Figure:
    """Three panels as the paper's, and below the settings as printed."""
    import matplotlib.pyplot as plt

    shown = [(arm, m) for arm in result["arms"] if arm != "cosine 1" for m in models(result, arm)]
    figure, axes = plt.subplots(2, 3, figsize=(11, 5.8))
    for axis, (arm, model) in zip(axes.flat, shown, strict=False):
        for covariance, colour in (("same", "#c0392b"), ("other", "#2e8b57")):
            line = curve(result, arm, model, covariance)
            sizes = [point["source_rows"] for point in line]
            mean, low, high = zip(*(point["metric_gain"] for point in line), strict=True)
            axis.fill_between(sizes, low, high, color=colour, alpha=0.2, linewidth=0)
            axis.plot(sizes, mean, "o-", color=colour, ms=3.5, label=f"{covariance} covariance")
        axis.axhline(0, color="0.5", lw=0.8)
        axis.set_xscale("log")
        axis.set_xticks(sizes, [f"{size:,}" for size in sizes], minor=False)
        axis.minorticks_off()
        axis.set_title(f"{PANELS[model]}, {arm}", fontsize=9)
        axis.set_ylabel(f"{METRIC[model]}, MTL − STL", fontsize=8)
        axis.set_xlabel("training rows of the source", fontsize=8)
        axis.tick_params(labelsize=8)
    axes[0][0].legend(fontsize=8)
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    kit.main(__file__, measure, tables, plot, claims)
