"""Results as rows of cells under the names of their columns, for CSV files and data frames.

Which columns there are depends on the kind of the result and on a probe's mode alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from taskaff.core.recipe import PREDICTED
from taskaff.core.records.check import CheckResult
from taskaff.core.records.data import TaskInfo
from taskaff.core.records.estimate import Interval
from taskaff.core.records.overlap import OverlapResult, SharedRow
from taskaff.core.records.prediction import Prediction
from taskaff.core.records.probe import PairOutcome, ProbeResult
from taskaff.stages.report.documents import OBJECTS, document
from taskaff.stages.report.numbers import rounded

Rows = tuple[Sequence[str], Iterator[Sequence[Any]]]
"""Names of the columns, and the cells row by row."""

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
FINDINGS = (
    *("level", "rule", "candidate", "task", "direction"),
    *("value", "low", "high", "threshold", "was", "waiver", "reason", "hint", "who"),
)
FILES = ("path", "format", "split", "rows", "rejected", "bytes", "sha256")


def table_of(result: Any) -> Rows:
    """The rows of a probe (a pair and arm, or a point of a curve), a check (a finding), an
    inspection (a file) or of shared rows.
    """
    return TABLES[type(result)](result)


def _probe(result: ProbeResult) -> Rows:
    return (CURVES, _points(result)) if result.mode == "capacity" else (PAIRS, _pairs(result))


def _check(result: CheckResult) -> Rows:
    findings = map(document, result.findings)
    return FINDINGS, ([finding[name] for name in FINDINGS] for finding in findings)


def _inspection(info: TaskInfo) -> Rows:
    cells = ([info.name, *(getattr(file, name) for name in FILES)] for file in info.files)
    return ("task", *FILES), cells


def _overlap(result: OverlapResult) -> Rows:
    names = [key.name for key in OBJECTS[SharedRow].keys]
    return names, (list(document(row).values()) for row in result.rows)


TABLES: dict[type, Callable[[Any], Rows]] = {
    ProbeResult: _probe,
    CheckResult: _check,
    TaskInfo: _inspection,
    OverlapResult: _overlap,
}


def _pairs(result: ProbeResult) -> Iterator[Sequence[Any]]:
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


def _prediction(prediction: Prediction | None) -> list[Any]:
    if prediction is None:
        return [None] * 6
    gain = prediction.gain
    chances = [prediction.probability_negative, prediction.probability_positive]
    return [gain.value, gain.low, gain.high, *chances, prediction.verdict]


def _points(result: ProbeResult) -> Iterator[Sequence[Any]]:
    for sweep in result.capacity:
        for r, loss, metric in zip(sweep.capacities, sweep.loss, sweep.metric, strict=True):
            marks = ["yes" if r == chosen else "no" for chosen in (sweep.chosen, sweep.best)]
            yield [sweep.model, r, *_ends(loss), *_ends(metric), loss.n, *marks]


def _ends(interval: Interval) -> list[float | None]:
    return [interval.mean, interval.low, interval.high]
