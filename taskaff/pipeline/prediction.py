"""From scores to predictions: the features of every directed pair, the fitted model, its answer."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from taskaff.core.errors import TaskaffError
from taskaff.core.recipe import PREDICTED
from taskaff.core.records.data import DataRequest
from taskaff.core.records.estimate import Interval
from taskaff.core.records.prediction import Prediction, Setup
from taskaff.core.records.probe import ProbeResult
from taskaff.core.records.score import ScoreResult
from taskaff.core.records.signature import TaskSignature
from taskaff.core.settings import (
    ON_VECTORS,
    PredictSettings,
    ProbeSettings,
    ScoreSettings,
    Training,
)
from taskaff.core.store import Store, digest_key
from taskaff.pipeline.signatures import same_width
from taskaff.stages.predict import SHIPPED, features
from taskaff.stages.score import score as score_pairs
from taskaff.stages.score.plugins import expensive

if TYPE_CHECKING:
    from taskaff.stages.predict.model import Model

SCORES = tuple(dict.fromkeys(score for score, _ in features.SCORES.values()))
"""Scores that a prediction is made from."""
NEEDED = tuple(name for name in SCORES if name not in expensive())
"""Those without which there is none; of many tasks the expensive ones are left out."""

SETTINGS = ScoreSettings(scores=SCORES, intervals=False, capacity=False)
"""The same for those who want nothing but predictions."""

SYNTHETIC = "synthetic:"
"""Data sets of the probe that are made up and have no texts to score."""

VERSION = 4
"""Of the way of fitting: another one makes kept models useless."""


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
    from taskaff.stages.predict.predictor import predict

    setup, settings = setup or setup_of(result), settings or PredictSettings()
    wanted = list(pairs) if pairs is not None else list(result.pairs(directed=True))
    if not wanted or (pairs is None and len(wanted) > settings.most_pairs):
        return ()
    fitted = model_of(settings)
    names = [(result.names[s], result.names[t]) for s, t in wanted]
    known = [features.raw(result, s, t, setup) for s, t in wanted]
    found = tuple(predict(fitted, names, known, setup, settings))
    if measured is None:
        return found
    both = {(each.source, each.target): each for each in combine(found, measured, settings)}
    return tuple(both.get((made.source, made.target), made) for made in found)


def combine(
    found: Sequence[Prediction], measured: ProbeResult, settings: PredictSettings
) -> tuple[Prediction, ...]:
    """Predictions and measurements together, of the pairs that have both."""
    from taskaff.stages.predict.predictor import combined

    fitted, gains = model_of(settings), _gains(measured)
    return tuple(
        combined(fitted, made, gains[made.source, made.target], settings)
        for made in found
        if (made.source, made.target) in gains
    )


def of_scores(result: ScoreResult, settings: PredictSettings | None) -> ScoreResult:
    """The result with predictions, or with the reason why there are none."""
    if settings is None:
        return result
    result = replace(result, recipe=settings.training.recipes[0])
    k = len(result.tasks)
    if set(NEEDED) - set(result.tables):
        return result  # the user asked for some scores only
    if k * (k - 1) > settings.most_pairs:
        note = (
            f"no predictions: {k * (k - 1):,} directed pairs are more than predict.most_pairs "
            f"({settings.most_pairs:,})"
        )
        return replace(result, notes=(*result.notes, note))
    found = predict(result, setup_of(result, settings.training), settings)
    return replace(result, predictions=found)


def can_predict(settings: PredictSettings | None, sources: Sequence[DataRequest]) -> bool:
    """Whether a probe of these data sets is to be predicted: they have texts and are not many."""
    if settings is None or len(sources) * (len(sources) - 1) > settings.most_pairs:
        return False
    return not any(str(source.source).startswith(SYNTHETIC) for source in sources)


def of_probe(
    signatures: Sequence[TaskSignature | TaskaffError],
    result: ProbeResult,
    settings: PredictSettings,
) -> ProbeResult:
    """The result with what scores say, alone and together with the measurement, where they can."""
    named: list[TaskSignature] = []
    for signature, task in zip(signatures, result.tasks, strict=True):
        if isinstance(signature, TaskaffError):
            return replace(result, notes=(*result.notes, f"no predictions: {signature}"))
        named.append(replace(signature, name=task.name))
    asked = replace(SETTINGS, training=training_of(result.settings))
    scores = score_pairs(same_width(named), asked)
    found = predict(scores, setup_of(scores, result.settings), settings)
    where = {**result.environment, "encoder": scores.encoder.id}
    both = combine(found, result, settings)
    return replace(result, predictions=found, combined=both, environment=where)


def setup_of(result: ScoreResult, probe: ProbeSettings | None = None) -> Setup:
    """The set-up of a probe, by default the default one, with the encoder of a result."""
    probe = probe or ProbeSettings()
    return Setup(
        encoder=result.encoder.id,
        width=result.tasks[0].width,
        trunk=probe.trunk,
        r=probe.r,
        target_rows=probe.target_rows,
        source_rows=probe.source_rows,
    )


def training_of(probe: ProbeSettings) -> Training:
    """What the score that simulates training follows where a probe would train like this.

    The recipe is always that of the shipped atlas: concatenated, and a fixed number of updates.
    Trunks that are fine-tuned have settings of their own, which mean nothing for a linear module
    on frozen vectors: of these only the rows are taken.
    """
    rows = Training(target_rows=probe.target_rows, source_rows=probe.source_rows)
    if probe.trunk not in ON_VECTORS:
        return rows
    return replace(
        rows,
        r=probe.r,
        batch=probe.batch,
        lr=probe.lr,
        weight_decay=sorted(probe.weight_decay)[len(probe.weight_decay) // 2],
    )


def model_of(settings: PredictSettings) -> Model:
    """The model of the shipped atlas and the user's own, fitted when it was not kept."""
    return _model(_atlases(settings), identity(settings), settings.cache_dir)


@lru_cache(maxsize=4)
def _model(atlases: tuple[Path, ...], key: str, cache_dir: Path | None) -> Model:
    from taskaff.stages.predict import atlas
    from taskaff.stages.predict.fit import fit
    from taskaff.stages.predict.model import load, save

    store = Store(cache_dir) if cache_dir else Store(Path(), "off")
    name = digest_key(predictor=key)
    kept = store.get("predictor", name)
    if kept is None:
        fitted = fit(atlas.joined([atlas.read(path) for path in atlases]))
        kept = store.put("predictor", name, lambda path: save(fitted, path))
    return load(kept)


def identity(settings: PredictSettings | None = None) -> str:
    """A short hash of everything that a prediction comes from but the scores: atlases and code."""
    from taskaff.stages.predict.atlas import digest

    text = " ".join([str(VERSION), *map(digest, _atlases(settings or PredictSettings()))])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _atlases(settings: PredictSettings) -> tuple[Path, ...]:
    own = settings.atlas
    return (SHIPPED, own) if own is not None and own.exists() else (SHIPPED,)


def _gains(measured: ProbeResult) -> dict[tuple[str, str], Interval]:
    """What a probe measured, by the recipe that predictions are of."""
    return {
        (pair.source, pair.target): pair.gain
        for pair in measured.pairs
        if (pair.arm, pair.against, pair.recipe) == ("mtl", "alone", PREDICTED)
    }
