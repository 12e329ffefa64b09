"""One copy of a model on one device: windows of tokens in, vectors out.

On a GPU nothing waits for the device within a window: ids go over in one pinned copy, the kernels
of all batches are queued, and the vectors come back in one copy that the caller waits for after the
next window has been given the device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from taskaff.core.errors import EmbedError
from taskaff.stages.embed.transformer.plan import Batch, Rule, padded_tokens, plan
from taskaff.stages.embed.transformer.pooling import Dense, last_hidden, normalised, pool

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats32, Ints
    from taskaff.stages.embed.transformer.tokenise import Tokens

Step = Callable[[Tensor], Tensor]


class Head:
    """What follows the model: poolings side by side, then dense layers and normalisation."""

    def __init__(self, pooling: tuple[str, ...], after: tuple[Dense | str, ...]) -> None:
        self._pooling = pooling
        self._after: list[Step] = [normalised if isinstance(x, str) else x for x in after]

    def __call__(self, hidden: Tensor, lengths: Tensor, mask: Tensor | None) -> Tensor:
        """``hidden (n, t, d)`` to ``(n, width)`` float32."""
        X = torch.cat([pool(hidden, lengths, mask, mode) for mode in self._pooling], dim=1)
        for step in self._after:
            X = step(X)
        return X


class Replica:
    """A model, its head and its device. One window at a time; the caller sees to that.

    ``model`` takes ``input_ids``, ``attention_mask`` (None: no padding) and, where ``tokens.types``
    are given, ``token_type_ids``, as transformers' models do.
    """

    def __init__(
        self, model: Any, head: Head, device: torch.device, rule: Rule, layer: int | None, pad: int
    ) -> None:
        self._model, self._head, self.device = model, head, device
        self._rule, self._layer, self._pad = rule, layer, pad
        self.most: int | None = None
        """Padded tokens that a batch may have since memory ran out; None: it never did."""

    @torch.inference_mode()
    def start(self, tokens: Tokens, width: int) -> tuple[Ints, Callable[[], Floats32]]:
        """Queue the forward passes of a window of ``n`` rows.

        Returns the rows that have tokens ``(m,)``, in the order of their vectors, and a function
        that waits for those vectors ``(m, width)``.
        """
        order, batches = plan(tokens.lengths, self._rule)
        ids = self._over(padded_tokens(tokens.ids, tokens.starts, order, batches, self._pad))
        types = None
        if tokens.types is not None:
            types = self._over(padded_tokens(tokens.types, tokens.starts, order, batches, 0))
        lengths = self._over(tokens.lengths[order])
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
            more = {} if types is None else {"token_type_ids": types}
            attention = None if mask is None else mask.long()
            hidden = last_hidden(
                self._model, self._layer, input_ids=ids, attention_mask=attention, **more
            )
            out.copy_(self._head(hidden, lengths, mask))
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

    def _over(self, values: Any) -> Tensor:
        """An integer array on the device, as int64."""
        tensor = torch.from_numpy(values)
        if self.device.type == "cuda":
            tensor = tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor.to(self.device).long()

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
            found: Floats32 = host.numpy()
            return found

        return wait


def _is_memory(error: BaseException) -> bool:
    words = str(error)
    return (
        isinstance(error, (torch.OutOfMemoryError, MemoryError))
        or "can't allocate memory" in words
        or "out of memory" in words
    )
