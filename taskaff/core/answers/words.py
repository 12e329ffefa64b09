"""Sentences about effects: numbers in the target's own metric, short lists of names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from taskaff.core.records.estimate import Interval
from taskaff.core.records.probe import PairOutcome

MINUS = "\N{MINUS SIGN}"
UNITS = {"accuracy": (100.0, 1, "points accuracy"), "auc": (1.0, 3, "AUC")}
"""Metric to what it is multiplied by, decimals, and its name beside a difference."""
LOSS = (1.0, 3, "gain in loss")
WRITTEN = "the label may be written into the text"
"""How the note begins that says so."""
NAMED = 3
"""Of more names than this only the number is given."""
SHOWN = 2
"""Effects that are given with their number where there are several."""


def listed(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def few(names: Sequence[str], of: int) -> str:
    """Some names, or how many of all there are."""
    if len(names) <= NAMED:
        return listed(names)
    return f"all {of:,} others" if len(names) == of else f"{len(names):,} of {of:,}"


def and_more(names: Sequence[str]) -> str:
    """One or two names; of more, the first and how many others."""
    return listed(names if len(names) <= 2 else [names[0], f"{len(names) - 1:,} more"])


def by_verdict(targets: Sequence[tuple[str, str]], **verbs: str) -> list[str]:
    """``hurts a and b``: a verb for each verdict, with the targets that have it (``few``)."""
    parts = []
    for verdict, verb in verbs.items():
        names = [target for target, own in targets if own == verdict]
        if names:
            parts.append(f"{verb} {few(names, len(targets))}")
    return parts


def effect(pair: PairOutcome, *, interval: bool = False) -> str:
    """What the target gains, in its metric; in held-out loss too where the two disagree.

    ``interval`` gives both with their intervals.
    """
    metric, gain = pair.metric_gain, pair.gain
    own = _metric(pair.metric, metric, interval)
    loss = f"{LOSS[2]} {_number(gain, LOSS, interval)}" if gain.mean is not None else ""
    agree = own and gain.mean and metric.mean and (gain.mean > 0) == (metric.mean > 0)
    if agree and not interval and not _zero(pair.metric, metric):
        return own
    parts = (own, loss) if interval else (loss, own)
    return ", ".join(part for part in parts if part)


def in_metric(pair: PairOutcome) -> str:
    """What the target gains in its metric, with the interval; empty where it was not measured."""
    return _metric(pair.metric, pair.metric_gain, interval=True)


def effects(pairs: Sequence[tuple[str, PairOutcome]], *, interval: bool = False) -> str:
    """``b (+1.2 points accuracy), c (+0.8) and 2 more``, the largest first.

    A pair is given as how it is called and its outcome. A unit is named once.
    """
    ranked = sorted(pairs, key=lambda each: -abs(each[1].gain.mean or 0.0))
    shown = len(ranked) if len(ranked) <= SHOWN else SHOWN
    said = [effect(pair, interval=interval) for _, pair in ranked[:shown]]
    units = [f" {_unit(pair.metric)[2]}" for _, pair in ranked[:shown]]
    said[1:] = [
        text.removesuffix(unit) if unit == units[0] and said[0].endswith(unit) else text
        for text, unit in zip(said[1:], units[1:], strict=True)
    ]
    parts = [f"{name} ({text})" for (name, _), text in zip(ranked, said, strict=False)]
    left = len(ranked) - shown
    return listed([*parts, f"{left:,} more"]) if left else listed(parts)


def written(notes: Iterable[str]) -> list[str]:
    """Notes on a label that is written into the text: whatever is measured then is about that."""
    return [note for note in notes if note.startswith(WRITTEN)]


def rows(count: float) -> str:
    """``1 row``, ``1,200 rows``."""
    return "1 row" if round(count) == 1 else f"{count:,.0f} rows"


def percent(share: float) -> str:
    """Share as a percentage without decimals, or with one where it is small."""
    return f"{100 * share:.0f}%" if share >= 0.095 or not share else f"{100 * share:.2g}%"


def _unit(metric: str) -> tuple[float, int, str]:
    return UNITS.get(metric, (1.0, 3, metric.replace("_", " ").capitalize()))


def _metric(name: str, gain: Interval, interval: bool) -> str:
    if gain.mean is None:
        return ""
    return f"{_number(gain, _unit(name), interval)} {_unit(name)[2]}"


def _zero(name: str, gain: Interval) -> bool:
    """Whether it is shown as nothing."""
    factor, places, _ = _unit(name)
    return round(factor * (gain.mean or 0.0), places) == 0


def _number(gain: Interval, unit: tuple[float, int, str], interval: bool) -> str:
    factor, places, _ = unit

    def signed(x: float) -> str:
        text = f"{round(factor * x, places) + 0.0:+.{places}f}"
        return text.replace("-", MINUS)

    assert gain.mean is not None
    if not interval or gain.low is None or gain.high is None:
        return signed(gain.mean)
    return f"{signed(gain.mean)} [{signed(gain.low)}, {signed(gain.high)}]"
