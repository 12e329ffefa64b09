"""The JSON document of a check, as plain Python values.

Keys are stable: new ones may be added, none is renamed or removed within ``SCHEMA_VERSION``.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from taskaff.core.records.check import CheckedTask, CheckResult
from taskaff.core.settings import CheckSettings
from taskaff.stages.report import answers
from taskaff.stages.report.document import SCHEMA_VERSION, Document, encoder
from taskaff.stages.report.findings import finding
from taskaff.stages.report.predictions import prediction
from taskaff.stages.report.probe.document import pair


def check_document(result: CheckResult) -> Document:
    """The whole result; what changes from run to run stands last."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "check",
        "outcome": result.outcome,
        "answers": answers.answers(result.answers),
        "encoder": encoder(result.encoder),
        "settings": settings(result.settings),
        "baseline": asdict(result.baseline),
        "candidates": [
            {**checked(each.task), "outcome": each.outcome} for each in result.candidates
        ],
        "mix": [checked(task) for task in result.mix],
        "findings": [finding(each) for each in result.findings],
        "predictions": [prediction(each) for each in result.predictions],
        "measured": [
            {"candidate": name, **pair(each)}
            for name, probed in result.measured.items()
            for each in probed.pairs
        ],
        "notes": list(result.notes),
        "environment": dict(sorted(result.environment.items())),
        "timings": {key: round(value, 4) for key, value in sorted(result.timings.items())},
    }


def checked(task: CheckedTask) -> Document:
    """One data set."""
    return {**asdict(task), "inputs": list(task.inputs)}


def settings(settings: CheckSettings) -> Document:
    """Every setting, dates as ISO 8601."""
    found: dict[str, Any] = asdict(settings)
    found["fail_under"] = dict(settings.fail_under)
    found["waivers"] = [
        {
            "pair": list(waiver.pair),
            "reason": waiver.reason,
            "expires": waiver.expires.isoformat() if waiver.expires else None,
        }
        for waiver in settings.waivers
    ]
    return found
