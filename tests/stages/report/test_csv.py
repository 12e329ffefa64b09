"""CSV: parses back, numbers are numbers, no cell is a formula."""

from __future__ import annotations

import csv
import io
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stages.report._zoo import HOSTILE, ZOO, names, result

from taskaff.core.records.score import ScoreResult
from taskaff.stages.report import render

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


@pytest.mark.parametrize("name", ZOO)
def test_every_row_has_the_width_of_the_header(name: str) -> None:
    zoo = ZOO[name]
    found = rows(render(zoo, "csv"))
    assert {len(row) for row in found} == {len(found[0])}
    assert len(set(found[0])) == len(found[0])
    if isinstance(zoo, ScoreResult):
        assert len(found) - 1 == len(zoo.tasks) * (len(zoo.tasks) - 1)


@pytest.mark.parametrize("name", ZOO)
def test_no_text_cell_is_a_formula(name: str) -> None:
    for row in rows(render(ZOO[name], "csv")):
        assert [c for c in row if c.lstrip().startswith(FORMULA) and not number(c)] == []


def test_numbers_and_directions() -> None:
    zoo = result(names(3))
    found = list(csv.DictReader(io.StringIO(render(zoo, "csv"))))
    assert [(row["source"], row["target"]) for row in found] == [
        (zoo.names[i], zoo.names[j]) for i, j in zoo.pairs(directed=True)
    ]
    for row, (i, j) in zip(found, zoo.pairs(directed=True), strict=True):
        gain = zoo.tables["source_gain"].at(i, j)
        assert float(row["source_gain"]) == pytest.approx(gain.value, rel=1e-11)
        assert float(row["source_gain_low"]) == pytest.approx(gain.low, rel=1e-11)
        assert row["theorem2_low"] == ""
        assert row["theorem2_note"].split(":")[0] in {"met", "not met", "vacuous"}
        assert float(row["overlap_shared"]) == zoo.tables["overlap"].extras["shared"][i, j]


def test_the_header_does_not_depend_on_the_values() -> None:
    headers = {render(ZOO[name], "csv").split("\n")[0] for name in ("two", "seven", "undefined")}
    assert len(headers) == 1


def test_different_names_stay_different() -> None:
    found = rows(render(result(HOSTILE, scores=()), "csv"))[1:]
    assert len({row[0] for row in found}) == len(HOSTILE)


@given(st.lists(st.text(), min_size=2, max_size=3, unique=True), st.text(min_size=1))
def test_any_text_parses_back_to_the_same_shape(labels: list[str], note: str) -> None:
    zoo = result(tuple(labels), scores=("overlap", "source_gain"), undefined=note)
    text = render(zoo, "csv")
    found = rows(text)
    assert {len(row) for row in found} == {2 + 6 + 4 + 1}
    assert len(found) == text.count("\n") == 1 + len(labels) * (len(labels) - 1)
    assert not [c for row in found for c in row if c.startswith(FORMULA) and not number(c)]
