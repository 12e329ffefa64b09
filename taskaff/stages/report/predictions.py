"""Predictions as a section for people and as one more score for CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from taskaff.core.recipe import PREDICTED, PREDICTED_RULE
from taskaff.core.records.prediction import Prediction, Reason
from taskaff.core.records.score import PairTable, ScoreResult
from taskaff.stages.report.numbers import interval, percent, short
from taskaff.stages.report.parts import Cell, Heading, Items, Names, Paragraph, Part, Table

MOST = 24
"""More predictions than this are not all listed for people."""

FEW = 6
"""Of more predictions than this only the tables for wide pages say what moved them."""

SORTED = "The highest P(harm) stands first"

OUTSIDE = "*"
"""Marks a prediction outside of the atlas's range."""

HEADERS = ("predicted gain", "P(harm)", "P(help)", "verdict", "mostly because of")

TITLE = f"Predicted transfer ({PREDICTED_RULE})"

COMBINED = f"Prediction and measurement together ({PREDICTED})"

EXPLAIN = (
    "Gain expected of training with the source, in nats of held-out loss (label variances for "
    "regressions): above 0 helps. P(harm) and P(help) are the probabilities of a gain beyond the "
    "margin."
)


def cells(found: Prediction) -> list[str]:
    """One row under ``HEADERS``."""
    if found.gain.value is None:
        return [short(None), short(None), short(None), found.verdict, found.note]
    because = found.reasons[0].words if found.reasons else ""
    return [
        f"{short(found.gain.value)} {interval(found.gain)}".replace("-", "\N{MINUS SIGN}"),
        percent(found.probability_negative),
        percent(found.probability_positive),
        f"{found.verdict} {OUTSIDE}" if found.outside else found.verdict,
        because,
    ]


def section(found: Sequence[Prediction], wide: bool, title: str = TITLE) -> Iterator[Part]:
    """A row a directed pair, with what moved it most; nothing without any.

    Where rows may not be wide that stands below, for few pairs.
    """
    if not found:
        return
    yield Heading(title)
    rows, left_out = shown(found)
    headers = ("source → target", *HEADERS)[: None if wide else -1]
    table: list[Sequence[Cell]] = [
        (Names((each.source, each.target)), *cells(each)[: len(headers) - 1]) for each in rows
    ]
    yield Table(headers, table)
    for each in () if wide else rows:
        if text := _reasons(each, len(rows)):
            yield Paragraph(f"{each.source} → {each.target}: {text}", "dim")
    yield Items(below(rows, left_out), "dim")


def _reasons(found: Prediction, of: int) -> str:
    if found.gain.value is None:
        return found.note
    return because(found) if of <= FEW else ""


def because(found: Prediction) -> str:
    """The features that moved it most and which way, on one line."""
    moved = [_moved(reason) for reason in found.reasons if reason.effect]
    if not moved:
        return ""
    return f"main reason: {moved[0]}" + (f"; also: {', '.join(moved[1:])}" if moved[1:] else "")


def _moved(reason: Reason) -> str:
    way = "raises" if reason.effect > 0 else "lowers"
    return f"{reason.words.partition(':')[0]} ({reason.value:.3g}) {way} it"


def shown(predictions: Sequence[Prediction], most: int = MOST) -> tuple[list[Prediction], int]:
    """The most harmful first, as many as a person reads, and how many are left."""
    order = sorted(predictions, key=_harmless)
    return order[:most], max(0, len(order) - most)


def _harmless(found: Prediction) -> float:
    """From the most probable harm to the least; what is unknown stands last."""
    harm = found.probability_negative
    return 1.0 if harm is None else -harm


def below(predictions: Sequence[Prediction], left_out: int) -> list[str]:
    """What a reader must know of the table."""
    first = predictions[0]
    found = [f"{EXPLAIN} Margin {first.margin:g}; intervals of {first.confidence:.0%}. {SORTED}."]
    if any(p.outside and p.gain.value is not None for p in predictions):
        found.append(f"{OUTSIDE} extrapolated: unlike any data set in the atlas, interval widened")
    if left_out:
        found.append(f"the other {left_out:,} in -f csv or -f json")
    return found


def as_score(result: ScoreResult) -> PairTable | None:
    """The predictions as one more directed score, for the formats that join columns."""
    if not result.predictions:
        return None
    import numpy as np

    k = len(result.tasks)
    number = {name: n for n, name in enumerate(result.names)}
    value, low, high, negative, positive = np.full((5, k, k), np.nan)
    notes = {}
    for found in result.predictions:
        at = number[found.source], number[found.target]
        for array, x in ((value, found.gain.value), (low, found.gain.low), (high, found.gain.high)):
            array[at] = np.nan if x is None else x
        if found.probability_negative is not None and found.probability_positive is not None:
            negative[at], positive[at] = found.probability_negative, found.probability_positive
        notes[at] = found.verdict
    extras = {"probability_negative": negative, "probability_positive": positive}
    return PairTable("predicted_gain", True, value, low, high, EXPLAIN, notes, extras)
