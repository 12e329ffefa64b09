"""What every engine of trunks that are fine-tuned keeps to, and how it is called (``trunks``).

The contract
------------
``train(data, runs, *, memory, progress=None, keep=None) -> list[RunOutcome]``, in the order of
``runs``, on the device of ``data.X``; the tokens are ``data.tokens``.

* The outcome of a run depends on the run alone: not on its neighbours, nor on what else is in the
  data. Initial weights come from ``stream(run.seed, name of the part, run.stream)``, those of heads
  from ``stream(run.seed, "A", slot.stream)``; order and batches from ``schedule.Schedule``,
  which also says when to evaluate held-out rows and when a task ends. So the two arms of a
  comparison begin alike and see the same batches of the target.
* ``frozen``: with ``trunk`` nothing shared moves, the token layer included. ``scale`` is 1.
* ``initial`` and the returned ``state`` have the same names. What belongs to a slot ends with its
  number (``A0``, ``E1``: ``model.SLOT_PART``): heads ``A (r + 1, c)``, the last row the bias,
  the parts of ``R`` as in ``align.FORMS``, log-variances ``s``. Every other name is shared, and
  transfer mode hands on exactly these. A name that ``initial`` lacks starts as ever.
* ``align``: an ``R (d, d)`` for each slot, ``d`` being the width of the vectors that it multiplies;
  an update has the two steps of W Algorithm 1, the second on ``R`` alone with ``lr_align``.
* ``progress(done, all)`` counts runs; ``keep(number, outcome)`` is called for each run as soon as
  its outcome is known, so that nothing finished is lost. Chunks are the engine's own affair.
* What an engine cannot do it refuses with ``ProbeError``, by the name of the option.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch

from taskaff.core.records.probe import Progress
from taskaff.core.registry import load
from taskaff.core.store import Store
from taskaff.stages.probe.records import Run, RunOutcome
from taskaff.stages.probe.run_cache import RunCache
from taskaff.stages.probe.training_data import TrainingData
from taskaff.stages.probe.trunks import TRUNKS

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Ints
    from taskaff.stages.probe.records import State

Keep = Callable[[int, RunOutcome], None]


def train_tokens(
    data: TrainingData,
    runs: Sequence[Run],
    *,
    memory: int,
    progress: Progress | None = None,
    store: Store | None = None,
) -> list[RunOutcome]:
    """Train runs of one fine-tuned trunk; with ``store`` finished ones are cached.

    Raises
    ------
    ProbeError : a run that the engine cannot train.
    """
    if not runs:
        return []
    cache = RunCache(store, data) if store else None
    stored = {i: cache.get(run) for i, run in enumerate(runs)} if cache else {}
    known = {i: outcome for i, outcome in stored.items() if outcome is not None}
    left = [i for i in range(len(runs)) if i not in known]
    if progress and known:
        progress(len(known), len(runs))

    def keep(number: int, outcome: RunOutcome) -> None:
        if cache:
            cache.put(runs[left[number]], outcome)

    def shown(done: int, total: int) -> None:
        if progress:
            progress(len(known) + done, len(known) + total)

    if left:
        engine: Callable[..., list[RunOutcome]] = load(TRUNKS[runs[0].trunk].engine.train)
        missing = [runs[i] for i in left]
        outcomes = engine(data, missing, memory=memory, progress=shown, keep=keep)
        known |= dict(zip(left, outcomes, strict=True))
    return [known[i] for i in range(len(runs))]


def aligned_inputs(data: TrainingData, run: Run, state: State, rows: Ints) -> Floats:
    """What a run's alignment matrices multiply, one vector a row ``(n, d)`` float64.

    The mean over a row's tokens, where they come before a trunk that reads tokens.
    """
    inputs: Callable[..., Floats] = load(TRUNKS[run.trunk].engine.inputs)
    return inputs(data, run, state, rows)


def vector_inputs(data: TrainingData, run: Run, state: State, rows: Ints) -> Floats:  # noqa: ARG001
    """Of trunks on frozen vectors: these."""
    return data.X[torch.from_numpy(rows).to(data.X.device)].double().cpu().numpy()
