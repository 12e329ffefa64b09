"""The part of the JSON Schema that describes a check."""

from __future__ import annotations

from dataclasses import fields

from taskaff.core.records.check import OUTCOMES
from taskaff.core.settings import CheckSettings
from taskaff.stages.report import findings
from taskaff.stages.report.document import SCHEMA_VERSION
from taskaff.stages.report.schema_parts import (
    COUNT,
    NUMBER,
    TEXT,
    TEXTS,
    Schema,
    list_of,
    map_of,
    object_of,
    ref,
)

OUTCOME: Schema = {"enum": list(OUTCOMES)}
CALL: Schema = {"enum": ["positive", "negative", "neutral", "inconclusive"]}


def check() -> Schema:
    """The result of ``taskaff check``."""
    return object_of(
        "The result of taskaff check.",
        schema_version={"const": SCHEMA_VERSION},
        kind={"const": "check"},
        outcome=OUTCOME,
        answers=list_of("answer"),
        encoder=object_of("Which encoder.", id=TEXT, revision=TEXT, fingerprint=TEXT, width=COUNT),
        settings={
            "type": "object",
            "description": "Every limit and waiver that was applied.",
            "required": [field.name for field in fields(CheckSettings)],
        },
        baseline=object_of(
            "What the baseline had to do with it.",
            path=TEXT,
            state={"enum": ["none", "compared", "not comparable"]},
            reason=TEXT,
        ),
        candidates={
            "type": "array",
            "items": {"allOf": [_checked(), object_of("And its verdict.", outcome=OUTCOME)]},
        },
        mix={"type": "array", "items": _checked()},
        findings={"type": "array", "items": findings.schema()},
        predictions=list_of("prediction"),
        measured={
            "type": "array",
            "description": "What the probe measured, with the candidate that was added.",
            "items": {"allOf": [ref("probe_pair"), object_of("Of whom.", candidate=TEXT)]},
        },
        notes=TEXTS,
        environment=map_of(TEXT),
        timings=map_of(NUMBER),
    )


def _checked() -> Schema:
    return object_of(
        "One data set: rows, what was named, SHA-256 of its files, held-out rows, what names it on "
        "the command line.",
        name=TEXT,
        rows=COUNT,
        source=TEXT,
        inputs=TEXTS,
        held_out=COUNT,
        argument=TEXT,
        signature={"type": "boolean", "description": "A stored signature, without rows."},
    )
