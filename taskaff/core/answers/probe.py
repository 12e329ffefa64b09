"""The answers of a probe: each data set as the newcomer, by what it does to the others.

* pairs: every source, by its pairs in the first recipe. With shares measured, the best one counts
  where the first recipe does not help (``verdict_of``).
* mix: the added data set, by every member of the mix and by itself.
* transfer: every source, by the targets that are fine-tuned after it.
* capacity: nobody is added, so there is no answer; ``capacity_sentence`` states the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from taskaff.core.answers.rule import call_of
from taskaff.core.answers.words import and_more, by_verdict, effect, effects, few, written
from taskaff.core.recipe import BEST, CONCAT, CURVE
from taskaff.core.records.answer import Answer, Call
from taskaff.core.records.estimate import Call as PairCall
from taskaff.core.records.probe import PairOutcome, ProbeResult

MAIN = {
    "pairs": (("mtl", "alone"),),
    "mix": (("mix", "mix without"), ("mix", "alone")),
    "transfer": (("fine-tuned", "alone"),),
}
"""Mode to the comparisons that decide: what was trained, against what."""
MORE_SEEDS = 3
"""What is undecided is proposed again with so many times the seeds."""
WIDE = "is not beyond the margin"
"""In the reason of a verdict whose interval alone is why nothing was decided."""
SEEDS = ("--seeds", "--max-seeds", "--budget")
"""Options that a proposal of more seeds takes the place of."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a source does to a target, all that was measured taken together."""

    target: str
    verdict: PairCall
    outcome: PairOutcome
    """The one that decides: in the first recipe, or at the best share."""
    first: PairOutcome
    """In the first recipe."""

    @property
    def at(self) -> str:
        """At which share of the updates it holds, where that is not the first recipe's."""
        if self.outcome is self.first or self.outcome.share is None:
            return ""
        return f" at a share of about {100 * self.outcome.share:.0f}%"


def of_probe(result: ProbeResult) -> tuple[Answer, ...]:
    """One answer for every data set that was added to another, in the order of the result."""
    return tuple(_answer(result, name, own) for name, own in effects_of(result).items())


def effects_of(result: ProbeResult) -> dict[str, list[Effect]]:
    """What every source does to each of its targets, in the order of the data sets."""
    best = {
        (pair.source, pair.target): pair
        for pair in result.pairs
        if pair.recipe == BEST and (pair.arm, pair.against) in MAIN["pairs"]
    }
    effects: dict[str, list[Effect]] = {task.name: [] for task in result.tasks}
    for now in result.pairs:
        if not _decides(result, now):
            continue
        at_best = best.get((now.source, now.target))
        verdict = verdict_of(now, at_best)
        chosen = now if at_best is None or verdict == now.verdict.call else at_best
        effects.setdefault(now.source, []).append(Effect(now.target, verdict, chosen, now))
    return {name: each for name, each in effects.items() if each}


def verdict_of(now: PairOutcome, best: PairOutcome | None) -> PairCall:
    """What counts for a pair: as it is trained now, and at the best share of its source.

    Help in either counts. Harm of now counts unless the best share is known to do none; what now is
    undecided is what the best share is.
    """
    call = now.verdict.call
    if best is None or call == "positive":
        return call
    at_best = best.verdict.call
    if at_best == "positive":
        return "positive"
    if call == "negative":
        return "neutral" if at_best == "neutral" else "negative"
    return call if call == "neutral" or at_best == "neutral" else at_best


def capacity_sentence(result: ProbeResult) -> str:
    """Result of a sweep of capacities in one sentence; empty without one."""
    together = next((sweep for sweep in result.capacity if sweep.model == "all"), None)
    if together is None:
        return ""
    if together.chosen is None:
        return "undecided: no capacity was chosen for all data sets together"
    best = f"; the best of all was r = {together.best:,}" if together.best is not None else ""
    return (
        f"all data sets together need r = {together.chosen:,}: the smallest capacity within one "
        f"standard error of the best{best}"
    )


def _decides(result: ProbeResult, pair: PairOutcome) -> bool:
    arms = MAIN.get(result.mode, ())
    recipe = pair.recipe in ("", result.settings.recipes[0])
    return recipe and (pair.arm, pair.against) in arms and not _overall(result, pair)


def _overall(result: ProbeResult, pair: PairOutcome) -> bool:
    """Whether a pair of a mix is the mean over all of its tasks."""
    return result.mode == "mix" and pair.target not in {task.name for task in result.tasks}


# -------------------------------------------------------------------- one answer


def _answer(result: ProbeResult, name: str, effects: Sequence[Effect]) -> Answer:
    call = call_of([each.verdict for each in effects])
    reasons = (
        *_effects(result, name, effects, call),
        *_overall_mean(result, name),
        *_asides(result, name),
        *_shared(result, effects),
        *written(note.removeprefix(f"{name}: ") for note in result.notes),
    )
    return Answer(name, call, tuple(reasons), _next(result, call, effects))


_VERBS = {"transfer": ("fine-tuning after it helps", "fine-tuning after it hurts")}


