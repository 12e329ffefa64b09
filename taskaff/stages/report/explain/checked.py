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
    found = [each for each in document["findings"] if _about(each, pair)]
    for each in found:
        yield _finding(each)
    if not found:
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


def _finding(found: Document) -> str:
    ends = " and ".join(name for name in (found["candidate"], found["task"]) if name)
    whom = found["direction"] or ends
    limit = found["threshold"]
    numbers = "" if limit is None else f" The limit is {limit:g}."
    waived = f" It is waived: {found['waiver']}." if found["waiver"] else ""
    text = f"{found['rule']} of {whom} {found['level']}." if whom else f"{found['rule']}."
    said = f"{text} {sentence(found['reason'])}{numbers}{waived}"
    return f"{said}\n{then(found['hint'], 'What to do')}" if found["hint"] else said
