"""From outcomes of runs to paired gains: what every mode does once its runs are trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.records.data import LabelKind
from taskaff.core.records.estimate import Interval
from taskaff.core.records.probe import PairOutcome, RowGains, SeedGain
from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.finite import widened
from taskaff.stages.probe.metrics import MAIN
from taskaff.stages.probe.predicted import Truth
from taskaff.stages.probe.records import Key, RunOutcome, SlotOutcome
from taskaff.stages.probe.verdict import blindness, decide, t_interval

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Hashes
    from taskaff.stages.probe.prepare import Prepared

Chosen = tuple[SlotOutcome, float]
"""Outcome of an arm, and the weight decay that its validation rows chose."""


@dataclass(slots=True, eq=False)
class Arms:
    """Outcomes of arms, and what is known of them without training."""

    best: dict[Key, Chosen]
    unusable: Mapping[Key, str] = field(default_factory=dict)
    """Arms that could not be trained, and why."""
    removed: Mapping[Key, int] = field(default_factory=dict)
    """Rows taken out (or left in although shared)."""
    constants: Mapping[tuple[int, int], float] = field(default_factory=dict)
    """Held-out loss of a constant predictor, by target and seed number."""
    shares: Mapping[Key, float] = field(default_factory=dict)
    """The source's share of the updates."""
    rows: Mapping[tuple[int, int], tuple[Hashes, int, float]] = field(default_factory=dict)
    """By target and seed number: hashes of test rows, their pool, share that is trained on."""
    truths: Mapping[tuple[int, int], Truth] = field(default_factory=dict)
    """By target and seed number: labels of the test rows, where predictions are asked for."""

    def constant(self, arm: Key) -> float:
        """Held-out loss of a constant predictor of the arm's target; NaN where it is not known."""
        return self.constants.get((arm[-2], arm[-1]), float("nan"))


ALL = "all"
"""Target of the outcome over all tasks of a mix."""

OVERALL = (
    "overall: mean over tasks of each task's gain as a share of the held-out loss of a constant "
    "(label frequencies or mean); its losses, and the margin, are in that unit"
)


def best_decay(outcomes: Sequence[RunOutcome]) -> dict[Key, Chosen]:
    """First slots of runs whose key is an arm's and then the weight decay."""
    slots = ((o.key[:-1], o.key[-1], o.slots[0]) for o in outcomes)
    return least((key, decay, slot) for key, decay, slot in slots if slot is not None)


def least(candidates: Iterable[tuple[Key, float, SlotOutcome]]) -> dict[Key, Chosen]:
    """Each arm with the least validation loss; a diverged one only when all of them are."""
    best: dict[Key, Chosen] = {}
    for arm, decay, slot in candidates:
        known = best.get(arm)
        if known is None or known[0].diverged or slot.validation_loss < known[0].validation_loss:
            best[arm] = (slot, decay)
    return best


def compare_arms(
    prepared: Prepared,
    arms: Arms,
    pair: tuple[int, int],
    keys: tuple[Key, Key],
    words: tuple[str, str],
) -> PairOutcome:
    """``compare`` for source and target by their numbers, and for keys without the seed number."""
    source, target = (prepared.tasks[number] for number in pair)
    of_seeds = [((*keys[0], n), (*keys[1], n)) for n in range(len(prepared.settings.seeds))]
    names = source.name, target.name
    return compare(prepared.settings, target.schema.kind, names, arms, of_seeds, words)


def compare(
    settings: ProbeSettings,
    kind: LabelKind,
    names: tuple[str, str],
    arms: Arms,
    keys: Sequence[tuple[Key, Key]],
    words: tuple[str, str],
) -> PairOutcome:
    """The gain of one arm over another.

    Parameters
    ----------
    kind : of the target's labels.
    names : source, target.
    keys : of each seed, what it is compared with and what was trained.
    words : the same two, as the result calls them (``against``, ``arm``).
    """
    metric = MAIN[kind]
    seeds, unusable = [], []
    for seed, (base, other) in zip(settings.seeds, keys, strict=True):
        reason = arms.unusable.get(base) or arms.unusable.get(other)
        if reason:
            unusable.append(reason)
            continue
        pair = arms.best[base], arms.best[other]
        unusable += _divergence(pair, names, words)
        gain = _seed_gain(seed, metric, *pair, arms.removed.get(other, 0))
        rows = _row_gains(arms.rows.get((other[-2], other[-1])), *pair)
        truth = arms.truths.get((other[-2], other[-1]))
        predicted = truth.rows(pair[0][0], pair[1][0]) if truth else None
        gain = replace(gain, test_rows=rows, predicted=predicted)
        seeds.append(replace(gain, constant_loss=arms.constant(other)))
    return paired(settings, names, metric, seeds, unusable, words)


