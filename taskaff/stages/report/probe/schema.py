"""The part of the JSON Schema that describes a probe."""

from __future__ import annotations

from dataclasses import fields

from taskaff.core.settings import ProbeSettings
from taskaff.stages.report.document import SCHEMA_VERSION
from taskaff.stages.report.schema_parts import (
    COUNT,
    COUNT_OR_NULL,
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

NUMBERS: Schema = {"type": "array", "items": NUMBER}


def probe() -> Schema:
    """The result of ``taskaff probe``."""
    return object_of(
        "The result of taskaff probe.",
        schema_version={"const": SCHEMA_VERSION},
        kind={"const": "probe"},
        mode={"enum": ["pairs", "mix", "transfer", "capacity"]},
        finished={"type": "boolean", "description": "False: interrupted, or out of time."},
        arguments={**TEXTS, "description": "What was asked, as a shell takes it."},
        answers=list_of("answer"),
        settings=_settings(),
        recipe=TEXT,
        rule=TEXT,
        runs=COUNT,
        tasks={"type": "array", "items": _task()},
        pairs=list_of("probe_pair"),
        predictions={
            **list_of("prediction"),
            "description": "From the scores alone, before the measurement.",
        },
        combined={
            **list_of("prediction"),
            "description": "Predictions and this measurement together, of the pairs with both.",
        },
        alignment={"type": "array", "items": _alignment()},
        capacity={"type": "array", "items": _sweep()},
        transference={"type": "array", "items": _transference()},
        weights=map_of(map_of(MAYBE)),
        notes=TEXTS,
        environment=map_of(TEXT),
        timings=map_of(NUMBER),
    )


def interval() -> Schema:
    """A mean over seeds."""
    return object_of(
        "A mean over n seeds with its t interval and standard error; null where undefined.",
        value=MAYBE,
        low=MAYBE,
        high=MAYBE,
        stderr=MAYBE,
        n=COUNT,
    )


def probe_pair() -> Schema:
    """One directed pair and arm."""
    seed = object_of(
        "One seed: held-out losses and metrics of both arms, source rows removed because the "
        "target has them, and what each arm chose (alone, with the source): weight decay, and "
        "updates of the target at its checkpoint.",
        seed=COUNT,
        stl_loss=MAYBE,
        mtl_loss=MAYBE,
        stl_metric=MAYBE,
        mtl_metric=MAYBE,
        removed=COUNT,
        weight_decay=NUMBERS,
        updates=NUMBERS,
        constant_loss=MAYBE,
        validation_losses={"type": "array", "items": MAYBE},
        metrics=map_of(object_of("One metric of both arms.", stl=MAYBE, mtl=MAYBE)),
    )
    return object_of(
        "Measured transfer from source to target: what was trained (arm) against what.",
        source=TEXT,
        target=TEXT,
        arm=TEXT,
        against=TEXT,
        recipe={**TEXT, "description": "How the tasks shared the updates; empty if they did not."},
        share={**MAYBE, "description": "The source's share of the updates."},
        at_cap={**COUNT, "description": "Seeds of which an arm still improved at its cap."},
        target_rows={
            **COUNT,
            "description": "Training rows of the target, in the seed with most; 0 for a mix.",
        },
        verdict={"enum": ["positive", "negative", "neutral", "inconclusive"]},
        reason=TEXT,
        gain={**ref("interval"), "description": "Loss against minus loss of arm; above 0 helps."},
        metric=TEXT,
        metric_gain=ref("interval"),
        stl_loss=MAYBE,
        leaked={**MAYBE, "description": "Mean number of source rows that the target has too."},
        gain_with_leaks={"anyOf": [ref("interval"), {"type": "null"}]},
        seeds={"type": "array", "items": seed},
    )


def _settings() -> Schema:
    return {
        "type": "object",
        "description": "Every setting of the probe.",
        "required": [field.name for field in fields(ProbeSettings)],
    }


def _task() -> Schema:
    return object_of(
        "One task: its rows, and the rows of each role (the most of any seed).",
        name=TEXT,
        rows=COUNT,
        kind=TEXT,
        classes=COUNT,
        train=COUNT,
        source=COUNT,
        validation=COUNT,
        test=COUNT,
        notes=TEXTS,
    )


def _alignment() -> Schema:
    return object_of(
        "What alignment did to a pair: |R - I|, and eq. 6 of held-out rows without and with R.",
        source=TEXT,
        target=TEXT,
        form=TEXT,
        distance_source=ref("interval"),
        distance_target=ref("interval"),
        similarity_before=ref("interval"),
        similarity_after=ref("interval"),
    )


def _sweep() -> Schema:
    point = object_of(
        "One capacity; tasks: the metric of each task in the joint model, else nothing.",
        r=COUNT,
        loss=ref("interval"),
        metric=ref("interval"),
        tasks=map_of(ref("interval")),
    )
    return object_of(
        'Loss against capacity, of all tasks together ("all") or of one alone; chosen is the '
        "smallest capacity within one standard error of the best.",
        model=TEXT,
        chosen=COUNT_OR_NULL,
        best=COUNT_OR_NULL,
        curve={"type": "array", "items": point},
    )


def _transference() -> Schema:
    point = object_of("A window of training that ends with this update.", update=COUNT, z=MAYBE)
    return object_of(
        "Transference of a pair, that of the target to itself, and their ratio.",
        source=TEXT,
        target=TEXT,
        run={"enum": ["pair", "all"]},
        z=ref("interval"),
        own=ref("interval"),
        ratio=ref("interval"),
        over_time={"type": "array", "items": point},
        by_seed={"type": "array", "items": {"type": "array", "items": MAYBE}},
    )
