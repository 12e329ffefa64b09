"""``[[waivers]]``: pairs whose findings are accepted, for a reason and until a day."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import replace

from taskaff.core.errors import ConfigError
from taskaff.core.records.check import Evidence
from taskaff.core.records.finding import Finding, Level
from taskaff.core.registry import closest
from taskaff.core.settings import Waived

RULE = "waiver"
WAIVABLE: tuple[Level, ...] = ("failed", "warned", "inconclusive")


def require_known(waivers: Iterable[Waived], known: Iterable[str]) -> None:
    """Refuse a waiver of a name that is no data set, which would silently waive nothing.

    Raises
    ------
    ConfigError : with the name most like it.
    """
    names = list(dict.fromkeys(known))
    for number, waiver in enumerate(waivers):
        for name in waiver.pair:
            if name not in names:
                near = closest(name, names)
                guess = f"did you mean {near!r}? " if near else ""
                raise ConfigError(
                    f"waivers[{number}] names {name!r}, which is no data set of this check",
                    hint=f"{guess}known: {', '.join(names)}; declare others under [datasets.NAME]",
                )


def apply(
    findings: Iterable[Finding],
    waivers: Sequence[Waived],
    evidence: Evidence,
    today: datetime.date,
) -> list[Finding]:
    """Mark the findings of waived pairs, and add findings on the waivers themselves.

    A waiver holds through its last day. One that has expired changes nothing and is named, and so
    is one that waives nothing in a check of its own candidate.
    """
    current = [waiver for waiver in waivers if not expired(waiver, today)]
    used: set[int] = set()
    out = [_waive(finding, current, used) for finding in findings]
    for waiver in waivers:
        if expired(waiver, today):
            out.append(_expired(waiver))
    for number, waiver in enumerate(current):
        if number not in used and _should_match(waiver, evidence):
            out.append(_idle(waiver))
    return out


def expired(waiver: Waived, today: datetime.date) -> bool:
    """Whether its last day has passed."""
    return waiver.expires is not None and waiver.expires < today


def _waive(finding: Finding, waivers: Sequence[Waived], used: set[int]) -> Finding:
    for number, waiver in enumerate(waivers):
        if {finding.candidate, finding.task} == set(waiver.pair) and finding.level in WAIVABLE:
            used.add(number)
            return replace(finding, level="waived", was=finding.level, waiver=words(waiver))
    return finding


def words(waiver: Waived) -> str:
    """Reason and date."""
    until = f" (until {waiver.expires.isoformat()})" if waiver.expires else ""
    return waiver.reason + until


def _should_match(waiver: Waived, evidence: Evidence) -> bool:
    """Whether this check could have used it; not so when its candidate is not checked now."""
    mix = {task.name for task in evidence.mix}
    checked = {task.name for task in evidence.candidates}
    others = set(waiver.pair) - mix
    return len(others) != 1 or bool(others & checked)


def _expired(waiver: Waived) -> Finding:
    one, two = waiver.pair
    assert waiver.expires is not None
    return _warning(
        f"the waiver of {one} and {two} expired on {waiver.expires.isoformat()} and no longer "
        f"applies (its reason was: {waiver.reason})",
        "check the pair again; then remove the waiver, or give it a new date",
    )


def _idle(waiver: Waived) -> Finding:
    one, two = waiver.pair
    return _warning(
        f"the waiver of {one} and {two} waives nothing",
        "remove it, or name a candidate and a task of the mix",
    )


def _warning(reason: str, hint: str) -> Finding:
    return Finding(RULE, "", "", "", "warned", None, None, reason, hint)
