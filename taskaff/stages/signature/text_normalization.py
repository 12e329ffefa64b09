"""The normal form of a text: what two spellings of one text have in common.

NFKC, case folded, white space folded, sentence punctuation taken for white space, so that
``It's fine .`` and ``it 's fine.`` are one row. Everything else stays, since texts that differ in
it differ in meaning: marks, symbols, emoji, brackets, and the signs of a number.

All texts of a batch go through it as one string with borders between them. ASCII texts, most of
most files, are treated apart from the others, because they need no Unicode tables.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

APOSTROPHES = "'\u2018\u2019\u201b"
QUOTES = APOSTROPHES + '"`«»\u201a\u201c\u201d\u201e\u201f\u2039\u203a⹂「」『』〝〞〟'
"""Unicode's property ``Quotation_Mark`` after NFKC, and the backtick of tokenised texts."""

STOPS = ".,;:!?。、।॥"
"""After NFKC, which makes the ellipsis three points, and full-width forms the common ones."""

DASHES = "-\u2010\u2012\u2013\u2014\u2015"
"""Dropped between white space (or ends of the text) only."""

SPACES = r"[\x00-\x1f\x7f-\xa0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff]"
"""White space other than the space, and control characters and invisible spaces, which say as
little."""

UNNAMED = b"\x00"
"""Begins the form of a text of nothing but dropped characters. No other form contains it."""

# Control characters are white space by the time when these separate texts, and for
# characters that a rule has spoken of.
_BORDER, _POINT, _COMMA, _CLITIC, _NEGATION = "\x00", "\x01", "\x02", "\x03", "\x04"

_ALWAYS = "".join(c for c in QUOTES + STOPS if c not in APOSTROPHES + ".,")
_TO_SPACE = re.compile(f"{SPACES[:-1]}{_ALWAYS}]")
_ASCII_END = b"\xff"
_ASCII_TABLE = bytes(
    0 if c == 255 else 32 if c < 32 or c == 127 or chr(c) in _ALWAYS else bytes([c]).lower()[0]
    for c in range(256)
)


@dataclass(frozen=True, slots=True)
class _Rules:
    """Patterns of characters in a context, for ASCII or for any script."""

    point: re.Pattern[str]
    """A point that belongs to a number: between digits, or where a number begins."""
    comma: re.Pattern[str]
    clitic: re.Pattern[str]
    """The apostrophe of an ending that a tokeniser split off, as in ``it 's``."""
    negation: re.Pattern[str]
    """The ending ``n't`` that a tokeniser split off, as in ``do n't``."""
    quote: re.Pattern[str]
    """An apostrophe that is not inside a word."""
    dash: re.Pattern[str]


def _rules(apostrophes: str, dashes: str, flags: int) -> _Rules:
    """Compile the patterns. Each begins with its character, which ``re`` finds fastest."""
    a, d = f"[{apostrophes}]", f"[{dashes}]"
    end = rf"(?![\w{apostrophes}])"
    return _Rules(
        point=re.compile(r"\.(?=\d)(?<=[\d \0(+\-$€£¥]\.)", flags),
        comma=re.compile(r",(?=\d)(?<=\d,)", flags),
        clitic=re.compile(rf"{a}(?=(?:s|m|d|ll|re|ve){end})(?<= {a})", flags),
        negation=re.compile(rf"{a}(?=t{end})(?<= n{a})", flags),
        quote=re.compile(rf"{a}(?!(?<=[^\W_]{a})[^\W\d_])", flags),
        dash=re.compile(rf"{d}(?<![^ \0]{d}){d}*(?![^ \0])", flags),
    )


_ASCII = _rules("'", "-", re.ASCII)
_ANY = _rules(APOSTROPHES, DASHES, 0)


def normal_forms(texts: pa.Array) -> list[bytes]:
    """Normal forms of ``n`` texts, as UTF-8.

    They hold no control character, but for the first byte of the form of a text that has nothing
    to keep: ``UNNAMED`` and the complete text, its case and white space folded.

    Parameters
    ----------
    texts : ``(n,)`` Arrow strings of any type, without nulls.

    Raises
    ------
    UnicodeDecodeError : a text is not valid UTF-8.
    """
    raw = texts.cast(pa.large_binary()).to_pylist()
    if all(map(bytes.isascii, raw)):
        forms = _of_ascii(raw)
    else:
        forms = _of_ascii([text if text.isascii() else b"" for text in raw])
        beyond = [i for i, text in enumerate(raw) if not text.isascii()]
        for i, form in zip(beyond, _of_any_script([raw[i].decode() for i in beyond]), strict=True):
            forms[i] = form
    if b"" in forms:
        return [form or UNNAMED + _unreduced(raw[i].decode()) for i, form in enumerate(forms)]
    return forms


def _of_ascii(texts: list[bytes]) -> list[bytes]:
    joined = _ASCII_END.join([b"", *texts, b""]).translate(_ASCII_TABLE)
    return _content(joined.decode(), _ASCII)


def _of_any_script(texts: list[str]) -> list[bytes]:
    """Normal forms of texts of any script.

    The border is half a surrogate pair at first, which no text holds and no rule touches.
    """
    joined = _TO_SPACE.sub(" ", _caseless("\ud800".join(["", *texts, ""])))
    return _content(joined.replace("\ud800", _BORDER), _ANY)


def _caseless(text: str) -> str:
    """NFKC and case folding; what folding takes apart is composed again."""
    normal = unicodedata.normalize("NFKC", text)
    folded = normal.casefold()
    return folded if folded == normal else unicodedata.normalize("NFKC", folded)


def _unreduced(text: str) -> bytes:
    return " ".join(re.sub(SPACES, " ", _caseless(text)).split()).encode()


def _content(text: str, rules: _Rules) -> list[bytes]:
    """Normal forms of texts between borders, in which the clear cases are spaces."""
    text = rules.point.sub(_POINT, text)
    text = rules.comma.sub(_COMMA, text)
    text = rules.clitic.sub(_CLITIC, text)
    text = rules.negation.sub(_NEGATION, text)
    text = rules.quote.sub(" ", text)
    for apostrophe in APOSTROPHES:
        text = text.replace(apostrophe, "")
    text = text.replace(".", " ").replace(",", " ")
    text = text.replace(_POINT, ".").replace(_COMMA, ",")
    return _without_gaps(rules.dash.sub(" ", text).encode()).split(b"\0")[1:-1]


def _without_gaps(text: bytes) -> bytes:
    """One space for each run of them, none beside a border or before what was split off."""
    codes = np.frombuffer(text, np.uint8)
    gap = codes == ord(" ")
    wanted = np.ones(len(codes), bool)
    wanted[:-1] = ~(gap[:-1] & (codes[1:] & 0xDF == 0))  # a space or a border follows
    for marker, back in ((_CLITIC, 1), (_NEGATION, 2)):
        at = np.flatnonzero(codes == ord(marker))
        wanted[at] = False
        wanted[at - back] &= ~gap[at - back]
    codes = codes[wanted]
    wanted = np.ones(len(codes), bool)
    wanted[1:] = ~((codes[1:] == ord(" ")) & (codes[:-1] == 0))
    return codes[wanted].tobytes()
