"""How long a probe is expected to take, from a very short trial of it.

The trial trains the first seeds for a few updates without patience, on all pairs at once as the
probe itself does; fine-tuned trunks, whose updates are expensive, train one pair and few held-out
rows. Its seconds are scaled by the work that is to come: updates and evaluations of a run that
stops at the usual share of its cap, times seeds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from taskaff.core.records.probe import Forecast
from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.budget import Measure, Names, adaptive, together
from taskaff.stages.probe.schedule import evaluations
from taskaff.stages.probe.trunks import TRUNKS

TRIAL = {"vectors": 24, "words": 4, "transformer": 2}
"""Updates of the target in a trial, by what the trunk reads."""

USUAL = 0.4
"""Share of the cap after which a run with patience ends, on average (505 of 1,200 updates on three
sentiment sets with the default weight decays)."""

HELD_OUT = 16
"""Validation and test rows in the trial of a fine-tuned trunk."""

PACE = 2.0
"""Updates of a run for one of its target, in turns."""

FORWARD = 1 / 3
"""What a row costs that is only evaluated, as a share of one that is trained on."""


def forecast(
    measure: Measure,
    runs: int,
    rows: Mapping[str, int],
    settings: ProbeSettings,
    clock: Callable[[], float] = time.perf_counter,
) -> Forecast:
    """Seconds of the first seeds, and of all seeds that there can be.

    Parameters
    ----------
    measure : trains the settings' seeds, of some pairs or of all; it must not keep what it finds.
    runs : about the number of runs of a seed.
    rows : of each task, by name.
    """
    seeds = len(settings.seeds)
    most = max(seeds, settings.max_seeds) if adaptive(settings) else seeds
    if settings.budget is not None:
        return Forecast(settings.budget, seeds, settings.budget, most)
    settings = replace(settings, target_rows=min(settings.target_rows, max(rows.values())))
    trial, wanted = _trial(settings, runs, tuple(rows))
    started = clock()
    measured = measure(trial, wanted, None)
    spent = clock() - started
    a_seed = spent / len(trial.seeds) * _work(settings) / _work(trial)
    if wanted is not None:
        a_seed *= runs / max(measured.runs, 1)
    return Forecast(a_seed * seeds, seeds, a_seed * most, most)


def _trial(
    settings: ProbeSettings, runs: int, names: Sequence[str]
) -> tuple[ProbeSettings, Names | None]:
    """Settings of the trial, and the pair that it is of (None: all)."""
    reads = TRUNKS[settings.trunk].reads
    at_once = min(len(settings.seeds), -(-together(settings) // max(runs, 1)))
    short = replace(
        settings,
        updates=TRIAL[reads],
        patience=0.0,
        epochs=None,
        max_seeds=0,
        seeds=settings.seeds[:at_once],
    )
    if reads == "vectors":
        return short, None
    target = settings.targets[0] if settings.targets else names[0]
    source = next(name for name in names if name != target)
    few = replace(short, validation_rows=HELD_OUT, test_rows=HELD_OUT, seeds=settings.seeds[:1])
    return few, frozenset({(source, target)})


def _work(settings: ProbeSettings) -> float:
    """Cost of a run, in updates."""
    last = settings.updates
    if settings.epochs is not None:
        last = settings.epochs * -(-settings.target_rows // settings.batch)
    elif settings.patience:
        last = max(1, round(USUAL * settings.updates))
    seen = len(evaluations(last))
    if TRUNKS[settings.trunk].reads == "vectors":
        return PACE * last + seen  # a stacked evaluation costs about as much as an update
    rows = seen * settings.validation_rows + settings.test_rows
    return PACE * last + FORWARD * rows / settings.batch
