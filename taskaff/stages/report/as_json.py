"""The result as one JSON document: a key a line, a task and a pair a line.

``{"source", "target", "scores": {name: {"value", "low", "high", ...}}}`` is the shape of every
pair. Both directions are listed, and a score without direction stands in both, so that one filter
finds any score of any pair: ``jq '.pairs[] | select(.source == "a" and .target == "b")'``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from taskaff.core.arrow import strings
from taskaff.core.records.data import TaskInfo
from taskaff.core.records.score import PairTable, ScoreResult
from taskaff.stages.report.columns import joined
from taskaff.stages.report.document import Document, inspect_document, score_head, score_tail
from taskaff.stages.report.escape import json_safe, json_text
from taskaff.stages.report.options import ReportOptions
from taskaff.stages.report.pairs import Block, blocks
from taskaff.stages.report.predictions import prediction


def render(result: ScoreResult | TaskInfo, options: ReportOptions) -> Iterator[str]:  # noqa: ARG001
    """Pieces of the document; the options are for people and change nothing here."""
    if isinstance(result, TaskInfo):
        yield "{\n" + ",\n".join(entries(inspect_document(result))) + "\n}\n"
        return
    yield "{\n" + ",\n".join(entries(score_head(result))) + ',\n  "pairs": ['
    separator = "\n    "
    for lines in pair_lines(result):
        yield separator + ",\n    ".join(lines)
        separator = ",\n    "
    close = "]" if separator == "\n    " else "\n  ]"
    predictions = {"predictions": [prediction(each) for each in result.predictions]}
    yield close + ",\n" + ",\n".join(entries(predictions | score_tail(result))) + "\n}\n"


def pair_lines(result: ScoreResult) -> Iterator[list[str]]:
    """One JSON object a pair and direction, in blocks."""
    names = strings([json_text(name) for name in result.names])
    for block in blocks(result):
        source, target = block.names(names)
        parts = ['{"source": ', source, ', "target": ', target, ', "scores": {']
        for n, (name, table) in enumerate(result.tables.items()):
            parts += [", " if n else "", f"{json_text(name)}: ", _estimates(table, block)]
        yield joined([*parts, "}}"]).to_pylist()


def _estimates(table: PairTable, block: Block) -> pa.Array:
    parts: list[pa.Array | str] = []
    arrays = {"value": table.value, "low": table.low, "high": table.high, **table.extras}
    for key, array in arrays.items():
        lead = ", " if parts else "{"
        parts += [f"{lead}{json_text(key)}: ", block.numbers(array, "null")]
    return joined([*parts, block.notes(table, _note), "}"])


def _note(text: str) -> str:
    return f', "note": {json_text(text)}'


def entries(document: Document) -> Iterator[str]:
    """The lines of a document, a key each."""
    for key, value in document.items():
        yield f"  {json_text(key)}: {_value(value)}"


def _value(value: Any) -> str:
    """A list of objects one a line, anything else on the key's line."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n    " + ",\n    ".join(map(_compact, value)) + "\n  ]"
    return _compact(value)


def _compact(value: Any) -> str:
    return json_safe(json.dumps(value, ensure_ascii=False, allow_nan=False))
