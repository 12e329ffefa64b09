"""The tokeniser and the average in plain Python, one token at a time."""

from __future__ import annotations

import re
import unicodedata

import numpy as np

_RANGES = (
    "!-/ :-@ [-` {-~ \u0080-\u00a9 \u00ab-\u00b1 \u00b4-\u00b4 \u00b6-\u00b8 \u00bb-\u00bf "
    "\u00d7-\u00d7 \u00f7-\u00f7 \u2000-\u2bff \u2e00-\u2e7f \u3000-\u3004 \u3008-\u3030 "
    "\ufe00-\ufe0f \ufe30-\ufe6f \ufeff-\ufeff \ufffc-\ufffd \U0001f000-\U0001faff"
)
MARK_RANGES = _RANGES.split(" ")
CLITICS = ("n't", "'s", "'re", "'ll", "'ve", "'d", "'m")
JOINERS = "-.,'/&:_"
RUNS = ".-!?'`"


def is_mark(char: str) -> bool:
    return any(first <= char <= last for first, _, last in MARK_RANGES)


def is_space(char: str) -> bool:
    return char in " \t\n\v\f\r"


def is_word(char: str) -> bool:
    return not is_mark(char) and char not in " \t\n\f\r"


def lower(text: str) -> str:
    """One character at a time: no final sigma, no dotted i of two characters."""
    return "".join(char.lower()[0] for char in text)


def whitespace_pieces(text: str) -> list[str]:
    return [piece for piece in re.split("[ \t\n\v\f\r]+", text) if piece]


def apart(text: str) -> str:
    """Clitics apart; what follows a clitic is no letter, digit or underscore of ASCII."""
    return re.sub(r"(n't|'(?:s|re|ll|ve|d|m))(?![a-z0-9A-Z_])", r" \1 ", text)


def level_one(piece: str) -> list[str]:
    text = lower(unicodedata.normalize("NFKC", piece))
    text = apart(re.sub("[\u2018\u2019\u02bc\u2032]", "'", text))
    out: list[str] = []
    for part in whitespace_pieces(text):
        at = 0
        while at < len(part):
            end = at + longest_token(part[at:])
            out.append(part[at:end])
            at = end
    return out


def longest_token(text: str) -> int:
    for clitic in CLITICS:
        rest = text[len(clitic) : len(clitic) + 1]
        ascii_word = rest.isascii() and (rest.isalnum() or rest == "_")
        if text.startswith(clitic) and (clitic == "n't" or not (rest and ascii_word)):
            return len(clitic)
    if is_word(text[0]):
        size = 0
        while True:
            while size < len(text) and is_word(text[size]):
                size += 1
            joined = size + 1 < len(text) and text[size] in JOINERS and is_word(text[size + 1])
            if not joined:
                return size
            size += 1
    size = 1
    if text[0] in RUNS:
        while size < len(text) and text[size] == text[0]:
            size += 1
    return size


def level_two(piece: str) -> list[str]:
    return whitespace_pieces("".join(f" {c} " if is_mark(c) else c for c in piece))


def whole(piece: str, table: dict[str, int]) -> int | None:
    """Row of a piece between white space, unless the word without its full stop comes first."""
    row = table.get(piece)
    if row is not None and len(piece) > 1 and piece[-1] == "." and is_word(piece[-2]):
        without = table.get(piece[:-1])
        if without is not None and without < row:
            return None
    return row


def tokens(text: str, table: dict[str, int]) -> list[tuple[str, int | None]]:
    out: list[tuple[str, int | None]] = []
    for piece in whitespace_pieces(re.sub("n[ \t\n\f\r]+'t(?![^ \t\n\f\r])", " n't", lower(text))):
        row = whole(piece, table)
        if row is not None:
            out.append((piece, row))
            continue
        for part in level_one(piece):
            if part in table:
                out.append((part, table[part]))
            else:
                out.extend((last, table.get(last)) for last in level_two(part))
    return out


def average(texts: list[str], words: list[str], vectors: np.ndarray) -> tuple[np.ndarray, dict]:
    table = {word: row for row, word in reversed(list(enumerate(words))) if word}
    X = np.zeros((len(texts), vectors.shape[1]))
    counts = {"tokens": 0, "unknown": 0, "truncated": 0, "empty": 0}
    for n, text in enumerate(texts):
        found = tokens(text, table)
        rows = [row for _, row in found if row is not None]
        counts["tokens"] += len(found)
        counts["unknown"] += len(found) - len(rows)
        if rows:
            X[n] = np.mean([vectors[row].astype(np.float64) for row in rows], axis=0)
        else:
            counts["empty"] += 1
    return X, counts
