"""The part of the JSON Schema that describes a check."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

from taskaff.gate_records import OUTCOMES, CheckSettings
from taskaff.predict_records import Level, Who
from taskaff.report.document import SCHEMA_VERSION
from taskaff.report.schema_parts import (
    COUNT,
    MAYBE,
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
LEVEL: Schema = {"enum": list(get_args(Level))}
CALL: Schema = {"enum": ["positive", "negative", "neutral", "inconclusive"]}


def check() -> Schema:
    """The result of ``taskaff check``."""
    return object_of(
        "The result of taskaff check.",
        schema_version={"const": SCHEMA_VERSION},
        kind={"const": "check"},
        outcome=OUTCOME,
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
        findings={"type": "array", "items": finding()},
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


def finding() -> Schema:
    """One rule applied to one pair."""
    return object_of(
        "One rule applied to one pair; without a candidate it is about the configuration.",
        rule=TEXT,
        candidate=TEXT,
        task=TEXT,
        direction=TEXT,
        level=LEVEL,
        value=MAYBE,
        low=MAYBE,
        high=MAYBE,
        threshold=MAYBE,
        reason=TEXT,
        hint=TEXT,
        waiver=TEXT,
        was={"enum": ["", *get_args(Level)]},
        who={
            "enum": list(get_args(Who)),
            "description": "Who suffers where the limit is broken; empty: neither alone.",
        },
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
