"""The result of a probe as GitHub markdown."""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.core.records.probe import ProbeResult
from taskaff.stages.report.as_markdown import answered, bullets, pipe_table, predicted, verdicts
from taskaff.stages.report.escape import markdown
from taskaff.stages.report.options import ReportOptions
from taskaff.stages.report.predictions import COMBINED
from taskaff.stages.report.probe.sections import Section, headline, sections
from taskaff.stages.report.probe.words import setup


def render(result: ProbeResult, options: ReportOptions) -> Iterator[str]:
    """Sections with pipe tables; every text is escaped here, at the last moment."""
    if options.quiet:
        yield from verdicts(result, headline(result))
        return
    yield "## Measured transfer\n"
    if not result.finished:
        yield "\n**Not finished: this is what is known so far.**\n"
    yield from answered(result)
    yield bullets(setup(result))
    for section in sections(result, lambda number: f" ({number})" if number else ""):
        yield _section(section)
    yield predicted(result.predictions)
    yield predicted(result.combined, COMBINED)
    if result.notes:
        yield "\n### Notes\n" + bullets(result.notes)


def _section(section: Section) -> str:
    names = [" → ".join(each) for each in section.names]
    rows = ([name, *row] for name, row in zip(names, section.rows, strict=True))
    notes = "".join(f"{n}. {markdown(text)}\n" for n, text in enumerate(section.notes, 1))
    below = "".join(f"\n{markdown(text)}\n" for text in section.below)
    table = pipe_table(section.headers, rows)
    return f"\n### {section.title}\n{table}" + (f"\n{notes}" if notes else "") + below
