"""The page of a check: answers, open findings, what stands behind them, what to do next."""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.core.records.check import OUTCOMES, CheckResult
from taskaff.stages.report import predictions
from taskaff.stages.report.check import words
from taskaff.stages.report.numbers import MISSING, short
from taskaff.stages.report.options import ReportOptions
from taskaff.stages.report.parts import (
    Gap,
    Heading,
    Items,
    Line,
    Names,
    Page,
    Paragraph,
    Part,
    Styled,
    Table,
)

COLORS = {"failed": "red", "inconclusive": "yellow", "warned": "yellow", "waived": "cyan"}
MARKS = {
    "failed": "❌",
    "inconclusive": "❔",
    "warned": "⚠️",
    "waived": "☑️",
    "passed": "✅",
}
NAMES = (30, 30, 1)
"""Columns of a terminal for a name."""
MOST = 20
"""Predictions that are listed."""
LISTED = 100
"""Findings that are listed in a table; a job's summary may hold a megabyte."""


def page(result: CheckResult, options: ReportOptions, wide: bool) -> Page:
    """The answers, and what they come from; verbose adds the set-up and the predictions."""
    title = f"{MARKS[result.outcome]} Task affinity: {result.outcome}"
    return Page(title, words.answers(result), _parts(result, options, wide))


def _parts(result: CheckResult, options: ReportOptions, wide: bool) -> Iterator[Part]:
    summary = Paragraph(words.summary(result), _style(result.outcome))
    if wide:
        yield from (summary, _answers(result))
    else:
        yield Items(words.answers(result), answers=True)
    if words.opened(result):
        yield Heading("Findings")
        yield from (_finding_table if wide else _finding_lines)(result, options.explain)
    if measured := words.measured(result):
        yield from (Heading(words.WITHIN), Items(measured))
    if options.verbose:
        yield from _behind(result, wide)
    if result.notes:
        yield from (Heading("Notes"), Items(result.notes))
    yield from () if wide else (Gap(), summary)
    for advice, command in words.steps(result):
        yield Paragraph(advice)
        if command:
            yield Line(command, code=True)


def _style(outcome: str) -> str:
    return f"bold {COLORS.get(outcome, 'green')}"


def _answers(result: CheckResult) -> Part:
    outcomes = {each.task.name: each for each in result.candidates}
    rows = []
    for answer in words.ranked_answers(result):
        each = outcomes[answer.name]
        mark = f"{MARKS[each.outcome]} {each.outcome}"
        reasons = "; ".join(answer.reasons)
        rows.append([answer.name, answer.words, reasons, mark, f"{each.task.rows:,}"])
    return Table(("candidate", "answer", "why", "outcome", "rows"), rows)


def _finding_lines(result: CheckResult, explain: bool) -> Iterator[Part]:
    for group in words.opened(result):
        yield Paragraph(group.line, COLORS.get(group.first.level, ""))
        if explain:
            lines = (text for each in group.findings for text in words.explanation(result, each))
            yield from (Paragraph(text, "dim", indent=2) for text in dict.fromkeys(lines))


def _finding_table(result: CheckResult, explain: bool) -> Iterator[Part]:
    found = words.opened(result)
    rows = []
    for group in found[:LISTED]:
        each = group.first
        why = f"{each.reason}; waived: {each.waiver}" if each.waiver else each.reason
        mark = f"{MARKS[each.level]} {each.level}{group.who}"
        rows.append([mark, each.rule, group.subjects, why, each.hint])
    yield Table(("", "rule", "whom", "found", "next"), rows)
    if len(found) > LISTED:
        yield Paragraph(f"and {len(found) - LISTED:,} more; -f json lists all of them.")
    for finding in (each for group in found[:LISTED] for each in group.findings if explain):
        yield Paragraph(words.title(finding), "bold")
        yield Items([*words.explanation(result, finding)])


def _behind(result: CheckResult, wide: bool) -> Iterator[Part]:
    """What stands behind the answers; what a wide table of answers has is not said again."""
    yield Heading("Set-up")
    yield Items([text for text in (words.setup(result), words.baseline(result)) if text])
    if not wide:
        yield Heading("Candidates")
        headers = ("candidate", "rows", "outcome", "worst finding")
        rows = [
            (
                Names((each.task.name,)),
                f"{each.task.rows:,}",
                Styled(each.outcome, _style(each.outcome)),
                words.worst(result, each.task.name),
            )
            for each in sorted(result.candidates, key=lambda each: OUTCOMES.index(each.outcome))
        ]
        yield Table(headers, rows, right=(1,), names=NAMES, folding=True)
    if result.predictions:
        yield from _predictions(result)


def _predictions(result: CheckResult) -> Iterator[Part]:
    """Both directions of every pair, most harmful first, as many as a person reads."""
    shown, left = predictions.shown(result.predictions, MOST)
    found = [each for each in result.findings if each.rule == "probability_negative"]
    levels = {each.direction: each.was or each.level for each in found}
    rows = [
        (
            Names((each.source, each.target)),
            short(each.probability_negative),
            short(each.probability_positive),
            words.gain_text(each),
            levels.get(f"{each.source} -> {each.target}", MISSING),
        )
        for each in shown
    ]
    headers = ("source → target", "P(harm)", "P(help)", "expected gain", "gate")
    yield from (Heading(predictions.TITLE), Table(headers, rows, right=(1, 2, 3, 4), names=NAMES))
    if left:
        yield Paragraph(f"{left:,} more are less harmful; -f csv or -f json gives all.", "dim")
