"""The stages in order, on one screen: data -> embed -> moments -> scoring, or -> probing.

Every command and every function of the Python API comes through here. A *source* is anything that
``DataRequest.source`` may be, or a stored signature (``*.taskaff``), which needs no rows.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from taskaff import checking, data, moments, predicting, scoring, unfamiliar
from taskaff.checking import EncoderCheck
from taskaff.gate_records import CheckResult, CheckSettings
from taskaff.overlap_records import OverlapResult
from taskaff.predict_records import PredictSettings
from taskaff.probe_records import Expect, Mode, ProbeResult, ProbeSettings
from taskaff.provenance import environment
from taskaff.records import (
    DataRequest,
    ScoreResult,
    ScoreSettings,
    TaskInfo,
    TaskSignature,
    TaskVectors,
)
from taskaff.signing import SIGNATURE_SUFFIX, same_width, signature_of
from taskaff.workbench import Progress, RunSettings, Workbench

__all__ = [
    "SIGNATURE_SUFFIX",
    "Progress",
    "RunSettings",
    "append_atlas",
    "build_atlas",
    "check",
    "check_encoder",
    "describe_atlas",
    "distinct_names",
    "evaluate_atlas",
    "inspect",
    "merge",
    "overlap",
    "probe",
    "profile",
    "same_width",
    "save",
    "score",
]

Named = TypeVar("Named", TaskSignature, TaskVectors)


def inspect(request: DataRequest) -> TaskInfo:
    """What is understood of a data set, repeated rows included; needs no encoder."""
    from taskaff.repeats import repeats

    task = data.open_task(request)
    return replace(task.info, notes=(*task.info.notes, *repeats(task)))


def overlap(source: DataRequest, target: DataRequest) -> OverlapResult:
    """The rows of a target that a source has, exactly or nearly; needs rows, not signatures."""
    from taskaff.shared_rows import shared_rows

    one, other = data.open_task(source), data.open_task(target)
    result = shared_rows(one, other)
    names = (result.source, result.target)
    return result if names[0] != names[1] else replace(result, target=f"{names[1]}-2")


def profile(
    request: DataRequest, settings: RunSettings | None = None, progress: Progress | None = None
) -> TaskSignature:
    """The signature of one data set: one pass over its rows, then never the rows again."""
    return signature_of(Workbench(settings, progress), request)


def score(
    sources: Sequence[DataRequest],
    settings: RunSettings | None = None,
    progress: Progress | None = None,
) -> ScoreResult:
    """Every pair of the data sets or stored signatures, scored from signatures alone."""
    bench = Workbench(settings, progress)
    started = time.perf_counter()
    signatures = distinct_names([signature_of(bench, source) for source in sources])
    embedded = time.perf_counter()
    result = scoring.score(same_width(signatures), _score_settings(bench.settings))
    ended = time.perf_counter()
    result = predicting.of_scores(result, bench.settings.predict)
    timings = {"signatures": embedded - started, "scoring": ended - embedded, **result.timings}
    if result.predictions:
        timings["prediction"] = time.perf_counter() - ended
    return replace(
        result,
        notes=(*unfamiliar.notes(signatures), *result.notes),
        environment={**environment(), **bench.computed},
        timings=timings,
    )


def _score_settings(settings: RunSettings) -> ScoreSettings:
    """Those of the scores; a training that is predicted is also the one that is followed."""
    if settings.predict is None:
        return settings.score
    return replace(settings.score, training=predicting.training_of(settings.predict.training))


def probe(
    sources: Sequence[DataRequest],
    settings: RunSettings | None = None,
    probe_settings: ProbeSettings | None = None,
    mode: Mode = "pairs",
    progress: Progress | None = None,
    expect: Expect | None = None,
) -> ProbeResult:
    """What training says: does the source help or hurt the target? Needs rows, not signatures.

    ``expect`` is told how long training will take before it starts.
    """
    from taskaff.probing.bank import chosen_device
    from taskaff.probing.options import check_options, mode_of
    from taskaff.probing.prepare import check_settings
    from taskaff.probing.run import probe as train
    from taskaff.vectors_of import tasks_of

    bench = Workbench(settings, progress, rows_again=True)
    chosen = probe_settings or ProbeSettings()
    chosen = replace(chosen, device=chosen_device(chosen.device))
    check_settings(chosen)  # before any row is embedded
    check_options(chosen, mode_of(chosen, mode))
    started = time.perf_counter()
    tasks, notes = tasks_of(bench, sources, chosen)
    embedded = time.perf_counter()

    def trained(done: int, total: int) -> None:
        if progress:
            progress("train", "", done, total)

    result = train(distinct_names(tasks), chosen, mode, trained, bench.store, expect)
    if bench.settings.predict and result.mode == "pairs" and not chosen.each_label:
        result = predicting.of_probe(bench, sources, result)
    return replace(
        result,
        notes=(*notes, *result.notes),
        environment={
            **environment(),
            **bench.computed,
            "device": chosen.device,
            **result.environment,
        },
        timings={"vectors": embedded - started, **result.timings},
    )


def check_encoder(
    sources: Sequence[DataRequest], settings: RunSettings | None = None
) -> EncoderCheck:
    """Whether the encoder gives the same vectors of the data sets' texts however it is run."""
    return checking.check_encoder(Workbench(settings), sources)


