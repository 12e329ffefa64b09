"""The gate: may the candidates join the mix?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from taskaff.core.provenance import environment
from taskaff.core.records.check import CheckResult
from taskaff.core.records.data import DataRequest
from taskaff.core.settings import CheckSettings, PredictSettings, ProbeSettings, RunSettings
from taskaff.pipeline import gate_inputs, prediction, unknown_words
from taskaff.pipeline.probe import probe
from taskaff.pipeline.session import Progress, Session
from taskaff.pipeline.signatures import same_width
from taskaff.stages import gate
from taskaff.stages.score import score as score_pairs


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
    gate_inputs.require(candidates, mix, rules)
    lock = gate.read(baseline) if baseline else None
    session = Session(settings, progress)
    started = time.perf_counter()
    joining, existing = gate_inputs.signatures(session, candidates, mix)
    names = [signature.name for signature in (*existing, *joining)]
    gate.require_known(rules.waivers, [*declared, *names])
    embedded = time.perf_counter()
    training = probe_settings or ProbeSettings()
    basis = replace(session.settings.score, training=prediction.training_of(training))
    chosen = gate_inputs.score_settings(basis, rules, names[len(mix) :], len(mix))
    scores = score_pairs(same_width([*existing, *joining]), chosen)
    members = [replace(r, name=s.name) for r, s in zip(mix, existing, strict=True)]
    added = [replace(r, name=s.name) for r, s in zip(candidates, joining, strict=True)]
    short = gate_inputs.probe_share(training, rules.recipe, len(added))
    measured = {
        str(request.name): probe([*members, request], settings, short, "mix", progress)
        for request in (added if rules.probe else ())
    }
    seen = gate_inputs.gathered(
        list(zip(added, joining, strict=True)),
        list(zip(members, existing, strict=True)),
        scores,
        gate_inputs.setup_of(scores, training),
        replace(
            session.settings.predict or PredictSettings(cache_dir=session.settings.cache_dir),
            margin=rules.margin,
        ),
        measured,
        gate_inputs.Again(frozenset(declared), options),
    )
    result = gate.check(seen, rules, today or date.today(), lock)
    every = [*existing, *joining]
    said = [f"{signature.name}: {note}" for signature in every for note in signature.notes]
    timings = {"signatures": embedded - started, "decision": time.perf_counter() - embedded}
    return replace(
        result,
        notes=(*unknown_words.notes(every), *said, *result.notes),
        environment={**environment(), **session.computed},
        timings={**timings, **scores.timings},
    )
