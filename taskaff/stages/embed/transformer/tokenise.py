"""Texts to token numbers, by the model's own tokeniser, with everything counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from taskaff.core.errors import UsageError
from taskaff.core.records.embedding import EncodeCounts

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from taskaff.core.records.arrays import Ints, Ints32


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """``n`` rows as token numbers: row ``i`` is ``ids[starts[i]:starts[i + 1]]``."""

    ids: Ints32
    starts: Ints
    types: Ints32 | None
    """Segment of every token, where a segment differs from 0."""
    cut: NDArray[np.bool_]
    """``(n,)`` rows that were longer than the limit."""
    counts: EncodeCounts

    @property
    def lengths(self) -> Ints:
        """``(n,)`` tokens of each row, special ones included."""
        return np.diff(self.starts)


class Tokeniser:
    """A fast tokeniser with a limit, which leaves the one that it was made of as it is.

    Parameters
    ----------
    tokenizer : as ``load.load_tokenizer`` or ``load_static_tokenizer`` gives it.
    limit : most tokens of a row, special ones included; pairs are cut longest first. None: any.
    lower : put texts into lower case first, as sentence-transformers can be told to.
    prompt : what precedes every text.
    marks : whether the tokeniser's special tokens are added.
    """

    def __init__(
        self,
        tokenizer: Any,
        limit: int | None,
        lower: bool = False,
        prompt: str = "",
        marks: bool = True,
    ) -> None:
        from tokenizers import Tokenizer

        self._prompt, self._marks = prompt, marks
        self._fast = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        if lower:
            _lower(self._fast)
        self._special = [0, 0]
        if marks:
            self._special = [self._fast.num_special_tokens_to_add(pair) for pair in (False, True)]
        self._fast.no_padding()
        self._cut_at(limit, tokenizer.truncation_side)
        self._unknown = tokenizer.unk_token_id
        self._typed = "token_type_ids" in tokenizer.model_input_names

    def _cut_at(self, limit: int | None, side: str) -> None:
        if limit is None:
            self._fast.no_truncation()
            return
        marks = max(self._special)
        if limit <= marks:
            raise UsageError(
                f"no room for a text in {limit} tokens: the marks of a pair take {marks}",
                hint=f"--max-length {marks + 1} or more",
            )
        self._fast.enable_truncation(limit, strategy="longest_first", direction=side)

    def __call__(self, *columns: pa.Array) -> Tokens:
        """Tokens of ``n`` texts, or of ``n`` pairs of texts, each pair as one sequence."""
        lists = [[self._prompt + text for text in column.to_pylist()] for column in columns]
        rows = lists[0] if len(lists) == 1 else list(zip(*lists, strict=True))
        encodings = self._fast.encode_batch_fast(rows, add_special_tokens=self._marks)
        each = [encoding.ids for encoding in encodings]
        lengths = np.fromiter(map(len, each), np.int64, len(each))
        ids = _flat(each, int(lengths.sum()))
        types = None
        if self._typed:
            types = _flat([encoding.type_ids for encoding in encodings], len(ids))
            types = types if types.any() else None
        special = self._special[len(columns) - 1]
        unknown = 0 if self._unknown is None else int((ids == self._unknown).sum())
        cut = np.fromiter(
            (bool(encoding.overflowing) for encoding in encodings), np.bool_, len(each)
        )
        counts = EncodeCounts(
            tokens=len(ids) - special * len(each),
            unknown=unknown,
            truncated=int(cut.sum()),
            empty=int((lengths == special).sum()),
        )
        return Tokens(ids, np.concatenate([[0], np.cumsum(lengths)]), types, cut, counts)


def _flat(lists: Sequence[Sequence[int]], total: int) -> Ints32:
    return np.fromiter(chain.from_iterable(lists), np.int32, total)


def _lower(fast: Any) -> None:
    from tokenizers.normalizers import Lowercase, Sequence

    own = fast.normalizer
    fast.normalizer = Sequence([Lowercase()] if own is None else [Lowercase(), own])
