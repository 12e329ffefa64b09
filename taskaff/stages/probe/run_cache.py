"""Outcomes of fine-tuned runs in the cache, so that a probe that was killed goes on where it was.

A run is known by everything that decides its outcome: its settings and streams, the texts and
labels of its rows in their order, the weights that it starts from, the layer, the versions of torch
and of this program, and the kind of device. Its key, which is the plan's, is not part of that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save

from taskaff.core.store import Store, digest_key
from taskaff.core.version import __version__
from taskaff.stages.probe.records import Run, RunOutcome, Slot, SlotOutcome
from taskaff.stages.probe.training_data import TrainingData

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Ints

KIND = "probe-run"
FORMAT_VERSION = 2

ARRAYS = ("curve", "row_losses", "outputs")
"""Arrays of a slot's outcome, beside its weights."""

MOST_BYTES = 32 * 2**20
"""Outcomes with weights beyond this are not stored: a probe has hundreds of them."""


class RunCache:
    """Outcomes by what decides them, in ``store``."""

    def __init__(self, store: Store, data: TrainingData) -> None:
        self.store, self.data = store, data
        self._known: dict[int, tuple[Ints, str]] = {}

    def get(self, run: Run) -> RunOutcome | None:
        """The outcome of an equal run that was finished before."""
        path = self.store.get(KIND, self._digest(run))
        return None if path is None else replace(load_outcome(path), key=run.key)

    def put(self, run: Run, outcome: RunOutcome) -> None:
        """Store an outcome, unless its weights are too large."""
        states = [slot.state or {} for slot in outcome.slots if slot is not None]
        size = sum(value.nbytes for state in states for value in state.values())
        if size <= MOST_BYTES:
            self.store.put(KIND, self._digest(run), lambda path: save_outcome(outcome, path))

    # ------------------------------------------------------------------ identity

    def _digest(self, run: Run) -> str:
        assert self.data.tokens is not None
        plain = {field.name: getattr(run, field.name) for field in fields(Run)}
        for name in ("key", "slots", "initial"):
            del plain[name]
        return digest_key(
            **{**plain, "frozen": sorted(run.frozen)},
            slots=[self._slot(slot) for slot in run.slots],
            initial=None if run.initial is None else _arrays_digest(run.initial.items()),
            layer=self.data.tokens.layer.fingerprint,
            table=self._table(run),
            torch=torch.__version__,
            taskaff=__version__,
            device=self.data.X.device.type,
            dtype=str(self.data.X.dtype),
            format=FORMAT_VERSION,
        )

    def _table(self, run: Run) -> str | None:
        """Digest of the words of the training data; a state holds vectors by their numbers."""
        assert self.data.tokens is not None
        numbers = self.data.tokens.numbers
        if numbers is None or (run.initial is None and not run.keep_state):
            return None
        return hashlib.sha256(np.ascontiguousarray(numbers).tobytes()).hexdigest()

    def _slot(self, slot: Slot) -> dict[str, Any]:
        data, task = self.data, slot.task
        return {
            "kind": data.kinds[task],
            "width": data.widths[task],
            "stream": slot.stream,
            "judged": slot.tested,
            "weight": slot.weight,
            **{name: self._rows(getattr(slot, name)) for name in ("train", "validation", "test")},
            "labels": None if slot.labels is None else self._rows(slot.labels),
        }

    def _rows(self, rows: Ints) -> str:
        """Digest of texts and labels; slots of many runs have the same array of rows."""
        known = self._known.get(id(rows))
        if known is None:
            data = self.data
            assert data.tokens is not None
            at = torch.from_numpy(rows).to(data.X.device)
            digest = hashlib.sha256(data.tokens.content(rows))
            digest.update(data.codes[at].cpu().numpy().tobytes())
            if len(data.values) > 1:
                digest.update(data.values[at].cpu().numpy().tobytes())
            known = self._known[id(rows)] = (
                rows,
                digest.hexdigest(),
            )  # holding the rows keeps their id
        return known[1]


def _arrays_digest(arrays: Iterable[tuple[str, np.ndarray]]) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(arrays):
        digest.update(f"{name} {value.dtype} {value.shape}\n".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


# ---------------------------------------------------------------------- file


def save_outcome(outcome: RunOutcome, path: Path) -> None:
    """Curves, outputs and weights as tensors, all else as JSON in the header; not the key."""
    arrays: dict[str, np.ndarray] = {}
    slots: list[dict[str, Any] | None] = []
    for s, slot in enumerate(outcome.slots):
        if slot is None:
            slots.append(None)
            continue
        named = {name: getattr(slot, name) for name in ARRAYS}
        named |= {f"state.{name}": value for name, value in (slot.state or {}).items()}
        arrays |= {
            f"{s}.{name}": np.ascontiguousarray(value)
            for name, value in named.items()
            if value is not None
        }
        plain = replace(slot, state=None)
        slots.append({k: v for k, v in asdict(plain).items() if k not in ARRAYS})
    known = {"slots": slots, "weights": outcome.weights}
    # safetensors' save_file has an error of its own for a full disk.
    path.write_bytes(save(arrays, {"outcome": json.dumps(known)}))


def load_outcome(path: Path) -> RunOutcome:
    """Load what ``save_outcome`` wrote, with an empty key."""
    with safe_open(path, "np") as file:
        known = json.loads(file.metadata()["outcome"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    slots = tuple(
        None if slot is None else _slot_outcome(slot, arrays, f"{s}.")
        for s, slot in enumerate(known["slots"])
    )
    return RunOutcome((), slots, tuple(known["weights"]))


def _slot_outcome(slot: dict[str, Any], arrays: dict[str, np.ndarray], prefix: str) -> SlotOutcome:
    own = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
    state = {k.removeprefix("state."): v for k, v in own.items() if k.startswith("state.")}
    parts = {name: own.get(name) for name in ARRAYS}
    return SlotOutcome(**slot | parts | {"state": state or None})
