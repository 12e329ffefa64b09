"""Markdown: rows keep their cells, and names are text whatever they contain."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stages.report._zoo import HOSTILE, ZOO, inspection, names, result

from taskaff.stages.report import ReportOptions, render
from taskaff.stages.report.escape import markdown


def parse_tables(text: str) -> list[list[list[str]]]:
    """Tables as GitHub splits them: at pipes that no backslash precedes."""
    tables: list[list[list[str]]] = []
    last = ""
    for line in text.splitlines():
        if line.startswith("|"):
            if not last.startswith("|"):
                tables.append([])
            tables[-1].append(re.split(r"(?<!\\)\|", line)[1:-1])
        last = line
    return tables


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("explain", [False, True])
def test_every_row_has_the_cells_of_its_header(name: str, explain: bool) -> None:
    tables = parse_tables(render(ZOO[name], "markdown", ReportOptions(explain=explain)))
    assert tables or name in {"none"}
    for table in tables:
        assert {len(row) for row in table} == {len(table[0])}
        assert set(table[1]) == {" --- "}


@given(st.lists(st.text(), min_size=2, max_size=3, unique=True), st.text(min_size=13))
def test_any_name_keeps_the_table_together(labels: list[str], note: str) -> None:
    zoo = result(tuple(labels), scores=("overlap", "source_gain"), undefined=note)
    text = render(zoo, "markdown")
    for table in parse_tables(text):
        assert {len(row) for row in table} == {len(table[0])}
    tasks = parse_tables(text)[0]
    assert len(tasks) == 2 + len(labels)


def test_the_parser_of_these_tests_can_fail() -> None:
    broken = "| a | b |\n| --- | --- |\n| x|y | z |\n"
    assert {len(row) for row in parse_tables(broken)[0]} == {2, 3}


@given(st.text())
def test_no_html_and_no_live_markup(text: str) -> None:
    found = markdown(text)
    assert "<" not in found
    assert ">" not in found
    assert not re.search(r"&(?!amp;|lt;|gt;|#8203;)", found)
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*\[\]|~$]", found)
    assert "://" not in found
    assert not re.match(r"\s|#|[-+=](?!\d)|\d+[.)]\s", found)


@pytest.mark.parametrize("name", HOSTILE)
def test_commonmark_renders_names_as_text(name: str) -> None:
    parser = pytest.importorskip("markdown_it").MarkdownIt("gfm-like", {"linkify": False})
    shown = parser.render(f"- {markdown(name)}\n\n| a |\n| --- |\n| {markdown(name)} |\n")
    tags = set(re.findall(r"</?([a-z0-9]+)", shown))
    assert tags <= {"ul", "li", "table", "thead", "tbody", "tr", "th", "td"}
    assert shown.count("<td>") == 1


def test_plain_names_are_not_decorated() -> None:
    for text in ("covariance_alignment", "0.87", "mr-2005", "a b", "-0.004", "100%"):
        assert markdown(text) == text
    assert markdown("[0.84, 0.90]") == r"\[0.84, 0.90\]"


def test_many_tasks_show_both_ends_and_where_the_rest_is() -> None:
    text = render(ZOO["thirty"], "markdown")
    assert "435 pairs in all, with 10 scores: -f csv" in text
    assert len(parse_tables(text)[1]) == 2 + 10
    assert len(render(result(names(300), scores=("overlap",)), "markdown")) < 60_000


def test_skipped_rows_are_named() -> None:
    text = render(ZOO["inspect"], "markdown")
    assert "| data/mr/train.csv | 17 | 3 cells where the header has 2 |" in text
    assert "… 1 more" in text
    assert "skipped" not in render(inspection(files=(), rejects=()), "markdown").lower()
