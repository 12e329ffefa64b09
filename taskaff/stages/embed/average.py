"""The average of a text's word vectors: one table of words, one matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from taskaff.core.arrow import flat, integers
from taskaff.core.records.embedding import EncodeCounts, EncoderCard, TokenLayer
from taskaff.core.store import digest_key
from taskaff.stages.embed.tokens import LEVELS, TOKENISER_VERSION, known_rows, pieces, split_further
from taskaff.stages.embed.vocabulary import Vocabulary
from taskaff.stages.embed.wordrows import segment_counts, word_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Floats32, Ints, Ints32

_STEPS = 512
_ROWS = 512


class AverageEncoder:
    """Mean of the vectors ``(v, d)`` float32 of a text's known tokens; zero when there is none.

    A text's vector depends on the text alone, to the last bit: its tokens are added in order,
    whatever the rest of the batch is. Safe to call from several threads.
    """

    def __init__(self, id: str, words: pa.Array, vectors: Floats32, weights: str) -> None:
        self.vocabulary = Vocabulary(words)
        self.vectors = vectors
        identity = fingerprint(weights)  # whatever file held them
        self.card = EncoderCard(id, identity, vectors.shape[1], revision=weights[:12])

    def encode(self, texts: pa.Array) -> tuple[Floats32, EncodeCounts]:
        """Vectors ``(n, d)`` float32 of ``n`` texts, and the token counts."""
        encoded, bounds = pieces(texts)
        codes = integers(encoded.indices)
        sums, tokens, known = self._spell(encoded.dictionary, 0)
        X = segment_sums(sums, codes, bounds)
        row_known = segment_counts(known[codes], bounds)
        X /= np.maximum(row_known, 1).astype(np.float32)[:, None]
        total = int(tokens[codes].sum())
        unknown = total - int(row_known.sum())
        return X, EncodeCounts(total, unknown, empty=int((row_known == 0).sum()))

    def token_rows(
        self, text: tuple[pa.Array, ...], limit: int | None = None
    ) -> tuple[Ints32, Ints, None, NDArray[np.bool_]]:
        """Words of ``n`` rows of one text or two: ids, starts ``(n + 1,)``, and which were cut.

        Ids are rows of ``vectors``; the next two are the unknown word and the mark between texts.
        """
        ids, counts = word_rows(text, self.vocabulary, limit)
        cut = np.zeros(len(counts), np.bool_)
        if limit and int(counts.max(initial=0)) >= limit:
            cut = word_rows(text, self.vocabulary, None)[1] > limit
        return ids.astype(np.int32), np.concatenate([[0], np.cumsum(counts)]), None, cut

    def word_layer(self, used: Ints) -> TokenLayer:
        """The layer of the words numbered ``used`` (sorted), the unknown word and the mark."""
        unknown = len(self.vocabulary)
        numbers = np.union1d(used, [unknown, unknown + 1])
        rows = np.zeros((len(numbers), self.vectors.shape[1]), np.float32)
        rows[:-2] = self.vectors[numbers[:-2]]
        identity = digest_key(vectors=self.card.fingerprint, tokens=TOKENISER_VERSION)
        width = rows.shape[1]
        return TokenLayer("words", self.card.id, identity, width, vectors=rows, numbers=numbers)

    def _spell(self, strings: pa.Array, level: int) -> tuple[Floats32, Ints, Ints]:
        """Sum of the token vectors ``(m, d)``, tokens ``(m,)`` and known ones of each string."""
        rows = known_rows(strings, self.vocabulary, level)
        missing = np.flatnonzero(rows < 0)
        sums = self.vectors[np.maximum(rows, 0)]  # take() would copy a read-only matrix first
        sums[missing] = 0
        tokens = np.ones(len(rows), np.int64)
        known = (rows >= 0).astype(np.int64)
        if level < LEVELS and len(missing):
            lists = split_further(strings.take(flat(missing)), level + 1)
            bounds = integers(lists.offsets)
            inner_sums, inner_tokens, inner_known = self._spell(lists.values, level + 1)
            order = np.arange(len(inner_sums))
            sums[missing] = segment_sums(inner_sums, order, bounds)
            tokens[missing] = segment_counts(inner_tokens, bounds)
            known[missing] = segment_counts(inner_known, bounds)
        elif len(missing):
            tokens[missing] = integers(pc.binary_length(strings))[missing] > 0
        return sums, tokens, known


def fingerprint(weights: str) -> str:
    """Fingerprint of the encoder whose words and vectors have the digest ``weights``."""
    return digest_key(weights=weights, tokeniser=TOKENISER_VERSION, pooling="mean", dtype="float32")


def segment_sums(values: Floats32, index: Ints, bounds: Ints) -> Floats32:
    """Sum of ``values[index[a:b]]`` for each segment ``(a, b)`` of ``bounds``: ``(n, d)``.

    The segments are taken longest first and the k-th items of all of them added together, in
    blocks that fit the processor's cache; twice as slow as a product with a sparse matrix, but
    without the 0.15 s that loading scipy.sparse takes.
    """
    lengths = np.diff(bounds)
    order = np.argsort(-lengths, kind="stable")
    lengths, start = lengths[order], bounds[:-1][order]
    sums = np.zeros((len(order), values.shape[1]), np.float32)
    for block in range(0, len(order), _ROWS):
        part, size = sums[block : block + _ROWS], lengths[block : block + _ROWS]
        first = start[block : block + _ROWS]
        steps = min(int(size[0]), _STEPS)
        longer = np.searchsorted(-size, -np.arange(steps))
        for k in range(steps):
            m = longer[k]
            part[:m] += values.take(index[first[:m] + k], axis=0)
    for row in np.flatnonzero(lengths > _STEPS):
        rest = index[start[row] + _STEPS : start[row] + lengths[row]]
        for at in range(0, len(rest), _STEPS):
            sums[row] += values.take(rest[at : at + _STEPS], axis=0).sum(axis=0)
    out = np.empty_like(sums)
    out[order] = sums
    return out
