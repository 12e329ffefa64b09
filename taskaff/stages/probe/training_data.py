"""The rows of all tasks in one matrix, gathered by row number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from taskaff.core.errors import UsageError
from taskaff.core.records.embedding import TaskVectors
from taskaff.stages.probe.losses import CLASSES, REGRESSION
from taskaff.stages.probe.tokens import TokenData, token_data

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Ints
    from taskaff.stages.probe.records import Slot

KINDS = ("classes", "multilabel", "regression")


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """``X (N, d)`` float32, class codes ``(N,)``, other labels ``(N, c)`` padded to the widest."""

    X: Tensor
    codes: Tensor
    values: Tensor
    starts: tuple[int, ...]
    """First row of each task."""
    kinds: tuple[int, ...]
    """Index into ``KINDS`` of each task."""
    widths: tuple[int, ...]
    """``c`` of each task."""
    tokens: TokenData | None = None
    """The same rows as token numbers, when the trunk is fine-tuned."""
    devices: tuple[str, ...] = ("cpu",)
    """Devices that an engine may use, one run on each: every GPU, when none was named."""

    @property
    def d(self) -> int:
        """Width of the vectors."""
        return int(self.X.shape[1])

    def rms(self, rows: Ints) -> float:
        """Root mean square of the vectors' entries over some rows; 1 when they are all zero."""
        X = self.X[torch.from_numpy(rows).to(self.X.device)].double()
        return float(X.square().mean().sqrt()) or 1.0

    def moments(self, task: int, rows: Ints) -> tuple[Floats, Floats]:
        """Mean and deviation of a regression's targets, by which they are standardised."""
        Y = self.values[torch.from_numpy(rows).to(self.X.device)][:, : self.widths[task]]
        Y64 = Y.double().cpu().numpy()
        deviation = Y64.std(axis=0)
        return Y64.mean(axis=0), np.where(deviation > 0, deviation, 1.0)


def chosen_device(device: str) -> str:
    """Device that ``auto`` means, a GPU where there is one; any other name as it is."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def all_devices(device: str) -> tuple[str, ...]:
    """The device; for ``cuda`` without a number every GPU there is."""
    if device != "cuda":
        return (device,)
    return tuple(f"cuda:{i}" for i in range(torch.cuda.device_count())) or (device,)


def require_device(device: str) -> None:
    """Refuse a device that torch does not know or that this machine does not have."""
    try:
        torch.empty(0, device=chosen_device(device))
    except (RuntimeError, AssertionError) as error:
        problem = f"device {device!r} cannot be used: {str(error).splitlines()[0]}"
        raise UsageError(problem, hint="--device cpu") from error


def make_training_data(
    tasks: Sequence[TaskVectors], device: str, *, tokens: bool = False
) -> TrainingData:
    """Concatenate the tasks' rows, with ``tokens`` their texts too, and move them to the device."""
    kinds = tuple(KINDS.index(task.schema.kind) for task in tasks)
    widths = tuple(task.schema.width for task in tasks)
    starts = np.concatenate([[0], np.cumsum([task.rows for task in tasks])])
    wide = max((w for w, kind in zip(widths, kinds, strict=True) if kind), default=0)
    codes = np.zeros(starts[-1], dtype=np.int64)
    values = np.zeros((starts[-1] if wide else 1, wide), dtype=np.float32)
    for task, kind, start in zip(tasks, kinds, starts, strict=False):
        rows = slice(start, start + task.rows)
        if kind:
            values[rows, : task.schema.width] = np.asarray(task.labels).reshape(task.rows, -1)
        else:
            codes[rows] = task.labels
    X = np.concatenate([np.ascontiguousarray(task.X, dtype=np.float32) for task in tasks])
    return TrainingData(
        torch.from_numpy(X).to(device),
        torch.from_numpy(codes).to(device),
        torch.from_numpy(values).to(device),
        tuple(int(s) for s in starts[:-1]),
        kinds,
        widths,
        token_data([task.tokens for task in tasks], device) if tokens else None,
        all_devices(device),
    )


def constant_loss(data: TrainingData, slot: Slot) -> float:
    """Held-out loss of the training rows' label frequencies (one added to each count) or mean."""
    kind, c = data.kinds[slot.task], data.widths[slot.task]
    if kind == CLASSES:
        codes = data.codes.cpu().numpy()
        counts = np.bincount(codes[slot.train], minlength=c) + 1.0
        return float(-np.log(counts / counts.sum())[codes[slot.test]].mean())
    Y = data.values.cpu().numpy()[:, :c].astype(np.float64)
    if kind == REGRESSION:
        mean, deviation = data.moments(slot.task, slot.train)
        return float(np.square((Y[slot.test] - mean) / deviation).mean())
    p = (Y[slot.train].sum(0) + 1.0) / (len(slot.train) + 2.0)
    test = Y[slot.test]
    return float(-(test * np.log(p) + (1 - test) * np.log(1 - p)).mean())
