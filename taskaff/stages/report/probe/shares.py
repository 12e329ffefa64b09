"""The table of gains over the source's share, with what to do."""

from __future__ import annotations

from taskaff.core.answers.probe import verdict_of
from taskaff.core.recipe import BEST
from taskaff.core.records.answer import WORDS
from taskaff.core.records.probe import PairOutcome, ProbeResult
from taskaff.stages.report.numbers import MISSING
from taskaff.stages.report.parts import Cell, Names
from taskaff.stages.report.probe.words import CALLS, signed, signed_interval

Curve = dict[str, PairOutcome]


def curves(result: ProbeResult) -> dict[tuple[str, str], Curve]:
    """Outcomes of every pair by recipe, in the order of the source's share."""
    by_pair: dict[tuple[str, str], Curve] = {}
    own = [p for p in result.pairs if (p.arm, p.against) == ("mtl", "alone")]
    for pair in sorted(own, key=lambda pair: (pair.recipe == BEST, pair.share or 0.0)):
        by_pair.setdefault((pair.source, pair.target), {})[pair.recipe] = pair
    return by_pair


def share_rows(result: ProbeResult) -> tuple[list[str], list[list[Cell]]]:
    """Headers and rows of the table."""
    fixed = sorted(
        {recipe for recipe in result.settings.recipes if recipe != "concat"},
        key=lambda recipe: _share(result, recipe),
    )
    headers = ["source → target", *(f"{_share(result, recipe):.0%}" for recipe in fixed)]
    headers += ["concatenated"] * ("concat" in result.settings.recipes)
    headers += ["best share (chosen by other seeds)", "what to do"]
    rows: list[list[Cell]] = []
    for ends, curve in curves(result).items():
        cells = [signed(curve[r].gain.mean) if r in curve else MISSING for r in fixed]
        if "concat" in result.settings.recipes:
            cells.append(_concatenated(curve.get("concat")))
        best = curve.get(BEST)
        cells.append(_best(best))
        now = curve.get(result.settings.recipes[0])
        cells.append(MISSING if now is None else advice(now, best))
        rows.append([Names(ends), *cells])
    return headers, rows


def _share(result: ProbeResult, recipe: str) -> float:
    own = (pair.share for pair in result.pairs if pair.recipe == recipe)
    known = [share for share in own if share is not None]
    return sum(known) / len(known) if known else 0.0


def _concatenated(pair: PairOutcome | None) -> str:
    if pair is None or pair.share is None:
        return MISSING
    return f"{signed(pair.gain.mean)} ({pair.share:.0%})"


def _best(pair: PairOutcome | None) -> str:
    if pair is None or pair.share is None:
        return MISSING
    return f"{signed_interval(pair.gain)} {CALLS[pair.verdict.call]} ({pair.share:.0%})"


def advice(now: PairOutcome, best: PairOutcome | None) -> str:
    """What to do with the source, in words.

    ``now`` is as one trains now, ``best`` at the best share above 0, where it was measured.
    """
    at = "" if best is None or best.share is None else f" at a share of about {best.share:.0%}"
    verdict = verdict_of(now, best)
    if verdict == "positive":
        return WORDS["add"] + ("" if now.verdict.call == "positive" else at)
    if verdict == "negative":
        return WORDS["apart"] + (" as trained now; try --shares" if best is None else "")
    if verdict == "neutral":
        return f"no harm{at}" if now.verdict.call == "negative" else WORDS["same"]
    return WORDS["undecided"]
