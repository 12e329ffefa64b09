"""The texts of all tasks as token numbers: one run of tokens, gathered by row number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from taskaff.core.errors import ProbeError
from taskaff.core.records.embedding import TokenLayer, TokenRows

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Ints


@dataclass(frozen=True, slots=True, eq=False)
class TokenData:
    """Row ``i`` of the training data is ``ids[starts[i]:starts[i + 1]]``, at least one token.

    A run may depend on the tokens of its own rows alone: the numbers and the vectors' order are
    those of all training data, and training data of other tasks has others.
    """

    ids: Tensor
    """``(T,)`` int64. Words are numbered by the rows of ``vectors``, transformers' tokens by their
    own vocabulary."""
    starts: Tensor
    """``(N + 1,)`` int64."""
    types: Tensor | None
    """``(T,)`` int64 segments (pairs of texts, transformers), or None."""
    vectors: Tensor | None
    """``(V, d)`` float32: the words that occur, in the order of the layer's, then the unknown word
    and the mark between two texts; None for transformers."""
    layer: TokenLayer
    """Where the tokens are from; ``layer.vectors`` has other row numbers than ``ids`` here."""
    numbers: Ints | None
    """``(V,)``: the layer's numbers of the rows of ``vectors``, whatever else it holds."""

    @property
    def d(self) -> int:
        """Width of a token's vector."""
        return self.layer.width

    def content(self, rows: Ints) -> bytes:
        """The tokens of some rows by the layer's own numbers: equal texts give equal bytes."""
        starts = self.starts.cpu().numpy()
        sizes = starts[rows + 1] - starts[rows]
        at = np.repeat(starts[rows] - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
        ids = self.ids.cpu().numpy()[at]
        parts = [sizes, ids if self.numbers is None else self.numbers[ids]]
        if self.types is not None:
            parts.append(self.types.cpu().numpy()[at])
        return b"".join(np.ascontiguousarray(part, np.int64).tobytes() for part in parts)

    def lengths(self, rows: Tensor) -> Tensor:
        """Tokens of each row, in the shape of ``rows``."""
        return self.starts[rows + 1] - self.starts[rows]

    def padded(self, rows: Tensor, pad: int = 0) -> tuple[Tensor, Tensor, Tensor | None]:
        """Rows of equal length: tokens ``(m, longest)``, the mask of real ones, and segments.

        ``rows (m,)``; beyond a row's end there is ``pad``, and segment 0.
        """
        lengths = self.lengths(rows)
        column = torch.arange(int(lengths.max()), device=self.ids.device)
        mask = column < lengths[:, None]
        at = (self.starts[rows][:, None] + column).clamp_(max=len(self.ids) - 1)
        types = None if self.types is None else self.types[at].masked_fill(~mask, 0)
        return self.ids[at].masked_fill(~mask, pad), mask, types


def token_data(tasks: Sequence[TokenRows | None], device: str) -> TokenData:
    """Concatenate the tasks' tokens and move them to the device; words keep only what occurs.

    Raises
    ------
    ProbeError : a task without tokens, or tokens of different encoders.
    """
    given = [rows for rows in tasks if rows is not None]
    if not given or len(given) < len(tasks):
        raise ProbeError(
            "a data set holds no texts, and this trunk is fine-tuned on texts",
            hint="--trunk linear, relu or mlp train on vectors",
        )
    layer = given[0].layer
    if any(rows.layer.fingerprint != layer.fingerprint for rows in given):
        raise ProbeError("tokens of different encoders", hint="use one --encoder for all data sets")
    ids = np.concatenate([rows.ids for rows in given]).astype(np.int64)
    sizes = np.concatenate([np.diff(rows.starts) for rows in given])
    if not sizes.all():
        raise ProbeError("a row without a token", hint="an empty text is one unknown word")
    starts = np.concatenate([[0], np.cumsum(sizes)])
    vectors = numbers = None
    if layer.vectors is not None:
        last = len(layer.vectors) - 2
        used = np.union1d(ids, [last, last + 1])
        ids = np.searchsorted(used, ids)
        numbers = used if layer.numbers is None else layer.numbers[used]
        vectors = torch.from_numpy(np.ascontiguousarray(layer.vectors[used])).to(device)
    return TokenData(
        torch.from_numpy(ids).to(device),
        torch.from_numpy(starts.astype(np.int64)).to(device),
        _types(given, device),
        vectors,
        layer,
        numbers,
    )


def _types(given: Sequence[TokenRows], device: str) -> Tensor | None:
    """Segments of all tokens; a task of single texts beside one of pairs has segment 0."""
    if all(rows.types is None for rows in given):
        return None
    parts = [np.zeros(len(r.ids), np.int64) if r.types is None else r.types for r in given]
    return torch.from_numpy(np.concatenate(parts).astype(np.int64)).to(device)
