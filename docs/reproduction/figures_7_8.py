"""W Figures 7 and 8: gain against the cosine between the models of two tasks.

    python docs/reproduction/figures_7_8.py

Figure 7: tasks of isotropic rows beside task 1, with rows, noise, rate and capacity as appendix B
prints them. Figure 8: the rank-10 ReLU regime of B.4 with its 100 target rows. Both train as
appendix B, by epochs over the batches of both tasks. No setting was searched for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import _kit as kit
import _synthetic as syn
import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANELS = {
    "linear": "7a linear regression",
    "logistic": "7b logistic",
    "relu": "7c ReLU regression",
    "relu-logistic": "7d ReLU classification",
    "rank": "8a regression, rank 10",
    "rank-logistic": "8b classification, rank 10",
}
COSINES = (1.0, 0.75, 0.5, 0.25, 0.05)
FIVE = (0.9, 0.7, 0.5, 0.3, 0.1)
BOTH_WAYS = (0.75, 0.5, 0.25)
LONG = {"epochs": 50, "recipe": "concat", "seeds": 2}
"""The most of B.3's grid: 200 updates of a target of 100 rows."""
PRINTED = {"epochs": 10, "batch": 50, "lr": 0.001, "recipe": "concat", "seeds": 2}
HELD_OUT: dict[str, Any] = {"weight_decay": "[0.0]", "validation_rows": 400, "test_rows": 1000}
ISOTROPIC = {"rows": 10600, "kappa": 1}


class Arm(NamedTuple):
    """One set-up of one figure."""

    models: tuple[str, ...]
    training: Mapping[str, Any]
    drawn: Mapping[str, Any]
    cosines: tuple[float, ...]
    sizes: tuple[int, ...]
    draws: range
    relu_r: int
    """Capacity with a ReLU trunk; it is 1 with the linear one."""


LARGE = Arm(
    tuple(PANELS)[:4],
    {**PRINTED, "target_rows": 9000},
    ISOTROPIC,
    COSINES,
    (9000,),
    range(400, 408),
    1,
)
RANK = Arm(
    tuple(PANELS)[4:],
    {**LONG, "target_rows": 100},
    {"rows": 10600, "r": 10, "noise": 0.5},
    FIVE,
    (1000, 8000),
    range(400, 410),
    10,
)
ARMS = {"7 printed": LARGE, "8 rank 10": RANK}


