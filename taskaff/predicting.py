"""From scores to predictions: the features of every directed pair, the fitted model, its answer."""

from __future__ import annotations

from collections.abc import Collection

from taskaff.predict import features
from taskaff.predict_records import Prediction, PredictSettings, Setup
from taskaff.probe_records import ProbeResult
from taskaff.records import Estimate, ScoreResult


def predict(
    result: ScoreResult,
    setup: Setup | None = None,
    settings: PredictSettings | None = None,
    *,
    pairs: Collection[tuple[int, int]] | None = None,
    measured: ProbeResult | None = None,
) -> tuple[Prediction, ...]:
    """Expected transfer of directed pairs ``(source, target)`` of the result's tasks.

    Parameters
    ----------
    result : all scores of the tasks; a score that is missing widens the prediction.
    setup : how they would be trained; by default as ``taskaff probe`` does by default, with the
        result's encoder and width.
    pairs : which ones; by default all, unless they are more than ``settings.most_pairs``: then
        none.
    measured : a probe of the same tasks, which is combined with the prediction.
    """
    setup, settings = setup or setup_of(result), settings or PredictSettings()
    wanted = list(pairs) if pairs is not None else list(result.pairs(directed=True))
    if pairs is None and len(wanted) > settings.most_pairs:
        return ()
    return tuple(
        Prediction(
            source=result.names[s],
            target=result.names[t],
            gain=Estimate(None),
            probability_negative=0.5,
            probability_positive=0.5,
            margin=settings.margin,
            confidence=settings.confidence,
            verdict="inconclusive",
            measured=measured is not None,
            features=features.raw(result, s, t, setup),
        )
        for s, t in wanted
    )


def setup_of(result: ScoreResult) -> Setup:
    """The probe's default set-up with the encoder of a result."""
    return Setup(encoder=result.encoder.id, width=result.tasks[0].width)
