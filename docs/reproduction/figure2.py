"""W Figure 2, the blog's Figure 3: three tasks of one linear model, and transfer by their data.

    python docs/reproduction/figure2.py

All three tasks have the same true boundary and equally many rows in the plane. Task 2 has its rows
along the boundary; those of task 3 lie in two clusters away from it, which many lines part. With
capacity 1 one direction must serve both tasks of a pair. Between the two sources, a share of the
rows lies along the boundary.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _kit as kit
import _synthetic as syn
import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    Rows = tuple[np.ndarray, np.ndarray]

ROWS = 40
"""Training rows of every task."""
HELD_OUT = 1000
SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
"""Of a source's rows along the boundary: 0 is task 3, 1 is task 2."""
DRAWS = range(500, 540)
MODEL = np.array([0.0, 1.0])
NOISE = 1.0
"""Standard deviation of the noise of task 1's labels, in units of its rows."""
CEILING = float(1 - np.arctan(NOISE) / np.pi)
"""Accuracy of the true boundary on task 1: how often noise does not turn the sign of ``x2``."""
TRAINING = {
    "r": 1,
    "epochs": 100,
    "recipe": "concat",
    "weight_decay": "[0.0]",
    "target_rows": ROWS,
    "source_rows": ROWS,
    "validation_rows": ROWS,
    "test_rows": HELD_OUT,
    "seeds": 4,
}


def target(rng: np.random.Generator, n: int) -> Rows:
    """Task 1: a round cloud, labels with noise."""
    X = rng.standard_normal((n, 2))
    return X, (X @ MODEL + NOISE * rng.standard_normal(n) > 0).astype(np.int64)


def source(rng: np.random.Generator, n: int, share: float) -> Rows:
    """Rows along the boundary (``share`` of them) or in two clusters; labels by the model."""
    along = rng.standard_normal((n, 2)) * [2.0, 0.5]
    sides = np.where(rng.random((n, 1)) < 0.5, 1.0, -1.0)
    apart = sides * [2.2, 1.2] + 0.3 * rng.standard_normal((n, 2))
    X = np.where(np.arange(n)[:, None] < round(share * n), along, apart)
    X = X[rng.permutation(n)]
    return X, (X @ MODEL > 0).astype(np.int64)


def name_of(share: float) -> str:
    """A source by its share."""
    return {0.0: "task3", 1.0: "task2"}.get(share, f"share{share}")


def draw_tasks(draw: int) -> dict[str, dict[str, Rows]]:
    """Training and test rows of all tasks; the share is that of the training rows."""
    made = {}
    for number, share in enumerate((None, *SHARES)):
        rng = np.random.default_rng([draw, number])
        sizes = {"train": 2 * ROWS, "test": HELD_OUT}
        made["task1" if share is None else name_of(share)] = {
            split: target(rng, n) if share is None else source(rng, n, share)
            for split, n in sizes.items()
        }
    return made


def write(folder: Path, tasks: Mapping[str, Mapping[str, Rows]]) -> list[str]:
    """A folder a task, an ``.npz`` a split, as words of the command line."""
    for name, splits in tasks.items():
        (folder / name).mkdir(parents=True)
        for split, (X, y) in splits.items():
            np.savez(folder / name / f"{split}.npz", X=X.astype(np.float32), y=y)
    return [f"{name}={folder / name}" for name in tasks]


