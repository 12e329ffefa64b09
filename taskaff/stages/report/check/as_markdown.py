"""A check as GitHub markdown: the summary of a job, or a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.core.records.check import CheckResult
from taskaff.stages.report.as_markdown import bullets, pipe_table
from taskaff.stages.report.check import words
from taskaff.stages.report.escape import markdown
from taskaff.stages.report.options import ReportOptions
from taskaff.stages.report.predictions import TITLE

MARKS = {
    "failed": "❌",
    "inconclusive": "❔",
    "warned": "⚠️",
    "waived": "☑️",
    "passed": "✅",
}
LISTED = 100
"""Findings that are listed; a job's summary may hold a megabyte."""


def render(result: CheckResult, options: ReportOptions) -> Iterator[str]:
    """Sections with pipe tables; every text is escaped here, at the last moment."""
    if options.quiet:
        yield bullets(words.answers(result))
        return
    yield f"## {MARKS[result.outcome]} Task affinity: {result.outcome}\n"
    yield f"\n{markdown(words.summary(result))}\n"
    outcomes = {each.task.name: each for each in result.candidates}
    rows = []
    for answer in words.ranked_answers(result):
        each = outcomes[answer.name]
        mark = f"{MARKS[each.outcome]} {each.outcome}"
        rows.append(
            [answer.name, answer.words, "; ".join(answer.reasons), mark, f"{each.task.rows:,}"]
        )
    yield pipe_table(["candidate", "answer", "why", "outcome", "rows"], rows)
    yield from _findings(result, options.explain)
    if measured := words.measured(result):
        yield f"\n### {words.WITHIN}\n" + bullets(measured)
    if result.predictions:
        yield _predictions(result)
    yield bullets(text for text in (words.setup(result), words.baseline(result)) if text)
    if result.notes:
        yield "\n### Notes\n" + bullets(result.notes)


def _findings(result: CheckResult, explain: bool) -> Iterator[str]:
    found = words.opened(result)
    if not found:
        return
    rows = []
    for group in found[:LISTED]:
        each = group.first
        why = f"{each.reason}; waived: {each.waiver}" if each.waiver else each.reason
        mark = f"{MARKS[each.level]} {each.level}{group.who}"
        rows.append([mark, each.rule, group.subjects, why, each.hint])
    yield "\n### Findings\n" + pipe_table(["", "rule", "whom", "found", "next"], rows)
    if len(found) > LISTED:
        yield f"\nand {len(found) - LISTED:,} more; `-f json` lists all of them.\n"
    for finding in (each for group in found[:LISTED] for each in group.findings if explain):
        yield f"\n**{markdown(words.title(finding))}**\n"
        yield bullets(words.explanation(result, finding))


def _predictions(result: CheckResult) -> str:
    shown, left = words.ranked(result)
    columns = words.prediction_columns(result, shown)
    headers = ["source → target", *(header for header, _ in columns)]
    rows = [
        [f"{p.source} → {p.target}", *(cells[n] for _, cells in columns)]
        for n, p in enumerate(shown)
    ]
    more = f"\nand {left:,} less harmful ones.\n" if left else ""
    return f"\n### {TITLE}\n" + pipe_table(headers, rows) + more
