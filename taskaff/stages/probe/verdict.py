"""Paired gains over seeds: their t interval, and what it says against a margin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from taskaff.core.records.estimate import Interval, Verdict
from taskaff.core.records.probe import SeedGain


def t_interval(values: Sequence[float], confidence: float) -> Interval:
    """Mean with a two-sided t interval; values that are not finite make it empty."""
    sample = np.asarray(values, dtype=np.float64)
    if not len(sample) or not np.isfinite(sample).all():
        return Interval(None, n=int(np.isfinite(sample).sum()))
    mean = float(sample.mean())
    if len(sample) < 2:
        return Interval(mean, n=1)
    stderr = float(sample.std(ddof=1) / np.sqrt(len(sample)))
    reach = float(stdtrit(len(sample) - 1, 0.5 + confidence / 2)) * stderr
    return Interval(mean, mean - reach, mean + reach, stderr, len(sample))


def decide(gain: Interval, margin: float, unusable: Sequence[str] = (), blind: str = "") -> Verdict:
    """``positive``, ``negative`` or ``neutral`` by all of the interval, else ``inconclusive``.

    Parameters
    ----------
    gain : interval of the gain in held-out loss.
    margin : in the same unit; a gain within it is no effect.
    unusable : reasons why some seed has no number; any of them makes the pair inconclusive.
    blind : why the experiment could not have shown an effect; then none is not called neutral.
    """
    if unusable:
        return Verdict("inconclusive", "; ".join(dict.fromkeys(unusable)))
    if gain.low is None or gain.high is None:
        return Verdict("inconclusive", f"{gain.n} seed: an interval needs at least two")
    span = f"[{gain.low:+.4f}, {gain.high:+.4f}]"
    if gain.low > margin:
        return Verdict("positive", f"interval {span} lies above {margin:.4g}")
    if gain.high < -margin:
        return Verdict("negative", f"interval {span} lies below {0.0 - margin:.4g}")
    if margin > 0 and -margin <= gain.low and gain.high <= margin:
        if blind:
            return Verdict("inconclusive", blind)
        return Verdict("neutral", f"interval {span} lies within the margin {margin:.4g}")
    return Verdict("inconclusive", f"interval {span} is not beyond the margin {margin:.4g}")


def blindness(seeds: Sequence[SeedGain], margin: float) -> str:
    """Why these seeds could not have shown an effect, or nothing.

    A task that its baseline learns no better than a constant predictor (label frequencies or mean)
    has nothing that another task could improve or spoil.
    """
    known = [seed.constant_loss - seed.stl_loss for seed in seeds]
    if not known or not np.isfinite(known).all() or np.mean(known) > margin:
        return ""
    return (
        f"the target alone learns no more than {margin:.4g} beyond a constant predictor, so that "
        "nothing could have shown"
    )
