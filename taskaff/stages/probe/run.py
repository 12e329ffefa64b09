"""The probe: one mode, with the budget, controls and transference that the settings ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from taskaff.core.errors import ProbeError, UsageError
from taskaff.core.records.embedding import TaskVectors
from taskaff.core.records.probe import Expect, ProbeResult, Progress
from taskaff.core.registry import resolve, unknown_name
from taskaff.core.settings import ProbeSettings
from taskaff.core.store import Store
from taskaff.stages.probe.budget import Measure, Names, drive
from taskaff.stages.probe.checks import check_settings
from taskaff.stages.probe.each_label import each_label
from taskaff.stages.probe.forecast import forecast
from taskaff.stages.probe.modes import MODES
from taskaff.stages.probe.options import check_options, mode_of
from taskaff.stages.probe.shares import with_shares
from taskaff.stages.probe.trunks import TRUNKS

NOTHING_SHARED = (
    "with --trunk transformer-frozen tasks share nothing that is trained: a gain without --align "
    "tells nothing of the source"
)
"""The model is fixed, and heads and alignment matrices belong to one task each."""


def probe(
    tasks: Sequence[TaskVectors],
    settings: ProbeSettings | None = None,
    mode: str = "pairs",
    progress: Progress | None = None,
    store: Store | None = None,
    expect: Expect | None = None,
) -> ProbeResult:
    """Train, and say what transfers; ``capacities`` turn the mode of pairs into ``capacity``.

    ``store`` keeps the outcomes of fine-tuned runs: an equal run is not trained again. ``expect``
    is told before how long it will take, which costs a very short trial.

    Raises
    ------
    UsageError : an unknown mode, settings that make no sense, names that are not distinct.
    ProbeError : a task that cannot be trained on at all.
    KeyboardInterrupt : interrupted before anything was known; later on, what is known comes back
        with ``finished`` off.
    """
    settings = settings or ProbeSettings()
    mode = mode_of(settings, mode)
    function = resolve("mode", MODES, mode)
    settings = check_options(settings, mode)
    tasks, notes = each_label(tasks) if settings.each_label else (tasks, [])
    _check(tasks, settings)

    def measuring(store: Store | None) -> Measure:
        def measure(
            settings: ProbeSettings, wanted: Names | None, progress: Progress | None
        ) -> ProbeResult:
            if mode != "pairs":
                found: ProbeResult = function(tasks, settings, progress, store=store)
                return found
            return _pairs(tasks, settings, wanted, progress, store)

        return measure

    if settings.shares:
        settings = with_shares(settings)
    runs = _runs(len(tasks), settings, mode)
    if expect:
        expect(forecast(measuring(None), runs, {t.name: t.rows for t in tasks}, settings))
    result = drive(measuring(store), runs, settings, progress)
    rows = {task.name: task.train for task in result.tasks}
    pairs = tuple(replace(pair, target_rows=rows.get(pair.target, 0)) for pair in result.pairs)
    if not TRUNKS[settings.trunk].moves:
        notes = [*notes, NOTHING_SHARED]
    return replace(result, pairs=pairs, notes=(*result.notes, *notes))


def _pairs(
    tasks: Sequence[TaskVectors],
    settings: ProbeSettings,
    wanted: Names | None,
    progress: Progress | None,
    store: Store | None,
) -> ProbeResult:
    from taskaff.stages.probe.pairs import probe_pairs
    from taskaff.stages.probe.transference import Watch, pair_rows

    numbers = {task.name: i for i, task in enumerate(tasks)}
    if settings.targets:
        into = {(s, t) for t in settings.targets for s in numbers if s != t}
        wanted = frozenset(into if wanted is None else into & wanted)
    chosen = None if wanted is None else sorted((numbers[s], numbers[t]) for s, t in wanted)
    if not settings.transference:
        return probe_pairs(tasks, settings, progress, wanted=chosen, store=store)
    watch = Watch(settings.transference_every, lambda run: run.key[0] == "mtl")
    result = probe_pairs(tasks, settings, progress, wanted=chosen, observer=watch)
    rows = pair_rows(watch.measured, result.pairs, numbers, settings)
    return _with_mix(replace(result, transference=rows), tasks, settings, progress)


def _with_mix(
    result: ProbeResult,
    tasks: Sequence[TaskVectors],
    settings: ProbeSettings,
    progress: Progress | None,
) -> ProbeResult:
    """Add the transference in one model of all tasks, where there can be one."""
    from taskaff.stages.probe.transference import mix_rows

    try:
        rows, runs = mix_rows(tasks, settings, progress)
    except ProbeError as error:
        return replace(result, notes=(*result.notes, f"no transference of all tasks: {error}"))
    return replace(result, transference=result.transference + rows, runs=result.runs + runs)


def _runs(k: int, settings: ProbeSettings, mode: str) -> int:
    """About the number of runs a seed needs, which need not be exact."""
    if mode in ("pairs", "transfer"):
        arms = k * (len(settings.targets) or k) * len(settings.recipes)
    else:
        arms = (k + 1) * max(len(settings.capacities), 2)
    return arms * len(settings.weight_decay)


def _check(tasks: Sequence[TaskVectors], settings: ProbeSettings) -> None:
    check_settings(settings)
    names = [task.name for task in tasks]
    if len(set(names)) < len(names):
        raise UsageError(
            f"two data sets of one name: {', '.join(names)}", hint="name them: NAME=PATH"
        )
    if settings.budget is not None and not settings.budget > 0:
        raise UsageError(f"budget must be above 0 seconds, not {settings.budget}")
    for name in settings.targets:
        if name not in names:
            raise unknown_name("target", name, names)
