"""Train any set of runs over trainable word vectors, stacked where that pays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from taskaff.core.errors import ProbeError
from taskaff.core.records.probe import Progress
from taskaff.stages.probe.align import shapes as align_shapes
from taskaff.stages.probe.engine import common_shape, plan_bytes, stacks
from taskaff.stages.probe.evaluate_stacked import train_stacked
from taskaff.stages.probe.records import Run, RunOutcome
from taskaff.stages.probe.tokens import TokenData
from taskaff.stages.probe.training_data import TrainingData
from taskaff.stages.probe.words.packing import flat
from taskaff.stages.probe.words.stack import WordChunk, WordHeldOut
from taskaff.stages.probe.words.trunks import averages, word_trunk

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Ints
    from taskaff.stages.probe.engines import Keep
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
    keep: Keep | None = None,
) -> list[RunOutcome]:
    """Outcomes in the order of ``runs``; contract in ``stages.probe.engines``.

    Parameters
    ----------
    data : rows of all tasks with their tokens, on the device where to train.
    runs : what to train, with trunks that read words.
    memory : bytes that stacked runs may take.

    Raises
    ------
    ProbeError : a run without rows; no tokens; vectors to be scaled.
    """
    tokens = _tokens(data)
    outcomes: list[RunOutcome | None] = [None] * len(runs)
    done = 0
    for numbers in _chunks(data, tokens, runs, memory):
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
    data: TrainingData, tokens: TokenData, runs: Sequence[Run], memory: int
) -> Iterator[list[int]]:
    """Numbers of runs that go together: of one shape, in order of pace, as many as pay and fit."""
    shapes = [(_shape(data, run), ()) for run in runs]
    sizes = [_bytes(data, tokens, run) for run in runs]
    on_cpu = data.codes.device.type == "cpu"

    def most(run: Run) -> int:
        return max(1, CPU_UNITS // run.r) if on_cpu else CUDA_RUNS

    return stacks(runs, shapes, sizes, memory, most)


def _shape(data: TrainingData, run: Run) -> tuple[object, ...]:
    """Runs of equal shape are stacked."""
    if run.scale != 1.0:
        raise ProbeError("word vectors are trained, not scaled", hint="--scale none")
    common, widest = common_shape(data, run)
    still = tuple(sorted(run.frozen))
    return (common, run.r, still, "words" in (run.initial or {}), widest.bit_length())


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
    stored = (4 + tested) * (words * d + weights) + _vocabulary(tokens) * (
        2 + d * bool(run.initial)
    )
    return int(4 * (stored + activations) + plan_bytes(run))


def _vocabulary(tokens: TokenData) -> int:
    return 0 if tokens.vectors is None else len(tokens.vectors)
