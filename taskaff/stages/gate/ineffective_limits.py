"""Limits without effect: no rule at all, or one that can never fail."""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.core.errors import CheckError
from taskaff.core.records.finding import Finding
from taskaff.core.settings import CheckSettings
from taskaff.stages.gate.commands import LIMIT

RULE = "configuration"
LOWEST = {"covariance_similarity": 0.0, "overlap": 0.0}
"""Scores that cannot be below a number."""

PASTE = "add to taskaff.toml below [check]: overlap = { fail = 0.01 }"


def require_rules(settings: CheckSettings) -> None:
    """Refuse a gate without any rule: whatever it was asked, it would pass.

    Raises
    ------
    CheckError : no limit is set, or the probe is asked for and has none.
    """
    predicted = (
        settings.probability_negative,
        settings.newcomer_probability_negative,
        settings.overlap,
    )
    scored = any(limit is not None for limit in predicted) or bool(settings.fail_under)
    measured = (settings.max_loss_increase, settings.newcomer_max_loss_increase)
    unmeasured = all(limit is None for limit in measured)
    if not scored and unmeasured:
        raise CheckError("nothing to check: [check] sets no limit", hint=PASTE)
    if not scored and not settings.probe:
        problem = "nothing to check: max_loss_increase is a limit on what the probe measures"
        hint = "set check.probability_negative, or measure: taskaff check --probe"
        raise CheckError(problem, hint=hint)
    if settings.probe and unmeasured:
        raise CheckError(
            "the probe measures, and no limit is set on what it measures",
            hint=f"leave --probe out, or set one: taskaff check --probe --config {LIMIT}",
        )


def ineffective(settings: CheckSettings) -> Iterator[Finding]:
    """Warn of every limit that no value can break, or that every value breaks."""
    yield from _probability(settings)
    yield from _newcomer(settings)
    shared = settings.overlap.fail if settings.overlap else None
    if shared is not None and shared >= 1:
        yield _warning("overlap", "no share is above 1", "lower check.overlap.fail")
    for name, limit in settings.fail_under.items():
        if name in LOWEST and limit <= LOWEST[name]:
            problem = f"{name} is never below {LOWEST[name]:g}"
            yield _warning(f"fail_under.{name}", problem, f"raise check.fail_under.{name}")


def _probability(settings: CheckSettings) -> Iterator[Finding]:
    limit, reach = settings.probability_negative, settings.uncertainty
    if limit is None or settings.probe:
        return
    if limit.fail is None:
        if _only_warns(settings):
            yield _warning("probability_negative", "no rule has a fail value", "set a fail value")
        return
    if limit.fail + reach >= 1:
        problem = f"no probability is above {limit.fail:g} by the uncertainty of {reach:g}"
        yield _warning("probability_negative", problem, "lower check.probability_negative.fail")


def _newcomer(settings: CheckSettings) -> Iterator[Finding]:
    """Warn of limits on the newcomer where only the mix is checked."""
    for key in ("newcomer_probability_negative", "newcomer_max_loss_increase"):
        if settings.directions == "into-mix" and getattr(settings, key) is not None:
            problem = 'directions = "into-mix" leaves the newcomer out'
            yield _warning(key, problem, 'set check.directions = "both", or remove the limit')


def _only_warns(settings: CheckSettings) -> bool:
    limits = (settings.probability_negative, settings.overlap)
    return not settings.fail_under and all(limit is None or limit.fail is None for limit in limits)


def _warning(key: str, why: str, hint: str) -> Finding:
    reason = f"check.{key} can never fail: {why}"
    return Finding(RULE, "", "", "", "warned", None, None, reason, hint)
