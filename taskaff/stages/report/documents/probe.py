"""The document of ``probe``, and the one of ``check``, which holds measured pairs too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from taskaff.core.answers import of_probe
from taskaff.core.records.answer import Answer
from taskaff.core.records.check import CandidateOutcome, CheckedTask, CheckResult
from taskaff.core.records.estimate import Interval
from taskaff.core.records.probe import (
    AlignmentReport,
    CapacitySweep,
    PairOutcome,
    ProbeResult,
    SeedGain,
    TransferenceRow,
)
from taskaff.core.settings import CheckSettings, ProbeSettings
from taskaff.stages.report.documents.common import CLOSING, opening
from taskaff.stages.report.documents.json_object import Finite, Key, described, inside, settings


@dataclass(frozen=True, slots=True)
class BothArms:
    """One metric of both arms."""

    stl: float
    mtl: float


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One capacity."""

    r: int
    loss: Interval
    metric: Interval
    tasks: Mapping[str, Interval]
    """The metric of each task in the joint model, else nothing."""


@dataclass(frozen=True, slots=True)
class Window:
    """A window of training that ends with this update."""

    update: int
    z: float


@dataclass(frozen=True, slots=True)
class Measured:
    """A measured pair, and the candidate that was added to the mix."""

    candidate: str
    pair: PairOutcome


def _curve(sweep: CapacitySweep) -> list[CurvePoint]:
    points = zip(sweep.capacities, sweep.loss, sweep.metric, strict=True)
    return [
        CurvePoint(r, loss, metric, {name: of[i] for name, of in sweep.task_metrics.items()})
        for i, (r, loss, metric) in enumerate(points)
    ]


def _windows(row: TransferenceRow) -> list[Window]:
    return [Window(update, z) for update, z in zip(row.updates, row.over_time, strict=True)]


def _measured(result: CheckResult) -> list[Measured]:
    probes = result.measured.items()
    return [Measured(name, pair) for name, probe in probes for pair in probe.pairs]


PAIR = described(
    PairOutcome,
    *("source", "target", "arm", "against", "recipe", "share", "at_cap", "target_rows"),
    *(Key("verdict", "verdict.call"), Key("reason", "verdict.reason")),
    Key("gain", about="Loss against minus loss of arm; above 0 helps."),
    *("metric", "metric_gain", "stl_loss", "leaked", "gain_with_leaks", "seeds"),
    about="Measured transfer from source to target: what was trained (arm) against what.",
    name="probe_pair",
)
PROBE = (
    described(
        ProbeResult,
        *opening("probe"),
        Key("mode", type={"enum": ["pairs", "mix", "transfer", "capacity"]}),
        *("finished", "arguments"),
        Key("answers", of_probe, tuple[Answer, ...]),
        "settings",
        Key(
            "recipe",
            lambda result: "" if result.mode == "transfer" else result.settings.recipes[0],
            str,
        ),
        *("rule", "runs", "tasks", "pairs", "predictions", "combined"),
        *("alignment", "capacity", "transference", "weights"),
        *CLOSING,
        about="The result of taskaff probe.",
        name="probe",
    ),
    PAIR,
    described(
        Interval,
        *(Key("value", "mean"), "low", "high", "stderr", "n"),
        about="A mean over n seeds with its t interval and standard error; null where undefined.",
        name="interval",
    ),
    described(
        SeedGain,
        *("seed", "stl_loss", "mtl_loss", "stl_metric", "mtl_metric", "removed"),
        *(Key("weight_decay", type=tuple[Finite, Finite]), "updates", "constant_loss"),
        Key("validation_losses", "validation"),
        Key(
            "metrics",
            lambda seed: {name: BothArms(*both) for name, both in seed.metrics.items()},
            Mapping[str, BothArms],
        ),
        about="One seed: held-out losses and metrics of both arms, and what each of them chose.",
    ),
    described(
        AlignmentReport,
        *("source", "target", "form", "distance_source", "distance_target"),
        *("similarity_before", "similarity_after"),
        about="What alignment did to a pair: |R - I|, and eq. 6 of held-out rows without and "
        "with R.",
    ),
    described(
        CapacitySweep,
        *("model", "chosen", "best"),
        Key("curve", _curve, tuple[CurvePoint, ...]),
        about="Held-out loss against capacity, of all tasks together or of one alone.",
    ),
    described(
        TransferenceRow,
        *("source", "target", Key("run", type={"enum": ["pair", "all"]}), "z", "own", "ratio"),
        Key("over_time", _windows, tuple[Window, ...]),
        "by_seed",
        about="Transference of a pair, that of the target to itself, and their ratio.",
    ),
    settings(ProbeSettings, "Every setting of the probe."),
)

CHECK = (
    described(
        CheckResult,
        *opening("check"),
        *("outcome", "answers", "encoder", "settings", "baseline", "candidates", "mix"),
        *("findings", "predictions"),
        Key("measured", _measured, tuple[Measured, ...], "What the probe measured."),
        *CLOSING,
        about="The result of taskaff check.",
        name="check",
    ),
    described(
        CandidateOutcome,
        *inside(described(CheckedTask), "task"),
        "outcome",
        about="A data set that asks to be let in, and the verdict on it.",
    ),
    described(Measured, "candidate", *inside(PAIR, "pair")),
    settings(CheckSettings, "Every limit and waiver that was applied."),
)
