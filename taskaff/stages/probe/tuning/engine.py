"""The engine of the transformer trunks: a queue of runs, and a worker for every device."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from functools import lru_cache
from queue import SimpleQueue
from threading import Event
from typing import TYPE_CHECKING

import torch

from taskaff.core.errors import ProbeError
from taskaff.stages.probe.evaluate_single import train_single
from taskaff.stages.probe.evaluation import require_rows
from taskaff.stages.probe.schedule import SPARSE
from taskaff.stages.probe.tuning.body import Body
from taskaff.stages.probe.tuning.tuned import Tuned

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Ints
    from taskaff.core.records.probe import Progress
    from taskaff.stages.probe.engines import Keep
    from taskaff.stages.probe.records import Run, RunOutcome, State
    from taskaff.stages.probe.tokens import TokenData
    from taskaff.stages.probe.training_data import TrainingData


def train_transformers(
    data: TrainingData,
    runs: Sequence[Run],
    *,
    memory: int = 1 << 30,
    progress: Progress | None = None,
    keep: Keep | None = None,
) -> list[RunOutcome]:
    """Outcomes in the order of ``runs``, trained one at a time on each of ``data.devices``.

    The contract is that of ``engines``.

    Parameters
    ----------
    memory : bytes for the best weights of a run; what is more goes to temporary files, and so do
        all states that are returned.

    Raises
    ------
    ProbeError : rows without tokens, a task without rows, a model too large for the device.
    """
    tokens = _tokens(data)
    for run in runs:
        require_rows(run)
    names = data.devices
    outcome_of: dict[int, RunOutcome] = {}

    def finished(number: int, outcome: RunOutcome) -> None:
        outcome_of[number] = outcome
        if keep:
            keep(number, outcome)
        if progress:
            progress(len(outcome_of), len(runs))

    if len(names) == 1:
        body = Body(tokens, torch.device(names[0])) if runs else None
        for number, run in enumerate(runs):
            assert body is not None
            finished(number, _train(data, run, body, memory, Event()))
    else:
        _share_out(data, runs, memory, names, finished)
    return [outcome_of[number] for number in range(len(runs))]


def inputs(data: TrainingData, run: Run, state: State, rows: Ints) -> Floats:
    """What ``R`` multiplies: a row's mean over its tokens' embeddings, ``(n, d)`` float64."""
    assert run.align  # only runs with R have such inputs
    body = _reader(_tokens(data), data.X.device)
    body.start(state)
    return body.embedded(rows)


@lru_cache(maxsize=1)
def _reader(tokens: TokenData, device: torch.device) -> Body:
    return Body(tokens, device)


def _tokens(data: TrainingData) -> TokenData:
    if data.tokens is None:
        raise ProbeError(
            "this trunk reads texts, and there are only vectors",
            hint="--encoder st:MODEL or hf:MODEL, or --trunk linear",
        )
    return data.tokens


def _train(data: TrainingData, run: Run, body: Body, memory: int, stop: Event) -> RunOutcome:
    model = Tuned(data, run, body, memory, stop)
    return train_single(data, run, model, SPARSE)


def _share_out(
    data: TrainingData, runs: Sequence[Run], memory: int, names: Sequence[str], finished: Keep
) -> None:
    """Every device takes the next run when it is free."""
    stop = Event()
    bodies: SimpleQueue[Body] = SimpleQueue()
    for name in names:
        bodies.put(Body(_tokens(data), torch.device(name)))

    def work(run: Run) -> RunOutcome:
        body = bodies.get()
        try:
            return _train(data, run, body, memory, stop)
        finally:
            bodies.put(body)

    pool = ThreadPoolExecutor(len(names))
    try:
        waiting: dict[Future[RunOutcome], int] = {
            pool.submit(work, run): number for number, run in enumerate(runs)
        }
        for future in as_completed(waiting):
            finished(waiting[future], future.result())
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
