"""Results of probes, from plain to full."""

from __future__ import annotations

from dataclasses import replace

from taskaff.core.records.estimate import Interval, Verdict
from taskaff.core.records.probe import (
    AlignmentReport,
    CapacitySweep,
    PairOutcome,
    ProbeResult,
    ProbeTask,
    SeedGain,
    TransferenceRow,
)
from taskaff.core.settings import ProbeSettings

NASTY = ["=1+1", "a|b\n::error::x", "\x1b[31mred", "$x_1$ \\frac{", "映画 🎬", "<b>", "", '"q", r']


def interval(mean, reach=0.01):
    return Interval(mean, mean - reach, mean + reach, reach / 2, 5)


def pair(source, target, gain=0.02, call="positive", reason=None, **more):
    reason = reason or "interval [+0.0100, +0.0300] lies above 0"
    metrics = {"accuracy": (0.8, 0.81), "auc": (float("nan"), 0.9)}
    seeds = (SeedGain(0, 0.5, 0.48, 0.8, 0.81, 3, (0.0, 0.3), metrics),)
    fields = {"gain": interval(gain), "metric_gain": interval(0.01), **more}
    return PairOutcome(
        source=source,
        target=target,
        metric="accuracy",
        verdict=Verdict(call, reason),
        stl_loss=0.5,
        leaked=3.4,
        seeds=seeds,
        **fields,
    )


def task(name):
    return ProbeTask(name, 100, "classes", 2, 60, 60, 10, 30)


def result(names=("a", "b"), **more):
    one, two = names
    unknown = replace(
        pair(two, one, 0.0, "inconclusive", "diverged: b alone"), gain=Interval(None, n=0)
    )
    fields = {"pairs": (pair(one, two, gain_with_leaks=interval(0.03)), unknown), **more}
    return ProbeResult(
        mode=fields.pop("mode", "pairs"),
        tasks=tuple(task(name) for name in names),
        settings=fields.pop("settings", ProbeSettings()),
        rule="every update is one batch",
        runs=12,
        environment={"python": "3"},
        timings={"train": 1.23456},
        **fields,
    )


def full():
    windows = ((10, 20, 30), (0.1, 0.2, 0.05))
    sweep = CapacitySweep(
        "all",
        (2, 4),
        *((interval(mean), Interval(None)) for mean in (0.4, 0.7)),
        2,
        2,
        {"a": (interval(0.6), Interval(None))},
    )
    return result(
        notes=("a note",),
        alignment=(AlignmentReport("a", "b", "full", *[interval(0.5)] * 4),),
        capacity=(sweep, replace(sweep, model="a", task_metrics={})),
        transference=tuple(
            TransferenceRow("a", "b", interval(0.1), interval(0.5), *windows, run=run)
            for run in ("pair", "all")
        ),
        weights={"a + b": {"a": 0.8, "b": 1.2}},
    )
