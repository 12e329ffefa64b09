"""Evidence for the gate without data, scores or training."""

from __future__ import annotations

import numpy as np

from taskaff.core.records.check import CheckedTask, Evidence
from taskaff.core.records.embedding import EncoderCard
from taskaff.core.records.estimate import Estimate, Interval, Verdict
from taskaff.core.records.prediction import Prediction, Reason
from taskaff.core.records.probe import PairOutcome, ProbeResult
from taskaff.core.records.score import PairTable, ScoreResult
from taskaff.core.settings import CheckSettings, Limit, ProbeSettings, ScoreSettings

CARD = EncoderCard("fake", "f" * 64, 2)
RULES = CheckSettings(
    probability_negative=Limit(0.3, 0.6), overlap=Limit(fail=0.01), recipe="concat"
)
REASONS = tuple(Reason(f"feature{n}", 0.1 * n, -0.02 * n, f"reason {n}") for n in range(3))


def task(name, rows=500, **more):
    return CheckedTask(name, rows, f"{name}.csv", (name * 2,), **more)


def prediction(source, target, p, gain=-0.02, **more):
    found = Estimate(None) if gain is None else Estimate(gain, gain - 0.05, gain + 0.05)
    return Prediction(
        source, target, found, p, 1 - p, 0.01, 0.9, "inconclusive", reasons=REASONS, **more
    )


def table(name, names, cells=(), default=0.0, directed=True, extras=(), spread=None):
    """A table with ``cells``: ``(source, target) -> value``; ``extras`` likewise by name."""
    k = len(names)

    def filled(cells, default):
        array = np.full((k, k), default)
        for (source, target), value in dict(cells).items():
            array[names.index(source), names.index(target)] = value
            if not directed:
                array[names.index(target), names.index(source)] = value
        return array

    value = filled(cells, default)
    reach = 0.0 if spread is None else spread
    more = {name: filled(cells, default) for name, cells, default in extras}
    return PairTable(name, directed, value, value - reach, value + reach, extras=more)


def scores(names, *tables):
    return ScoreResult(
        tasks=tuple(_summary(name) for name in names),
        encoder=CARD,
        tables={table.name: table for table in tables},
        capacity=None,
        weights=(),
        settings=ScoreSettings(),
    )


def _summary(name):
    from taskaff.core.records.data import LabelSchema
    from taskaff.core.records.embedding import EncodeCounts
    from taskaff.core.records.score import TaskSummary

    nothing = Estimate(0.0)
    return TaskSummary(
        name, 500, 2, "single", LabelSchema("none"), (), EncodeCounts(), None, nothing, nothing
    )


def evidence(p=0.1, shared=0.0, candidates=("new",), mix=("a", "b"), rows=500, **more):
    """Every pair with this probability of harm and this overlap."""
    names = [*mix, *candidates]
    ways = [w for c in candidates for m in mix for w in ((c, m), (m, c))]
    return Evidence(
        candidates=tuple(task(name, rows) for name in candidates),
        mix=tuple(task(name) for name in mix),
        scores=more.pop("scores", None) or scores(names, table("overlap", names, default=shared)),
        predictions=more.pop("predictions", tuple(prediction(s, t, p) for s, t in ways)),
        predictor="fake 1",
        **more,
    )


def probed(candidate, **increases):
    """A probe of the mix: task to relative increase of the loss, as ``(value, low, high)``."""
    pairs = []
    for name, found in increases.items():
        value, low, high = found
        gain = Interval(-value, -high, -low, 0.01, 5) if value is not None else Interval(None)
        pairs.append(
            PairOutcome(
                candidate,
                name,
                gain,
                "accuracy",
                Interval(None),
                Verdict("inconclusive", "a seed diverged"),
                1.0,
                0.0,
                (),
                arm="mix",
                against="alone" if name == candidate else "mix without",
            )
        )
    return ProbeResult("mix", (), tuple(pairs), ProbeSettings(), "mixed", 10)
