"""Results as rows, for pandas and notebooks, and as one line.

Every text that comes from data (names, labels, reasons) is escaped before it enters HTML, and its
control characters are made visible in the line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from html import escape
from importlib import import_module
from typing import Any

from taskaff.core.answers.score import verdicts
from taskaff.core.errors import UsageError
from taskaff.core.records.check import CheckResult
from taskaff.core.records.data import TaskInfo
from taskaff.core.records.prediction import Prediction
from taskaff.core.records.probe import ProbeResult
from taskaff.core.records.score import ScoreResult
from taskaff.core.records.signature import TaskSignature
from taskaff.stages.report import answers
from taskaff.stages.report.escape import terminal
from taskaff.stages.report.rows import table_of

Row = dict[str, Any]

MOST_ROWS = 60
"""Of a table in a notebook; more rows are counted."""
MOST_NAMES = 6


def to_pandas(result: Any) -> Any:
    """The rows as a frame."""
    try:
        pandas = import_module("pandas")
    except ImportError as error:
        problem = "to_pandas needs pandas, which is not installed"
        raise UsageError(problem, hint="pip install pandas, or use taskaff.to_dict") from error
    return pandas.DataFrame(rows(result))


def rows(result: Any) -> list[Row]:
    """One row a directed pair, a finding or a file."""
    frame_rows: list[Row] = _of(result, _ROWS)(result)
    return frame_rows


def line(result: Any) -> str:
    """What it is and what it says, in one line."""
    return terminal(_of(result, _LINES)(result))


def html(result: Any) -> str:
    """The line and the answers, then a table, then the notes."""
    shown = rows(result)
    heads = list(dict.fromkeys(key for row in shown for key in row))
    body = [_html_row([_cell(row.get(key)) for key in heads], "td") for row in shown[:MOST_ROWS]]
    parts = [f"<p>{escape(line(result))}</p>", *_answers(result)]
    if shown:
        parts.append(f"<table>{_html_row(heads, 'th')}{''.join(body)}</table>")
    if len(shown) > MOST_ROWS:
        parts.append(f"<p>and {len(shown) - MOST_ROWS:,} rows more</p>")
    notes = [f"<li>{escape(terminal(note))}</li>" for note in getattr(result, "notes", ())]
    return f"<div>{''.join(parts)}{'<ul>' + ''.join(notes) + '</ul>' if notes else ''}</div>"


def _answers(result: Any) -> list[str]:
    """The answers as a list, where a result has any."""
    if not isinstance(result, ScoreResult | ProbeResult):
        return []
    said = answers.lines(result)[: answers.MOST]
    items = [f"<li>{escape(terminal(text))}</li>" for text in said]
    return [f"<ul>{''.join(items)}</ul>"] if items else []


def _of(result: Any, table: dict[type, Callable[[Any], Any]]) -> Callable[[Any], Any]:
    return next(function for kind, function in table.items() if isinstance(result, kind))


def _html_row(cells: Iterable[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(terminal(c))}</{tag}>" for c in cells) + "</tr>"


def _cell(value: Any) -> str:
    if value is None:
        return "–"  # noqa: RUF001 - what the tables print where nothing is defined
    return f"{value:.3f}" if isinstance(value, float) else str(value)


# ------------------------------------------------------------------ score


def _score_rows(result: ScoreResult) -> list[Row]:
    predicted = {(made.source, made.target): made for made in result.predictions}
    decided = verdicts(result)
    out: list[Row] = []
    for i, j in result.pairs(directed=True):
        source, target = result.names[i], result.names[j]
        call = decided.get((source, target), "inconclusive")
        row: Row = {"source": source, "target": target, "verdict": call}
        made = predicted.get((source, target))
        if made is not None:
            row |= _prediction(made)
        for name, table in result.tables.items():
            at = table.at(i, j)
            row |= {name: at.value, f"{name}_low": at.low, f"{name}_high": at.high}
        out.append(row)
    return out


def _prediction(made: Prediction) -> Row:
    return {
        "predicted": made.verdict,
        "predicted_gain": made.gain.value,
        "predicted_gain_low": made.gain.low,
        "predicted_gain_high": made.gain.high,
        "probability_negative": made.probability_negative,
        "probability_positive": made.probability_positive,
    }


def _score_line(result: ScoreResult) -> str:
    calls = _counted(made.verdict for made in result.predictions)
    predicted = f"; predicted: {calls}" if calls else ""
    scores = _number(len(result.tables), "score")
    return f"{_named(result.names)}, {scores}, encoder {result.encoder.id}{predicted}"


# ------------------------------------------------------------------ probe


def _table_rows(result: ProbeResult | CheckResult) -> list[Row]:
    """The rows of a CSV file, each value by its column."""
    header, rows = table_of(result)
    return [dict(zip(header, row, strict=True)) for row in rows]


def _probe_line(result: ProbeResult) -> str:
    calls = _counted(pair.verdict.call for pair in result.pairs)
    ended = "" if result.finished else ", not finished"
    measured = f"; measured: {calls}" if calls else ""
    names = _named([task.name for task in result.tasks])
    return f"{names}, {result.mode}, trunk {result.settings.trunk}{ended}{measured}"


# --------------------------------------------------- check, inspect, profile


def _check_line(result: CheckResult) -> str:
    outcomes = ", ".join(f"{made.task.name} {made.outcome}" for made in result.candidates)
    mix = _named([task.name for task in result.mix])
    return (
        f"{result.outcome} ({outcomes}) against {mix}; {_number(len(result.findings), 'finding')}"
    )


def _file_rows(info: TaskInfo) -> list[Row]:
    keys = ("path", "format", "split", "rows", "rejected", "bytes")
    return [{key: getattr(file, key) for key in keys} for file in info.files]


def _info_line(info: TaskInfo) -> str:
    splits = ", ".join(f"{split} {count:,}" for split, count in info.rows.items())
    inputs = ", ".join(info.text_columns) or "all numbers"
    return f"{info.name}: {splits}; input {inputs}; labels {_labels(info)}"


def _signature_rows(signature: TaskSignature) -> list[Row]:
    return [
        {"split": split, "rows": sketch.rows, "distinct": sketch.distinct}
        for split, sketch in signature.sketches.items()
    ]


def _signature_line(signature: TaskSignature) -> str:
    size = f"{signature.split} {signature.rows:,}, width {signature.width}"
    return f"{signature.name}: {size}; labels {_labels(signature)}; encoder {signature.encoder.id}"


def _labels(task: TaskInfo | TaskSignature) -> str:
    schema = task.schema
    return schema.kind if schema.kind == "none" else f"{schema.kind} ({_named(schema.names)})"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def _counted(words: Iterable[str]) -> str:
    return ", ".join(f"{count} {word}" for word, count in Counter(words).most_common())


def _number(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


_ROWS: dict[type, Callable[[Any], list[Row]]] = {
    ScoreResult: _score_rows,
    ProbeResult: _table_rows,
    CheckResult: _table_rows,
    TaskInfo: _file_rows,
    TaskSignature: _signature_rows,
}
_LINES: dict[type, Callable[[Any], str]] = {
    ScoreResult: _score_line,
    ProbeResult: _probe_line,
    CheckResult: _check_line,
    TaskInfo: _info_line,
    TaskSignature: _signature_line,
}
