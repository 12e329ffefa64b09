"""Values and schema of a document come from one description, and both follow the records."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from typing import Literal

import jsonschema
import pytest
from stages.report._checks import checks
from stages.report._formats import closed
from stages.report._probes import full
from stages.report._zoo import ZOO, names, result

from taskaff.core.records.embedding import EncodeCounts
from taskaff.core.records.estimate import Estimate
from taskaff.core.records.overlap import OverlapResult, RowPlace, SharedRow
from taskaff.stages import report
from taskaff.stages.report import (
    FORMATS,
    Format,
    as_jsonl,
    payload,
    render,
    result_schema,
    suffixes,
)
from taskaff.stages.report.documents import document, schema
from taskaff.stages.report.documents.json_object import Finite

HERE = RowPlace("a.csv", 3, "train", "good", "a text")
SHARED = OverlapResult("a", "b", [SharedRow("near", HERE, HERE, conflict=True)], 12)
RESULTS = {
    "score": ZOO["two"],
    "inspect": ZOO["inspect"],
    "probe": full(),
    "check": checks()["measured"],
    "overlap": SHARED,
}


@dataclass(frozen=True)
class Longer(EncodeCounts):
    """Counts with one more field."""

    blanks: int | None = None
    """Blanks, where ``None`` means that nobody counted."""


@pytest.mark.parametrize("kind", RESULTS)
def test_every_key_of_every_document_is_described(kind):
    found = payload(RESULTS[kind])
    assert found["kind"] == kind
    jsonschema.Draft202012Validator(closed(result_schema())).validate(found)
    assert list(result_schema()["$defs"][kind]["properties"]) == list(found)


@pytest.mark.parametrize("kind", RESULTS)
def test_lines_are_entries_of_the_document(kind):
    keys = as_jsonl.LISTS.get(type(RESULTS[kind]))
    found = payload(RESULTS[kind])
    lines = render(RESULTS[kind], "jsonl").count("\n")
    assert lines == (len(found[keys[0]]) if keys else 1)


def test_a_new_field_stands_in_the_values_and_in_the_schema():
    assert document(Longer(1, 2, blanks=3))["blanks"] == 3
    described = schema.of_type(Longer)["properties"]["blanks"]
    assert described["type"] == ["integer", "null"]
    assert described["description"] == "Blanks, where null means that nobody counted."


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (math.nan, None),
        (-math.inf, None),
        (1 / 3, 0.333333333333),
        (-0.0, 0.0),
        (True, True),
        (10**30, 10**30),
        ((1, ("a", math.nan)), [1, ["a", None]]),
        ({"a": (math.inf,)}, {"a": [None]}),
        (datetime.date(2026, 11, 29), "2026-11-29"),
        (Estimate(1.0), {"value": 1.0, "low": None, "high": None}),
        (Estimate(None, note="why"), {"value": None, "low": None, "high": None, "note": "why"}),
    ],
)
def test_values_are_those_of_json(value, found):
    assert document(value) == found


@pytest.mark.parametrize(
    ("hint", "valid", "invalid"),
    [
        (float, (1, 2.5, None), ("1",)),
        (Finite, (1, 2.5), (None,)),
        (int | None, (0, None), (-1, 1.5)),
        (tuple[str, ...], ([], ["a"]), (["a", 1],)),
        (Literal["a", ""] | None, ("a", "", None), ("b",)),
        (Estimate, (), (None, {})),
    ],
)
def test_types_are_those_of_the_records(hint, valid, invalid):
    root = {**schema.of_type(hint), "$defs": result_schema()["$defs"]}
    validator = jsonschema.Draft202012Validator(root)
    assert all(validator.is_valid(value) for value in valid)
    assert not any(validator.is_valid(value) for value in invalid)


def test_a_format_is_a_module_and_a_line(monkeypatch):
    """Every result can be written, and the suffix is known to ``-o``."""
    name = f"{__name__}:as_words"
    monkeypatch.setitem(FORMATS, "words", Format(name, ".words"))
    assert suffixes(report.FORMATS)[".words"] == "words"
    assert render(result(names(2)), "words") == "score pairs\n"
    assert render(SHARED, "words") == "overlap rows\n"


def as_words(found, options):
    """A format that says what a result is and what its long list is called."""
    assert options
    kind = next(kind for kind, known in RESULTS.items() if type(known) is type(found))
    yield f"{kind} {as_jsonl.LISTS[type(found)][0]}\n"
