"""The parts of the JSON document that are not pairs, as plain Python values.

Keys are stable: new ones may be added, none is renamed or removed within ``SCHEMA_VERSION``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from taskaff.core.answers import of_score
from taskaff.core.records.data import InputFile, LabelSchema, TaskInfo
from taskaff.core.records.embedding import EncodeCounts, EncoderCard
from taskaff.core.records.estimate import Estimate
from taskaff.core.records.score import Capacity, ScoreResult, TaskSummary, TaskWeights
from taskaff.core.settings import ScoreSettings
from taskaff.stages.report.answers import answers
from taskaff.stages.report.findings import finding
from taskaff.stages.report.numbers import rounded

SCHEMA_VERSION = "1"

Document = dict[str, Any]


def score_head(result: ScoreResult) -> Document:
    """Everything of a result before its ``pairs``."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "score",
        "arguments": list(result.arguments),
        "recipe": result.recipe,
        "answers": answers(of_score(result)),
        "encoder": encoder(result.encoder),
        "settings": settings(result.settings),
        "tasks": [task(each) for each in result.tasks],
        "scores": {
            name: {"directed": table.directed, "explain": table.explain}
            for name, table in result.tables.items()
        },
    }


def score_tail(result: ScoreResult) -> Document:
    """Everything of a result after its ``pairs``; what changes from run to run stands last."""
    return {
        "capacity": None if result.capacity is None else capacity(result.capacity),
        "task_weights": [weights(each) for each in result.weights],
        "findings": [finding(each) for each in result.findings],
        "notes": list(result.notes),
        "environment": _sorted(result.environment),
        "timings": {k: round(v, 4) for k, v in _sorted(result.timings).items()},
    }


def inspect_document(info: TaskInfo) -> Document:
    """What ``taskaff inspect`` found."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "inspect",
        "name": info.name,
        "layout": info.layout,
        "columns": list(info.columns),
        "text_columns": list(info.text_columns),
        "split_column": info.split_column,
        "labels": labels(info.schema),
        "label_counts": dict(info.label_counts),
        "rows": dict(info.rows),
        "rejected": sum(file.rejected for file in info.files),
        "unlabelled": {split: dict(why) for split, why in info.unlabelled.items()},
        "rejects": [{"file": r.file, "row": r.row, "reason": r.reason} for r in info.rejects],
        "vector_width": info.vector_width,
        "dialect": _sorted(info.dialect),
        "inputs": [input_file(each) for each in info.files],
        "notes": list(info.notes),
    }


def task(summary: TaskSummary) -> Document:
    """One task of a result."""
    return {
        "name": summary.name,
        "rows": summary.rows,
        "width": summary.width,
        "padded_from": summary.padded_from,
        "layout": summary.layout,
        "labels": labels(summary.schema),
        "inputs": [input_file(each) for each in summary.inputs],
        "counts": counts(summary.counts),
        "duplicates": estimate(summary.duplicates),
        "split_leak": estimate(summary.split_leak),
        "near_duplicates": estimate(summary.near_duplicates),
        "near_leak": estimate(summary.near_leak),
        "notes": list(summary.notes),
    }


def encoder(card: EncoderCard) -> Document:
    """Which encoder made the vectors."""
    return {
        "id": card.id,
        "revision": card.revision,
        "fingerprint": card.fingerprint,
        "width": card.width,
    }


def settings(settings: ScoreSettings) -> Document:
    """Every setting of the scoring stage."""
    return asdict(settings)


def labels(schema: LabelSchema) -> Document:
    """The label schema."""
    return {"kind": schema.kind, "names": list(schema.names), "columns": list(schema.columns)}


def input_file(file: InputFile) -> Document:
    """One file that was read."""
    return {
        "path": file.path,
        "format": file.format,
        "split": file.split,
        "rows": file.rows,
        "rejected": file.rejected,
        "unlabelled": file.unlabelled,
        "bytes": file.bytes,
        "sha256": file.sha256,
    }


def counts(counts: EncodeCounts) -> Document:
    """Token counts of the encoding."""
    return {
        "tokens": counts.tokens,
        "unknown": counts.unknown,
        "truncated": counts.truncated,
        "empty": counts.empty,
    }


def estimate(estimate: Estimate) -> Document:
    """A number with its interval; ``note`` only when there is one."""
    found: Document = {
        "value": rounded(estimate.value),
        "low": rounded(estimate.low),
        "high": rounded(estimate.high),
    }
    return found | {"note": estimate.note} if estimate.note else found


def capacity(capacity: Capacity) -> Document:
    """Recommended capacity and its curve."""
    return {
        "recommended": capacity.recommended,
        "upper_bound": capacity.upper_bound,
        "single": dict(capacity.single),
        "curve": [
            {"r": p.r, "error": rounded(p.error), "stderr": rounded(p.stderr)}
            for p in capacity.curve
        ],
        "note": capacity.note,
    }


def weights(group: TaskWeights) -> Document:
    """Task weights of one group of tasks that share their inputs."""
    return {
        "tasks": list(group.tasks),
        "weights": [rounded(w) for w in group.weights],
        "rank": group.rank,
        "note": group.note,
    }


def _sorted(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {key: mapping[key] for key in sorted(mapping)}
