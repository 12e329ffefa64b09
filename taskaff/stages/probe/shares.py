"""The source's share of the updates: gains over shares, and the gain at the best of them.

Choosing the best of several shares by the same rows that test it would flatter. So each seed's
share is chosen by the validation rows of all *other* seeds, and tested on its own test rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from taskaff.core.recipe import BEST, CURVE
from taskaff.core.records.probe import PairOutcome, ProbeResult, SeedGain
from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.comparison import paired


def with_shares(settings: ProbeSettings) -> ProbeSettings:
    """The settings with the recipes of a curve over shares."""
    return replace(settings, recipes=tuple(dict.fromkeys((*settings.recipes, *CURVE))))


def with_best(result: ProbeResult, confidence: float) -> ProbeResult:
    """The result with one more outcome a pair: the gain at the best share."""
    curves: dict[tuple[str, str], list[PairOutcome]] = {}
    for pair in result.pairs:
        if (pair.arm, pair.against) == ("mtl", "alone") and pair.share is not None:
            curves.setdefault((pair.source, pair.target), []).append(pair)
    settings = replace(result.settings, confidence=confidence)
    best_of_curves = tuple(
        best for curve in curves.values() if (best := _best(curve, settings)) is not None
    )
    return replace(result, pairs=(*result.pairs, *best_of_curves))


def _best(curve: Sequence[PairOutcome], settings: ProbeSettings) -> PairOutcome | None:
    """The outcome at the share that other seeds' validation rows choose for each seed."""
    first = curve[0]
    known = [pair for pair in curve if pair.gain.mean is not None]
    seeds = sorted(set.intersection(*({s.seed for s in pair.seeds} for pair in known or curve)))
    if not known or len(seeds) < 2:
        return None
    table = [{s.seed: s for s in pair.seeds} for pair in known]
    gains = np.array([[_validation_gain(by_seed[n]) for n in seeds] for by_seed in table])
    chosen: list[SeedGain] = []
    shares = []
    for i, seed in enumerate(seeds):
        best = int(np.argmax(np.delete(gains, i, axis=1).mean(axis=1)))
        chosen.append(table[best][seed])
        shares.append(known[best].share)
    names = first.source, first.target
    outcome = paired(settings, names, first.metric, chosen, (), ("alone", "mtl"))
    return replace(outcome, recipe=BEST, share=float(np.mean([s for s in shares if s is not None])))


def _validation_gain(seed: SeedGain) -> float:
    alone, together = seed.validation
    return alone - together
