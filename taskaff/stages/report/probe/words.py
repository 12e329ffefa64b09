"""Numbers and settings of a probe as text for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from taskaff.core.recipe import CURVE
from taskaff.core.records.estimate import Interval
from taskaff.core.records.probe import PairOutcome, ProbeResult
from taskaff.core.settings import ALL_ROWS, ON_VECTORS, ProbeSettings
from taskaff.stages.report.numbers import MISSING, short

MINUS = "\N{MINUS SIGN}"
CALLS = {
    "positive": "helps",
    "negative": "hurts",
    "neutral": "no effect",
    "inconclusive": "undecided",
}
"""Verdicts as people read them."""

FEW = 10
"""With fewer verdicts than this nobody needs to be told that some intervals miss."""


def signed(x: float | None) -> str:
    """A number with its sign; nothing carries a sign that is shown as zero."""
    text = short(x)
    if x is None or text in (MISSING, "0") or not float(text.replace(",", "")):
        return text
    return text.replace("-", MINUS) if x < 0 else f"+{text}"


def signed_interval(interval: Interval) -> str:
    """``+0.031 [+0.012, +0.050]``."""
    if interval.mean is None or interval.low is None:
        return signed(interval.mean)
    return f"{signed(interval.mean)} [{signed(interval.low)}, {signed(interval.high)}]"


def interval_text(interval: Interval) -> str:
    """``0.031 [0.012, 0.050]``, of what cannot be negative."""
    if interval.mean is None or interval.low is None:
        return short(interval.mean)
    return f"{short(interval.mean)} [{short(interval.low)}, {short(interval.high)}]".replace(
        "-", MINUS
    )


def footnote(pair: PairOutcome) -> str:
    """Why a verdict is what it is, where the interval beside it does not say so."""
    why, mark, _ = pair.verdict.reason.partition("interval [")
    if not mark:
        return why if pair.verdict.call == "inconclusive" else ""
    return why.rstrip(": ")


def setup(result: ProbeResult) -> list[str]:
    """How it was trained, in one line, and the recipe."""
    s = result.settings
    updates = f"{s.epochs:,} epochs" if s.epochs is not None else _updates(s)
    sizes = f"{_target_rows(result)}, up to {s.source_rows:,} source rows"
    r = "" if s.capacities or not s.r else f", r = {s.r:,}"
    seeds = "1 seed" if len(s.seeds) == 1 else f"{len(s.seeds)} seeds"
    parts = [f"mode {result.mode}: {s.trunk} trunk{r}, {updates}, {seeds}", sizes]
    parts += _extras(s)
    parts += [f"intervals at {100 * s.confidence:g}%", f"margin {_margin(s)}"]
    return ["; ".join(parts), f"recipe {s.recipes[0]}: {result.rule}"]


def basis(result: ProbeResult) -> str:
    """What the answers rest on, in a sentence."""
    s = result.settings
    seeds = "1 seed" if len(s.seeds) == 1 else f"{len(s.seeds)} seeds"
    how = "" if result.mode in ("transfer", "capacity") else f" in recipe {s.recipes[0]}"
    said = f"measured by training{how}: {s.trunk} trunk, {seeds}, {_target_rows(result)}"
    pairs = main_pairs(result)
    if pairs:
        said += f"; intervals at {100 * s.confidence:g}%, margin {_margin(s)}"
    if len(pairs) >= FEW:
        missing = len(pairs) * (1 - s.confidence)
        said += f", so that of {len(pairs):,} verdicts about {missing:.0f} may be wrong"
    return f"{said}; -v shows all numbers"


def _target_rows(result: ProbeResult) -> str:
    """For how many rows of a target the answers hold."""
    names = result.settings.targets
    counts = [task.train for task in result.tasks if not names or task.name in names]
    low, high = min(counts, default=0), max(counts, default=0)
    span = f"{high:,}" if low == high else f"{low:,} to {high:,}"
    return f"{span} target rows{' (all)' if result.settings.target_rows == ALL_ROWS else ''}"


def _updates(s: ProbeSettings) -> str:
    if not s.patience:
        return f"{s.updates:,} updates of the target"
    return f"stopped by validation loss, at about {s.updates:,} updates of the target at most"


def _extras(s: ProbeSettings) -> list[str]:
    extras = []
    if s.trunk not in ON_VECTORS:
        tokens = f", up to {s.max_tokens:,} tokens a row" if s.max_tokens else ""
        extras.append(f"fine-tuned at rate {s.lr:g} in batches of {s.batch:,}{tokens}")
    extras += [f"the source leaves after {s.source_until:.0%}"] if s.source_until < 1 else []
    return extras + ([f"loss weights {s.weights}"] if s.weights != "equal" else [])


def _margin(s: ProbeSettings) -> str:
    if s.margin_unit == "relative":
        return f"{100 * s.margin:g}% of the single-task loss"
    return f"{s.margin:g}"


def by_arm(
    pairs: Sequence[PairOutcome],
) -> Iterator[tuple[tuple[str, str], list[PairOutcome]]]:
    """Pairs of one comparison together: what was trained, against what."""
    for arms in dict.fromkeys((pair.arm, pair.against) for pair in pairs):
        yield arms, [pair for pair in pairs if (pair.arm, pair.against) == arms]


def main_pairs(result: ProbeResult) -> list[PairOutcome]:
    """Pairs that decide: those of the first recipe, and those to which recipes mean nothing."""
    return [pair for pair in result.pairs if pair.recipe in ("", result.settings.recipes[0])]


def beside(result: ProbeResult) -> dict[str, dict[tuple[str, str], PairOutcome]]:
    """Pairs of the other recipes that were asked for, by recipe and by names; not of a curve."""
    by_recipe: dict[str, dict[tuple[str, str], PairOutcome]] = {}
    for pair in result.pairs:
        if pair.recipe in result.settings.recipes[1:] and pair.recipe not in CURVE:
            by_recipe.setdefault(pair.recipe, {})[pair.source, pair.target] = pair
    return by_recipe


def tally(pairs: Sequence[PairOutcome], level: float) -> str:
    """How many verdicts of each kind, and how many intervals can be expected to miss."""
    counts: Counter[str] = Counter(pair.verdict.call for pair in pairs)
    calls = ", ".join(f"{counts[call]:,} {word}" for call, word in CALLS.items())
    total = len(pairs)
    if total < FEW:
        return calls
    return (
        f"{calls}; of {total:,} intervals at {100 * level:g}% about {total * (1 - level):.0f} miss"
    )


def headline(result: ProbeResult) -> str:
    """The result in one line of trusted text and numbers, without names."""
    state = "" if result.finished else "not finished: "
    if result.pairs:
        _, pairs = next(by_arm(main_pairs(result)))
        verdicts = tally(pairs, result.settings.confidence)
        return f"{state}{len(result.tasks):,} tasks; {verdicts}"
    chosen = {sweep.model: sweep.chosen for sweep in result.capacity}.get("all")
    choice = f"r = {chosen:,}" if chosen is not None else "no capacity chosen"
    return f"{state}{len(result.tasks):,} tasks; together {choice}"
