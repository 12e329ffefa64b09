"""Encoders, token rows and the embedded rows of a task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from taskaff.core.records.data import LabelSchema

if TYPE_CHECKING:
    import pyarrow as pa

    from taskaff.core.records.arrays import Floats, Floats32, Hashes, Ints, Ints32


@dataclass(frozen=True, slots=True)
class EncoderCard:
    """Which encoder made the vectors.

    ``fingerprint`` covers everything that changes a vector (weights, tokenisation, pooling,
    dtype); two signatures compare only when their fingerprints are equal. ``width`` is the
    number of dimensions of one text.
    """

    id: str
    fingerprint: str
    width: int
    revision: str = ""
    pairs: Literal["apart", "cross"] = "apart"
    """How a pair of texts is encoded: each by itself, then ``[u; v; |u - v|; u * v]``; or both as
    one sequence, as BERT does for GLUE, which gives a vector of ``width``."""


@dataclass(frozen=True, slots=True)
class EncodeCounts:
    """Token counts of an encoding, which add over batches."""

    tokens: int = 0
    unknown: int = 0
    """Tokens out of vocabulary: without a vector, or a model's mark for unknown words."""
    truncated: int = 0
    """Texts, or pairs taken as one sequence, cut at the encoder's length limit."""
    empty: int = 0
    """Texts that gave no token with a vector: the zero vector, or what a model makes of its marks
    alone."""

    def __add__(self, other: EncodeCounts) -> EncodeCounts:
        return EncodeCounts(
            self.tokens + other.tokens,
            self.unknown + other.unknown,
            self.truncated + other.truncated,
            self.empty + other.empty,
        )


class Encoder(Protocol):
    """How rows become vectors. One class an encoder, listed in ``stages.embed.ENCODERS``."""

    @property
    def card(self) -> EncoderCard:
        """Identity, for fingerprints and reports."""
        ...

    def encode(self, texts: pa.Array) -> tuple[Floats32, EncodeCounts]:
        """Vectors ``(n, width)`` float32 of ``n`` texts, in order, whatever the batch size."""
        ...


class ThreadedEncoder(Encoder, Protocol):
    """An encoder whose matrix products have threads of their own, such as a model's."""

    @property
    def workers(self) -> int:
        """Threads that should call ``encode`` side by side; matrix products are left alone."""
        ...


class PairEncoder(Encoder, Protocol):
    """An encoder whose card may say ``cross``: it takes two texts as one sequence."""

    def encode_pairs(self, first: pa.Array, second: pa.Array) -> tuple[Floats32, EncodeCounts]:
        """Vectors ``(n, width)`` float32 of ``n`` pairs, in order, whatever the batch size."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class TokenLayer:
    """What token numbers mean, and the layer that a fine-tuned trunk starts from.

    ``words``: ``vectors (V, d)`` float32, the last two rows being the unknown word and the mark
    between two texts. ``transformer``: ``load()`` gives a fresh pretrained ``torch.nn.Module``
    whose call takes ``(ids, mask, types)`` and whose embedding layer can be aligned.
    """

    kind: Literal["words", "transformer"]
    id: str
    fingerprint: str
    width: int
    """``d``, of a token's vector."""
    vectors: Floats32 | None = None
    load: Callable[[], Any] | None = None
    numbers: Ints | None = None
    """``(V,)`` ascending: which token of the fingerprint's vocabulary each row of ``vectors`` is,
    where only those that occur are kept; None when ids are themselves such numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class TokenRows:
    """The texts of ``n`` rows as token numbers: row ``i`` is ``ids[starts[i]:starts[i + 1]]``."""

    ids: Ints32
    starts: Ints
    """``(n + 1,)``."""
    types: Ints32 | None
    """Segment of every token (transformers, pairs of texts), as long as ``ids``; or None."""
    layer: TokenLayer


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class TaskVectors:
    """The embedded rows of one task, as the probe trains on them.

    ``X`` is ``(n, d)`` float32; ``labels`` as in ``RowBatch``; ``hashes`` ``(n,)`` identify the
    content of each row (leaks, splits); ``splits`` ``(n,)`` index into ``SPLITS``.
    """

    name: str
    X: Floats32
    labels: Ints | Floats
    hashes: Hashes
    splits: Ints
    schema: LabelSchema
    tokens: TokenRows | None = None
    """The texts as token numbers, for trunks that are fine-tuned; ``X`` are then their averages."""
    training_rows: int | None = None
    """Training rows of the files, or all rows where they have no splits; None: those kept here."""
    near: Hashes | None = None
    """``(n, k)`` keys by which near copies are known (``NearKeys``), 0 where a row has fewer; None
    where texts are not known."""

    @property
    def rows(self) -> int:
        """``n``."""
        return len(self.X)
