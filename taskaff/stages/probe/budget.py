"""Seeds in rounds: until every verdict is decided, time is out, or the user interrupts.

Whoever checks an interval after every round and stops when it suits will be wrong more often than
the interval's level says. So the intervals hold at all checks together: numbers of seeds at which
verdicts are checked are fixed before (``check_points``), and each check uses the level at which a t
interval fails to cover at *any* of them with probability ``1 - confidence`` only (Pocock 1977; his
boundary is for normal means of known variance, ours is simulated for t). The rule of stopping may
then be anything. A stop by the clock takes the place of the next check, and depends on no gain.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.special import stdtr

from taskaff.core.records.estimate import Verdict
from taskaff.core.records.probe import PairOutcome, ProbeResult, Progress
from taskaff.core.settings import ProbeSettings
from taskaff.stages.probe.merge import margin_of, merge
from taskaff.stages.probe.shares import with_best
from taskaff.stages.probe.training_data import chosen_device
from taskaff.stages.probe.trunks import TRUNKS

FIRST = 3
"""Fewest seeds of the first check."""

MOST = 40
"""Seeds of the last check; ten checks would cost more power than the seeds bring."""

RUNS = 1024
"""About so many runs are trained in one call on a processor: the last ones of a call cost nearly
as much alone as together, and an interrupt should leave something."""

TIMED_RUNS = 128
"""Number of runs of a call with a budget, which the first call may exceed."""

CUDA_RUNS = 8192

WORD_RUNS = 32
"""Number of runs of a call for trunks over trained word vectors; transformers: one seed."""

PATHS = 40_000

OUT_OF_TIME, INTERRUPTED = "time is out", "interrupted"
ALL_SEEDS = "the largest number of seeds is reached"

CONTROL_ARMS = frozenset({"permuted source", "self"})
"""Comparisons with these arms are not waited for."""

Names = frozenset[tuple[str, str]]
Measure = Callable[[ProbeSettings, Names | None, Progress | None], ProbeResult]
"""``measure(settings, pairs, progress)``: train the settings' seeds, for these pairs or for all."""


def check_points(seeds: int, most: int = MOST) -> tuple[int, ...]:
    """Numbers of seeds at which verdicts are checked: doubling from the first round's."""
    numbers = [max(FIRST, seeds)]
    while 2 * numbers[-1] <= most:
        numbers.append(2 * numbers[-1])
    return tuple(numbers)


def adaptive(settings: ProbeSettings) -> bool:
    """Whether seeds are added as needed."""
    return settings.budget is not None or settings.max_seeds > len(settings.seeds)


@lru_cache(maxsize=32)
def level(at: tuple[int, ...], confidence: float) -> float:
    """Confidence of the t interval at each check, for ``confidence`` at all checks together.

    The share ``1 - confidence`` of simulated paths whose least p-value over the checks is smallest
    sets it; two standard errors of the simulation are taken off on the safe side.
    """
    if len(at) == 1:
        return confidence
    x = np.random.Generator(np.random.Philox(key=1977)).standard_normal((PATHS, at[-1]))
    n = np.array(at)
    mean = np.cumsum(x, axis=1)[:, n - 1] / n
    variance = (np.cumsum(x**2, axis=1)[:, n - 1] - n * mean**2) / (n - 1)
    p = 2 * stdtr(n - 1, -np.abs(mean) / np.sqrt(variance / n))
    alpha = 1 - confidence
    safe = alpha - 2 * np.sqrt(alpha * (1 - alpha) / PATHS)
    return float(1 - np.quantile(p.min(axis=1), max(safe, 1 / PATHS)))


def more_seeds(seeds: Sequence[int], count: int) -> tuple[int, ...]:
    """The seeds, then the smallest unused ones."""
    unused = (seed for seed in range(count + len(seeds)) if seed not in seeds)
    return (*seeds, *unused)[:count]


def _beside(pair: PairOutcome, settings: ProbeSettings) -> bool:
    """Whether nobody waits for a pair: a control, or a recipe that does not decide."""
    other = pair.recipe not in ("", settings.recipes[0])
    return other or bool({pair.arm, pair.against} & CONTROL_ARMS)


def settled(pair: PairOutcome, settings: ProbeSettings) -> bool:
    """Whether more seeds are of no use: beyond the margin, within it, or without numbers."""
    gain = pair.gain
    if _beside(pair, settings) or gain.mean is None or pair.verdict.call != "inconclusive":
        return True
    if gain.low is None or gain.high is None:
        return False
    margin = margin_of(pair.stl_loss, settings)
    return -margin <= gain.low and gain.high <= margin