def check(
    candidates: Sequence[DataRequest],
    mix: Sequence[DataRequest],
    rules: CheckSettings,
    settings: RunSettings | None = None,
    *,
    probe_settings: ProbeSettings | None = None,
    baseline: Path | None = None,
    declared: Sequence[str] = (),
    options: str = "",
    today: date | None = None,
    progress: Progress | None = None,
) -> CheckResult:
    """May the candidates join the mix? Signatures will do, unless the probe is asked for.

    ``declared`` are the names of the configuration, ``options`` those of the command line that the
    commands of the hints need as well.
    """
    from taskaff import evidence, gate

    evidence.require(candidates, mix, rules)
    lock = gate.read(baseline) if baseline else None
    bench = Workbench(settings, progress)
    started = time.perf_counter()
    found, existing = evidence.signatures(bench, candidates, mix)
    names = [signature.name for signature in (*existing, *found)]
    gate.require_known(rules.waivers, [*declared, *names])
    embedded = time.perf_counter()
    training = probe_settings or ProbeSettings()
    basis = replace(bench.settings.score, training=predicting.training_of(training))
    chosen = evidence.score_settings(basis, rules, names[len(mix) :], len(mix))
    scores = scoring.score(same_width([*existing, *found]), chosen)
    members = [replace(r, name=s.name) for r, s in zip(mix, existing, strict=True)]
    added = [replace(r, name=s.name) for r, s in zip(candidates, found, strict=True)]
    short = evidence.probe_share(training, rules.recipe, len(added))
    measured = {
        str(request.name): probe([*members, request], settings, short, "mix", progress)
        for request in (added if rules.probe else ())
    }
    seen = evidence.gathered(
        list(zip(added, found, strict=True)),
        list(zip(members, existing, strict=True)),
        scores,
        evidence.setup_of(scores, training),
        replace(
            bench.settings.predict or PredictSettings(cache_dir=bench.settings.cache_dir),
            margin=rules.margin,
        ),
        measured,
        evidence.Again(frozenset(declared), options),
    )
    result = gate.check(seen, rules, today or date.today(), lock)
    every = [*existing, *found]
    said = [f"{signature.name}: {note}" for signature in every for note in signature.notes]
    timings = {"signatures": embedded - started, "decision": time.perf_counter() - embedded}
    return replace(
        result,
        notes=(*unfamiliar.notes(every), *said, *result.notes),
        environment={**environment(), **bench.computed},
        timings={**timings, **scores.timings},
    )


def merge(paths: Sequence[Path], name: str | None = None) -> TaskSignature:
    """One signature from those of a task's shards."""
    merged = moments.merge([moments.load(path) for path in paths])
    return replace(merged, name=name) if name else merged


def save(signature: TaskSignature, path: Path) -> None:
    """Write a ``.taskaff`` file."""
    moments.save(signature, path)


def distinct_names(tasks: Sequence[Named]) -> list[Named]:
    """Number the repeats of a name: ``mr``, ``mr-2``; names are how results refer to tasks."""
    seen: Counter[str] = Counter()
    taken = {task.name for task in tasks}
    out = []
    for task in tasks:
        seen[task.name] += 1
        name, count = task.name, seen[task.name]
        while count > 1 and name in taken:
            name, count = f"{task.name}-{count}", count + 1
        taken.add(name)
        out.append(task if name == task.name else replace(task, name=name))
    return out


def build_atlas(
    folders: Sequence[Path],
    out: Path,
    setups: Sequence[str],
    settings: RunSettings | None = None,
    progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
    onto: Path | None = None,
) -> Any:
    """Measure all pairs of the data sets under some folders; an Arrow table, written to ``out``.

    Pairs that the atlas ``onto`` has are taken over.
    """
    from taskaff.atlas_build import build
    from taskaff.atlas_sets import parse_setup

    encoder = (settings or RunSettings()).encoder
    chosen = [parse_setup(text, encoder) for text in setups]
    return build(folders, out, chosen, settings, progress, note, onto)


def describe_atlas(paths: Sequence[Path]) -> list[str]:
    """What atlases hold, in lines."""
    from taskaff.atlas_local import described

    return list(described(paths))


def append_atlas(results: Sequence[Path], target: Path) -> tuple[int, int]:
    """Add finished probes to an atlas: rows added, rows in all."""
    from taskaff.atlas_local import append

    return append(results, target)


def evaluate_atlas(paths: Sequence[Path], resamples: int, blocks: int) -> dict[str, Any]:
    """How well pairs are predicted from the pairs of all other data sets."""
    from taskaff.predict import atlas
    from taskaff.predict.evaluate import evaluate

    return evaluate(atlas.joined([atlas.read(path) for path in paths]), resamples, blocks)
