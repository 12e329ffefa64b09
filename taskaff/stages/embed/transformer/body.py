"""A transformer as a module that can be fine-tuned, with its embedding layer open to alignment."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from taskaff.core.errors import EmbedError
from taskaff.stages.embed.transformer.load import load_config, load_model
from taskaff.stages.embed.transformer.pooling import last_hidden, pool


class FineTuned(nn.Module):
    """``(ids, mask, types, align=None)``, each ``(n, tokens)``, to pooled vectors ``(n, width)``.

    ``align (d, d)`` multiplies the output of the embedding layer (words, positions and segments
    together, normalised), before the first layer: ``Z = E R`` (Wu, Zhang and Ré 2020, Figure 4).
    Vectors are not scaled to length 1 even where the encoder does so: a head has its own scale.
    """

    def __init__(self, model: Any, pooling: str, layer: int | None = None, pad: int = 0) -> None:
        super().__init__()
        self.model, self.pooling, self.layer, self.pad = model, pooling, layer, pad
        self.width = int(model.config.hidden_size)
        self._typed = "token_type_ids" in inspect.signature(model.forward).parameters
        self._align: Tensor | None = None
        self._only_embed = self._met = False
        first = getattr(model, "embeddings", None) or model.get_input_embeddings()
        first.register_forward_hook(self._embedded)

    def forward(
        self, ids: Tensor, mask: Tensor, types: Tensor | None, align: Tensor | None = None
    ) -> Tensor:
        """Pooled vectors."""
        self._align, self._met = align, align is None
        try:
            hidden = self._run(ids, mask, types)
        finally:
            self._align = None
        if not self._met:
            raise self._closed()
        return pool(hidden, mask, self.pooling)

    def embedded(self, ids: Tensor, mask: Tensor, types: Tensor | None) -> Tensor:
        """Output ``(n, tokens, d)`` of the embedding layer."""
        self._only_embed = True
        try:
            self._run(ids, mask, types)
        except _Enough as enough:
            return enough.value
        finally:
            self._only_embed = False
        raise self._closed()

    def _run(self, ids: Tensor, mask: Tensor, types: Tensor | None) -> Tensor:
        more = {"token_type_ids": types} if self._typed else {}
        there = mask.long()
        return last_hidden(self.model, self.layer, input_ids=ids, attention_mask=there, **more)

    def _embedded(self, _module: Any, _inputs: Any, output: Tensor) -> Tensor:
        if self._only_embed:
            raise _Enough(output)
        self._met = True
        if self._align is None:
            return output
        # In float32: an R near the identity has entries that bfloat16 would round away.
        with torch.autocast(output.device.type, enabled=False):
            return (output.float() @ self._align).to(output.dtype)

    def _closed(self) -> EmbedError:
        return EmbedError(
            f"the embedding layer of a {type(self.model).__name__} cannot be reached",
            hint="choose another model, or leave --align out",
        )


class _Enough(Exception):  # noqa: N818 - carries a result out of the model's own forward pass
    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.value = value


def load_body(folder: Path, pooling: str, layer: int | None, pad: int) -> FineTuned:
    """Weights of ``folder`` in float32 on the CPU, in evaluation mode (no dropout)."""
    model = load_model(folder, load_config(folder), torch.float32)
    return FineTuned(model, pooling, layer, pad).eval()
