"""A check as GitHub markdown: the summary of a job, or a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.gate_records import CheckResult
from taskaff.report.as_markdown import bullets, pipe_table
from taskaff.report.check import words
from taskaff.report.escape import markdown
from taskaff.report.options import ReportOptions
from taskaff.report.predictions import TITLE

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
        yield markdown(words.summary(result)) + "\n"
        return
    yield f"## {MARKS[result.outcome]} Task affinity: {result.outcome}\n"
    yield f"\n{markdown(words.summary(result))}\n"
    rows = [[n, r, f"{MARKS[o]} {o}", w] for n, r, o, w in words.candidates(result)]
    yield pipe_table(["candidate", "rows", "outcome", "worst finding"], rows)
    yield from _findings(result, options.explain)
    if result.predictions:
        yield _predictions(result)
    yield bullets(text for text in (words.setup(result), words.baseline(result)) if text)
    if result.notes:
        yield "\n### Notes\n" + bullets(result.notes)


def _findings(result: CheckResult, explain: bool) -> Iterator[str]:
    found = [finding for finding in result.findings if finding.level != "passed"]
    if not found:
        return
    rows = []
    for finding in found[:LISTED]:
        why = f"{finding.reason}; waived: {finding.waiver}" if finding.waiver else finding.reason
        mark = f"{MARKS[finding.level]} {finding.level}"
        rows.append([mark, finding.rule, words.subject(finding), why, finding.hint])
    yield "\n### Findings\n" + pipe_table(["", "rule", "whom", "found", "next"], rows)
    if len(found) > LISTED:
        yield f"\nand {len(found) - LISTED:,} more; `-f json` lists all of them.\n"
    for finding in found[:LISTED] if explain else ():
        yield f"\n**{markdown(words.title(finding))}**\n"
        yield bullets(words.explanation(result, finding))


def _predictions(result: CheckResult) -> str:
    shown, left = words.ranked(result)
    columns = words.prediction_columns(shown)
    headers = ["source → target", *(header for header, _ in columns)]
    rows = [
        [f"{p.source} → {p.target}", *(cells[n] for _, cells in columns)]
        for n, p in enumerate(shown)
    ]
    more = f"\nand {left:,} less harmful ones.\n" if left else ""
    return f"\n### {TITLE}\n" + pipe_table(headers, rows) + more
