"""The words of normal forms as 64-bit numbers, for whole batches at once.

A word is a run of characters between spaces. Scripts that are written without spaces (Chinese,
Japanese, Thai ...) have no such words: there every character is one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from taskaff.core.arrow import integers, strings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Hashes, Ints

BETWEEN = b"\x1f"
"""Separates the two texts of a pair. No normal form contains it."""

_IDEOGRAMS = "\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_ALPHABETS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Thai and Lao, Burmese, Khmer: letters, of which a word has several."""
_UNSPACED = re.compile(f"[{_IDEOGRAMS}{_ALPHABETS}]")
_LETTER = re.compile(f"[{_ALPHABETS}]")
_SECOND = np.uint64(0x9E3779B97F4A7C15)

SPACED, IDEOGRAMS, LETTERS = 0, 1, 2
"""What the words of a row are: between spaces, or characters of either kind of script."""


@dataclass(frozen=True, slots=True)
class RowWords:
    """The words of ``n`` rows, one row after the other."""

    codes: Hashes
    """Hash of each word; the words of a pair's second text differ from those of its first."""
    counts: Ints
    """``(n,)`` words of each row."""
    script: NDArray[np.uint8]
    """``(n,)`` ``SPACED``, ``IDEOGRAMS`` or ``LETTERS``: what more than half of the words are."""


def row_words(forms: Sequence[bytes]) -> RowWords:
    """The words of ``n`` rows, each the normal form of a text, or two with ``BETWEEN``."""
    words, counts, script = split_words(forms)
    encoded = words.dictionary_encode()
    distinct = encoded.dictionary.cast(pa.binary()).to_pylist()
    digests = b"".join([blake2b(word, digest_size=8).digest() for word in distinct])
    places = integers(encoded.indices)
    codes = np.frombuffer(digests, "<u8").astype(np.uint64)[places]
    if BETWEEN in distinct:
        return _of_pairs(codes, places == distinct.index(BETWEEN), counts, script)
    return RowWords(codes, counts, script)


def split_words(forms: Sequence[bytes]) -> tuple[pa.Array, Ints, NDArray[np.uint8]]:
    """The words themselves (``BETWEEN`` is one), how many each row has, and their script."""
    script = np.zeros(len(forms), np.uint8)
    rows = list(forms)
    for i, form in enumerate(forms):
        if not form.isascii():
            rows[i], script[i] = _apart(form)
    texts = strings([row.decode() for row in rows])
    lists = pc.split_pattern(pc.replace_substring(texts, "\x1f", " \x1f "), " ")
    return lists.values, np.diff(integers(lists.offsets)), script


def _apart(form: bytes) -> tuple[bytes, int]:
    """Text with spaces around characters of unspaced scripts, and the kind of most words then."""
    text, characters = _UNSPACED.subn(r" \g<0> ", form.decode())
    if not characters:
        return form, SPACED
    words = [word for word in text.split(" ") if word]
    letters = LETTERS if _LETTER.search(text) else IDEOGRAMS
    return " ".join(words).encode(), letters if 2 * characters > len(words) else SPACED


def _of_pairs(
    codes: Hashes, between: NDArray[np.bool_], counts: Ints, script: NDArray[np.uint8]
) -> RowWords:
    """Words of pairs without the marks between; words of the second text get codes of their own."""
    rows = np.repeat(np.arange(len(counts)), counts)
    passed = np.cumsum(between)
    before = np.concatenate([[0], passed])[np.cumsum(counts) - counts]
    second = (passed - before[rows]) > 0
    codes = np.where(second, codes ^ _SECOND, codes)
    counts = counts - np.bincount(rows[between], minlength=len(counts))
    return RowWords(codes[~between], counts, script)
