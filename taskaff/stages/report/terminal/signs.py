"""The pairs as signs: matrices side by side."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from taskaff.stages.report.answers import LEGEND
from taskaff.stages.report.escape import terminal
from taskaff.stages.report.names import short_names
from taskaff.stages.report.parts import Signs
from taskaff.stages.report.terminal.canvas import Canvas, paragraph, unwrapped

GAP = 2


def add_signs(canvas: Canvas, part: Signs) -> None:
    """As many matrices as fit, the first one first."""
    names, blocks = part.names, part.blocks
    k, digits = len(names), len(str(len(names)))
    wide = digits + 1
    label = digits + 1 + min(max(8, canvas.width // 5), max(cell_len(terminal(n)) for n in names))
    room = canvas.width - label
    fitting = [b for n, b in enumerate(blocks, 1) if n * (k * wide + GAP) <= room]
    canvas.blank()
    if not fitting:
        paragraph(canvas, f"{k:,} data sets do not fit side by side: -f csv has every pair")
        return
    width = max(k * wide, *(cell_len(block.title) + 1 for block in fitting))
    titles = "".join(" " * GAP + f" {block.title}".ljust(width) for block in fitting)
    numbers = "".join(f"{n:>{wide}}" for n in range(1, k + 1))
    unwrapped(canvas, Text(" " * label + titles, style="bold"))
    numbers = "".join(" " * GAP + numbers.ljust(width) for _ in fitting)
    unwrapped(canvas, Text(" " * label + numbers))
    for i, name in enumerate(short_names(names, label - digits - 1)):
        text = f"{i + 1:>{digits}} {name}"
        text += " " * (label - cell_len(text))
        for block in fitting:
            signs = "".join(f"{sign:>{wide}}" for sign in block.signs[i])
            text += " " * GAP + signs.ljust(width)
        unwrapped(canvas, Text(text))
    paragraph(canvas, LEGEND, style="dim")
