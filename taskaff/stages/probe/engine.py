"""Train any set of runs, stacked in chunks; what a run gives depends on nothing but the run.

Trunks over texts have engines of their own (``engines``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from taskaff.core.records.probe import Progress
from taskaff.core.store import Store
from taskaff.stages.probe.align import shapes as align_shapes
from taskaff.stages.probe.engines import TOKEN_TRUNKS, train_tokens
from taskaff.stages.probe.evaluate_single import require_rows
from taskaff.stages.probe.evaluate_stacked import HeldOut, Watching, train_stacked
from taskaff.stages.probe.records import Run, RunOutcome
from taskaff.stages.probe.schedule import DENSE, Schedule
from taskaff.stages.probe.stacked import Chunk
from taskaff.stages.probe.training_data import KINDS, Bank

CPU_CHUNK = 256
"""Runs at once on a processor: enough to hide the cost of calls, few enough for its cache."""

CUDA_CHUNK = 16384

Observer = Callable[[Chunk], Watching | None]

FEW = 24
"""So few runs of one shape are padded to the next wider one rather than trained by themselves."""


def train(
    bank: Bank,
    runs: Sequence[Run],
    *,
    memory: int = 1 << 30,
    chunk_runs: int | None = None,
    progress: Progress | None = None,
    observer: Observer | None = None,
    store: Store | None = None,
) -> list[RunOutcome]:
    """Outcomes in the order of ``runs``.

    Parameters
    ----------
    bank : rows of all tasks, on the device where to train.
    runs : what to train; sizes and recipes may differ, and trunks on vectors.
    memory : bytes that a chunk may take.
    chunk_runs : most runs in a chunk.
    progress : called with finished and all runs after every chunk.
    observer : given each chunk; what it returns measures between rounds. Only with trunks on
        vectors.
    store : keeps the outcomes of fine-tuned runs, which are dear.

    Raises
    ------
    ProbeError : a run without rows to train on or to judge by.
    """
    if runs and runs[0].trunk in TOKEN_TRUNKS:
        return train_tokens(bank, runs, memory=memory, progress=progress, store=store)
    found: list[RunOutcome | None] = [None] * len(runs)
    done = 0
    for numbers in chunks(bank, runs, memory, chunk_runs):
        outcomes = _train_chunk(bank, [runs[i] for i in numbers], observer)
        for number, outcome in zip(numbers, outcomes, strict=True):
            found[number] = outcome
        done += len(numbers)
        if progress:
            progress(done, len(runs))
    return [outcome for outcome in found if outcome is not None]


def _train_chunk(
    bank: Bank, runs: Sequence[Run], observer: Observer | None = None
) -> list[RunOutcome]:
    chunk = Chunk(bank, runs)
    return train_stacked(chunk, HeldOut(chunk), observer(chunk) if observer else None)


def chunks(
    bank: Bank, runs: Sequence[Run], memory: int, chunk_runs: int | None = None
) -> Iterator[list[int]]:
    """Numbers of runs that go together: alike in shape, longest first, as many as fit."""
    most = chunk_runs or (CPU_CHUNK if bank.X.device.type == "cpu" else CUDA_CHUNK)
    keys = [_shape(bank, run) for run in runs]
    paces = [Schedule(run).pace for run in runs]
    order = sorted(range(len(runs)), key=lambda i: (keys[i], -paces[i], i))
    start = 0
    while start < len(order):
        key, size, end = keys[order[start]], 0, start
        while end < len(order) and end - start < most:
            rigid, power = keys[order[end]]
            if rigid != key[0] or (power != key[1] and end - start >= FEW):
                break
            size += _bytes(bank, runs[order[end]], paces[order[end]])
            if size > memory and end > start:
                break
            end += 1
        yield sorted(order[start:end], key=lambda i: -paces[i])
        start = end


def _shape(bank: Bank, run: Run) -> tuple[tuple[object, ...], tuple[int, int]]:
    """Runs stack when the first part agrees, and when the second does or they are few.

    The second part is capacity and label width in powers of two, so that padding stays small.
    """
    require_rows(run)
    widest = max(bank.widths[slot.task] for slot in run.slots)
    kinds = {KINDS[bank.kinds[slot.task]] for slot in run.slots}
    lanes = len(run.slots) if run.together else 1
    power = (run.r - 1).bit_length(), max(widest - 1, 3).bit_length()
    rank = run.align_rank if run.align == "low-rank" else 0
    extras = (run.align, rank, run.uncertain)
    return (run.trunk, lanes, kinds != {"classes"}, run.batch, *extras), power


def _bytes(bank: Bank, run: Run, pace: float) -> int:
    """About what a run takes: weights with moments and best copy, activations, batch plan."""
    widest = max(bank.widths[slot.task] for slot in run.slots)
    trunk = bank.d * run.r + run.r * run.r
    weights = 5 * (trunk + len(run.slots) * (run.r + 1) * widest)
    parts = align_shapes(run.align, bank.d, run.align_rank).values()
    weights += 6 * len(run.slots) * sum(a * b for a, b in parts)
    lanes = len(run.slots) if run.together else 1
    activations = lanes * run.batch * (bank.d + 4 * run.r + 6 * widest)
    plan = DENSE[2] * pace * (24 * lanes + 20 * run.batch)
    return int(4 * (weights + activations) + plan)
