"""The JSON document of a probe, as plain Python values.

Keys are stable: new ones may be added, none is renamed or removed within ``SCHEMA_VERSION``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from taskaff.core.answers import of_probe
from taskaff.core.records.estimate import Interval
from taskaff.core.records.probe import (
    AlignmentReport,
    CapacitySweep,
    PairOutcome,
    ProbeResult,
    SeedGain,
    TransferenceRow,
)
from taskaff.stages.report.answers import answers
from taskaff.stages.report.document import SCHEMA_VERSION, Document
from taskaff.stages.report.numbers import rounded
from taskaff.stages.report.predictions import prediction


def probe_document(result: ProbeResult) -> Document:
    """The whole result; what changes from run to run stands last."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "probe",
        "mode": result.mode,
        "finished": result.finished,
        "arguments": list(result.arguments),
        "answers": answers(of_probe(result)),
        "settings": asdict(result.settings),
        "recipe": "" if result.mode == "transfer" else result.settings.recipes[0],
        "rule": result.rule,
        "runs": result.runs,
        "tasks": [asdict(task) for task in result.tasks],
        "pairs": [pair(each) for each in result.pairs],
        "predictions": [prediction(each) for each in result.predictions],
        "combined": [prediction(each) for each in result.combined],
        "alignment": [alignment(each) for each in result.alignment],
        "capacity": [sweep(each) for each in result.capacity],
        "transference": [transference(each) for each in result.transference],
        "weights": {
            mix: {name: rounded(weight) for name, weight in weights.items()}
            for mix, weights in result.weights.items()
        },
        "notes": list(result.notes),
        "environment": dict(sorted(result.environment.items())),
        "timings": {key: round(value, 4) for key, value in sorted(result.timings.items())},
    }


def rows(result: ProbeResult) -> Iterator[Document]:
    """What a line of JSONL holds: the pairs, or the curves where a probe has no pairs."""
    yield from map(pair, result.pairs)
    if not result.pairs:
        yield from map(sweep, result.capacity)


def interval(found: Interval) -> Document:
    """A mean over seeds, its interval, its standard error, and the number of seeds."""
    return {
        "value": rounded(found.mean),
        "low": rounded(found.low),
        "high": rounded(found.high),
        "stderr": rounded(found.stderr),
        "n": found.n,
    }


def pair(found: PairOutcome) -> Document:
    """One directed pair and arm."""
    leaks = found.gain_with_leaks
    return {
        "source": found.source,
        "target": found.target,
        "arm": found.arm,
        "against": found.against,
        "recipe": found.recipe,
        "share": rounded(found.share),
        "at_cap": found.at_cap,
        "target_rows": found.target_rows,
        "verdict": found.verdict.call,
        "reason": found.verdict.reason,
        "gain": interval(found.gain),
        "metric": found.metric,
        "metric_gain": interval(found.metric_gain),
        "stl_loss": rounded(found.stl_loss),
        "leaked": rounded(found.leaked),
        "gain_with_leaks": None if leaks is None else interval(leaks),
        "seeds": [_seed(each) for each in found.seeds],
    }


def _seed(found: SeedGain) -> dict[str, Any]:
    numbers = ("stl_loss", "mtl_loss", "stl_metric", "mtl_metric")
    return {
        "seed": found.seed,
        **{name: rounded(getattr(found, name)) for name in numbers},
        "removed": found.removed,
        "weight_decay": list(found.weight_decay),
        "updates": list(found.updates),
        "constant_loss": rounded(found.constant_loss),
        "validation_losses": [rounded(loss) for loss in found.validation],
        "metrics": {
            name: {"stl": rounded(alone), "mtl": rounded(together)}
            for name, (alone, together) in found.metrics.items()
        },
    }


def alignment(found: AlignmentReport) -> Document:
    """What Algorithm 1 did to one pair."""
    names = ("distance_source", "distance_target", "similarity_before", "similarity_after")
    return {
        "source": found.source,
        "target": found.target,
        "form": found.form,
        **{name: interval(getattr(found, name)) for name in names},
    }


def sweep(found: CapacitySweep) -> Document:
    """The curve of one model."""
    points = enumerate(zip(found.capacities, found.loss, found.metric, strict=True))
    return {
        "model": found.model,
        "chosen": found.chosen,
        "best": found.best,
        "curve": [
            {
                "r": r,
                "loss": interval(loss),
                "metric": interval(metric),
                "tasks": {name: interval(of[i]) for name, of in found.task_metrics.items()},
            }
            for i, (r, loss, metric) in points
        ],
    }


def transference(found: TransferenceRow) -> Document:
    """One directed pair over training time."""
    return {
        "source": found.source,
        "target": found.target,
        "run": found.run,
        "z": interval(found.z),
        "own": interval(found.own),
        "ratio": interval(found.ratio),
        "over_time": [
            {"update": update, "z": rounded(z)}
            for update, z in zip(found.updates, found.over_time, strict=True)
        ],
        "by_seed": [[rounded(z) for z in curve] for curve in found.by_seed],
    }
