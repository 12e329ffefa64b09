"""The first thing on the page: the answers, the pairs as signs, what to run next."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from taskaff.core.records.probe import ProbeResult
from taskaff.core.records.score import ScoreResult
from taskaff.stages.report import answers
from taskaff.stages.report.escape import terminal
from taskaff.stages.report.names import short_names
from taskaff.stages.report.terminal.page import Page, command, hanging, paragraph, unwrapped

GAP = 2


def add_answers(page: Page, result: ScoreResult | ProbeResult, basis: str) -> None:
    """Answers, signs, next steps; ``basis`` says in a line what they rest on."""
    found = answers.of_result(result)
    for text in answers.lines(result)[: answers.MOST]:
        hanging(page, text)
    if len(found) > answers.MOST:
        paragraph(page, f"the other {len(found) - answers.MOST:,} in -f json")
    _add_signs(page, result)
    if basis:
        for n, note in enumerate(answers.noticed(result)):
            if not n:
                page.blank()
            paragraph(page, note)
        page.blank()
        paragraph(page, basis, style="dim")
    for n, (purpose, line) in enumerate(answers.steps(found)):
        if not n:
            page.blank()
        paragraph(page, purpose)
        command(page, line)


def _add_signs(page: Page, result: ScoreResult | ProbeResult) -> None:
    """As many matrices side by side as fit, the first one first."""
    blocks = answers.blocks(result)
    if not blocks:
        return
    names = tuple(task.name for task in result.tasks)
    k, digits = len(names), len(str(len(names)))
    wide = digits + 1
    label = digits + 1 + min(max(8, page.width // 5), max(cell_len(terminal(n)) for n in names))
    room = page.width - label
    fitting = [b for n, b in enumerate(blocks, 1) if n * (k * wide + GAP) <= room]
    page.blank()
    if not fitting:
        paragraph(page, f"{k:,} data sets do not fit side by side: -f csv has every pair")
        return
    width = max(k * wide, *(cell_len(block.title) + 1 for block in fitting))
    titles = "".join(" " * GAP + f" {block.title}".ljust(width) for block in fitting)
    numbers = "".join(f"{n:>{wide}}" for n in range(1, k + 1))
    unwrapped(page, Text(" " * label + titles, style="bold"))
    unwrapped(page, Text(" " * label + "".join(" " * GAP + numbers.ljust(width) for _ in fitting)))
    for i, name in enumerate(short_names(names, label - digits - 1)):
        text = f"{i + 1:>{digits}} {name}"
        text += " " * (label - cell_len(text))
        for block in fitting:
            signs = "".join(f"{sign:>{wide}}" for sign in block.signs[i])
            text += " " * GAP + signs.ljust(width)
        unwrapped(page, Text(text))
    paragraph(page, answers.LEGEND, style="dim")