def paired(
    settings: ProbeSettings,
    names: tuple[str, str],
    metric: str,
    seeds: Sequence[SeedGain],
    unusable: Sequence[str],
    words: tuple[str, str],
) -> PairOutcome:
    """Interval and verdict over seeds."""
    gain = t_interval([s.gain for s in seeds], settings.confidence)
    gain = widened(gain, seeds, settings.confidence)
    losses = [s.stl_loss for s in seeds]
    loss = float(np.mean(losses)) if losses and np.isfinite(losses).all() else None
    margin = settings.margin * (loss or 0.0 if settings.margin_unit == "relative" else 1.0)
    return PairOutcome(
        source=names[0],
        target=names[1],
        gain=gain if not unusable else Interval(None, n=gain.n),
        metric=metric,
        metric_gain=t_interval([s.metric_gain for s in seeds], settings.confidence),
        verdict=decide(gain, margin, unusable, blindness(seeds, margin)),
        stl_loss=loss,
        leaked=float(np.mean([s.removed for s in seeds])) if seeds else 0.0,
        seeds=tuple(seeds),
        arm=words[1],
        against=words[0],
        at_cap=sum(s.at_cap for s in seeds),
    )


def overall(prepared: Prepared, pairs: Sequence[PairOutcome]) -> PairOutcome:
    """Mean over the tasks of a mix, each task's losses relative to that of a constant.

    Not relative to its own: a task that is nearly solved would decide the mean alone. ``pairs``
    has one comparison of each task, in their order.
    """
    settings, metrics = prepared.settings, {pair.metric for pair in pairs}
    metric = metrics.pop() if len(metrics) == 1 else "mean of main metrics"
    of_each = [{seed.seed: seed for seed in pair.seeds} for pair in pairs]
    seeds = [
        _mean([gains[seed] for gains in of_each])
        for seed in settings.seeds
        if all(seed in gains for gains in of_each)
    ]
    unusable = [pair.verdict.reason for pair in pairs if pair.gain.mean is None]
    names, words = (prepared.tasks[-1].name, ALL), (pairs[0].against, pairs[0].arm)
    return paired(settings, names, metric, seeds, unusable, words)


def _mean(gains: Sequence[SeedGain]) -> SeedGain:
    """One seed's mean over tasks."""

    def relative(losses: Sequence[float]) -> float:
        constants = [gain.constant_loss for gain in gains]
        return float(
            np.mean([x / c if c > 0 else np.nan for x, c in zip(losses, constants, strict=True)])
        )

    return replace(
        gains[0],
        stl_loss=relative([gain.stl_loss for gain in gains]),
        mtl_loss=relative([gain.mtl_loss for gain in gains]),
        stl_metric=float(np.mean([gain.stl_metric for gain in gains])),
        mtl_metric=float(np.mean([gain.mtl_metric for gain in gains])),
        constant_loss=1.0,
        test_rows=None,
        predicted=None,
    )


def _divergence(
    pair: tuple[Chosen, Chosen], names: tuple[str, str], words: tuple[str, str]
) -> list[str]:
    source, target = names
    called = {"alone": f"{target} alone", "mtl": f"{target} with {source}"}
    return [
        f"diverged: {called.get(word, f'{target}, {word}')}: {slot.diverged}"
        for (slot, _), word in zip(pair, words, strict=True)
        if slot.diverged
    ]


def _row_gains(
    rows: tuple[Hashes, int, float] | None, base: Chosen, other: Chosen
) -> RowGains | None:
    """Gains of the test rows, where both arms have losses of the same rows."""
    one, two = base[0].row_losses, other[0].row_losses
    if rows is None or one is None or two is None or not len(one) == len(two) == len(rows[0]):
        return None
    return RowGains(rows[0], one - two, rows[1], rows[2])


def _seed_gain(seed: int, metric: str, base: Chosen, other: Chosen, removed: int) -> SeedGain:
    return SeedGain(
        seed,
        base[0].test_loss,
        other[0].test_loss,
        base[0].metrics[metric],
        other[0].metrics[metric],
        removed,
        (base[1], other[1]),
        {name: (value, other[0].metrics[name]) for name, value in base[0].metrics.items()},
        (base[0].step, other[0].step),
        base[0].at_cap or other[0].at_cap,
        validation=(base[0].validation_loss, other[0].validation_loss),
    )
