"""JSON Schema of the JSON documents.

Objects stay open: a reader must ignore keys that it does not know, because new keys are additions
and do not change ``schema_version``.
"""

from __future__ import annotations

from taskaff.core.records.data import SPLITS
from taskaff.stages.report import answers, findings, predictions
from taskaff.stages.report.check.schema import check
from taskaff.stages.report.document import SCHEMA_VERSION
from taskaff.stages.report.overlap.schema import schema as overlap
from taskaff.stages.report.probe.schema import interval, probe, probe_pair
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


def schema() -> Schema:
    """The whole schema, self-contained."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "taskaff result",
        "description": "What --json prints with taskaff score, probe, check, inspect and overlap. "
        "Keys are stable; new ones are additions, so ignore those you do not know.",
        "oneOf": [
            {"$ref": f"#/$defs/{kind}"}
            for kind in ("score", "probe", "check", "inspect", "overlap")
        ],
        "$defs": {
            "score": _score(),
            "probe": probe(),
            "check": check(),
            "prediction": predictions.schema(),
            "answer": answers.schema(),
            "inspect": _inspect(),
            "overlap": overlap(),
            "probe_pair": probe_pair(),
            "interval": interval(),
            "task": _task(),
            "pair": _pair(),
            "estimate": _estimate(),
            "capacity": _capacity(),
            "task_weights": _task_weights(),
            "labels": _labels(),
            "input": _input(),
        },
    }


def _score() -> Schema:
    return object_of(
        "The result of taskaff score.",
        schema_version={"const": SCHEMA_VERSION},
        kind={"const": "score"},
        arguments={
            **TEXTS,
            "description": "The data sets and how to read them, as a shell takes them.",
        },
        recipe={**TEXT, "description": "How the mix would be trained; the answers are about it."},
        answers=list_of("answer"),
        encoder=object_of(
            "Which encoder made the vectors; the fingerprint covers all that changes a vector.",
            id=TEXT,
            revision=TEXT,
            fingerprint=TEXT,
            width=COUNT,
        ),
        settings=object_of(
            "Settings of the scoring stage. Empty lists mean: all scores, the default grid.",
            scores=TEXTS,
            confidence=NUMBER,
            intervals={"type": "boolean"},
            trace_share=NUMBER,
            min_rows=COUNT,
            capacities={"type": "array", "items": COUNT},
            capacity={"type": "boolean"},
            training=object_of(
                "The training that moment_gain follows; rows are at most so many.",
                r=COUNT,
                target_rows=COUNT,
                source_rows=COUNT,
                updates=COUNT,
                batch=COUNT,
                lr=NUMBER,
                weight_decay=NUMBER,
                equal={"type": "boolean"},
            ),
            most_trained=COUNT,
            around=TEXTS,
        ),
        tasks=list_of("task"),
        scores=map_of(
            object_of(
                "How to read a score: whether it has a direction, and what it means.",
                directed={"type": "boolean"},
                explain=TEXT,
            )
        ),
        pairs=list_of("pair"),
        predictions=list_of("prediction"),
        capacity={"anyOf": [ref("capacity"), {"type": "null"}]},
        task_weights=list_of("task_weights"),
        findings={"type": "array", "items": findings.schema()},
        notes=TEXTS,
        environment=map_of(TEXT),
        timings=map_of(NUMBER),
    )


def _inspect() -> Schema:
    return object_of(
        "The result of taskaff inspect.",
        schema_version={"const": SCHEMA_VERSION},
        kind={"const": "inspect"},
        name=TEXT,
        layout=_layout(),
        columns=TEXTS,
        text_columns=TEXTS,
        split_column={"type": ["string", "null"]},
        labels=ref("labels"),
        label_counts=map_of(COUNT),
        rows=map_of(COUNT),
        rejected={**COUNT, "description": "Rows that were skipped, all of them."},
        unlabelled={
            **map_of(map_of(COUNT)),
            "description": "Rows without a label that were left out: by split, why and how many.",
        },
        rejects={
            "type": "array",
            "description": "The first skipped rows; rows are counted from 1.",
            "items": object_of("A skipped row.", file=TEXT, row=COUNT, reason=TEXT),
        },
        vector_width=COUNT_OR_NULL,
        dialect=map_of(TEXT),
        inputs=list_of("input"),
        notes=TEXTS,
    )


def _task() -> Schema:
    return object_of(
        "One task: what was read and how it was encoded.",
        optional=("near_duplicates", "near_leak"),
        name=TEXT,
        rows=COUNT,
        width=COUNT,
        padded_from=COUNT_OR_NULL,
        layout=_layout(),
        labels=ref("labels"),
        inputs=list_of("input"),
        counts=object_of(
            "Tokens, tokens without a vector, texts cut at the length limit, texts without any "
            "known token.",
            tokens=COUNT,
            unknown=COUNT,
            truncated=COUNT,
            empty=COUNT,
        ),
        duplicates=ref("estimate"),
        split_leak=ref("estimate"),
        near_duplicates=ref("estimate"),
        near_leak=ref("estimate"),
        notes=TEXTS,
    )


def _pair() -> Schema:
    return object_of(
        "One direction of a pair. Scores without a direction stand in both.",
        source=TEXT,
        target=TEXT,
        scores=map_of(ref("estimate")),
    )


def _estimate() -> Schema:
    return {
        **object_of(
            "A number and its interval, null where undefined; the note says why.",
            optional=("note",),
            value=MAYBE,
            low=MAYBE,
            high=MAYBE,
            note=TEXT,
        ),
        "additionalProperties": {**MAYBE, "description": "Further numbers that explain it."},
    }


def _capacity() -> Schema:
    return object_of(
        "Capacity of the linear shared module, and the cross-validated curve it was read from.",
        recommended=COUNT_OR_NULL,
        upper_bound=COUNT_OR_NULL,
        single=map_of(COUNT),
        curve={
            "type": "array",
            "items": object_of("One capacity.", r=COUNT, error=MAYBE, stderr=MAYBE),
        },
        note=TEXT,
    )


def _task_weights() -> Schema:
    return object_of(
        "Weights of tasks that share their inputs, in the order of tasks; their mean is 1.",
        tasks=TEXTS,
        weights={"type": "array", "items": MAYBE},
        rank=COUNT,
        note=TEXT,
    )


def _labels() -> Schema:
    return object_of(
        "The label schema: kind, names of classes or targets, columns they came from.",
        kind={"enum": ["classes", "multilabel", "regression", "none"]},
        names=TEXTS,
        columns=TEXTS,
    )


def _input() -> Schema:
    return object_of(
        "One file that was read.",
        path=TEXT,
        format=TEXT,
        split={"enum": list(SPLITS)},
        rows=COUNT,
        rejected=COUNT,
        unlabelled=COUNT,
        bytes=COUNT,
        sha256=TEXT,
    )


def _layout() -> Schema:
    return {"enum": ["single", "pair", "vectors"]}
