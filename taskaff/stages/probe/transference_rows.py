"""From measured transference to rows of the result: means, ratios and windows, over seeds.

The ratio is one of means, over updates and seeds, and not a mean of ratios: the yardstick of one
seed may be near zero, or below it by chance, where that of all seeds is not. Its interval is the
delta method's, paired over seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

from taskaff.core.records.estimate import Interval
from taskaff.core.records.probe import TransferenceRow
from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.verdict import t_interval

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats

WINDOWS = 10
"""Parts of training over which the mean is shown."""


def transference_row(
    source: str,
    target: str,
    seeds: Sequence[tuple[Floats, Floats]],
    run: str,
    settings: ProbeSettings,
    confidence: float,
) -> TransferenceRow:
    """From one ``(Z_ij, Z_jj)`` a seed, each a series of measurements.

    Seeds end at different times, each window is the same share of all of them.
    """
    every = settings.transference_every
    z = [float(np.mean(series)) for series, _ in seeds]
    own = [float(np.mean(series)) for _, series in seeds]
    parts = min(WINDOWS, -(-settings.updates // every))
    curves = [[float(w.mean()) for w in _windows(series, parts)] for series, _ in seeds]
    length = np.mean([len(series) for series, _ in seeds])
    ends = np.ceil(np.arange(1, parts + 1) * length / parts)
    return TransferenceRow(
        source,
        target,
        t_interval(z, confidence),
        ratio_of_means(z, own, confidence),
        tuple(int(end) * every for end in ends),
        tuple(np.mean(curves, axis=0).tolist()),
        t_interval(own, confidence),
        run,
        tuple(tuple(curve) for curve in curves),
        tuple(seeds),
    )


def _windows(series: Floats, parts: int) -> Iterator[Floats]:
    """Equal parts of a run's time, whose length may differ from seed to seed; never empty."""
    edges = np.arange(parts + 1) * len(series) / parts
    for start, stop in zip(np.floor(edges[:-1]).astype(int), np.ceil(edges[1:]), strict=True):
        yield series[start : int(stop)]


def ratio_of_means(above: Sequence[float], below: Sequence[float], confidence: float) -> Interval:
    """Mean of ``above`` over that of ``below``; no number where the latter is not positive."""
    a, b = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    n = len(a)
    if not n or not np.isfinite([*a, *b]).all() or b.mean() <= 0:
        return Interval(None, n=n)
    ratio = float(a.mean() / b.mean())
    if n < 2:
        return Interval(ratio, n=n)
    stderr = float((a - ratio * b).std(ddof=1) / np.sqrt(n) / b.mean())
    reach = float(stdtrit(n - 1, 0.5 + confidence / 2)) * stderr
    return Interval(ratio, ratio - reach, ratio + reach, stderr, n)