def quick(arm: Arm) -> Arm:
    """The first model, two draws, few cosines and rows, one epoch."""
    less = {"epochs": 1, "seeds": 1, "target_rows": min(arm.training["target_rows"], 400)}
    return arm._replace(
        models=arm.models[:1],
        training={**arm.training, **less},
        drawn={**arm.drawn, "rows": 2000},
        cosines=arm.cosines[:: (len(arm.cosines) - 1) // 2],
        sizes=(1000,),
        draws=arm.draws[:2],
    )


def words(arm: Arm, model: str, cosines: tuple[float, ...]) -> list[str]:
    """A probe of the target with a source for each cosine and size.

    Sources of one cosine begin with the same rows, those of two cosines have none in common.
    """
    sources = []
    for number, cosine in enumerate(arm.cosines, start=2):
        for size in arm.sizes if cosine in cosines else ():
            rows = {"rows": syn.rows_for(size, HELD_OUT["validation_rows"]), "cosine": cosine}
            name = f"c{cosine}-{size}"
            sources.append(syn.task(model, name, number, **{**arm.drawn, **rows}))
    curved = model not in ("linear", "logistic")
    trunk = {"trunk": "relu", "r": arm.relu_r} if curved else {"r": 1}
    training = {**HELD_OUT, **arm.training, **trunk, "source_rows": max(arm.sizes)}
    return [syn.task(model, "target", 1, **arm.drawn), *sources, *syn.options(**training)]


def curves(probe: syn.Probe, arm: Arm, model: str) -> list[kit.Result]:
    """Gains of the target by size and cosine."""
    line = [*words(arm, model, arm.cosines), "--targets", "target"]
    documents = [probe(line, draw) for draw in arm.draws]
    return [curve(documents, arm, model, size) for size in arm.sizes]


def curve(documents: list[kit.Result], arm: Arm, model: str, size: int) -> kit.Result:
    """Gains of the target by cosine, over draws, and the slope."""
    found = [syn.gains(document) for document in documents]
    draws = {cosine: [draw[f"c{cosine}-{size}"] for draw in found] for cosine in arm.cosines}
    slopes = [
        np.polyfit(arm.cosines, [draw[f"c{cosine}-{size}"][1] for cosine in arm.cosines], 1)[0]
        for draw in found
    ]
    return {
        "model": model,
        "source_rows": size,
        "alone": round(sum(map(syn.alone, documents)) / len(documents), 5),
        "slope": kit.interval(slopes),
        "points": [{"cosine": cosine, **syn.intervals(values)} for cosine, values in draws.items()],
    }


def both_ways(probe: syn.Probe, arm: Arm, model: str) -> list[kit.Result]:
    """Gains of either task of a pair in one draw: the paper shows their mean."""
    rows = []
    for cosine in [cosine for cosine in BOTH_WAYS if cosine in arm.cosines]:
        line = words(arm, model, (cosine,))
        pairs = probe(line, arm.draws[0])["pairs"]
        by_target = {pair["target"]: pair["metric_gain"]["value"] for pair in pairs}
        values = by_target["target"], by_target[f"c{cosine}-{arm.sizes[0]}"]
        rows.append({"model": model, "cosine": cosine, "gains": [round(x, 5) for x in values]})
    return rows


def measure(small: bool) -> kit.Result:
    """Every arm, model and size."""
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
    large = arms["7 printed"]
    either = both_ways(probe, large, large.models[0])
    return {**probe.provenance(), "arms": found, "both_ways": either}


def expected(cosine: float) -> float:
    """Spearman lost by a linear target when one direction serves both tasks, in the limit.

    The best one direction for two isotropic noiseless tasks of equal size is their bisector, at
    ``cos^2 = (1 + cosine) / 2`` to either; Spearman of Gaussians is ``6/pi asin(rho/2)``.
    """
    return float(6 / np.pi * np.arcsin(np.sqrt((1 + cosine) / 2) / 2) - 1)


def tables(result: kit.Result) -> dict[str, str]:
    """Gain in the metric by model, size and cosine, for each arm; both ways of some pairs."""
    made = {}
    for name, arm in result["arms"].items():
        cosines = [point["cosine"] for point in arm["curves"][0]["points"]]
        shown = cosines[:: max(1, len(cosines) // 5)]
        lines = []
        for line in arm["curves"]:
            points = [p for p in line["points"] if p["cosine"] in shown]
            cells = [kit.mark(point["metric_gain"]) for point in points]
            first = PANELS[line["model"]], f"{line['source_rows']:,}", f"{line['alone']:.3f}"
            lines.append([*first, *cells, kit.mark(line["slope"])])
        head = [
            "figure",
            "source rows",
            "alone",
            *(f"cosine {cosine}" for cosine in shown),
            "slope",
        ]
        made[name.replace(" ", "_")] = kit.table(head, lines)
    head = ["figure", "cosine", "task 1", "task i", "mean"]
    lines = [
        [
            PANELS[row["model"]],
            row["cosine"],
            *(f"{x:+.3f}".replace("-", "−") for x in (*row["gains"], float(np.mean(row["gains"])))),
        ]
        for row in result["both_ways"]
    ]
    return made | {"both_ways": kit.table(head, lines)}


def claims(result: kit.Result) -> list[kit.Claim]:
    """Each panel: rises with the cosine, and is negative where the models are least alike."""
    found = [claim7(line) for line in result["arms"]["7 printed"]["curves"]]
    lines = result["arms"]["8 rank 10"]["curves"]
    for model in dict.fromkeys(line["model"] for line in lines):
        found.append(claim8([line for line in lines if line["model"] == model]))
    return found


def claim7(line: kit.Result) -> kit.Claim:
    """Figure 7 as printed: falls with the distance, negative where the models are least alike."""
    far = line["points"][-1]["metric_gain"]
    near = line["points"][0]["metric_gain"]
    falls, hurts = syn.above(line["slope"]), syn.below(far)
    leans = line["slope"][0] > 0 and far[0] < 0
    verdict: kit.Verdict = "agrees" if falls and hurts else "in part" if leans else "differs"
    return kit.Claim(
        f"Figure {PANELS[line['model']]}",
        "gain falls with the cosine distance, to negative transfer",
        f"slope over the cosine {kit.mark(line['slope'])}, at the least cosine {kit.mark(far)}",
        verdict,
        f"{'not decided; ' if verdict == 'in part' else ''}"
        f"equal models gain {kit.mark(near)}, the target alone has {line['alone']:.3f}",
    )


def claim8(lines: list[kit.Result]) -> kit.Claim:
    """Figure 8: the slope at every size, positive at 0.9 and negative at 0.1 with most rows."""
    first, last = (lines[-1]["points"][i]["metric_gain"] for i in (0, -1))
    rises = all(syn.above(line["slope"]) for line in lines)
    both = syn.above(first) and syn.below(last)
    verdict: kit.Verdict = "agrees" if rises and both else "in part" if rises else "differs"
    return kit.Claim(
        f"Figure {PANELS[lines[0]['model']]}",
        "higher similarity, better improvement: positive at 0.9, negative at 0.1",
        f"with {lines[-1]['source_rows']:,} source rows at 0.9 {kit.mark(first)}, "
        f"at 0.1 {kit.mark(last)}",
        verdict,
        f"slope there {kit.mark(lines[-1]['slope'])}",
    )


def plot(result: kit.Result) -> Figure:
    """Figure 7's panels, then Figure 8's."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(11, 6), squeeze=False)
    places = iter(axes.flat)
    for line in result["arms"]["7 printed"]["curves"]:
        axis = next(places)
        _line(axis, line, "#34568b", "together − alone")
        if line["model"] == "linear":
            x = np.linspace(0, 1, 50)
            axis.plot(x, [expected(1 - d) for d in x], "--", color="0.4", lw=1, label="bisector")
            axis.legend(fontsize=7)
        axis.set_title(PANELS[line["model"]], fontsize=9)
        axis.set_xlabel("cosine distance, 1 − cos", fontsize=8)
    lines = result["arms"]["8 rank 10"]["curves"]
    for model in dict.fromkeys(line["model"] for line in lines):
        _sizes(next(places), [line for line in lines if line["model"] == model])
    for axis in axes.flat:
        axis.axhline(0, color="0.5", lw=0.8)
        axis.tick_params(labelsize=8)
        axis.set_ylabel("metric, MTL − STL", fontsize=8)
    figure.tight_layout()
    return figure


def _line(axis: Any, line: kit.Result, colour: str, label: str) -> None:
    x = [1 - point["cosine"] for point in line["points"]]
    mean, low, high = zip(*(point["metric_gain"] for point in line["points"]), strict=True)
    axis.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    axis.plot(x, mean, "o-", color=colour, ms=3, lw=1, label=label)


def _sizes(axis: Any, lines: list[kit.Result]) -> None:
    """Gain over source rows, one line a similarity (W Figure 8)."""
    import matplotlib as mpl

    sizes = [line["source_rows"] for line in lines]
    for i, point in enumerate(lines[0]["points"]):
        colour = mpl.colormaps["viridis"](i / len(lines[0]["points"]))
        found = [line["points"][i]["metric_gain"] for line in lines]
        mean, low, high = zip(*found, strict=True)
        error = [np.subtract(mean, low), np.subtract(high, mean)]
        axis.errorbar(
            sizes, mean, error, fmt="o-", color=colour, ms=3, lw=1, label=f"sim. {point['cosine']}"
        )
    axis.set_title(PANELS[lines[0]["model"]], fontsize=9)
    axis.set_xlabel("training rows of the source", fontsize=8)
    axis.legend(fontsize=6)


if __name__ == "__main__":
    kit.main(__file__, measure, tables, plot, claims)
