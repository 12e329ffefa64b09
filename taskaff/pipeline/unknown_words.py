"""Texts that the encoder does not know: another language, ids, codes. Said first, and the same
everywhere, since every number that is made of such vectors is about next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from taskaff.core.records.embedding import EncodeCounts
from taskaff.core.records.signature import TaskSignature

MOST = 0.5
"""A share of unknown words from here on is said."""
_SAID = "of its words are unknown to the encoder"
_MODEL = "st:sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"
_OTHERS = (
    f"take one of its language: --encoder {_MODEL}, or without a network a folder that holds such "
    "a model, --encoder st:FOLDER, or word vectors, --encoder glove:FILE"
)


def note(name: str, counts: EncodeCounts, encoder: str) -> list[str]:
    """The sentence, where most words of a data set are unknown."""
    share = counts.unknown / counts.tokens if counts.tokens else 0.0
    if share < MOST:
        return []
    found = f"{name}: {share:.0%} {_SAID} {encoder}, so that its numbers say next to nothing"
    return [f"{found}; {_OTHERS}"]


def notes(signatures: Iterable[TaskSignature]) -> tuple[str, ...]:
    """The sentences of several data sets."""
    return tuple(text for s in signatures for text in note(s.name, s.counts, s.encoder.id))


def loud(notes: Iterable[str]) -> list[str]:
    """Those of a result's notes that are warnings as well."""
    return [text for text in notes if _SAID in text]
