"""JSON and JSONL: the schema holds, nothing is lost, no number is invented."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stages.report._formats import closed
from stages.report._zoo import HOSTILE, ZOO, inspection, names, result

from taskaff.core.records.score import ScoreResult
from taskaff.stages.report import payload, render, result_schema

SCORES = {name: zoo for name, zoo in ZOO.items() if isinstance(zoo, ScoreResult)}


def parse(text: str) -> Any:
    def refuse(token: str) -> None:
        raise AssertionError(f"{token} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(result_schema())
    json.dumps(result_schema())


@pytest.mark.parametrize("name", ZOO)
def test_documents_follow_the_schema_and_every_key_is_documented(name: str) -> None:
    document = parse(render(ZOO[name], "json"))
    jsonschema.Draft202012Validator(closed(result_schema())).validate(document)


def test_new_keys_are_additions_and_missing_ones_are_errors() -> None:
    document = payload(ZOO["two"])
    validator = jsonschema.Draft202012Validator(result_schema())
    for place in (document, document["tasks"][0], document["pairs"][0], document["capacity"]):
        place["from_the_future"] = {"x": 1}
    validator.validate(document)
    for key in ("schema_version", "pairs", "encoder"):
        broken = copy.deepcopy(document)
        del broken[key]
        assert not validator.is_valid(broken)
    broken = copy.deepcopy(document)
    broken["pairs"][0]["scores"]["overlap"]["value"] = "many"
    assert not validator.is_valid(broken)


@pytest.mark.parametrize("name", SCORES)
def test_every_entry_of_every_table_is_there(name: str) -> None:
    zoo = SCORES[name]
    pairs = {(p["source"], p["target"]): p["scores"] for p in payload(zoo)["pairs"]}
    assert list(pairs) == [(zoo.names[i], zoo.names[j]) for i, j in zoo.pairs(directed=True)]
    for i, j in zoo.pairs(directed=True):
        scores = pairs[zoo.names[i], zoo.names[j]]
        assert list(scores) == list(zoo.tables)
        for table in zoo.tables.values():
            expected = table.at(i, j)
            found = dict(scores[table.name])
            for key in ("value", "low", "high"):
                number = getattr(expected, key)
                assert found.pop(key) == (number if number is None else float(f"{number:.12g}"))
            assert found.pop("note", "") == expected.note
            for key, array in table.extras.items():
                number = float(array[i, j])
                expect = float(f"{number:.12g}") if np.isfinite(number) else None
                assert found.pop(key) == expect
            assert not found


def test_undirected_notes_count_in_both_directions() -> None:
    zoo = result(names(3), scores=("covariance_alignment",))
    table = zoo.tables["covariance_alignment"]
    table.notes[1, 2] = "why"  # type: ignore[index]
    scores = {(p["source"], p["target"]): p["scores"][table.name] for p in payload(zoo)["pairs"]}
    assert scores["cr", "sst"]["note"] == scores["sst", "cr"]["note"] == "why"
    assert "note" not in scores["mr", "cr"]


@pytest.mark.parametrize("name", SCORES)
def test_jsonl_is_the_pairs_of_the_document(name: str) -> None:
    lines = [parse(line) for line in render(SCORES[name], "jsonl").splitlines()]
    assert lines == payload(SCORES[name])["pairs"]


def test_jsonl_of_an_inspection_is_its_document() -> None:
    assert parse(render(ZOO["inspect"], "jsonl")) == payload(ZOO["inspect"])


def test_a_pair_a_line() -> None:
    lines = render(ZOO["seven"], "json").splitlines()
    assert sum(line.lstrip().startswith('{"source": "sst", "target": "cr"') for line in lines) == 1
    assert [line for line in lines if line.startswith('  "schema_version"')]


def test_only_timings_may_differ_between_runs() -> None:
    first, second = result(names(3)), result(names(3))
    object.__setattr__(second, "timings", {"embed": 9.9, "scan": 0.0})
    one, two = payload(first), payload(second)
    assert one.pop("timings") != two.pop("timings")
    assert one == two
    a, b = (render(zoo, "json").split('"timings"')[0] for zoo in (first, second))
    assert a == b


def test_noise_below_twelve_digits_does_not_show() -> None:
    first, second = result(names(2)), result(names(2))
    for table in second.tables.values():
        table.value[:] *= 1 + 2e-16
    assert render(first, "json") == render(second, "json")


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_any_number_is_written_as_itself_to_twelve_digits(x: float) -> None:
    zoo = result(names(2), scores=("covariance_alignment",))
    zoo.tables["covariance_alignment"].value[:] = x
    value = payload(zoo)["pairs"][0]["scores"]["covariance_alignment"]["value"]
    if np.isfinite(x):
        assert value == pytest.approx(x, rel=1e-11, abs=0)
        assert len(f"{value!r}".lstrip("-0.").split("e")[0].replace(".", "").rstrip("0")) <= 17
    else:
        assert value is None


@given(st.lists(st.text(), min_size=2, max_size=3, unique=True), st.text())
def test_text_round_trips_exactly(labels: list[str], note: str) -> None:
    zoo = result(tuple(labels), scores=("overlap",), undefined=note)
    document = payload(zoo)
    assert [task["name"] for task in document["tasks"]] == labels
    assert {p["source"] for p in document["pairs"]} == set(labels)
    notes = {p["scores"]["overlap"].get("note", "") for p in document["pairs"]}
    assert notes <= {note, ""}
    info = inspection(labels[0], notes=(note,), label_counts=dict.fromkeys(labels, 1))
    assert payload(info)["notes"] == [note]
    assert list(payload(info)["label_counts"]) == labels


def test_hostile_names_round_trip() -> None:
    document = payload(result(HOSTILE, scores=("overlap",)))
    assert tuple(task["name"] for task in document["tasks"]) == HOSTILE
