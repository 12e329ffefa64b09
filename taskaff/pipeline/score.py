"""Signatures of data sets to scores, and to predictions of what training together does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from taskaff.core.provenance import environment
from taskaff.core.records.data import DataRequest
from taskaff.core.records.score import ScoreResult
from taskaff.core.settings import RunSettings, ScoreSettings
from taskaff.pipeline import prediction, unknown_words
from taskaff.pipeline.session import Progress, Session
from taskaff.pipeline.signatures import distinct_names, same_width, signature_of
from taskaff.stages.score import score as score_pairs


def score(
    sources: Sequence[DataRequest],
    settings: RunSettings | None = None,
    progress: Progress | None = None,
) -> ScoreResult:
    """Every pair of the data sets or stored signatures, scored from signatures alone."""
    session = Session(settings, progress)
    started = time.perf_counter()
    signatures = distinct_names([signature_of(session, source) for source in sources])
    embedded = time.perf_counter()
    result = score_pairs(same_width(signatures), _score_settings(session.settings))
    ended = time.perf_counter()
    result = prediction.of_scores(result, session.settings.predict)
    timings = {"signatures": embedded - started, "scoring": ended - embedded, **result.timings}
    if result.predictions:
        timings["prediction"] = time.perf_counter() - ended
    return replace(
        result,
        notes=(*unknown_words.notes(signatures), *result.notes),
        environment={**environment(), **session.computed},
        timings=timings,
    )


def _score_settings(settings: RunSettings) -> ScoreSettings:
    """Those of the scores; a training that is predicted is also the one that is followed."""
    if settings.predict is None:
        return settings.score
    return replace(settings.score, training=prediction.training_of(settings.predict.training))