def _effects(
    result: ProbeResult, name: str, measured: Sequence[Effect], call: Call
) -> Iterator[str]:
    """Whom it hurts and helps, with numbers; then who is undecided or unaffected."""
    helps, hurts = _VERBS.get(result.mode, ("helps", "hurts"))
    others = [each for each in measured if each.target != name]
    own = [each for each in measured if each.target == name]
    one = len(result.tasks) == 2
    for verdict, verb in (("negative", hurts), ("positive", helps)):
        whom = [(each.target + each.at, each.outcome) for each in others if each.verdict == verdict]
        if whom:
            yield f"{verb} {effects(whom, interval=one)}"
    yield from _unchanged(others, call, one)
    for each in own:
        yield _itself(each)


def _unchanged(effects: Sequence[Effect], call: Call, one: bool) -> Iterator[str]:
    unclear = [each for each in effects if each.verdict == "inconclusive"]
    none = [each for each in effects if each.verdict == "neutral"]
    if unclear:
        names = few([each.target for each in unclear], len(effects))
        if one or call == "undecided":
            yield f"neither help nor harm is shown for {names}: {_why(unclear)}"
        else:
            yield f"undecided for {names}"
    if none and (call == "same" or one or len(none) < len(effects)):
        text = f"no effect on {few([each.target + each.at for each in none], len(effects))}"
        yield text + (f" ({effect(none[0].outcome, interval=True)})" if one else "")


def _why(unclear: Sequence[Effect]) -> str:
    """Why nothing was decided: the numbers of one pair, or what several have in common."""
    first = unclear[0].outcome
    reasons = {each.outcome.verdict.reason for each in unclear}
    said = effect(first, interval=True) if len(unclear) == 1 else ""
    if all(WIDE in reason for reason in reasons):
        return said or "the intervals are too wide"
    return "; ".join(filter(None, [said, next(iter(sorted(reasons)))]))


def _itself(own: Effect) -> str:
    verbs = {
        "positive": "the mix helps it",
        "negative": "the mix hurts it",
        "neutral": "the mix has no effect on it",
        "inconclusive": "undecided what the mix does to it",
    }
    said = effect(own.outcome)
    return verbs[own.verdict] + (f" ({said})" if said else f" ({own.outcome.verdict.reason})")


def _overall_mean(result: ProbeResult, name: str) -> Iterator[str]:
    for pair in result.pairs:
        of_mix = (pair.arm, pair.against) in MAIN["mix"] or pair.arm == "mix"
        if _overall(result, pair) and pair.source == name and of_mix and pair.gain.mean is not None:
            share = f"{100 * pair.gain.mean:+.1f}%".replace("-", "\N{MINUS SIGN}")
            yield f"over all tasks {share} of what a constant loses"


# ---------------------------------------------------- what else was measured


def _asides(result: ProbeResult, name: str) -> Iterator[str]:
    """Other recipes, and alignment, in a few words each."""
    own = [pair for pair in result.pairs if pair.source == name and not _overall(result, pair)]
    for recipe in result.settings.recipes[1:]:
        if recipe in CURVE:
            continue
        pairs = [p for p in own if p.recipe == recipe and (p.arm, p.against) in MAIN["pairs"]]
        label = "appended (concat)" if recipe == CONCAT else f"with recipe {recipe}"
        yield from _aside(label, pairs)
    first = ("", result.settings.recipes[0])
    for arm, label in (("align", "with alignment"), ("fine-tuned with R", "with alignment")):
        pairs = [
            p for p in own if p.arm == arm and p.recipe in first and p.against != "align control"
        ]
        yield from _aside(label, pairs)


def _aside(label: str, pairs: Sequence[PairOutcome]) -> Iterator[str]:
    if not pairs:
        return
    targets = [(pair.target, pair.verdict.call) for pair in pairs]
    parts = by_verdict(targets, negative="hurts", positive="helps")
    if not parts:
        unaffected = {call for _, call in targets} == {"neutral"}
        parts = ["no effect" if unaffected else "undecided"]
    yield f"{label}: {', '.join(parts)}"


def _shared(result: ProbeResult, effects: Sequence[Effect]) -> Iterator[str]:
    """Rows that a target has too, which would inflate its gain."""
    leaks = [each for each in effects if each.first.leaked and round(each.first.leaked)]
    if not leaks:
        return
    leaks.sort(key=lambda each: -each.first.leaked)
    done = "left in" if result.settings.leaks == "keep" else "taken out"
    parts = [f"{each.first.leaked:,.0f} with {each.target}" for each in leaks]
    yield f"shared rows were {done}: {and_more(parts)}"


# ------------------------------------------------------------------------- next


def _next(result: ProbeResult, call: Call, effects: Sequence[Effect]) -> str:
    """More seeds, or more rows, for what is undecided; a curve over shares for what hurts."""
    if not result.arguments:
        return ""
    if call == "apart" and result.mode == "pairs" and not result.settings.shares:
        return _command(result.arguments, ("--shares",), "--shares")
    unclear = [each.outcome for each in effects if each.verdict == "inconclusive"]
    if call != "undecided" or all(pair.gain.mean is None for pair in unclear):
        return ""
    if all("learns no more" in pair.verdict.reason for pair in unclear):  # whatever the seeds
        return _command(result.arguments, ("--target-rows",), "--target-rows all")
    seeds = MORE_SEEDS * max(len(result.settings.seeds), 1)
    return _command(result.arguments, SEEDS, f"--max-seeds {seeds}")


def _command(arguments: Sequence[str], without: Sequence[str], more: str) -> str:
    words = [word for word in arguments if word.partition(" ")[0] not in without]
    return " ".join(["taskaff probe", *words, more])
