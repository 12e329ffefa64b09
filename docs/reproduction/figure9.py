"""W Figure 9: Algorithm 1 against plain multi-task training where Figure 3 has negative transfer.

    python docs/reproduction/figure9.py

The target of Figure 3 with the source of another covariance, by the source's rows: trained together
(``mtl``), with alignment matrices (``align``), and the product's control, the task alone with as
many parameters (``align control``). Linear and ReLU regression, set-up and capacity of Figure 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import _kit as kit
import _synthetic as syn
from figure3 import HELD_OUT, NOISY, SMALL

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANELS: dict[str, tuple[str, dict[str, Any]]] = {
    "linear": ("a linear", {"r": 1}),
    "relu": ("b ReLU", {"r": 4, "trunk": "relu"}),
}
SIZES = (100, 300, 1000, 9000)
DRAWS = range(300, 308)
LINES = {
    ("mtl", "alone"): "baseline",
    ("align", "alone"): "Algorithm 1",
    ("align control", "alone"): "control: R, no source",
    ("align", "mtl"): "Algorithm 1 − baseline",
    ("align", "align control"): "Algorithm 1 − control",
}
"""Comparisons of the product to what the tables call them."""
EQUATION = {"before": "similarity_before", "after": "similarity_after"}


def measure(small: bool) -> kit.Result:
    """Every panel and size: all comparisons, and equation 6 before and after."""
    probe = syn.Probe()
    sizes, draws = ((100, 900), DRAWS[:2]) if small else (SIZES, DRAWS)
    less = {"epochs": 2} if small else {}
    target = {**NOISY, "rows": 1900} if small else NOISY
    found = []
    for model, (_, capacity) in PANELS.items():
        words = [syn.task(model, "target", 1, **target)]
        for size in sizes:
            rows = {"rows": syn.rows_for(size, HELD_OUT["validation_rows"])}
            words.append(syn.task(model, f"source-{size}", 3, **{**NOISY, **rows}))
        training = {**HELD_OUT, **SMALL, **less, **capacity, "source_rows": max(sizes)}
        line = [*words, "--targets", "target", "--align", *syn.options(**training)]
        documents = [probe(line, draw) for draw in draws]
        found += [{"model": model, "source_rows": n, **at(documents, n)} for n in sizes]
    return {**probe.provenance(), "draws": list(draws), "curves": found}


def at(documents: list[kit.Result], size: int) -> kit.Result:
    """All comparisons with the source of one size, over draws."""
    found: kit.Result = {"gains": {}, "equation_6": {}}
    for (arm, against), name in LINES.items():
        source = "target" if arm == "align control" else f"source-{size}"
        values = [syn.gains(document, arm, against)[source] for document in documents]
        found["gains"][name] = syn.intervals(values)
    for name, key in EQUATION.items():
        found["equation_6"][name] = kit.interval(
            [
                report[key]["value"]
                for document in documents
                for report in document["alignment"]
                if report["source"] == f"source-{size}"
            ]
        )
    return found


def panel(result: kit.Result, model: str) -> list[kit.Result]:
    """The points of a panel, by rising source rows."""
    return [row for row in result["curves"] if row["model"] == model]


def tables(result: kit.Result) -> dict[str, str]:
    """Gains in the metric and in loss by panel, comparison and size; equation 6."""
    made = {}
    for title, key in (("gains", "metric_gain"), ("losses", "gain")):
        lines, head = [], []
        for model in PANELS:
            points = panel(result, model)
            head = ["model", "comparison", *(f"{p['source_rows']:,}" for p in points)]
            for name in LINES.values():
                lines.append([model, name, *(kit.mark(p["gains"][name][key]) for p in points)])
        made[title] = kit.table(head, lines)
    lines = []
    for model in PANELS:
        points = panel(result, model)
        head = ["model", "equation 6", *(f"{p['source_rows']:,}" for p in points)]
        for name in EQUATION:
            lines.append([model, name, *(f"{p['equation_6'][name][0]:.3f}" for p in points)])
    made["equation_6"] = kit.table(head, lines)
    return made


def claims(result: kit.Result) -> list[kit.Claim]:
    """Negative without, not negative with alignment, the difference decided; the control."""
    found = []
    for model, (title, _) in PANELS.items():
        points = panel(result, model)
        found.append(corrected(title, points))
        found.append(not_by_parameters(title, points))
    return found


def _gain(point: kit.Result, name: str) -> list[float]:
    gain: list[float] = point["gains"][name]["metric_gain"]
    return gain


def corrected(title: str, points: list[kit.Result]) -> kit.Claim:
    """Where the baseline is negative, Algorithm 1 is better than it and not negative."""
    harmed = [p for p in points if syn.below(_gain(p, "baseline"))]
    better = [p for p in harmed if syn.above(_gain(p, "Algorithm 1 − baseline"))]
    mended = [p for p in better if not syn.below(_gain(p, "Algorithm 1"))]
    verdict: kit.Verdict = "differs" if harmed else "not testable here"
    if better:
        verdict = "agrees" if len(mended) == len(harmed) else "in part"
    at = harmed[0] if harmed else points[0]
    ours = (
        f"Spearman with {at['source_rows']:,} source rows {kit.mark(_gain(at, 'baseline'))}, "
        f"with Algorithm 1 {kit.mark(_gain(at, 'Algorithm 1'))}"
    )
    counted = f"of {len(points)} sizes {len(harmed)} negative, {len(mended)} of these corrected"
    paper = "Algorithm 1 corrects the negative transfer"
    return kit.Claim(f"Figure 9{title}", paper, ours, verdict, counted)


def not_by_parameters(title: str, points: list[kit.Result]) -> kit.Claim:
    """Whether what alignment gains is owed to the source, and not to its matrices."""
    name = "Algorithm 1 − control"
    good = [p for p in points if syn.above(_gain(p, name))]
    bad = [p for p in points if syn.below(_gain(p, name))]
    whole = 2 * len(good) > len(points) and not bad
    verdict: kit.Verdict = "agrees" if whole else "in part" if good else "differs"
    best = max(points, key=lambda p: _gain(p, name)[0])
    ours = f"most with {best['source_rows']:,} source rows: {kit.mark(_gain(best, name))}"
    counted = f"above the control at {len(good)} of {len(points)} sizes, below at {len(bad)}"
    return kit.Claim(
        f"Figure 9{title}, with a control",
        "none (Algorithm 1 transfers positively)",
        ours,
        verdict,
        counted,
    )


def plot(result: kit.Result) -> Figure:
    """Both panels: baseline, Algorithm 1 and the control."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(PANELS), figsize=(8.4, 3.4), squeeze=False)
    shown = {"baseline": "#2e8b57", "Algorithm 1": "#34568b", "control: R, no source": "0.5"}
    for axis, (model, (title, _)) in zip(axes[0], PANELS.items(), strict=True):
        points = panel(result, model)
        sizes = [p["source_rows"] for p in points]
        for name, colour in shown.items():
            mean, low, high = zip(*(_gain(p, name) for p in points), strict=True)
            axis.fill_between(sizes, low, high, color=colour, alpha=0.2, linewidth=0)
            axis.plot(sizes, mean, "o-", color=colour, ms=3.5, label=name)
        axis.axhline(0, color="0.5", lw=0.8)
        axis.set_xscale("log")
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("training rows of the source", fontsize=8)
        axis.set_ylabel("Spearman, minus the target alone", fontsize=8)
        axis.tick_params(labelsize=8)
    axes[0][0].legend(fontsize=8)
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    kit.main(__file__, measure, tables, plot, claims)
