"""Named random streams: a stream is a function of its name alone, never of position or order.

That is what makes the outcome of a run independent of the runs it is stacked with, and what gives
the two arms of a comparison the same splits, initial weights and batches.
"""

from __future__ import annotations

import hashlib

import numpy as np

from taskaff.core.records.embedding import TaskVectors


def stream(seed: int, purpose: str, *names: object) -> np.random.Generator:
    """A Philox generator keyed by the seed, what it is for, and for whom."""
    text = "\x1f".join([str(seed), purpose, *map(str, names)])
    key = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))


def content_id(task: TaskVectors) -> str:
    """Identity of a task's rows and labels, whatever their order and the task's name."""
    order = np.lexsort((*label_keys(task), task.splits, task.hashes))
    digest = hashlib.blake2b(digest_size=12)
    digest.update(np.ascontiguousarray(task.hashes[order]).tobytes())
    digest.update(np.ascontiguousarray(task.labels[order]).tobytes())
    digest.update(np.ascontiguousarray(task.splits[order]).tobytes())
    return digest.hexdigest()


def label_keys(task: TaskVectors) -> list[np.ndarray]:
    """Keys ``(n,)`` by which rows of one text and several labels are sorted, the first one last."""
    labels = np.asarray(task.labels)
    return list(labels.reshape(len(labels), -1).T[::-1])
