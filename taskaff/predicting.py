"""From scores to predictions: the features of every directed pair, the fitted model, its answer."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from taskaff.predict import features
from taskaff.predict_records import Prediction, PredictSettings, Setup
from taskaff.probe_records import Interval, ProbeResult, ProbeSettings
from taskaff.records import ScoreResult
from taskaff.store import Store, digest_key

if TYPE_CHECKING:
    from taskaff.predict.model import Model

VERSION = 1
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
    from taskaff.predict.judge import combined, judge

    setup, settings = setup or setup_of(result), settings or PredictSettings()
    wanted = list(pairs) if pairs is not None else list(result.pairs(directed=True))
    if not wanted or (pairs is None and len(wanted) > settings.most_pairs):
        return ()
    fitted = model_of(settings)
    names = [(result.names[s], result.names[t]) for s, t in wanted]
    known = [features.raw(result, s, t, setup) for s, t in wanted]
    found = judge(fitted, names, known, setup, settings)
    gains = _gains(measured) if measured else {}
    return tuple(
        combined(fitted, made, gains[made.source, made.target], settings)
        if (made.source, made.target) in gains
        else made
        for made in found
    )


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


def model_of(settings: PredictSettings) -> Model:
    """The model of the shipped atlas and the user's own, fitted when it was not kept."""
    return _model(_atlases(settings), identity(settings), settings.cache_dir)


@lru_cache(maxsize=4)
def _model(atlases: tuple[Path, ...], key: str, cache_dir: Path | None) -> Model:
    from taskaff.predict import atlas
    from taskaff.predict.fit import fit
    from taskaff.predict.model import load, save

    store = Store(cache_dir) if cache_dir else Store(Path(), "off")
    name = digest_key(predictor=key)
    kept = store.get("predictor", name)
    if kept is None:
        fitted = fit(atlas.joined([atlas.read(path) for path in atlases]))
        kept = store.put("predictor", name, lambda path: save(fitted, path))
    return load(kept)


def identity(settings: PredictSettings | None = None) -> str:
    """A short hash of everything that a prediction comes from but the scores: atlases and code."""
    from taskaff.predict.atlas import digest

    text = " ".join([str(VERSION), *map(digest, _atlases(settings or PredictSettings()))])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _atlases(settings: PredictSettings) -> tuple[Path, ...]:
    from taskaff.predict.atlas import SHIPPED

    own = settings.atlas
    return (SHIPPED, own) if own is not None and own.exists() else (SHIPPED,)


def _gains(measured: ProbeResult) -> dict[tuple[str, str], Interval]:
    """What a probe measured of pairs trained together against the target alone."""
    return {
        (pair.source, pair.target): pair.gain
        for pair in measured.pairs
        if (pair.arm, pair.against) == ("mtl", "alone")
    }
