"""One row a pair and arm; of a sweep of capacities, one row a model and capacity.

Which columns there are depends on the mode alone. An undefined number is empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from taskaff.core.recipe import PREDICTED
from taskaff.core.records.estimate import Interval
from taskaff.core.records.prediction import Prediction
from taskaff.core.records.probe import PairOutcome, ProbeResult
from taskaff.stages.report.escape import csv_cell
from taskaff.stages.report.numbers import rounded
from taskaff.stages.report.options import ReportOptions

PAIRS = (
    *("source", "target", "arm", "against", "recipe", "share", "verdict"),
    *("gain", "gain_low", "gain_high", "seeds"),
    *("metric", "metric_gain", "metric_gain_low", "metric_gain_high"),
    *("stl_loss", "leaked", "gain_with_leaks", "gain_with_leaks_low", "gain_with_leaks_high"),
    "reason",
    *("predicted_gain", "predicted_gain_low", "predicted_gain_high"),
    *("probability_negative", "probability_positive", "combined_verdict"),
    *("predicted_verdict", "combined_gain", "combined_gain_low", "combined_gain_high"),
    *("combined_probability_negative", "combined_probability_positive"),
)
CURVES = (
    *("model", "r", "loss", "loss_low", "loss_high"),
    *("metric", "metric_low", "metric_high", "seeds", "chosen", "best"),
)


def render(result: ProbeResult, options: ReportOptions) -> Iterator[str]:  # noqa: ARG001
    """Header and rows."""
    header, rows = table(result)
    yield _line(header)
    yield from map(_line, rows)


def table(result: ProbeResult) -> tuple[Sequence[str], Iterator[list[Any]]]:
    """Names of the columns, and their values row by row."""
    if result.mode == "capacity":
        return CURVES, _points(result)
    return PAIRS, _pairs(result)


def _pairs(result: ProbeResult) -> Iterator[list[Any]]:
    before = {(each.source, each.target): each for each in result.predictions}
    after = {(each.source, each.target): each for each in result.combined}
    for pair in result.pairs:
        own = (pair.arm, pair.against) == ("mtl", "alone") and pair.recipe == PREDICTED
        names = (pair.source, pair.target) if own else None
        made, both = (known.get(names) if names else None for known in (before, after))
        *numbers, verdict = _prediction(made)
        *combined, together = _prediction(both)
        yield [*_pair(pair), *numbers, together, verdict, *combined]


def _pair(pair: PairOutcome) -> list[Any]:
    leaks = pair.gain_with_leaks or Interval(None)
    return [
        *(pair.source, pair.target, pair.arm, pair.against),
        *(pair.recipe, rounded(pair.share), pair.verdict.call),
        *(*_ends(pair.gain), pair.gain.n),
        *(pair.metric, *_ends(pair.metric_gain)),
        *(pair.stl_loss, pair.leaked, *_ends(leaks), pair.verdict.reason),
    ]


def _prediction(found: Prediction | None) -> list[Any]:
    if found is None:
        return [None] * 6
    gain = found.gain
    chances = [found.probability_negative, found.probability_positive]
    return [gain.value, gain.low, gain.high, *chances, found.verdict]


def _points(result: ProbeResult) -> Iterator[list[Any]]:
    for sweep in result.capacity:
        for r, loss, metric in zip(sweep.capacities, sweep.loss, sweep.metric, strict=True):
            marks = ["yes" if r == chosen else "no" for chosen in (sweep.chosen, sweep.best)]
            yield [sweep.model, r, *_ends(loss), *_ends(metric), loss.n, *marks]


def _ends(found: Interval) -> list[float | None]:
    return [found.mean, found.low, found.high]


def _line(cells: Sequence[Any]) -> str:
    return ",".join(map(_cell, cells)) + "\n"


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return csv_cell(value)
    if isinstance(value, float):
        value = rounded(value)
    return "" if value is None else str(value)
