"""The scoring stage: check that the signatures compare, then run every selected score."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from taskaff.core.errors import ScoreError, SignatureError
from taskaff.core.records.score import Capacity, PairTable, ScoreResult, TaskWeights
from taskaff.core.records.signature import TaskSignature
from taskaff.core.registry import load, resolve
from taskaff.core.settings import ScoreSettings
from taskaff.stages.score.near import near_notes
from taskaff.stages.score.pair_subset import compare_around, few_cores
from taskaff.stages.score.plugins import SCORES, expensive
from taskaff.stages.score.summary import summarise
from taskaff.stages.score.task_statistics import TaskView


def score(
    signatures: Sequence[TaskSignature], settings: ScoreSettings | None = None
) -> ScoreResult:
    """Compare ``k >= 2`` tasks with one another, from their signatures alone.

    Raises
    ------
    ScoreError : fewer than two tasks, or two of one name.
    SignatureError : signatures of different encoders or widths.
    UsageError : an unknown score name.
    """
    settings = settings or ScoreSettings()
    check(signatures)
    functions = {n: resolve("score", SCORES, n) for n in settings.scores or tuple(SCORES)}
    notes = _too_many(functions, signatures, settings)
    views = [TaskView(signature) for signature in signatures]
    timings: dict[str, float] = {}
    tables: dict[str, PairTable] = {}
    for name in (n for n in SCORES if n in functions):
        compute = functions[name]
        if settings.around and not SCORES[name].handles_subset:
            compute = partial(compare_around, compute)
        with few_cores(views, settings):
            tables[name] = _timed(timings, name, compute, views, settings)
    capacity: Capacity | None = None
    if settings.capacity:
        find = load("taskaff.stages.score.capacity:capacity")
        capacity = _timed(timings, "capacity", find, views, settings)
    weigh = load("taskaff.stages.score.task_weights:task_weights")
    weights: tuple[TaskWeights, ...] = _timed(timings, "task_weights", weigh, views)
    return ScoreResult(
        tasks=tuple(summarise(view, settings) for view in views),
        encoder=signatures[0].encoder,
        tables=tables,
        capacity=capacity,
        weights=weights,
        settings=settings,
        notes=(*notes, *near_notes(tables.get("overlap"), [view.name for view in views])),
        timings=timings,
    )


def _too_many(
    functions: dict[str, Any], signatures: Sequence[TaskSignature], settings: ScoreSettings
) -> tuple[str, ...]:
    """Leave out expensive scores of very many pairs, and say so."""
    k = len(signatures)
    others = sum(signature.name not in settings.around for signature in signatures)
    pairs = k * (k - 1) - (others * (others - 1) if settings.around else 0)
    if pairs <= settings.most_trained:
        return ()
    left_out = [name for name in functions if name in expensive() - set(settings.scores)]
    for name in left_out:
        del functions[name]
    limit = f"score.most_trained ({settings.most_trained:,}); name it with --scores to have it"
    said = f"{pairs:,} directed pairs are more than {limit}"
    return tuple(f"no {name}: {said}" for name in left_out)


def _timed(timings: dict[str, float], name: str, function: Any, *arguments: Any) -> Any:
    start = time.perf_counter()
    result = function(*arguments)
    timings[name] = time.perf_counter() - start
    return result


def check(signatures: Sequence[TaskSignature]) -> None:
    """Refuse what cannot be compared, with the way out."""
    if len(signatures) < 2:
        given = "1 task" if len(signatures) == 1 else "no task"
        raise ScoreError(
            f"{given} given, a comparison needs two",
            hint="name at least two data sets or signature files",
        )
    names = Counter(signature.name for signature in signatures)
    if repeated := [name for name, count in names.items() if count > 1]:
        raise ScoreError(
            f"two tasks are called {repeated[0]!r}",
            task=repeated[0],
            hint="give each a name of its own: NAME=PATH",
        )
    first = signatures[0]
    for other in signatures[1:]:
        if other.encoder.fingerprint != first.encoder.fingerprint:
            raise SignatureError(
                f"made with encoder {other.encoder.id!r} ({other.encoder.fingerprint[:12]}), "
                f"but {first.name!r} with {first.encoder.id!r} ({first.encoder.fingerprint[:12]})",
                task=other.name,
                hint="embed the texts as the ready vectors were made, or the other way round"
                if "vectors" in (other.encoder.id, first.encoder.id)
                else "profile both data sets again with the same encoder",
            )
        if other.width != first.width:
            raise SignatureError(
                f"{other.width} dimensions, but {first.name!r} has {first.width}",
                task=other.name,
                hint="pad the narrower signatures with stages.signature.pad before comparing",
            )
