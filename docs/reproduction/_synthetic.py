"""What the scripts on the paper's synthetic tasks share: calls of the probe, and gains over draws.

A *draw* is one set of models, covariances and rows (``seed`` of ``synthetic:...``); the seeds of a
probe are splits, initial weights and batches within one draw. Intervals are over draws.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import _kit as kit

DRAW = "DRAW"
"""Stands for the number of the draw in commands, as the documents keep them."""
VERSIONS = ("taskaff", "torch", "numpy", "python")
Gains = dict[str, tuple[float, float]]
"""Source to gains in loss and in the task's metric, both better when larger."""


def task(model: str, name: str, number: int, **more: object) -> str:
    """One synthetic task as a word of the command line."""
    asked = {"task": number, "seed": DRAW, **more}
    query = "&".join(f"{key}={value}" for key, value in asked.items())
    return f"{name}=synthetic:{model}?{query}"


def rows_for(size: int, held_out: int) -> int:
    """Rows of a task of which exactly ``size`` are for training, as the probe divides them.

    A tenth is the task's own test; of the others the probe takes a tenth of all, at most
    ``held_out``, for validation. So sources of all sizes can stand in one probe.
    """
    for rows in range(size, 2 * size + 100):
        validation = min(held_out, max(10, -(-rows // 10)))
        if round(0.9 * rows) - validation == size:
            return rows
    raise ValueError(size)


def options(**values: object) -> list[str]:
    """``target_rows=300`` as ``--target-rows 300``; what has no option as ``--config probe...``."""
    rows = ("validation_rows", "test_rows", "weight_decay")
    words: list[str] = []
    for name, value in values.items():
        key = ["--config", f"probe.{name}={value}"] if name in rows else None
        words += key or [f"--{name.replace('_', '-')}", str(value)]
    return words


class Probe:
    """``taskaff probe`` for a draw; remembers the commands, versions and time for the document."""

    def __init__(self) -> None:
        self.commands: dict[str, None] = {}
        self.versions: dict[str, str] = {}
        self.started = time.perf_counter()

    def __call__(
        self, words: Sequence[str], draw: int, shown: Sequence[str] | None = None
    ) -> kit.Result:
        """The JSON document of one probe; ``shown``: what is kept of its words, if not they."""
        words = [*words, "--no-predict"]
        self.commands[" ".join(["taskaff", "probe", *(shown or words)])] = None
        found = kit.taskaff("probe", *(word.replace(DRAW, str(draw)) for word in words))
        self.versions = {name: found["environment"][name] for name in VERSIONS}
        return found

    def provenance(self) -> dict[str, Any]:
        """What a document says of how it came about."""
        return {
            "versions": self.versions,
            "seconds": round(time.perf_counter() - self.started),
            "commands": list(self.commands),
        }


def gains(found: kit.Result, arm: str = "mtl", against: str = "alone") -> Gains:
    """Mean gains over seeds, by source (of pairs into several targets, of the last)."""
    return {
        pair["source"]: (pair["gain"]["value"], pair["metric_gain"]["value"])
        for pair in found["pairs"]
        if (pair["arm"], pair["against"]) == (arm, against)
    }


def alone(found: kit.Result) -> float:
    """The metric of the single-task arm of the first pair, mean over seeds."""
    values = [seed["stl_metric"] for seed in found["pairs"][0]["seeds"]]
    mean: float = sum(values) / len(values)
    return mean


def intervals(draws: Iterable[tuple[float, float]]) -> dict[str, list[float]]:
    """Intervals over draws of the gains in loss and metric."""
    loss, metric = zip(*draws, strict=True)
    return {"gain": kit.interval(loss), "metric_gain": kit.interval(metric)}


def above(found: Sequence[float]) -> bool:
    """Whether the whole interval ``[mean, low, high]`` is above 0."""
    return found[1] > 0


def below(found: Sequence[float]) -> bool:
    """Whether the whole interval is below 0."""
    return found[2] < 0


def rounded(draws: Iterable[tuple[float, float]]) -> list[list[float]]:
    """Draws as the documents keep them."""
    return [[round(x, 5) for x in draw] for draw in draws]
