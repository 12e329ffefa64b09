"""Pictures of a probe: gains with their intervals, capacity curves, transference over time.

Drawn with matplotlib's figures alone: no window system, no global state. The same result gives the
same bytes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

from taskaff.core.errors import ReportError
from taskaff.core.records.estimate import Interval
from taskaff.core.records.probe import PairOutcome, ProbeResult, TransferenceRow
from taskaff.stages.report.escape import terminal
from taskaff.stages.report.names import short_names
from taskaff.stages.report.probe.words import CALLS, by_arm, main_pairs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = {
    "positive": "#0072b2",
    "negative": "#d55e00",
    "neutral": "#3a3a3a",
    "inconclusive": "#a8a8a8",
}
"""Blue and orange can be told apart by people who see no red or green."""

LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8a8a8a")
STYLES = ("-", "--", "-.", ":")
WIDTH = 7.5
"""Inches."""
MOST = 60
"""Pairs drawn; of more, those with the gains farthest from zero."""
NAMED = 12
"""Lines that fit a legend."""

Panel = tuple[float, Callable[..., None]]
"""Height in inches, and what draws it."""


def plot(result: ProbeResult, format: str) -> bytes:
    """A ``png`` or ``svg`` file with one panel for each kind of finding.

    Raises
    ------
    ReportError : the result has nothing that can be drawn.
    """
    import matplotlib
    from matplotlib.figure import Figure

    panels = _panels(result)
    if not panels:
        raise ReportError("there is nothing to draw", hint="write .json or .txt instead")
    with matplotlib.rc_context({"svg.hashsalt": "taskaff", "font.size": 9}):
        heights = [height for height, _ in panels]
        figure = Figure(figsize=(WIDTH, sum(heights)), layout="constrained")
        axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        for ax, (_, draw) in zip(axes, panels, strict=True):
            draw(ax, result)
            ax.spines[["top", "right"]].set_visible(False)
        return _saved(figure, format)


def _saved(figure: Any, format: str) -> bytes:
    metadata = {"Date": None} if format == "svg" else {"Software": None}
    buffer = BytesIO()
    with warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes; the tables hold it in full.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format=format, dpi=150, metadata=metadata)
    return buffer.getvalue()


def _panels(result: ProbeResult) -> list[Panel]:
    panels: list[Panel] = []
    for arms, pairs in by_arm([pair for pair in main_pairs(result) if pair.gain.mean is not None]):
        title = f"{arms[0]}, against {arms[1]}"
        height = 1.4 + 0.24 * min(MOST, len(pairs))
        panels.append((height, partial(_gains, pairs=pairs, title=title)))
    if result.capacity:
        panels.append((4.0, _capacity))
    for run in dict.fromkeys(row.run for row in result.transference if row.updates):
        rows = [row for row in result.transference if row.run == run]
        panels.append((4.0, partial(_transference, rows=rows)))
    return panels


def _plain(text: str) -> str:
    """Text in which nothing is a formula."""
    return terminal(text).replace("$", r"\$")


def _ways(pairs: Sequence[tuple[str, str]]) -> list[str]:
    names = tuple(dict.fromkeys(name for pair in pairs for name in pair))
    short = dict(zip(names, short_names(names, 20), strict=True))
    return [_plain(f"{short[source]} → {short[target]}") for source, target in pairs]


def _value(interval: Interval) -> float:
    return float("nan") if interval.mean is None else interval.mean


def _reach(interval: Interval) -> tuple[float, float]:
    """Lengths of an error bar below and above the mean; nothing for a single seed."""
    if interval.mean is None or interval.low is None or interval.high is None:
        return 0.0, 0.0
    return interval.mean - interval.low, interval.high - interval.mean


def _gains(ax: Axes, result: ProbeResult, pairs: Sequence[PairOutcome], title: str) -> None:
    """Gains in loss with intervals, in the order of the result, first at the top."""
    if len(pairs) > MOST:
        pairs = sorted(pairs, key=lambda pair: -abs(_value(pair.gain)))[:MOST]
    labels = _ways([(pair.source, pair.target) for pair in pairs])
    for y, pair in enumerate(pairs):
        low, high = _reach(pair.gain)
        color = COLORS[pair.verdict.call]
        ax.errorbar(
            _value(pair.gain), y, xerr=[[low], [high]], fmt="o", ms=4, color=color, capsize=2
        )
    for call in dict.fromkeys(pair.verdict.call for pair in pairs):
        ax.plot([], [], "o", ms=4, color=COLORS[call], label=CALLS[call])
    ax.axvline(0.0, color="black", lw=0.8)
    margin = result.settings.margin
    if margin and result.settings.margin_unit == "loss":
        ax.axvspan(-margin, margin, color="black", alpha=0.08, lw=0, label="margin")
    ax.set_yticks(range(len(pairs)), labels)
    ax.set_ylim(len(pairs) - 0.4, -0.6)
    ax.set_xlabel(
        f"gain in held-out loss, {100 * result.settings.confidence:g}% interval over seeds"
    )
    ax.set_title(_plain(title), loc="left", fontsize="medium")
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _capacity(ax: Axes, result: ProbeResult) -> None:
    """Held-out loss against capacity with standard errors; a ring marks the choice."""
    for n, sweep in enumerate(result.capacity):
        points = [
            (r, loss)
            for r, loss in zip(sweep.capacities, sweep.loss, strict=True)
            if loss.mean is not None
        ]
        together = sweep.model == "all"
        label = "all tasks together" if together else f"{_plain(sweep.model)} alone"
        color, style = _look(n)
        ax.errorbar(
            [r for r, _ in points],
            [_value(loss) for _, loss in points],
            yerr=[loss.stderr or 0.0 for _, loss in points],
            color=color,
            ls=style,
            lw=2.2 if together else 1.2,
            marker="o",
            ms=3,
            capsize=2,
            label=label if n < NAMED else None,
        )
        for r, loss in points:
            if r == sweep.chosen:
                ax.plot([r], [_value(loss)], "o", ms=10, mfc="none", mec=color)
    ax.set_xscale("log", base=2)
    capacities = sorted({r for sweep in result.capacity for r in sweep.capacities})
    ax.set_xticks(capacities, [f"{r:,}" for r in capacities])
    ax.minorticks_off()
    ax.set_xlabel("capacity r; the ring is the smallest within one standard error of the best")
    ax.set_ylabel("loss relative to a constant predictor")
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _transference(ax: Axes, _: ProbeResult, rows: Sequence[TransferenceRow]) -> None:
    """Mean transference in windows of training time, of pairs or of all tasks in one model."""
    together = "all tasks in one model" if rows[0].run == "all" else "two tasks in a model"
    ax.set_title(f"transference, {together}", loc="left", fontsize="medium")
    for n, (each, way) in enumerate(
        zip(rows, _ways([(row.source, row.target) for row in rows]), strict=True)
    ):
        color, style = _look(n)
        label = way if n < NAMED else None
        ax.plot(each.updates, each.over_time, color=color, ls=style, lw=1.4, label=label)
    ax.axhline(0.0, color="black", lw=0.8)
    ax.set_xlabel("updates")
    ax.set_ylabel("transference Z, source → target")
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _look(n: int) -> tuple[str, str]:
    """Colour and line style of the ``n``-th line; styles change when the colours are used up."""
    return LINES[n % len(LINES)], STYLES[n // len(LINES) % len(STYLES)]
