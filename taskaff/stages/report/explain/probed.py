"""A probe explained: each recipe's outcome in numbers, how far it carries, what would change it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from taskaff.core.answers.words import effect
from taskaff.core.recipe import BEST
from taskaff.core.records.probe import PairOutcome
from taskaff.core.settings import ALL_ROWS
from taskaff.stages.report.explain.document import (
    Document,
    Pair,
    answers,
    opening,
    outcome,
    predicted,
    sentence,
    then,
)
from taskaff.stages.report.probe.words import CALLS


def of_probe(document: Document, pair: Pair) -> Iterator[str]:
    """On every answer, on those of one data set, or on one pair."""
    if len(pair) == 2:
        yield from _pair(document, pair)
        return
    found = list(answers(document, pair))
    for answer in found:
        yield opening(answer)
        yield _holds(document)
        yield _changes(document, answer)
    if not found:
        yield "It was not added to another data set, so that there is no answer on it."


def _pair(document: Document, pair: Pair) -> Iterator[str]:
    both = [each for each in document["pairs"] if (each["source"], each["target"]) == pair]
    if not both:
        yield f"{pair[0]} was not added to {pair[1]}: the probe holds no such pair."
        return
    yield " ".join(_measured(outcome(each)) for each in both)
    before = [e for e in document["predictions"] if (e["source"], e["target"]) == pair]
    for found in before:
        yield f"Before the measurement: {predicted(found)}"
    yield _holds(document)
    for answer in answers(document, pair):
        yield _changes(document, answer)


def _measured(found: PairOutcome) -> str:
    """One outcome in a sentence or two."""
    said = effect(found, interval=True) or "no number"
    text = (
        f"{found.source} → {found.target}, {_how(found)}: {CALLS[found.verdict.call]}; {said}, "
        f"over {found.gain.n} seeds. {sentence(found.verdict.reason)}"
    )
    if found.leaked >= 0.5:
        text += f" Rows that both have: {found.leaked:,.0f}, on average over the seeds."
    if found.at_cap:
        text += f" In {found.at_cap} seeds a run still improved at its cap: --updates raises it."
    return text


def _how(found: PairOutcome) -> str:
    """What was trained, and against what."""
    if found.recipe == BEST and found.share is not None:
        return f"at its best share, about {100 * found.share:.0f}% of the updates"
    share = f", {100 * found.share:.0f}% of the updates" if found.share is not None else ""
    recipe = f"recipe {found.recipe}{share}" if found.recipe else found.arm
    plain = (found.arm, found.against) == ("mtl", "alone")
    return recipe if plain else f"{recipe}, {found.arm} against {found.against}"


def _holds(document: Document) -> str:
    """For which training the answer holds."""
    settings = document["settings"]
    few = settings["target_rows"]
    many = "all rows of a target" if few == ALL_ROWS else f"{few:,} training rows of a target"
    parts = [
        f"It holds for {many}, a {settings['trunk']} shared module, recipe "
        f"{settings['recipes'][0]}, and intervals at {100 * settings['confidence']:g}%; effects "
        f"within {settings['margin']:g} count as none."
    ]
    if not document["finished"]:
        parts.append("The probe was not finished.")
    return " ".join(parts)


def _changes(document: Document, answer: Document) -> str:
    """What would change an answer, with the commands."""
    words = {
        "add": "Fewer rows of the target make help likelier, more rows make it smaller",
        "apart": "A smaller share of the updates may do no harm, and more rows of the target make "
        "harm smaller",
        "same": "Fewer rows of the target could show an effect",
        "undecided": "More seeds narrow the intervals, and more rows of the target its own noise",
    }
    said = f"What would change it: {words[answer['call']]}."
    commands = _commands(document.get("arguments") or (), answer)
    return "\n".join([said, *(then(command, why) for why, command in commands)])


def _commands(arguments: Sequence[str], answer: Document) -> Iterator[tuple[str, str]]:
    if answer["next"]:
        yield "Run next", answer["next"]
    if arguments:
        kept = [word for word in arguments if word.partition(" ")[0] != "--target-rows"]
        yield (
            "With all rows of the targets",
            " ".join(["taskaff probe", *kept, "--target-rows all"]),
        )
