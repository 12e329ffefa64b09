"""One copy of a model on one device: windows of tokens in, vectors out.

On a GPU nothing waits for the device within a window: ids go over in one pinned copy, the kernels
of all batches are queued, and the vectors come back in one copy that the caller waits for after the
next window has been given the device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor

from taskaff.core.errors import EmbedError
from taskaff.stages.embed.transformer.plan import Batch, Rule, padded_tokens, plan
from taskaff.stages.embed.transformer.pooling import last_hidden, pool

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats32, Ints, Ints32
    from taskaff.stages.embed.transformer.st_model import SentenceModel
    from taskaff.stages.embed.transformer.tokenise import Tokens


class Forward(Protocol):
    """A model with its pooling: the vectors ``(n, width)`` of a batch of tokens."""

    def __call__(self, ids: Tensor, mask: Tensor | None, types: Tensor | None) -> Tensor:
        """``ids``, ``mask`` (bool, None: no padding) and ``types`` are ``(n, t)``."""
        ...


class Pooled:
    """A bare model: one hidden layer, pooled in float32."""

    def __init__(self, model: Any, pooling: str, layer: int | None) -> None:
        self._model, self._pooling, self._layer = model, pooling, layer

    def __call__(self, ids: Tensor, mask: Tensor | None, types: Tensor | None) -> Tensor:
        """The pooled vectors."""
        more = {} if types is None else {"token_type_ids": types}
        there = None if mask is None else mask.long()
        hidden = last_hidden(self._model, self._layer, input_ids=ids, attention_mask=there, **more)
        return pool(hidden, mask, self._pooling)


class BatchReplica:
    """A transformer on its device, in batches. One window at a time; the caller sees to that."""

    def __init__(self, forward: Forward, device: torch.device, rule: Rule, pad: int) -> None:
        self._forward, self.device, self._rule, self._pad = forward, device, rule, pad
        self.most: int | None = None
        """Padded tokens that a batch may have since memory ran out; None: it never did."""

    @torch.inference_mode()
    def start(self, tokens: Tokens, width: int) -> tuple[Ints, Callable[[], Floats32]]:
        """Queue the forward passes of a window of ``n`` rows.

        Returns the rows that have tokens ``(m,)``, in the order of their vectors, and a function
        that waits for those vectors ``(m, width)``.
        """
        order, batches = plan(tokens.lengths, self._rule)

        def over(values: Ints32, fill: int) -> Tensor:
            padded = padded_tokens(values, tokens.starts, order, batches, fill)
            return _over(padded, self.device)

        ids = over(tokens.ids, self._pad)
        types = None if tokens.types is None else over(tokens.types, 0)
        lengths = _over(tokens.lengths[order], self.device)
        out = torch.empty(len(order), width, dtype=torch.float32, device=self.device)
        at = 0
        for batch in batches:
            end = at + (batch.stop - batch.start) * batch.length
            shape = (-1, batch.length)
            inner = None if types is None else types[at:end].view(shape)
            rows = slice(batch.start, batch.stop)
            self._batch(ids[at:end].view(shape), inner, lengths[rows], batch, out[rows])
            at = end
        return order, self._back(out)

    def _batch(
        self, ids: Tensor, types: Tensor | None, lengths: Tensor, batch: Batch, out: Tensor
    ) -> None:
        """Vectors of the rows into ``out``, in parts of the size that memory has room for."""
        at = 0
        while at < len(ids):
            rows = len(ids) - at
            if self.most is not None:
                rows = min(rows, max(1, self.most // batch.length))
            part = slice(at, at + rows)
            inner = None if types is None else types[part]
            if self._fits(ids[part], inner, lengths[part], batch.padded, out[part]):
                at += rows
            else:
                self._halve(rows, batch.length)

    def _fits(
        self, ids: Tensor, types: Tensor | None, lengths: Tensor, padded: bool, out: Tensor
    ) -> bool:
        """Whether memory sufficed; what the failed pass had allocated is free after it."""
        try:
            mask = None
            if padded:
                mask = torch.arange(ids.shape[1], device=self.device) < lengths[:, None]
            out.copy_(self._forward(ids, mask, types))
        except (RuntimeError, MemoryError) as error:
            if not _is_memory(error):
                raise
            return False
        return True

    def _halve(self, rows: int, length: int) -> None:
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if rows == 1:
            raise EmbedError(
                f"not enough memory on {self.device} for one text of {length:,} tokens",
                hint=f"--max-length {max(16, length // 2)}, or --device cpu",
            )
        self.most = rows // 2 * length

    def _back(self, out: Tensor) -> Callable[[], Floats32]:
        if self.device.type != "cuda":
            ready: Floats32 = out.cpu().numpy()
            return lambda: ready
        host = torch.empty(out.shape, dtype=out.dtype, pin_memory=True)
        host.copy_(out, non_blocking=True)
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self.device))

        def wait() -> Floats32:
            event.synchronize()
            vectors: Floats32 = host.numpy()
            return vectors

        return wait


class StaticReplica:
    """Static vectors on a device: the tokens of a window in one go, without padding."""

    def __init__(self, model: SentenceModel, device: torch.device) -> None:
        self._model, self.device = model, device

    @torch.inference_mode()
    def start(self, tokens: Tokens, width: int) -> tuple[Ints, Callable[[], Floats32]]:  # noqa: ARG002
        """All rows ``(n,)`` and a function that gives their vectors ``(n, width)``."""
        ids, starts = _over(tokens.ids, self.device), _over(tokens.starts[:-1], self.device)
        X: Floats32 = self._model.averages(ids, starts).cpu().numpy()
        return np.arange(len(X)), lambda: X


def _over(values: Any, device: torch.device) -> Tensor:
    """An integer array on the device, as int64."""
    tensor = torch.from_numpy(values)
    if device.type == "cuda":
        tensor = tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device).long()


def _is_memory(error: BaseException) -> bool:
    words = str(error)
    return (
        isinstance(error, (torch.OutOfMemoryError, MemoryError))
        or "can't allocate memory" in words
        or "out of memory" in words
    )
