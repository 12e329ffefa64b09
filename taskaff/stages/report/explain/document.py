"""Names, pairs and numbers of a stored document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from taskaff.core.answers.words import MINUS, percent
from taskaff.core.errors import UsageError
from taskaff.core.records.estimate import Interval, Verdict
from taskaff.core.records.probe import PairOutcome
from taskaff.core.registry import unknown_name

Document = dict[str, Any]
Pair = tuple[str, ...]
"""Nothing (everybody is meant), one name, or source and target."""

ARROW = re.compile(r"\s*(?:->|→)\s*")


def names(document: Document) -> list[str]:
    """The data sets that a result is about."""
    kinds = ("tasks", "candidates", "mix")
    listed = [each for key in kinds for each in document.get(key) or ()]
    return [str(each["name"]) for each in listed if isinstance(each, dict) and "name" in each]


def parse_pair(words: Sequence[str], known: Sequence[str]) -> Pair:
    """``a->b``, ``a b``, ``a`` or nothing, as names of the result.

    Raises
    ------
    UsageError : too many words, an unknown name, a data set and itself.
    """
    if len(words) > 2:
        raise UsageError(f"a pair has two names, not {len(words)}", hint="for example 'a->b'")
    names = tuple(words)
    if len(names) == 1 and names[0] not in known:  # a name may hold an arrow itself
        names = _parted(names[0], known)
    for name in names:
        if name not in known:
            raise unknown_name("data set", name, known)
    if len(names) == 2 and names[0] == names[1]:
        raise UsageError(f"{names[0]!r} and itself are no pair", hint="name two data sets")
    return names


def _parted(text: str, known: Sequence[str]) -> Pair:
    """The parts at the arrow that gives two known names, else at the first one."""
    ways = [(text[: at.start()].strip(), text[at.end() :].strip()) for at in ARROW.finditer(text)]
    if not ways:
        return (text,)
    return next((way for way in ways if set(way) <= set(known)), ways[0])


def answers(document: Document, pair: Pair) -> Iterator[Document]:
    """The stored answers on everybody, or on the first of the pair."""
    for answer in document.get("answers") or ():
        if not pair or answer["name"] == pair[0]:
            yield answer


def opening(answer: Document) -> str:
    """``films: keep it apart. It hurts requests (...).``"""
    reasons = "".join(f" {sentence(text)}" for text in answer["reasons"])
    return f"{answer['name']}: {answer['words']}.{reasons}"


def sentence(text: str) -> str:
    """A reason with a capital letter and a full stop, unless it starts with a foreign name."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


def then(command: str, why: str) -> str:
    """What to run, where there is something."""
    return f"{why}:\n  {command}" if command else ""


def outcome(stored: Document) -> PairOutcome:
    """A stored pair of a probe, without its seeds."""
    return PairOutcome(
        source=stored["source"],
        target=stored["target"],
        gain=interval(stored["gain"]),
        metric=stored["metric"],
        metric_gain=interval(stored["metric_gain"]),
        verdict=Verdict(stored["verdict"], stored["reason"]),
        stl_loss=stored["stl_loss"],
        leaked=stored["leaked"] or 0.0,
        seeds=(),
        arm=stored["arm"],
        against=stored["against"],
        recipe=stored["recipe"],
        share=stored["share"],
        at_cap=stored["at_cap"],
        target_rows=stored["target_rows"],
    )


def interval(stored: Document) -> Interval:
    """A stored interval."""
    return Interval(stored["value"], stored["low"], stored["high"], stored["stderr"], stored["n"])


def predicted(prediction: Document) -> str:
    """A stored prediction in a sentence."""
    gain = prediction["gain"]
    if gain["value"] is None:
        return f"Nothing could be predicted: {prediction['note']}."
    chances = (prediction["probability_negative"], prediction["probability_positive"])
    harm, help_ = (percent(share or 0.0) for share in chances)
    span = f"{signed(gain['value'])} [{signed(gain['low'])}, {signed(gain['high'])}]"
    said = (
        f"For concatenated training alone ({prediction['recipe']}), a gain in loss of {span} is "
        f"expected: harm with probability {harm}, help with {help_}."
    )
    moved = [sentence(reason["words"]) for reason in prediction["reasons"]]
    outside = prediction["outside"]
    where = ", ".join(outside[:3])
    far = f" It is extrapolated: unlike any data set in the atlas in {where}." if outside else ""
    return f"{said}{far}" + (f" What moved it most: {' '.join(moved)}" if moved else "")


def signed(x: float | None) -> str:
    """A gain with its sign."""
    return "?" if x is None else f"{x:+.3f}".replace("-", MINUS)
