"""The answers of scores alone: mostly *undecided: run the probe*, and what scores do know.

Predictions are of concatenated training. Where the mix is trained so (``recipe = "concat"``), the
predicted verdicts of a source decide by the rule of every answer, those outside of what was ever
measured counting as undecided. With any other recipe they decide nothing, and are told under the
name of the recipe that they are of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from taskaff.core.answers.rule import call_of
from taskaff.core.answers.words import and_more, by_verdict, listed, percent, rows, written
from taskaff.core.recipe import PREDICTED
from taskaff.core.records.answer import Answer
from taskaff.core.records.estimate import Call as PairCall
from taskaff.core.records.prediction import Prediction
from taskaff.core.records.score import PairTable, ScoreResult, TaskSummary

RUN = "run the probe"
UNKNOWN = 0.5
"""A share of unknown words from here on is said."""
COPY = 0.99
"""A data set with this share of its rows in another one is called a copy of it."""
NEAR = 0.01
"""From this share on rows that are near copies of another data set's are said."""
MOST_PROBED = 50
"""Of more data sets than this no probe of all pairs is proposed."""
SIGNATURE = ".taskaff"


def of_score(result: ScoreResult) -> tuple[Answer, ...]:
    """One answer for every data set, as the newcomer, in the order of the result."""
    if len(result.tasks) < 2:
        return ()
    by_source: dict[str, list[Prediction]] = {}
    for each in result.predictions:
        by_source.setdefault(each.source, []).append(each)
    shared = _shared(result)
    same = _same_labels(result.tasks)
    command = _next(result)
    answers = []
    for i, task in enumerate(result.tasks):
        predictions = by_source.get(task.name, [])
        call = call_of([verdict_of(result, each) for each in predictions])
        reasons = (
            *([RUN] if call == "undecided" and task.schema.kind != "none" else []),
            *_labels(task, same[i]),
            *_rows(result, i, shared),
            *_near(result, i, shared),
            *written(task.notes),
            *_words(task),
            *_predicted(predictions),
        )
        answers.append(Answer(task.name, call, reasons, command if call == "undecided" else ""))
    return tuple(answers)


def verdict_of(result: ScoreResult, prediction: Prediction) -> PairCall:
    """The predicted verdict where it is of the recipe in question and within what was measured."""
    known = result.recipe == PREDICTED and not prediction.outside
    return prediction.verdict if known else "inconclusive"


def verdicts(result: ScoreResult) -> Mapping[tuple[str, str], PairCall]:
    """Verdict of every predicted pair, by source and target; others are ``inconclusive``."""
    return {(each.source, each.target): verdict_of(result, each) for each in result.predictions}


# ------------------------------------------------------------ what scores do know


def _labels(task: TaskSummary, same: Sequence[str]) -> Iterator[str]:
    if task.schema.kind == "none":
        yield "it has no labels, so that nothing can be trained on it"
    elif same:
        yield f"same label names as {and_more(same)}"


def _same_labels(tasks: Sequence[TaskSummary]) -> list[list[str]]:
    """Other tasks with the same label names, for each task."""
    groups: dict[tuple[str, frozenset[str]], list[str]] = {}
    keys = [(task.schema.kind, frozenset(task.schema.names)) for task in tasks]
    for task, key in zip(tasks, keys, strict=True):
        groups.setdefault(key, []).append(task.name)
    return [
        [name for name in groups[key] if name != task.name] if key[1] else []
        for task, key in zip(tasks, keys, strict=True)
    ]


def _shared(result: ScoreResult) -> PairTable | None:
    table = result.tables.get("overlap")
    return table if table is not None and "shared" in table.extras else None


def _rows(result: ScoreResult, i: int, table: PairTable | None) -> Iterator[str]:
    """Rows that others have too, the largest number first; copies by that name."""
    if table is None:
        return
    import numpy as np

    counts = np.nan_to_num(np.array(table.extras["shared"][i], dtype=float))
    counts[i] = 0.0
    order = [int(j) for j in np.argsort(-counts, kind="stable") if counts[j] > 0]
    if not order:
        return
    name = result.names[order[0]]
    part = float(table.value[order[0], i])  # of this data set's rows, in the other one
    if part >= COPY:
        more = f"; so has {_others(len(order) - 1)} some" if len(order) > 1 else ""
        yield f"a copy: {name} has {percent(part)} of its rows too{more}"
        return
    of = f" ({percent(part)} of its own)" if part == part else ""
    parts = [f"{rows(counts[order[0]])} with {name}{of}"]
    if len(order) == 2:
        parts.append(f"{counts[order[1]]:,.0f} with {result.names[order[1]]}")
    elif len(order) > 2:
        parts.append(f"some with {_others(len(order) - 1)}")
    yield f"shares {listed(parts)}"


def _near(result: ScoreResult, i: int, table: PairTable | None) -> Iterator[str]:
    """Rows that differ in a word or so from one of another data set, the largest share first."""
    if table is None or "near" not in table.extras:
        return
    import numpy as np

    share = np.nan_to_num(np.array(table.extras["near"][:, i], dtype=float))
    share[i] = 0.0
    order = [int(j) for j in np.argsort(-share, kind="stable") if share[j] >= NEAR]
    if order:
        more = f", some of {_others(len(order) - 1)}" if len(order) > 1 else ""
        largest = percent(share[order[0]])
        yield f"{largest} of its rows are near copies of rows of {result.names[order[0]]}{more}"


def _others(more: int) -> str:
    return "1 other" if more == 1 else f"{more:,} others"


def _words(task: TaskSummary) -> Iterator[str]:
    share = task.counts.unknown / task.counts.tokens if task.counts.tokens else 0.0
    if share >= UNKNOWN:
        yield f"{percent(share)} of its words are unknown to the encoder"


def _predicted(predictions: Sequence[Prediction]) -> Iterator[str]:
    """Predicted verdicts under the name of their recipe; nothing where none is decided."""
    verdicts = [(each.target, "" if each.outside else each.verdict) for each in predictions]
    if parts := by_verdict(verdicts, negative="hurt", positive="help"):
        yield f"appended ({PREDICTED}), predicted to {listed(parts)}"


# -------------------------------------------------------------------------- next


def _next(result: ScoreResult) -> str:
    """The probe of the same data sets; empty where it could not run as printed."""
    if not result.arguments or len(result.tasks) > MOST_PROBED:
        return ""
    if any(task.schema.kind == "none" for task in result.tasks):
        return ""
    sources = [word.strip("'\"") for word in result.arguments if not word.startswith("-")]
    if any(source.lower().endswith(SIGNATURE) for source in sources) or "-" in result.arguments:
        return ""
    return " ".join(["taskaff probe", *result.arguments])
