"""Rows of data sets to measured transfer: what training says."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from taskaff.core.provenance import environment
from taskaff.core.records.data import DataRequest
from taskaff.core.records.probe import Expect, ProbeResult
from taskaff.core.settings import Mode, ProbeSettings, RunSettings
from taskaff.pipeline import prediction
from taskaff.pipeline.session import Progress, Session
from taskaff.pipeline.signatures import distinct_names


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
    from taskaff.pipeline.training_rows import tasks_of
    from taskaff.stages.probe.checks import check_settings
    from taskaff.stages.probe.options import check_options, mode_of
    from taskaff.stages.probe.run import probe as train
    from taskaff.stages.probe.training_data import chosen_device

    session = Session(settings, progress, rows_again=True)
    chosen = probe_settings or ProbeSettings()
    chosen = replace(chosen, device=chosen_device(chosen.device))
    check_settings(chosen)  # before any row is embedded
    check_options(chosen, mode_of(chosen, mode))
    started = time.perf_counter()
    predicted = mode_of(chosen, mode) == "pairs" and not chosen.each_label
    predicted = predicted and prediction.can_predict(session.settings.predict, sources)
    tasks, notes, signatures = tasks_of(session, sources, chosen, signatures=predicted)
    embedded = time.perf_counter()

    def trained(done: int, total: int) -> None:
        if progress:
            progress("train", "", done, total)

    result = train(distinct_names(tasks), chosen, mode, trained, session.store, expect)
    if predicted and session.settings.predict:
        result = prediction.of_probe(signatures, result, session.settings.predict)
    return replace(
        result,
        notes=(*notes, *result.notes),
        environment={
            **environment(),
            **session.computed,
            "device": chosen.device,
            **result.environment,
        },
        timings={"vectors": embedded - started, **result.timings},
    )
