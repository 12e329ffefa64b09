"""Answers for people: lines, signs, what to run next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from taskaff.core.answers import capacity_sentence, effects_of, of_probe, of_score
from taskaff.core.answers.score import verdicts
from taskaff.core.answers.words import WRITTEN
from taskaff.core.recipe import CONCAT, CURVE, PREDICTED
from taskaff.core.records.answer import Answer, Call
from taskaff.core.records.estimate import Call as PairCall
from taskaff.core.records.probe import ProbeResult
from taskaff.core.records.score import ScoreResult
from taskaff.stages.report.parts import Block, Gap, Items, Line, Paragraph, Part, Signs

SIGNS: dict[PairCall, str] = {
    "positive": "+",
    "negative": "\N{MINUS SIGN}",
    "neutral": "=",
    "inconclusive": "?",
}
NONE = "·"
"""A data set and itself, and pairs that were not measured."""
LEGEND = (
    "row: what is added, column: to whom; + helps, \N{MINUS SIGN} hurts, = no effect, ? undecided"
)
MOST = 40
"""More answers than this are not all listed for people."""
NOTICED = 4
"""Of more notes the others are counted."""
PART = "rows take part, chosen by their content"
"""In a note that is of no news: of large data sets a part is enough."""
STEPS: dict[Call, str] = {
    "apart": "to see whether a smaller share of the updates does no harm",
    "undecided": "to decide it",
    "add": "",
    "same": "",
}
"""What the next command is for."""


def of_result(result: ScoreResult | ProbeResult) -> tuple[Answer, ...]:
    """The answers of a result."""
    return of_probe(result) if isinstance(result, ProbeResult) else of_score(result)


def line(answer: Answer) -> str:
    """``films: keep it apart; hurts requests (-1.1 points accuracy)``; the name stands as it is."""
    return "; ".join([f"{answer.name}: {answer.words}", *answer.reasons])


def lines(result: ScoreResult | ProbeResult) -> list[str]:
    """The answers, one line each; of a sweep of capacities, what it found."""
    said_of_each = [line(answer) for answer in of_result(result)]
    if isinstance(result, ProbeResult) and (said := capacity_sentence(result)):
        said_of_each.append(said)
    return said_of_each


def steps(answers: Sequence[Answer]) -> list[tuple[str, str]]:
    """Whom a command is for, what for, and the command; each command once."""
    names: dict[tuple[Call, str], list[str]] = {}
    for each in answers:
        if each.next:
            names.setdefault((each.call, each.next), []).append(each.name)
    return [(f"next, {STEPS[call]}:", command) for call, command in names]


def answered(result: ScoreResult | ProbeResult, basis: str) -> Iterator[Part]:
    """Answers, signs, next steps; ``basis`` says in a line what they rest on, where all is said."""
    said, answers = lines(result), of_result(result)
    yield Items(said[:MOST], answers=True)
    if len(said) > MOST:
        yield Paragraph(f"the other {len(said) - MOST:,} in -f json")
    if signs := blocks(result):
        yield Signs(tuple(task.name for task in result.tasks), signs)
    if basis:
        if notes := noticed(result):
            yield from (Gap(), Items(notes))
        yield from (Gap(), Paragraph(basis, "dim"))
    for n, (purpose, command) in enumerate(steps(answers)):
        yield from ([] if n else [Gap()])
        yield from (Paragraph(purpose), Line(command, code=True))


def noticed(result: ScoreResult | ProbeResult) -> list[str]:
    """What was noticed in reading the data and stands in no answer, with the data set's name."""
    if isinstance(result, ScoreResult):
        notes = [f"{task.name}: {note}" for task in result.tasks for note in task.notes]
    else:
        heads = tuple(f"{task.name}: " for task in result.tasks)
        notes = [note for note in result.notes if note.startswith(heads) and PART not in note]
    unwritten = [note for note in notes if WRITTEN not in note]
    more = len(unwritten) - NOTICED
    return [*unwritten[:NOTICED], f"{more:,} more notes: -v"] if more > 1 else unwritten


# ------------------------------------------------------------------------ signs


def blocks(result: ScoreResult | ProbeResult) -> list[Block]:
    """The matrices of signs of three data sets or more: as trained, and appended as they are."""
    if len(result.tasks) < 3:
        return []
    return list(_measured(result) if isinstance(result, ProbeResult) else _predicted(result))


def _measured(result: ProbeResult) -> Iterator[Block]:
    if result.mode not in ("pairs", "transfer"):
        return
    names = [task.name for task in result.tasks]
    main: dict[tuple[str, str], PairCall] = {
        (source, each.target): each.verdict
        for source, found in effects_of(result).items()
        for each in found
    }
    title = result.mode if result.mode == "transfer" else result.settings.recipes[0]
    yield Block(f"{title}, best share" if result.settings.shares else title, _signs(names, main))
    for recipe in result.settings.recipes[1:]:
        if recipe not in CURVE:
            others = {
                (pair.source, pair.target): pair.verdict.call
                for pair in result.pairs
                if (pair.arm, pair.against, pair.recipe) == ("mtl", "alone", recipe)
            }
            title = "appended (concat)" if recipe == CONCAT else recipe
            if others:
                yield Block(title, _signs(names, others))


def _predicted(result: ScoreResult) -> Iterator[Block]:
    """Of concatenated training; nothing where nothing is decided."""
    if not result.predictions:
        return
    known: dict[tuple[str, str], PairCall] = {
        (each.source, each.target): "inconclusive" if each.outside else each.verdict
        for each in result.predictions
    }
    if result.recipe == PREDICTED:
        known = dict(verdicts(result))
    if set(known.values()) - {"inconclusive"}:
        yield Block(f"predicted for {PREDICTED}", _signs(list(result.names), known))


def _signs(
    names: Sequence[str], known: Mapping[tuple[str, str], PairCall]
) -> Sequence[Sequence[str]]:
    def sign(source: str, target: str) -> str:
        call = known.get((source, target))
        return NONE if call is None else SIGNS[call]

    return [[sign(source, target) for target in names] for source in names]
