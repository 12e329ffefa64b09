"""JSON Schema of the JSON documents.

Objects stay open: a reader must ignore keys that it does not know, because new keys are additions
and do not change ``schema_version``.
"""

from __future__ import annotations

from typing import Any

from taskaff.records import SPLITS
from taskaff.report.document import SCHEMA_VERSION

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_COUNT_OR_NULL: Schema = {"type": ["integer", "null"], "minimum": 0}
_NUMBER: Schema = {"type": "number"}
_MAYBE: Schema = {"type": ["number", "null"]}
_TEXTS: Schema = {"type": "array", "items": _TEXT}


def schema() -> Schema:
    """The whole schema, self-contained."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "taskaff result",
        "description": "What taskaff score --json and taskaff inspect --json print. "
        "Keys are stable; new ones are additions, so ignore those you do not know.",
        "oneOf": [{"$ref": "#/$defs/score"}, {"$ref": "#/$defs/inspect"}],
        "$defs": {
            "score": _score(),
            "inspect": _inspect(),
            "task": _task(),
            "pair": _pair(),
            "estimate": _estimate(),
            "capacity": _capacity(),
            "task_weights": _task_weights(),
            "labels": _labels(),
            "input": _input(),
        },
    }


def _object(about: str, optional: tuple[str, ...] = (), **properties: Schema) -> Schema:
    required = [key for key in properties if key not in optional]
    return {
        "type": "object",
        "description": about,
        "properties": properties,
        "required": required,
    }


def _map(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _list(name: str) -> Schema:
    return {"type": "array", "items": _ref(name)}


def _score() -> Schema:
    return _object(
        "The result of taskaff score.",
        schema_version={"const": SCHEMA_VERSION},
        kind={"const": "score"},
        encoder=_object(
            "Which encoder made the vectors; the fingerprint covers all that changes a vector.",
            id=_TEXT,
            revision=_TEXT,
            fingerprint=_TEXT,
            width=_COUNT,
        ),
        settings=_object(
            "Settings of the scoring stage. Empty lists mean: all scores, the default grid.",
            scores=_TEXTS,
            confidence=_NUMBER,
            intervals={"type": "boolean"},
            trace_share=_NUMBER,
            min_rows=_COUNT,
            capacities={"type": "array", "items": _COUNT},
            capacity={"type": "boolean"},
        ),
        tasks=_list("task"),
        scores=_map(
            _object(
                "How to read a score: whether it has a direction, and what it means.",
                directed={"type": "boolean"},
                explain=_TEXT,
            )
        ),
        pairs=_list("pair"),
        capacity={"anyOf": [_ref("capacity"), {"type": "null"}]},
        task_weights=_list("task_weights"),
        notes=_TEXTS,
        environment=_map(_TEXT),
        timings=_map(_NUMBER),
    )


def _inspect() -> Schema:
    return _object(
        "The result of taskaff inspect.",
        schema_version={"const": SCHEMA_VERSION},
        kind={"const": "inspect"},
        name=_TEXT,
        layout=_layout(),
        columns=_TEXTS,
        text_columns=_TEXTS,
        split_column={"type": ["string", "null"]},
        labels=_ref("labels"),
        label_counts=_map(_COUNT),
        rows=_map(_COUNT),
        rejected={**_COUNT, "description": "Rows that were skipped, all of them."},
        rejects={
            "type": "array",
            "description": "The first skipped rows; rows are counted from 1.",
            "items": _object("A skipped row.", file=_TEXT, row=_COUNT, reason=_TEXT),
        },
        vector_width=_COUNT_OR_NULL,
        dialect=_map(_TEXT),
        inputs=_list("input"),
        notes=_TEXTS,
    )


def _task() -> Schema:
    return _object(
        "One task: what was read and how it was encoded.",
        name=_TEXT,
        rows=_COUNT,
        width=_COUNT,
        padded_from=_COUNT_OR_NULL,
        layout=_layout(),
        labels=_ref("labels"),
        inputs=_list("input"),
        counts=_object(
            "Tokens, tokens without a vector, texts cut at the length limit, texts without any "
            "known token.",
            tokens=_COUNT,
            unknown=_COUNT,
            truncated=_COUNT,
            empty=_COUNT,
        ),
        duplicates=_ref("estimate"),
        split_leak=_ref("estimate"),
        notes=_TEXTS,
    )


def _pair() -> Schema:
    return _object(
        "One direction of a pair. Scores without a direction stand in both.",
        source=_TEXT,
        target=_TEXT,
        scores=_map(_ref("estimate")),
    )


def _estimate() -> Schema:
    return {
        **_object(
            "A number and its interval, null where undefined; the note says why.",
            optional=("note",),
            value=_MAYBE,
            low=_MAYBE,
            high=_MAYBE,
            note=_TEXT,
        ),
        "additionalProperties": {**_MAYBE, "description": "Further numbers that explain it."},
    }


def _capacity() -> Schema:
    return _object(
        "Capacity of the linear shared module, and the cross-validated curve it was read from.",
        recommended=_COUNT_OR_NULL,
        upper_bound=_COUNT_OR_NULL,
        single=_map(_COUNT),
        curve={
            "type": "array",
            "items": _object("One capacity.", r=_COUNT, error=_MAYBE, stderr=_MAYBE),
        },
        note=_TEXT,
    )


def _task_weights() -> Schema:
    return _object(
        "Weights of tasks that share their inputs, in the order of tasks; their mean is 1.",
        tasks=_TEXTS,
        weights={"type": "array", "items": _MAYBE},
        rank=_COUNT,
        note=_TEXT,
    )


def _labels() -> Schema:
    return _object(
        "The label schema: kind, names of classes or targets, columns they came from.",
        kind={"enum": ["classes", "multilabel", "regression", "none"]},
        names=_TEXTS,
        columns=_TEXTS,
    )


def _input() -> Schema:
    return _object(
        "One file that was read.",
        path=_TEXT,
        format=_TEXT,
        split={"enum": list(SPLITS)},
        rows=_COUNT,
        rejected=_COUNT,
        bytes=_COUNT,
        sha256=_TEXT,
    )


def _layout() -> Schema:
    return {"enum": ["single", "pair", "vectors"]}
