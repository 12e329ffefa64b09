"""Train any set of runs over trainable word vectors, stacked where that pays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from taskaff.core.errors import ProbeError
from taskaff.core.records.probe import Progress
from taskaff.stages.probe.align import shapes as align_shapes
from taskaff.stages.probe.evaluate_stacked import train_stacked
from taskaff.stages.probe.evaluation import require_rows
from taskaff.stages.probe.records import Run, RunOutcome
from taskaff.stages.probe.schedule import DENSE, Schedule
from taskaff.stages.probe.tokens import TokenData
from taskaff.stages.probe.training_data import KINDS, TrainingData
from taskaff.stages.probe.words.packing import flat
from taskaff.stages.probe.words.stack import WordChunk, WordHeldOut
from taskaff.stages.probe.words.trunks import averages, word_trunk

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Ints
    from taskaff.stages.probe.records import State

CPU_UNITS = 512
"""Widths of the runs stacked on a processor, together: narrow runs gain from company, wide ones
fill its cache by themselves."""

CUDA_RUNS = 256


def train_words(
    data: TrainingData,
    runs: Sequence[Run],
    *,
    memory: int,
    progress: Progress | None = None,
    keep: Callable[[int, RunOutcome], None] | None = None,
    chunk_runs: int | None = None,
) -> list[RunOutcome]:
    """Outcomes in the order of ``runs``; contract in ``stages.probe.engines``.

    Parameters
    ----------
    data : rows of all tasks with their tokens, on the device where to train.
    runs : what to train, with trunks that read words.
    memory : bytes that stacked runs may take.
    chunk_runs : most runs stacked; None means what pays on the device.

    Raises
    ------
    ProbeError : a run without rows; no tokens; vectors to be scaled.
    """
    tokens = _tokens(data)
    outcomes: list[RunOutcome | None] = [None] * len(runs)
    done = 0
    for numbers in _chunks(data, tokens, runs, memory, chunk_runs):
        for number, outcome in zip(numbers, _train(data, [runs[i] for i in numbers]), strict=True):
            outcomes[number] = outcome
            if keep:
                keep(number, outcome)
        done += len(numbers)
        if progress:
            progress(done, len(runs))
    return [outcome for outcome in outcomes if outcome is not None]


def inputs(data: TrainingData, run: Run, state: State, rows: Ints) -> Floats:
    """What ``R`` multiplies, averaged over each row's words ``(n, d)``: the run's word vectors."""
    tokens = _tokens(data)
    own = {**(run.initial or {}), **state}.get("words")
    vectors = tokens.vectors if own is None else torch.from_numpy(np.asarray(own))
    assert vectors is not None
    packed = flat(tokens, torch.from_numpy(rows).to(tokens.ids.device)[None], 0)
    x = vectors.to(tokens.ids.device).double()[packed.ids]
    mean: Floats = averages(x, packed)[0].cpu().numpy()
    return mean


def _train(data: TrainingData, runs: Sequence[Run]) -> list[RunOutcome]:
    chunk = WordChunk(data, runs)
    return train_stacked(chunk, WordHeldOut(chunk))


def _tokens(data: TrainingData) -> TokenData:
    if data.tokens is None or data.tokens.vectors is None:
        raise ProbeError("this trunk reads words, and there are none", hint="--encoder glove")
    return data.tokens


def _chunks(
    data: TrainingData, tokens: TokenData, runs: Sequence[Run], memory: int, chunk_runs: int | None
) -> Iterator[list[int]]:
    """Numbers of runs that go together: of one shape, in order of pace, as many as pay and fit."""
    keys = [_shape(data, run) for run in runs]
    sizes = [_bytes(data, tokens, run) for run in runs]
    paces = [Schedule(run).pace for run in runs]
    order = sorted(range(len(runs)), key=lambda i: (keys[i], -paces[i], i))
    start = 0
    while start < len(order):
        first, end, size = order[start], start, 0
        most = chunk_runs or _most(data, runs[first])
        while end < len(order) and end - start < most and keys[order[end]] == keys[first]:
            size += sizes[order[end]]
            if size > memory and end > start:
                break
            end += 1
        yield order[start:end]
        start = end


def _most(data: TrainingData, run: Run) -> int:
    return max(1, CPU_UNITS // run.r) if data.codes.device.type == "cpu" else CUDA_RUNS


def _shape(data: TrainingData, run: Run) -> tuple[object, ...]:
    """Runs of equal shape are stacked."""
    require_rows(run)
    if run.scale != 1.0:
        raise ProbeError("word vectors are trained, not scaled", hint="--scale none")
    widest = max(data.widths[slot.task] for slot in run.slots)
    kinds = {KINDS[data.kinds[slot.task]] for slot in run.slots}
    together = len(run.slots) if run.together else 1
    rank = run.align_rank if run.align == "low-rank" else 0
    still = tuple(sorted(run.frozen))
    own = (run.align, rank, run.uncertain, still, "words" in (run.initial or {}))
    return (run.trunk, run.r, together, kinds != {"classes"}, run.batch, *own, widest.bit_length())


def _bytes(data: TrainingData, tokens: TokenData, run: Run) -> int:
    """About what a run takes: word vectors with moments and best copies, weights, activations."""
    trunk, d = word_trunk(run.trunk), tokens.d
    rows = sum(len(slot.train) for slot in run.slots)
    mean = max(1, len(tokens.ids) // max(1, len(tokens.starts) - 1))
    words = min(len(tokens.ids) * rows // max(1, len(tokens.starts) - 1), _vocabulary(tokens))
    tested = sum(slot.tested for slot in run.slots)
    weights = sum(a * b for (a, b), _ in trunk.shapes(d, run.r).values())
    weights += len(run.slots) * (run.r + 1) * max(data.widths[slot.task] for slot in run.slots)
    parts = align_shapes(run.align, d, run.align_rank).values()
    weights += len(run.slots) * sum(a * b for a, b in parts)
    lanes = len(run.slots) if run.together else 1
    activations = lanes * run.batch * 2 * mean * (4 * d + trunk.places * run.r)
    whole = (4 + tested) * (words * d + weights) + _vocabulary(tokens) * (2 + d * bool(run.initial))
    plan = DENSE[2] * Schedule(run).pace * (24 * lanes + 20 * run.batch)
    return int(4 * (whole + activations) + plan)


def _vocabulary(tokens: TokenData) -> int:
    return 0 if tokens.vectors is None else len(tokens.vectors)