def drive(
    measure: Measure, runs: int, settings: ProbeSettings, progress: Progress | None = None
) -> ProbeResult:
    """Train some seeds a call; ``runs`` is about the number of runs of one seed.

    With neither ``max_seeds`` nor a budget the settings' seeds are trained, and intervals have the
    settings' confidence. Otherwise these seeds are the first round. A budget too short for a first
    call is exceeded by it, since there would be nothing to say.

    Raises
    ------
    KeyboardInterrupt : interrupted before anything was known.
    """
    return _Driver(measure, -(-together(settings) // max(runs, 1)), settings, progress).result()


def together(settings: ProbeSettings) -> int:
    """About the number of runs that are trained in one call."""
    reads = TRUNKS[settings.trunk].reads
    if reads == "vectors":
        if chosen_device(settings.device) != "cpu":
            return CUDA_RUNS
        return RUNS if settings.budget is None else TIMED_RUNS
    return WORD_RUNS if reads == "words" else 1


class _Driver:
    """State of a probe that adds seeds: what was trained so far."""

    def __init__(
        self, measure: Measure, at_once: int, settings: ProbeSettings, progress: Progress | None
    ) -> None:
        self.measure, self.at_once = measure, at_once
        self.settings, self.progress = settings, progress
        given = settings.seeds
        most = MOST if settings.max_seeds <= len(given) else settings.max_seeds
        self.adaptive = adaptive(settings)
        self.at = check_points(len(given), most) if self.adaptive else (len(given),)
        self.seeds = more_seeds(given, self.at[-1])
        self.confidence = level(self.at, settings.confidence)
        self.started = time.perf_counter()
        self.parts: list[ProbeResult] = []
        self.used = self.runs = 0
        self.pace = 0.0
        """Seconds a seed, in the last call."""
        self.wanted: Names | None = None
        """Pairs that were open at the last check."""

    def result(self) -> ProbeResult:
        """Train until there is a reason to stop, and say which."""
        finished = True
        try:
            stopped = self._train()
            finished = stopped != OUT_OF_TIME
        except KeyboardInterrupt:
            if not self.parts:
                raise
            stopped, finished = INTERRUPTED, False
        return replace(self._told(stopped), finished=finished)

    def _train(self) -> str:
        """Why training ended before every verdict was decided; empty when it did not."""
        for until in self.at:
            while self.used < until:
                count = self._next(until)
                if not count:
                    return OUT_OF_TIME
                self._call(count, until)
            if self.adaptive and self._nothing_open():
                return ""
        return ALL_SEEDS if self.adaptive else ""

    def _next(self, until: int) -> int:
        """Seeds of the next call: as many as there is time for."""
        count = min(self.at_once, until - self.used)
        if self.settings.budget is None or not self.parts:
            return count
        left = self.started + self.settings.budget - time.perf_counter()
        return min(count, int(max(left, 0.0) / self.pace))

    def _call(self, count: int, until: int) -> None:
        begun = time.perf_counter()
        seeds = self.seeds[self.used : self.used + count]
        wanted = self._open() if self.parts else None
        shown = self._shown((until - self.used) / count)
        part = self.measure(replace(self.settings, seeds=seeds), wanted, shown)
        self.parts.append(part)
        self.used += count
        self.runs += part.runs
        self.pace = max(time.perf_counter() - begun, 1e-6) / count

    def _shown(self, calls: float) -> Progress | None:
        """Progress over all calls until the next check, as if all were like the present one."""
        if self.progress is None:
            return None
        tell, before = self.progress, self.runs
        over, last, of_call = 0, 0, 0

        def shown(done: int, total: int) -> None:
            nonlocal over, last, of_call
            if done <= last:  # a mode may train more than once
                over += of_call
            last, of_call = done, total
            tell(before + over + done, before + round(calls * (over + total)))

        return shown

    def _merged(self) -> ProbeResult:
        used = replace(self.settings, seeds=self.seeds[: self.used])
        merged = merge(self.parts, used, self.confidence)
        return with_best(merged, self.confidence) if self.settings.shares else merged

    def _open(self) -> Names | None:
        """Pairs that need more seeds; None for all, as with a fixed number of seeds."""
        if not self.adaptive or self.used not in self.at:
            return self.wanted
        pairs = self._merged().pairs
        self.wanted = frozenset(
            (p.source, p.target) for p in pairs if not settled(p, self.settings)
        )
        return self.wanted

    def _nothing_open(self) -> bool:
        """Every verdict is decided. Without verdicts (capacity) more seeds are always of use."""
        return any(part.pairs for part in self.parts) and not self._open()

    def _told(self, stopped: str) -> ProbeResult:
        result = self._merged()
        notes = list(result.notes)
        if len(self.at) > 1:
            notes.append(
                f"seeds were added as needed: intervals have {self.confidence:.1%} each, so that "
                f"at all checks (after {', '.join(map(str, self.at))} seeds) together they hold "
                f"with {self.settings.confidence:.0%}"
            )
        if stopped:
            notes.append(f"stopped after {_seeds(self.used)}: {self._words(stopped)}")
        pairs = tuple(self._reasoned(pair, stopped) for pair in result.pairs)
        return replace(result, pairs=pairs, notes=tuple(notes))

    def _reasoned(self, pair: PairOutcome, stopped: str) -> PairOutcome:
        if not stopped or settled(pair, self.settings):
            return pair
        reason = f"{self._words(stopped)} after {_seeds(pair.gain.n)}: {pair.verdict.reason}"
        return replace(pair, verdict=Verdict("inconclusive", reason))

    def _words(self, stopped: str) -> str:
        budget = self.settings.budget
        return f"{stopped} ({budget:g} s)" if stopped == OUT_OF_TIME else stopped


def _seeds(n: int) -> str:
    return f"{n} seed" if n == 1 else f"{n} seeds"
