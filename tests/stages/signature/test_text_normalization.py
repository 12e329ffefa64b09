"""What two spellings of one text have in common, and what keeps two texts apart."""

# ruff: noqa: RUF001

from __future__ import annotations

import re
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from paths import ROOT

from taskaff.stages.signature.text_normalization import (
    APOSTROPHES,
    DASHES,
    QUOTES,
    STOPS,
    UNNAMED,
    normal_forms,
)

any_text = st.text(st.characters(codec="utf-8"), max_size=30)
tricky = st.text("aN t'’s.,-–:;! 1٣5()[]$\"…।é´ß\u0301\u200b\t\x00", max_size=14)
texts = any_text | tricky


def form(text: str) -> bytes:
    return normal_forms(pa.array([text]))[0]


def caseless(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded)


def spaced(text: str) -> str:
    return "".join(
        " " if c.isspace() or unicodedata.category(c) == "Cc" or c in "\u200b\ufeff" else c
        for c in text
    )


def word(c: str) -> bool:
    return c.isalnum() or c == "_"


def letter(c: str) -> bool:
    return c.isalnum() and not c.isdecimal()


def split_off(text: str, i: int) -> str:
    """What an apostrophe at ``i`` begins when a tokeniser has split it off: ``'s``, ``n't``."""
    for ending in ("'s", "'m", "'d", "'ll", "'re", "'ve", "n't"):
        start = i - ending.index("'")
        stop = start + len(ending)
        found = text[start:i] + "'" + text[i + 1 : stop]
        last = text[stop]
        if found == ending and text[start - 1] == " " and not word(last) and last not in QUOTES[:4]:
            return ending
    return ""


def kept(text: str, i: int) -> str:
    """What becomes of the character at ``i``; ``<`` deletes the space before it, ``-`` nothing."""
    before, c, after = text[i - 1 : i + 2]
    if c == ".":
        number = after.isdecimal() and (before.isdecimal() or before in " (+-$€£¥")
        return c if number else " "
    if c == ",":
        return c if before.isdecimal() and after.isdecimal() else " "
    if c in APOSTROPHES:
        ending = split_off(text, i)
        if ending:
            return "\x02" if ending == "n't" else "\x01"
        return "" if before.isalnum() and letter(after) else " "
    return " " if c in QUOTES + STOPS else c


def naive(text: str) -> bytes:
    """The rules of docs/signature.md, one character at a time."""
    plain = spaced(caseless(text))
    marked = "".join(
        " " if c in QUOTES + STOPS and c not in APOSTROPHES + ".," else c for c in plain
    )
    marked = f"   {marked}   "
    out = "".join(kept(marked, i) for i in range(3, len(marked) - 3))
    words = " ".join(w for w in out.split(" ") if w and not set(w) <= set(DASHES))
    for marker, head in (("\x02", "n"), ("\x01", "")):
        words = words.replace(f" {head}{marker}", head).replace(marker, "")
    return words.encode() or UNNAMED + " ".join(plain.split()).encode()


@given(st.lists(texts, max_size=6))
@example([".5", "a 's", "do n't", "5."])
def test_naive_oracle(rows):
    assert normal_forms(pa.array(rows, pa.string())) == [naive(text) for text in rows]


@given(texts)
@example("ϓ\u0345\u0323")
@example("a ,- .5")
def test_the_form_of_a_form_is_itself(text):
    assert form(form(text).decode()) == form(text)


@given(texts)
def test_padding_and_composition_change_nothing(text):
    expected = form(text)
    for same in (f" \t{text}\n", text.replace(" ", " \u3000"), f"\ufeff{text}\u00a0"):
        assert form(same) == expected
    for kind in ("NFC", "NFD", "NFKC", "NFKD"):
        assert form(unicodedata.normalize(kind, text)) == expected


@given(texts)
def test_full_width_forms_change_nothing(text):
    wide = {c: c + 0xFEE0 for c in range(0x21, 0x7F)} | {0x20: 0x3000}
    assert form(text.translate(wide)) == form(text)


@given(st.text("aäßöéñжΣοςçA1. ,'’s", max_size=12))
def test_case_changes_nothing(text):
    assert form(text.upper()) == form(text.lower()) == form(text)


