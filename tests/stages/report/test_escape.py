"""Every escape is total, and does what its target needs."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stages.report._zoo import HOSTILE

from taskaff.stages.report import escape

TARGETS = (
    escape.terminal,
    escape.markup,
    escape.markdown,
    escape.csv_cell,
    escape.json_text,
)
anything = st.text(st.characters(), max_size=40) | st.sampled_from(HOSTILE)


@pytest.mark.parametrize("target", TARGETS)
@given(text=anything)
def test_no_control_or_invisible_character_passes(target, text: str) -> None:
    found = target(text)
    unsafe = {c for c in found if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert unsafe <= {"\u200d"}
    assert "##[" not in found
    found.encode("utf-8")


@given(anything)
def test_terminal_escape_is_stable_and_keeps_printable_text(text: str) -> None:
    assert escape.terminal(escape.terminal(text)) == escape.terminal(text)
    if text.isprintable() and "##[" not in text:
        assert escape.terminal(text) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("\x9b31m", r"\x9b31m"),
        ("a\nb", r"a\nb"),
        ("\u202egnp", r"\u202egnp"),
        ("\u2028", r"\u2028"),
        ("\x7f", r"\x7f"),
        ("\udc80", r"\udc80"),
        ("\U000e0001", r"\U000e0001"),
        ("non\xa0breaking 日本\u3000語 👩\u200d👧", "non\xa0breaking 日本\u3000語 👩\u200d👧"),
    ],
)
def test_terminal_shows_what_it_hides(text: str, seen: str) -> None:
    assert escape.terminal(text) == seen


@given(anything)
def test_rich_shows_marked_up_text_literally(text: str) -> None:
    from rich.text import Text

    # Rich doubles a final backslash, for the sake of the tag that may follow: so one follows.
    shown = Text.from_markup(escape.markup(text) + "[b]x[/b]", emoji=False).plain
    assert shown == escape.terminal(text) + "x"


@given(anything)
def test_json_text_parses_back(text: str) -> None:
    assert json.loads(escape.json_text(text)) == text


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("-2", "'-2"),
        ("@x", "'@x"),
        (" =1", '"\' =1"'),
        ("'x", "''x"),
        ("a,b", '"a,b"'),
        ('"', '""""'),
        ("plain", "plain"),
        ("", ""),
        ("::error::x", "'::error::x"),
    ],
)
def test_csv_cells(text: str, cell: str) -> None:
    found = escape.csv_cell(text)
    assert found == cell or (text == " =1" and found == "' =1")


def test_guard_takes_commands_apart_at_the_start_of_lines_only() -> None:
    assert escape.guard("a::b\n  ::error::x\n::") == "a::b\n  : :error::x\n: :"
