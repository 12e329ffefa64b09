"""Copies of a body's weights on the host: in memory, or in a file that is gone when they are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from tempfile import TemporaryFile, gettempdir
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from taskaff.core.errors import ProbeError

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats32


@torch.no_grad()
def copied(weights: Mapping[str, Tensor], on_disk: bool) -> dict[str, Floats32]:
    """The weights by name, as parts of one array.

    ``on_disk`` maps it to a temporary file without a name, which the system keeps in memory as far
    as there is room, and drops together with the last of the parts.
    """
    flat = _room(sum(weight.numel() for weight in weights.values()), on_disk)
    parts, start = {}, 0
    for name, weight in weights.items():
        part = flat[start : start + weight.numel()].reshape(tuple(weight.shape))
        part[...] = weight.detach().cpu().numpy()
        parts[name] = part
        start += weight.numel()
    return parts


def _room(size: int, on_disk: bool) -> Floats32:
    if not on_disk:
        return np.empty(size, dtype=np.float32)
    with TemporaryFile() as file:
        try:
            _reserve(file.fileno(), 4 * size)
        except OSError as error:
            raise ProbeError(
                f"no room for a copy of the model ({4 * size / 1e6:,.0f} MB) in {gettempdir()}",
                hint="fewer data sets or seeds, or set TMPDIR to a folder with more room",
            ) from error
        return np.memmap(file, dtype=np.float32, mode="r+", shape=(size,))


def _reserve(file: int, size: int) -> None:
    """Take the room now: a mapped file that meets a full disk later ends the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.truncate(file, size)
