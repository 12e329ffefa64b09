"""``TransformerEncoder``: texts, or pairs of texts, to vectors on every device there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from queue import SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from taskaff.core.parallel import ordered_map
from taskaff.core.records.embedding import EncodeCounts, EncoderCard
from taskaff.stages.embed.transformer.rows import token_layer, token_rows
from taskaff.stages.embed.transformer.tokenise import Tokeniser

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Floats32, Ints, Ints32
    from taskaff.core.records.embedding import TokenLayer
    from taskaff.stages.embed.transformer.recipe import Recipe
    from taskaff.stages.embed.transformer.tokenise import Tokens

WINDOW = 8192
"""Rows whose lengths are sorted together; more would pad little less and hold more memory."""
PER_REPLICA = 2
"""Threads per replica: one tokenises while the other computes."""


class Replica(Protocol):
    """A copy of the model on one device."""

    def start(self, tokens: Tokens, width: int) -> tuple[Ints, Callable[[], Floats32]]:
        """Rows ``(m,)`` that have vectors, and a function that waits for them ``(m, width)``."""
        ...


class TokenEncoder:
    """Vectors ``(n, width)`` float32 of the tokens of texts; see ``Recipe``.

    Safe to call from several threads, and meant to be: every call tokenises on its own and then
    waits for a free replica. The model is loaded with the first texts; a run that finds all its
    signatures in the cache never loads it.

    Parameters
    ----------
    card : identity (weights, tokeniser, pooling, layer, limit and type, not the device), and how
        pairs are to be encoded.
    recipe : where the model lies, and its pooling and layer.
    tokenizer : as ``load.load_tokenizer`` or ``load_static_tokenizer`` gives it.
    max_length : most tokens of a row, special ones included; None: any number.
    build : gives the replicas, at least one; called once.
    devices : names of their devices.
    dtype : ``float32`` or ``bfloat16``.
    """

    def __init__(
        self,
        card: EncoderCard,
        recipe: Recipe,
        tokenizer: Any,
        max_length: int | None,
        build: Callable[[], Sequence[Replica]],
        devices: Sequence[str],
        dtype: str,
    ) -> None:
        self.card, self._build, self._recipe = card, build, recipe
        self.tokenizer, self.max_length, self.dtype = tokenizer, max_length, dtype
        self.device = ",".join(devices)
        self.workers = PER_REPLICA * len(devices)
        self._tokenisers: dict[int | None, Tokeniser] = {}
        self._tokenise = self._tokeniser(max_length)
        self._free: SimpleQueue[Replica] | None = None
        self._lock = Lock()

    def encode(self, texts: pa.Array) -> tuple[Floats32, EncodeCounts]:
        """Vectors ``(n, width)`` of ``n`` texts; one without tokens is what the marks give."""
        return self._encode(texts)

    def encode_pairs(self, first: pa.Array, second: pa.Array) -> tuple[Floats32, EncodeCounts]:
        """Vectors ``(n, width)`` of ``n`` pairs, each one sequence with the tokeniser's marks."""
        return self._encode(first, second)

    def _tokeniser(self, limit: int | None) -> Tokeniser:
        if limit not in self._tokenisers:
            recipe = self._recipe
            self._tokenisers[limit] = Tokeniser(
                self.tokenizer, limit, recipe.lower, recipe.prompt, marks=not recipe.static
            )
        return self._tokenisers[limit]

    def _encode(self, *columns: pa.Array) -> tuple[Floats32, EncodeCounts]:
        rows = len(columns[0])
        if rows <= WINDOW:
            return self._window(columns)
        windows = (
            tuple(column.slice(at, WINDOW) for column in columns) for at in range(0, rows, WINDOW)
        )
        parts = list(ordered_map(self._window, windows, self.workers))
        X = np.concatenate([X for X, _ in parts])
        return X, sum((counts for _, counts in parts), EncodeCounts())

    def _window(self, columns: tuple[pa.Array, ...]) -> tuple[Floats32, EncodeCounts]:
        tokens = self._tokenise(*columns)
        X = np.zeros((len(columns[0]), self.card.width), np.float32)
        if len(X):
            free = self._replicas()
            replica = free.get()
            try:
                order, wait = replica.start(tokens, self.card.width)
            finally:
                free.put(replica)
            X[order] = wait()
        return X, tokens.counts

    def _replicas(self) -> SimpleQueue[Replica]:
        with self._lock:
            if self._free is None:
                replicas = self._build()
                self._free = SimpleQueue()
                for replica in replicas:
                    self._free.put(replica)
            return self._free


class TransformerEncoder(TokenEncoder):
    """The encoder of a transformer, whose layers the probe can fine-tune on the same tokens."""

    @cached_property
    def token_layer(self) -> TokenLayer:
        """What a fine-tuned trunk starts from; all poolings but ``cls`` and ``max`` are means."""
        recipe = self._recipe
        pooling = next((mode for mode in recipe.pooling[:1] if mode in ("cls", "max")), "mean")
        return token_layer(recipe.folder, self.card, pooling, recipe.layer)

    def token_rows(
        self, text: tuple[pa.Array, ...], limit: int | None = None
    ) -> tuple[Ints32, Ints, Ints32 | None, NDArray[np.bool_]]:
        """Ids, starts ``(n + 1,)``, segments, and which rows were cut, for fine-tuned trunks."""
        tokenise = self._tokenise
        if limit is not None and (self.max_length is None or limit < self.max_length):
            tokenise = self._tokeniser(limit)
        marks = (self.tokenizer.unk_token_id, self.tokenizer.pad_token_id, 0)
        return token_rows(tokenise, text, next(mark for mark in marks if mark is not None))
