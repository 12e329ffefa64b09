"""Scores explained: what they know, what is predicted and for which training, what would decide."""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.core.answers.words import percent, rows
from taskaff.core.recipe import PREDICTED
from taskaff.stages.report.explain.document import (
    Document,
    Pair,
    answers,
    opening,
    predicted,
    signed,
    then,
)

TOLD = ("covariance_alignment", "source_gain", "moment_gain")
"""Scores that are told of a pair, beside the shared rows."""


def of_score(document: Document, pair: Pair) -> Iterator[str]:
    """On every answer, on those of one data set, or on one pair."""
    if len(pair) == 2:
        yield " ".join(_pair(document, pair))
    for answer in answers(document, pair):
        if len(pair) < 2:
            yield opening(answer)
        yield _changes(document, answer)


def _pair(document: Document, pair: Pair) -> Iterator[str]:
    source, target = pair
    recipe = document.get("recipe", "turns")
    if recipe != PREDICTED:
        yield (
            f"{source} added to {target}: undecided, since scores alone do not tell how training "
            f"with recipe {recipe} ends."
        )
    for each in document["predictions"]:
        if (each["source"], each["target"]) == pair:
            yield predicted(each)
    scores = next(e["scores"] for e in document["pairs"] if (e["source"], e["target"]) == pair)
    yield from _overlap(scores.get("overlap"), pair)
    for name in TOLD:
        score = scores.get(name)
        if score and score["value"] is not None:
            about = document["scores"][name]["explain"]
            span = f" [{signed(score['low'])}, {signed(score['high'])}]" if score["low"] else ""
            yield f"{name} is {signed(score['value'])}{span}: {about}"


def _overlap(score: Document | None, pair: Pair) -> Iterator[str]:
    if not score or score["value"] is None:
        return
    _, target = pair
    count = score.get("shared") or 0
    if not count:
        yield "They share no row."
        return
    yield f"They share {rows(count)}, {percent(score['value'])} of those of {target}."


def _changes(document: Document, answer: Document) -> str:
    if answer["call"] == "undecided":
        said = "What would decide it: training both ways for a minute, which the probe does."
    else:
        said = (
            "What would change it: another encoder, another recipe, or a measurement, which counts "
            "for more than any prediction."
        )
    command = answer["next"]
    if not command and answer["call"] != "undecided" and document.get("arguments"):
        command = " ".join(["taskaff probe", *document["arguments"]])
    return f"{said}\n{then(command, 'Run next')}" if command else said