def boundaries(words: list[str], found: kit.Result) -> dict[str, list[float]]:
    """The lines ``w1 x1 + w2 x2 + b = 0`` of the first seed's runs, by what was trained.

    The command does not give weights, so its runs are trained again as ``taskaff.stages.probe`` has
    them, with the settings of its document; their losses must be those of the document.
    """
    from taskaff.core.records.data import DataRequest
    from taskaff.core.settings import ProbeSettings
    from taskaff.pipeline.session import Session
    from taskaff.pipeline.training_rows import tasks_of
    from taskaff.stages.probe.pairs import plan_pairs
    from taskaff.stages.probe.prepare import prepare

    asked: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in found["settings"].items()
    }
    settings = replace(ProbeSettings(**asked), seeds=(0,), targets=())
    requests = [DataRequest(path, name=name) for name, path in (w.split("=") for w in words)]
    prepared = prepare(tasks_of(Session(), requests, settings).tasks, settings)
    names = [task.name for task in prepared.tasks]
    wanted = [(s, 0) for s in range(1, len(names))] + [(0, names.index(n)) for n in SOURCES]
    runs = [replace(run, keep_state=True) for run in plan_pairs(prepared, wanted).runs]
    lines, losses = {}, {}
    for run, outcome in zip(runs, prepared.train(runs), strict=True):
        arm, partner, task = run.key[:3]
        assert outcome.state is not None
        assert outcome.slots[0] is not None
        head = outcome.state["A0"][:, 1] - outcome.state["A0"][:, 0]
        w = run.scale * outcome.state["B"] @ head[:-1]
        key = f"{names[task]} alone" if arm == "stl" else f"{names[task]} with {names[partner]}"
        lines[key] = [round(float(x), 5) for x in (*w, head[-1])]
        losses[key] = outcome.slots[0].test_loss
    for pair in found["pairs"]:
        first = pair["seeds"][0]
        again = losses["task1 alone"], losses[f"task1 with {pair['source']}"]
        assert np.allclose(again, (first["stl_loss"], first["mtl_loss"]), atol=1e-5)
    return lines


SOURCES = ("task2", "task3")


def measure(small: bool) -> kit.Result:
    """Gains of task 1 by source over draws, and the picture of the first draw."""
    probe, found, shown = syn.Probe(), [], {}
    draws = DRAWS[:3] if small else DRAWS
    for draw in draws:
        tasks = draw_tasks(draw)
        with tempfile.TemporaryDirectory() as folder:
            words = write(Path(folder), tasks)
            named = [f"{name}={name}" for name in tasks]
            line = ["--targets", "task1", *syn.options(**TRAINING)]
            document = probe([*words, *line], draw, shown=[*named, *line])
            found.append(document)
            if draw == draws[0]:
                shown = {"lines": boundaries(words, document)}
    by_share = {}
    for share in SHARES:
        values = [syn.gains(document)[name_of(share)] for document in found]
        by_share[str(share)] = {**syn.intervals(values), "draws": syn.rounded(values)}
    alone = [syn.alone(document) for document in found]
    angles = {key: round(angle(line), 1) for key, line in shown["lines"].items()}
    return {
        **probe.provenance(),
        "draws": list(draws),
        "rows": ROWS,
        "alone": kit.interval(alone),
        "gains": by_share,
        "first_draw": {**shown, "degrees": angles},
    }


def angle(line: list[float]) -> float:
    """Degrees between a boundary and the true one."""
    w = np.array(line[:2])
    return float(np.degrees(np.arccos(abs(w @ MODEL) / np.linalg.norm(w))))


def tables(result: kit.Result) -> dict[str, str]:
    """Gain by source; the boundaries of the picture."""
    lines = []
    for share, row in result["gains"].items():
        name = {"0.0": "task 3", "1.0": "task 2"}.get(share, "between")
        cells = kit.mark(row["metric_gain"]), kit.mark(row["gain"])
        lines.append([name, f"{float(share):.0%}", *cells])
    head = ["source", "rows along the boundary", "gain in accuracy", "gain in loss, nats"]
    degrees = result["first_draw"]["degrees"]
    shown = ["task1 alone", *(f"task1 with {n}" for n in SOURCES), *(f"{n} alone" for n in SOURCES)]
    angles = [[key.replace("task", "task "), f"{degrees[key]:.1f}"] for key in shown]
    return {
        "gains": kit.table(head, lines),
        "degrees": kit.table(["trained", "degrees off the true boundary"], angles),
    }


