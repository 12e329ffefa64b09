"""``overlap`` and ``fail_under``: limits on scores, which need no prediction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from taskaff.core.answers.words import rows
from taskaff.core.records.check import CheckedTask, Evidence
from taskaff.core.records.estimate import Estimate
from taskaff.core.records.finding import Finding
from taskaff.core.records.score import PairTable, ScoreResult
from taskaff.core.settings import CheckSettings
from taskaff.stages.gate.commands import shared_rows
from taskaff.stages.gate.limits import (
    arrow,
    below,
    directed_pairs,
    outside,
    span,
    too_small,
    who_suffers,
)

FAIL_UNDER = "fail_under."


def overlap(evidence: Evidence, settings: CheckSettings) -> Iterator[Finding]:
    """The share of the target's rows, or of its held-out rows, that the source has too.

    Of a large task with a small test split the share of all rows says little: ten thousand rows
    may share nothing but the five hundred that it is tested on. So the larger of the two counts.
    Near copies, which differ in about a word, count as shared rows do.
    """
    limit, table = settings.overlap, evidence.scores.tables.get("overlap")
    if limit is None or table is None:
        return
    place = {name: n for n, name in enumerate(evidence.scores.names)}
    for candidate, task, source, target in directed_pairs(evidence, settings):
        i, j = place[source.name], place[target.name]
        share = table.at(i, j)
        held = _held_out(table, i, j, target)
        total = _with_near(table, i, j, share)
        estimate = held if (held.value or 0.0) > (total.value or 0.0) else total
        level = outside(estimate, limit)
        yield Finding(
            rule="overlap",
            candidate=candidate.name,
            task=task.name,
            direction=arrow(source, target),
            level=level,
            value=estimate.value,
            low=estimate.low,
            high=estimate.high,
            threshold=limit.warn if level == "warned" or limit.fail is None else limit.fail,
            reason=_shared(table, i, j, source, target, held, share),
            hint="" if level == "passed" else shared_rows(candidate, task),
            who=who_suffers(target, candidate),
        )


def _near(table: PairTable, i: int, j: int) -> float:
    """Share of the target's rows that are near copies and no exact ones; 0 where it is unknown."""
    near = float(table.extras["near"][i, j]) if "near" in table.extras else float("nan")
    return near if near == near else 0.0


def _with_near(table: PairTable, i: int, j: int, share: Estimate) -> Estimate:
    near = _near(table, i, j)
    if share.value is None or not near:
        return share
    value, low, high = (
        None if x is None else min(1.0, x + near) for x in (share.value, share.low, share.high)
    )
    return Estimate(value, low, high, share.note)


def _held_out(table: PairTable, i: int, j: int, target: CheckedTask) -> Estimate:
    leaked = float(table.extras["leak"][i, j]) if "leak" in table.extras else float("nan")
    if not target.held_out or leaked != leaked:
        return Estimate(None)
    return Estimate(min(1.0, leaked / target.held_out))


def _shared(
    table: PairTable,
    i: int,
    j: int,
    source: CheckedTask,
    target: CheckedTask,
    held: Estimate,
    share: Estimate,
) -> str:
    if share.value is None:
        return f"undecided: {share.note or 'no reason given'}"
    near, rows_of = _near(table, i, j), f"of the rows of {target.name}"
    if near and not (share.value or held.value):
        return (
            f"{100 * near:.2f}% {rows_of} differ from a row of {source.name} in about a word only"
        )
    text = f"{100 * share.value:.2f}% {rows_of} are in {source.name} too"
    shared = float(table.extras["shared"][i, j]) if "shared" in table.extras else float("nan")
    if shared == shared:
        text += f" ({rows(shared)})"
    if held.value:
        text += f", and {100 * held.value:.2f}% of its held-out rows"
    if near:
        text += f", and another {100 * near:.2f}% differ from a row there in about a word only"
    return text


# ------------------------------------------------------------------- fail_under


def fail_under(evidence: Evidence, settings: CheckSettings) -> Iterator[Finding]:
    """Compare every pair of a candidate and a task of the mix with the smallest allowed scores."""
    place = {name: n for n, name in enumerate(evidence.scores.names)}
    for name, limit in settings.fail_under.items():
        table = evidence.scores.tables.get(name)
        if table is None:
            continue
        seen: set[frozenset[str]] = set()
        for candidate, task, source, target in directed_pairs(evidence, settings):
            pair = frozenset((source.name, target.name))
            if too_small(settings, candidate, task) or (not table.directed and pair in seen):
                continue
            seen.add(pair)
            estimate = table.at(place[source.name], place[target.name])
            way = arrow(source, target) if table.directed else ""
            yield score_finding(name, estimate, limit, candidate.name, task.name, way)


def score_findings(result: ScoreResult, limits: Mapping[str, float]) -> list[Finding]:
    """Compare every pair of a result with every limit, for ``taskaff score --fail-under``."""
    findings = []
    for name, limit in limits.items():
        table = result.tables.get(name)
        if table is None:
            continue
        for i, j in result.pairs(table.directed):
            source, target = result.names[i], result.names[j]
            way = f"{source} -> {target}" if table.directed else ""
            findings.append(score_finding(name, table.at(i, j), limit, source, target, way))
    return findings


def score_finding(
    name: str, estimate: Estimate, limit: float, candidate: str, task: str, direction: str
) -> Finding:
    """Compare one score of one pair with its smallest allowed value."""
    level = below(estimate, limit)
    if estimate.value is None:
        reason = f"{name} is undefined: {estimate.note or 'no reason given'}"
    else:
        words = {"failed": "below", "passed": "not below", "inconclusive": "on both sides of"}
        reason = f"{name} {span(estimate, 4)} is {words[level]} {limit:g}"
    return Finding(
        rule=FAIL_UNDER + name,
        candidate=candidate,
        task=task,
        direction=direction,
        level=level,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        threshold=limit,
        reason=reason,
        hint="" if level == "passed" else "--explain says what the score means",
    )
