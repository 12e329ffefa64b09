"""A check explained: every finding with its numbers and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.stages.report.explain.document import (
    Document,
    Pair,
    answers,
    opening,
    predicted,
    sentence,
    then,
)


def of_check(document: Document, pair: Pair) -> Iterator[str]:
    """On the answers, then on every finding about the pair or data set, the open ones first."""
    for answer in answers(document, pair):
        yield opening(answer)
    findings = [each for each in document["findings"] if _about(each, pair)]
    for each in findings:
        yield _finding(each)
    if not findings:
        yield "No rule has anything to say about it."
    if len(pair) == 2:
        for each in document["predictions"]:
            if (each["source"], each["target"]) == pair:
                yield predicted(each)


def _about(finding: Document, pair: Pair) -> bool:
    """Whether a finding is about all of the names, in the direction that it has."""
    if len(pair) == 2 and finding["direction"]:
        return bool(finding["direction"] == " -> ".join(pair))
    return set(pair) <= {finding["candidate"], finding["task"]}


def _finding(finding: Document) -> str:
    ends = " and ".join(name for name in (finding["candidate"], finding["task"]) if name)
    whom = finding["direction"] or ends
    limit = finding["threshold"]
    numbers = "" if limit is None else f" The limit is {limit:g}."
    waived = f" It is waived: {finding['waiver']}." if finding["waiver"] else ""
    text = f"{finding['rule']} of {whom} {finding['level']}." if whom else f"{finding['rule']}."
    said = f"{text} {sentence(finding['reason'])}{numbers}{waived}"
    return f"{said}\n{then(finding['hint'], 'What to do')}" if finding["hint"] else said
