"""Names for people: escaped, short, and still different from one another."""

from __future__ import annotations

from collections import Counter

from rich.cells import cell_len

from taskaff.stages.report.escape import terminal


def shorten(text: str, limit: int) -> str:
    """Untrusted text in at most ``limit`` columns: start and end, which tell shards apart."""
    text = terminal(text) or '""'
    if len(text) <= 2 * limit and cell_len(text) <= limit:
        return text
    tail = _fitting(text[::-1], (limit - 1) * 2 // 5)[::-1]
    return _fitting(text, limit - 1 - cell_len(tail)) + "…" + tail


def _fitting(text: str, limit: int) -> str:
    shortened = text[: 2 * max(0, limit)]
    while shortened and cell_len(shortened) > limit:
        shortened = shortened[:-1]
    return shortened


def short_names(names: tuple[str, ...], limit: int) -> list[str]:
    """Names in at most ``limit`` columns that stay different: those that clash get their number."""
    shortened = [shorten(name, limit) for name in names]
    times = Counter(shortened)
    return [
        shorten(name, limit - len(f"#{n}")) + f"#{n}" if times[short] > 1 else short
        for n, (name, short) in enumerate(zip(names, shortened, strict=True), 1)
    ]