def claims(result: kit.Result) -> list[kit.Claim]:
    """Task 2 helps, task 3 hurts, and the share along the boundary decides."""
    gains = result["gains"]
    two, three = gains["1.0"]["metric_gain"], gains["0.0"]["metric_gain"]
    slopes = [
        np.polyfit([float(s) for s in gains], [row["draws"][i][1] for row in gains.values()], 1)[0]
        for i in range(len(result["draws"]))
    ]
    slope = kit.interval(slopes)
    figure = "Figure 2 (blog: Figure 3)"
    return [
        kit.Claim(
            figure,
            "task 2, with data along the boundary, helps task 1",
            f"accuracy {kit.mark(two)}",
            "agrees" if syn.above(two) else "differs",
            f"of at most {CEILING - result['alone'][0]:+.3f}, up to the true boundary",
        ),
        kit.Claim(
            figure,
            "task 3, of the same model and as many rows, hurts task 1",
            f"accuracy {kit.mark(three)}",
            "agrees" if syn.below(three) else "differs",
        ),
        kit.Claim(
            figure,
            "it depends on the amount of data along the boundary",
            f"slope of the gain over the share {kit.mark(slope)}",
            "agrees" if syn.above(slope) else "differs",
        ),
    ]


def plot(result: kit.Result) -> Figure:
    """Above: each task and its own boundary. Below: gain by share; task 1 with task 2, with 3."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(10.5, 6.6))
    tasks, lines = draw_tasks(result["draws"][0]), result["first_draw"]["lines"]
    for axis, name in zip(axes[0], ("task1", *SOURCES), strict=True):
        _cloud(axis, tasks[name]["train"], f"{name.replace('task', 'task ')} alone")
        _boundary(axis, [*MODEL.tolist(), 0.0], "k:", "true")
        _boundary(axis, lines[f"{name} alone"], "-", "alone", color="#34568b")
        axis.legend(fontsize=7, loc="lower right")
    for axis, name in zip(axes[1][1:], SOURCES, strict=True):
        number = name[-1]
        _cloud(axis, tasks["task1"]["train"], f"task 1, trained with task {number}")
        X = tasks[name]["train"][0]
        axis.plot(*X.T, ".", color="0.8", ms=4, zorder=0, label=f"rows of task {number}")
        _boundary(axis, [*MODEL.tolist(), 0.0], "k:", "true")
        _boundary(axis, lines["task1 alone"], "-", "alone", color="#34568b")
        _boundary(axis, lines[f"task1 with {name}"], "-", "together", color="#8e44ad", lw=2)
        axis.legend(fontsize=7, loc="lower right")
    _shares(axes[1][0], result["gains"])
    figure.tight_layout()
    return figure


def _cloud(axis: Any, rows: Rows, title: str) -> None:
    X, y = rows
    for label, colour, mark in ((0, "#2e8b57", "o"), (1, "#c0392b", "x")):
        axis.plot(*X[y == label].T, mark, color=colour, ms=3.5, alpha=0.8)
    axis.set(xlim=(-4.5, 4.5), ylim=(-3.2, 3.2), title=title)
    axis.title.set_fontsize(9)
    axis.set_xlabel("first coordinate", fontsize=8)
    axis.set_ylabel("second coordinate", fontsize=8)
    axis.tick_params(labelsize=8)


def _boundary(axis: Any, line: list[float], style: str, label: str, **more: Any) -> None:
    w1, w2, b = line
    x = np.array([-4.5, 4.5])
    axis.plot(x, -(w1 * x + b) / w2, style, label=label, **{"lw": 1.3, **more})


def _shares(axis: Any, gains: Mapping[str, kit.Result]) -> None:
    shares = [float(share) for share in gains]
    mean, low, high = zip(*(row["metric_gain"] for row in gains.values()), strict=True)
    axis.fill_between(shares, low, high, alpha=0.2, color="#8e44ad", linewidth=0)
    axis.plot(shares, mean, "o-", color="#8e44ad", ms=4)
    axis.axhline(0, color="0.5", lw=0.8)
    axis.set_title("task 1 by its source (0: task 3, 1: task 2)", fontsize=9)
    axis.set_xlabel("share of the source's rows along the boundary", fontsize=8)
    axis.set_ylabel("accuracy, together − alone", fontsize=8)
    axis.tick_params(labelsize=8)


if __name__ == "__main__":
    kit.main(__file__, measure, tables, plot, claims)
