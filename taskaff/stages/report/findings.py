"""A finding of the gate in JSON, and its schema: of ``check`` and of ``score --fail-under``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, get_args

from taskaff.core.records.finding import Finding, Level, Who
from taskaff.stages.report.numbers import rounded
from taskaff.stages.report.schema_parts import MAYBE, TEXT, Schema, object_of

LEVEL: Schema = {"enum": list(get_args(Level))}


def finding(found: Finding) -> dict[str, Any]:
    """One finding."""
    numbers = ("value", "low", "high", "threshold")
    return {**asdict(found), **{name: rounded(getattr(found, name)) for name in numbers}}


def schema() -> Schema:
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