@given(texts)
def test_no_control_character_but_the_first_of_a_text_without_content(text):
    found = form(text)
    assert not set(found.removeprefix(UNNAMED)) & {*range(32), 127}


@given(st.lists(texts, max_size=5), texts)
def test_neighbours_in_a_batch_change_nothing(rows, text):
    assert normal_forms(pa.array([*rows, text]))[-1] == form(text)


ONE_ROW = [
    ("It's GOOD .", "it 's good."),
    ("it’s fine", "its fine"),
    ("I do n't , they 're", "i don't, they're"),
    ("-lrb- caf\u00e9 -rrb-", "-LRB- CAFE\u0301 -RRB-"),
    ("ﬁne", "fine"),
    ("\uff11\uff12", "12"),
    ("a\u00a0b\tc\nd", "a b  c d"),
    ("``good''", '"good"'),
    ("„gut“ — sagte er", "gut sagte er"),
    ("so … well", "so well"),
    ("wait... what?!", "Wait what"),
    ("well -- no", "well no"),
    ("- an item", "an item"),
    ("你好。", "你好"),
    ("「你好」、世界！", "你好 世界"),
    ("यह अच्छा है।", "यह अच्छा है"),
    ("ΟΔΟΣ", "οδος"),
    ("STRASSE", "straße"),
    ("!", " ！\t"),
    ("", "\u3000"),
    ("'s go", " 's go"),
]


@pytest.mark.parametrize(("one", "other"), ONE_ROW)
def test_spellings_that_are_one_row(one, other):
    assert form(one) == form(other)


TWO_ROWS = [
    ("जल", "जाल"),
    ("कि", "की"),
    ("ไม่", "ไม้"),
    ("C", "C#"),
    ("C", "C++"),
    ("paid 1.5", "paid 15"),
    ("1,5", "15"),
    ("1,5", "1.5"),
    ("१.५", "१५"),
    (".5", "5"),
    ("$.50", "$50"),
    ("10:30", "1030"),
    ("5'10", "510"),
    ("1 5", "15"),
    ("a b", "ab"),
    ("-1", "1"),
    ("+1", "1"),
    ("$5", "5"),
    ("5%", "5"),
    ("1-2", "12"),
    ("love it 😍", "love it 😡"),
    ("love it 😍", "love it"),
    ("👍🏽", "👍🏿"),
    (":)", ":("),
    ("<< a >> and [[ b ]]", "[[ a ]] and << b >>"),
    ("[a]", "(a)"),
    ("《红》", "红"),
    ("#metoo", "metoo"),
    ("@you", "you"),
    ("a/b", "a b"),
    ("a_b", "a b"),
    ("x = y", "x ≠ y"),
    ("co-op", "coop"),
    ("café", "cafe"),
    ("!", "?"),
    ("!", "!!"),
    ("!", ""),
    ("- -", "-"),
]


@pytest.mark.parametrize(("one", "other"), TWO_ROWS)
def test_texts_that_are_two_rows(one, other):
    assert form(one) != form(other)


def test_only_quotes_stops_and_dashes_between_spaces_are_dropped():
    """Every character that exists, between two letters and between spaces; a few that do not."""
    kinds = ((chr(c), unicodedata.category(chr(c))) for c in range(0x110000))
    every = [
        c for c, kind in kinds if kind != "Cs" and (kind not in ("Cn", "Co") or ord(c) % 97 == 0)
    ]
    forms = normal_forms(pa.array([f"x {c} y" for c in every]))
    dropped = {c for c, found in zip(every, forms, strict=True) if found == b"x y"}
    said = set(QUOTES + STOPS + DASHES)
    spaces = {c for c in dropped if not spaced(c).strip()}
    # What is left is a compatibility form of a character on the list, such as the ellipsis.
    assert said <= dropped
    assert all(set(unicodedata.normalize("NFKC", c)) <= said for c in dropped - spaces)


def test_the_page_lists_them():
    page = (ROOT / "docs/signature.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (quotation marks|stops|dashes)[^|`]* \| `([^`]+)`", page, re.M))
    said = {name: set(row) - {" "} for name, row in rows.items()}
    assert said == {
        "quotation marks": set(QUOTES) - {"`"},
        "stops": set(STOPS),
        "dashes": set(DASHES),
    }
