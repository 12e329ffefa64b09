"""Which rows a run sees at which update (W appendix B.3).

A task's rows are shuffled and divided into batches of nearly equal size, again in every epoch; its
k-th batch is the same in every run that has these rows and this stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from taskaff.probing.records import Run, Sampling, Slot
from taskaff.probing.streams import stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taskaff.probing.records import Ints

RULES: dict[Sampling, str] = {
    "mixed": "each task's rows are divided into batches, the batches of all tasks are mixed and "
    "shuffled, and every update is one batch of one task (an epoch passes over all rows once)",
    "proportional": "every update is one batch of one task, drawn with probability proportional "
    "to its number of batches",
    "equal": "every update is one batch of one task; every task comes once, in random order, "
    "before any comes again",
    "joint": "every update is one batch of rows with the labels of all tasks, their losses summed",
}


def batch_count(rows: int, batch: int) -> int:
    """Batches of an epoch."""
    return -(-rows // batch)


def batch_table(slot: Slot, seed: int, batch: int, count: int) -> tuple[Ints, Ints]:
    """The first ``count`` batches of a slot: rows ``(count, batch)`` and their sizes ``(count,)``.

    Batches shorter than ``batch`` are filled with their own first row; the size says so.
    """
    generator = stream(seed, "batches", slot.stream)
    n = len(slot.train)
    parts = batch_count(n, batch)
    sizes = np.full(parts, n // parts)
    sizes[: n % parts] += 1
    starts, column = np.cumsum(sizes) - sizes, np.arange(batch)
    places = starts[:, None] + np.where(column < sizes[:, None], column, 0)
    epochs = -(-count // parts)
    table = np.concatenate([slot.train[generator.permutation(n)][places] for _ in range(epochs)])
    return table[:count], np.tile(sizes, epochs)[:count]


class BatchTables:
    """Batch tables of a chunk: each slot's batches once, however many runs use them."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.asked: dict[tuple[object, ...], tuple[Slot, int, int]] = {}
        self.uses: list[tuple[tuple[object, ...], tuple[Ints, int, int]]] = []

    def ask(self, slot: Slot, seed: int, count: int, use: tuple[Ints, int, int]) -> None:
        """Note that ``use`` (updates, run, lane) takes the first ``count`` batches of a slot."""
        if not count:
            return
        key = (slot.stream, seed, id(slot.train), id(slot.labels))
        known = self.asked.get(key, (slot, seed, 0))
        self.asked[key] = (slot, seed, max(count, known[2]))
        self.uses.append((key, use))

    def fill(self, batch: Ints, count: Ints) -> tuple[Ints, Ints | None, NDArray[np.float32]]:
        """Write table rows into ``batch``; return all tables and each row's share of a batch.

        The second table is that of the rows whose labels are used, None when these are the same.
        """
        starts, tables, labels, sizes, at = {}, [], [], [], 0
        for key, (slot, seed, need) in self.asked.items():
            table, size = batch_table(slot, seed, self.width, need)
            starts[key], at = at, at + need
            tables.append(table)
            sizes.append(size)
            if slot.labels is not None:
                table = batch_table(replace(slot, train=slot.labels), seed, self.width, need)[0]
            labels.append(table)
        for key, (here, run, lane) in self.uses:
            batch[here, run, lane] = starts[key] + count[here, run, lane]
        size = np.concatenate(sizes)[:, None]
        shares = np.where(np.arange(self.width) < size, 1.0 / size, 0.0).astype(np.float32)
        own = all(slot.labels is None for slot, _, _ in self.asked.values())
        return np.concatenate(tables), None if own else np.concatenate(labels), shares


def slot_sequence(run: Run) -> Ints:
    """``(steps,)``: the slot whose batch each update uses; not for joint sampling."""
    sequence = _mixed(run)
    left = [s for s, slot in enumerate(run.slots) if not slot.judged]
    if run.source_until < 1 and left:
        late = np.arange(run.steps) >= run.source_until * run.steps
        sequence[late & np.isin(sequence, left)] = 0
    return sequence


def _mixed(run: Run) -> Ints:
    counts = np.array([batch_count(len(slot.train), run.batch) for slot in run.slots])
    if len(counts) == 1:
        return np.zeros(run.steps, dtype=np.int64)
    generator = stream(run.seed, "mix", *(slot.stream for slot in run.slots))
    if run.sampling == "proportional":
        return generator.choice(len(counts), run.steps, p=counts / counts.sum())
    epoch = np.repeat(np.arange(len(counts)), 1 if run.sampling == "equal" else counts)
    epochs = -(-run.steps // len(epoch))
    mixed = [generator.permutation(epoch) for _ in range(epochs)]
    return np.concatenate(mixed)[: run.steps]


def run_batches(run: Run) -> Iterator[list[tuple[int, Ints, Ints]]]:
    """Every update of a run trained by itself: slots, their rows, and rows of the labels to use.

    The same batches that stacked runs of this seed and these streams see.
    """
    slots, joint = range(len(run.slots)), run.sampling == "joint"
    sequence = np.zeros(run.steps, dtype=np.int64) if joint else slot_sequence(run)
    counts = [run.steps if joint else int((sequence == s).sum()) for s in slots]
    batches = [_slot_batches(slot, run, n) for slot, n in zip(run.slots, counts, strict=True)]
    for chosen in sequence:
        yield [(s, *next(batches[s])) for s in (slots if joint else (int(chosen),))]


def _slot_batches(slot: Slot, run: Run, count: int) -> Iterator[tuple[Ints, Ints]]:
    if not count:
        return
    table, sizes = batch_table(slot, run.seed, run.batch, count)
    labels = table
    if slot.labels is not None:
        labels = batch_table(replace(slot, train=slot.labels), run.seed, run.batch, count)[0]
    for rows, own, size in zip(table, labels, sizes, strict=True):
        yield rows[:size], own[:size]


def ordinals(sequence: Ints, slots: int) -> Ints:
    """``(steps,)``: how many batches of the same slot came before."""
    out = np.empty_like(sequence)
    for slot in range(slots):
        here = sequence == slot
        out[here] = np.arange(here.sum())
    return out


def looks(steps: int, start: bool = False) -> tuple[int, ...]:
    """Updates after which the held-out loss is looked at: a geometric grid from the third on.

    ``start`` adds a look before the first, for weights that come from somewhere.
    """
    grid, at = [0] * start, 3.0
    while round(at) < steps:
        grid.append(round(at))
        at = max(at + 1, at * 1.15)
    return (*grid, steps)
