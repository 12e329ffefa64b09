"""Train any set of runs, stacked in chunks; what a run gives depends on nothing but the run.

On a processor chunks are trained side by side, each on one core: operations on small matrices are
too short to be shared out, and threads that wait for them spin. Which runs go together does not
depend on the machine, so that results are the same on any number of cores. Trunks over texts have
engines of their own (``engines``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from threading import Event
from typing import Any

import torch

from taskaff.core.parallel import cores
from taskaff.core.records.probe import Progress
from taskaff.core.store import Store
from taskaff.stages.probe.align import shapes as align_shapes
from taskaff.stages.probe.engines import train_tokens
from taskaff.stages.probe.evaluate_stacked import HeldOut, Watching, train_stacked
from taskaff.stages.probe.evaluation import require_rows
from taskaff.stages.probe.records import Run, RunOutcome
from taskaff.stages.probe.schedule import DENSE, Schedule
from taskaff.stages.probe.stacked import Chunk
from taskaff.stages.probe.training_data import KINDS, TrainingData
from taskaff.stages.probe.trunks import fine_tuned

CPU_CHUNKS = 4
"""A processor has at least so many chunks to share out, where they are not too small."""

CPU_RUNS = (128, 512)
"""Fewest and most runs of such a chunk: enough to hide the cost of calls, few enough for memory."""

AT_ONCE = 8
"""Most chunks side by side. The memory is divided by it on any machine, to make chunks alike."""

CUDA_CHUNK = 16384

Observer = Callable[[Chunk], Watching | None]

FEW = 24
"""So few runs of one shape are padded to the next wider one rather than trained by themselves."""


def train(
    data: TrainingData,
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
    data : rows of all tasks, on the device where to train.
    runs : what to train; sizes and recipes may differ, and trunks on vectors.
    memory : bytes that the chunks in training may take.
    chunk_runs : most runs in a chunk.
    progress : called with finished and all runs after every chunk, by the calling thread.
    observer : given each chunk; what it returns measures between rounds. Only with trunks on
        vectors.
    store : keeps the outcomes of fine-tuned runs, which are expensive.

    Raises
    ------
    ProbeError : a run without rows to train on or to test on.
    """
    if runs and fine_tuned(runs[0].trunk):
        return train_tokens(data, runs, memory=memory, progress=progress, store=store)
    on_cpu = data.X.device.type == "cpu"
    most = chunk_runs or (_cpu_chunk(len(runs)) if on_cpu else CUDA_CHUNK)
    groups = list(chunks(data, runs, memory // AT_ONCE if on_cpu else memory, most))
    outcome_of: dict[int, RunOutcome] = {}

    def keep(numbers: Sequence[int], outcomes: Sequence[RunOutcome]) -> None:
        outcome_of.update(zip(numbers, outcomes, strict=True))
        if progress:
            progress(len(outcome_of), len(runs))

    def one(numbers: Sequence[int], stop: Event | None = None) -> list[RunOutcome]:
        chunk = Chunk(data, [runs[i] for i in numbers])
        chunk.stop = stop
        return train_stacked(chunk, HeldOut(chunk), observer(chunk) if observer else None)

    with _one_thread_each(on_cpu) as threads:
        workers = min(threads, cores(), AT_ONCE, len(groups)) if on_cpu and not observer else 1
        if workers > 1:
            _side_by_side(one, groups, workers, keep)
        else:
            for numbers in groups:
                keep(numbers, one(numbers))
    return [outcome_of[i] for i in range(len(runs))]


def _cpu_chunk(runs: int) -> int:
    """Most runs of a chunk on a processor."""
    fewest, most = CPU_RUNS
    count = max(min(CPU_CHUNKS, runs // fewest), -(-runs // most), 1)
    return -(-runs // count)


@contextmanager
def _one_thread_each(on_cpu: bool) -> Iterator[int]:
    """One thread for each operation, also in threads that begin meanwhile; how many there were."""
    before = torch.get_num_threads()
    if on_cpu:
        torch.set_num_threads(1)
    try:
        yield before
    finally:
        torch.set_num_threads(before)


def _side_by_side(
    train_one: Callable[[Sequence[int], Event], list[RunOutcome]],
    groups: Sequence[Sequence[int]],
    workers: int,
    keep: Callable[[Sequence[int], Sequence[RunOutcome]], None],
) -> None:
    """Train groups in threads; ``keep`` is called in this one, as they end.

    When anything goes wrong, an interrupt included, the others stop at their next update.
    """
    stop = Event()
    with ThreadPoolExecutor(workers) as pool:
        waiting = {pool.submit(train_one, numbers, stop): numbers for numbers in groups}
        try:
            for future in as_completed(waiting):
                keep(waiting[future], future.result())
        finally:
            stop.set()
            for future in waiting:
                future.cancel()


def chunks(data: TrainingData, runs: Sequence[Run], memory: int, most: int) -> Iterator[list[int]]:
    """Numbers of runs that go together: alike in shape, longest first, as many as fit."""
    shapes = [_shape(data, run) for run in runs]
    sizes = [_bytes(data, run) for run in runs]
    return stacks(runs, shapes, sizes, memory, lambda _: most)


def stacks(
    runs: Sequence[Run],
    shapes: Sequence[tuple[Any, Any]],
    sizes: Sequence[int],
    memory: int,
    most: Callable[[Run], int],
) -> Iterator[list[int]]:
    """Numbers of runs that go together, longest first, whose ``sizes`` in bytes fit ``memory``.

    ``most`` is the number of runs in a stack by its first one. The first part of the ``shapes`` in
    a stack is equal, and the second too where they are more than a few.
    """
    paces = [Schedule(run).pace for run in runs]
    order = sorted(range(len(runs)), key=lambda i: (shapes[i], -paces[i], i))
    start = 0
    while start < len(order):
        key, size, end = shapes[order[start]], 0, start
        limit = most(runs[order[start]])
        while end < len(order) and end - start < limit:
            rigid, power = shapes[order[end]]
            if rigid != key[0] or (power != key[1] and end - start >= FEW):
                break
            size += sizes[order[end]]
            if size > memory and end > start:
                break
            end += 1
        yield sorted(order[start:end], key=lambda i: -paces[i])
        start = end


def _shape(data: TrainingData, run: Run) -> tuple[tuple[object, ...], tuple[int, int]]:
    """The second part is capacity and label width in powers of two, so that padding stays small."""
    common, widest = common_shape(data, run)
    return common, ((run.r - 1).bit_length(), max(widest - 1, 3).bit_length())


def common_shape(data: TrainingData, run: Run) -> tuple[tuple[object, ...], int]:
    """What runs on any inputs must agree in to be stacked, and the widest labels of a run."""
    require_rows(run)
    widest = max(data.widths[slot.task] for slot in run.slots)
    kinds = {KINDS[data.kinds[slot.task]] for slot in run.slots}
    lanes = len(run.slots) if run.together else 1
    rank = run.align_rank if run.align == "low-rank" else 0
    extras = (run.align, rank, run.uncertain)
    return (run.trunk, lanes, kinds != {"classes"}, run.batch, *extras), widest


def _bytes(data: TrainingData, run: Run) -> int:
    """About what a run takes: weights with moments and best copy, activations, batch plan."""
    widest = max(data.widths[slot.task] for slot in run.slots)
    trunk = data.d * run.r + run.r * run.r
    weights = 5 * (trunk + len(run.slots) * (run.r + 1) * widest)
    parts = align_shapes(run.align, data.d, run.align_rank).values()
    weights += 6 * len(run.slots) * sum(a * b for a, b in parts)
    lanes = len(run.slots) if run.together else 1
    activations = lanes * run.batch * (data.d + 4 * run.r + 6 * widest)
    return int(4 * (weights + activations) + plan_bytes(run))


def plan_bytes(run: Run) -> float:
    """About what the batches of a run between two evaluations take."""
    lanes = len(run.slots) if run.together else 1
    return DENSE[2] * Schedule(run).pace * (24 * lanes + 20 * run.batch)
