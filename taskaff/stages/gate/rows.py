"""``min_rows``: too few rows of a data set leave everything about it open."""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.core.records.check import CheckedTask, Evidence
from taskaff.core.records.finding import Finding
from taskaff.core.settings import CheckSettings
from taskaff.stages.gate.commands import command


def min_rows(evidence: Evidence, settings: CheckSettings) -> Iterator[Finding]:
    """One inconclusive finding for a small candidate, and one for each small task of the mix."""
    for candidate in evidence.candidates:
        if candidate.rows < settings.min_rows:
            yield _finding(candidate, "", candidate, settings.min_rows)
        for task in evidence.mix:
            if task.rows < settings.min_rows:
                yield _finding(candidate, task.name, task, settings.min_rows)


def _finding(candidate: CheckedTask, task: str, small: CheckedTask, least: int) -> Finding:
    return Finding(
        rule="min_rows",
        candidate=candidate.name,
        task=task,
        direction="",
        level="inconclusive",
        value=float(small.rows),
        threshold=float(least),
        reason=f"{small.name} has {small.rows:,} rows, and below {least:,} nothing is concluded "
        "about transfer; shared rows are counted all the same",
        hint="give more rows, or lower the number: "
        + command([candidate], "--config", f"check.min_rows={max(1, small.rows)}"),
        who="mix" if task else "newcomer",
    )
