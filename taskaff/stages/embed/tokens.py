"""Tokenise as the text was tokenised that GloVe was trained on, in Arrow's string kernels.

A text is lower-cased and cut at white space. Each distinct piece of a batch is looked up once:

0. whole (``so-so``, ``3,000``, ``u.s.``, ``n't`` and ``...`` are GloVe words); then, if unknown,
1. with clitics (``n't 's 're 'll 've 'd 'm``) and punctuation apart; and what is still unknown
2. with every mark apart (``girl-on-girl`` -> ``girl - on - girl``).

What is unknown after that is an unknown token. A piece that ends in a full stop is looked up whole
only if the vocabulary, which is sorted by frequency, has it before the word without the stop:
``mr.`` and ``u.s.`` stay, ``no.`` becomes ``no .``. Input that is tokenised already stays as it is;
but ``does n 't`` and ``don 't`` become ``does n't`` and ``do n't``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from taskaff.core.arrow import flat, integers

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Ints
    from taskaff.stages.embed.vocabulary import Vocabulary

TOKENISER_VERSION = 1
"""Raise it whenever a text may give other tokens than before: fingerprints contain it."""

# Marks by block, not by \p{...}: two tables of Unicode may differ, and compiling the large classes
# takes as long as tokenising a thousand rows. Everything else but white space belongs to words.
_MARKS = (
    r"!-/:-@\[-`{-~"  # ASCII
    "\u0080-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb-\u00bf\u00d7\u00f7"  # Latin-1
    "\u2000-\u2bff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3030"  # punctuation, currency, arrows, signs
    "\ufe00-\ufe0f\ufe30-\ufe6f\ufeff\ufffc\ufffd\U0001f000-\U0001faff"  # variants, pictographs
)
_WORD = rf"[^{_MARKS}\s]"
_APOSTROPHES = "[\u2018\u2019\u02bc\u2032]"
_CLITIC = r"(n't|'(?:s|re|ll|ve|d|m))\b"
_CUT_NT = r"n\s+'t(\s|$)"
_TOKEN = (
    r"(n't|'(?:s|re|ll|ve|d|m)\b"
    rf"|{_WORD}+(?:[-.,'/&:_]{_WORD}+)*"
    r"|\.+|-+|!+|\?+|'+|`+|\S)"
)
_MARK = rf"([{_MARKS}])"
LEVELS = 2


def pieces(texts: pa.Array) -> tuple[pa.DictionaryArray, Ints]:
    """Lower-cased pieces of texts between white space (some are empty), and each text's bounds."""
    lower = pc.utf8_lower(_as_strings(texts))
    lists = pc.ascii_split_whitespace(lower)
    encoded = lists.values.dictionary_encode()
    if pc.any(pc.match_substring_regex(encoded.dictionary, "^'t$")).as_py():
        # some corpora have: does n 't, don 't
        lists = pc.ascii_split_whitespace(pc.replace_substring_regex(lower, _CUT_NT, r" n't\1"))
        encoded = lists.values.dictionary_encode()
    return encoded, integers(lists.offsets)


def split_further(strings: pa.Array, level: int) -> pa.Array:
    """The parts of pieces that level ``level - 1`` did not know (a list array)."""
    if level == 1:
        strings = pc.utf8_lower(pc.utf8_normalize(strings, form="NFKC"))
        strings = pc.replace_substring_regex(strings, _APOSTROPHES, "'")
        strings = pc.replace_substring_regex(strings, _CLITIC, r" \1 ")
        strings = pc.replace_substring_regex(strings, _TOKEN, r"\1 ")
    else:
        strings = pc.replace_substring_regex(strings, _MARK, r" \1 ")
    return pc.ascii_split_whitespace(strings)


def known_rows(strings: pa.Array, vocabulary: Vocabulary, level: int) -> Ints:
    """Row of each string in the vocabulary ``(n,)``; -1 where it is unknown or to be split."""
    rows = vocabulary.rows(strings)
    if level == 0:
        ends_in_stop = integers(pc.match_substring_regex(strings, rf"{_WORD}\.$"))
        stops = np.flatnonzero((ends_in_stop > 0) & (rows >= 0))
        without = vocabulary.rows(pc.utf8_slice_codeunits(strings.take(flat(stops)), 0, -1))
        rows[stops[(without >= 0) & (without < rows[stops])]] = -1
    return rows


def _as_strings(texts: pa.Array) -> pa.Array:
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type):
        return texts
    return texts.cast(pa.large_string())
