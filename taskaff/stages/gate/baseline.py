"""``taskaff.lock.json``: the numbers of an earlier check, and what is worse than they were.

The text is a function of the check alone: keys sorted, numbers rounded, files named by their
content, no time and no path. So the same data, encoder and predictor give the same bytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from taskaff.core.errors import CheckError, Place
from taskaff.core.files import read_text
from taskaff.core.recipe import TURNS
from taskaff.core.records.check import BaselineState, CheckedTask, Evidence
from taskaff.core.records.data import ROW_IDENTITY
from taskaff.core.records.finding import PROGRAM, Finding
from taskaff.core.settings import CheckSettings, Tolerance
from taskaff.stages.gate.commands import command
from taskaff.stages.gate.max_loss_increase import RULE as MEASURED
from taskaff.stages.gate.scores import FAIL_UNDER

VERSION = 1
DIGITS = 4
"""Decimals that are written: below this, machines differ."""

MOST_BYTES = 2**26

RULE = "baseline"
WRITE = "--write-baseline"
ANEW = f"repair it, or write it anew: {PROGRAM} check {WRITE} --force"

Lock = Mapping[str, Any]


# ---------------------------------------------------------------------- writing


def lock_text(evidence: Evidence, settings: CheckSettings, findings: Sequence[Finding]) -> str:
    """The text of the file."""
    lock = {
        **_conditions(evidence, settings),
        "version": VERSION,
        "candidates": {
            task.name: {**_identity(task), "numbers": _numbers(task, findings)}
            for task in evidence.candidates
        },
    }
    return _text(lock)


def _text(lock: Lock) -> str:
    return json.dumps(lock, indent=2, sort_keys=True, ensure_ascii=True, allow_nan=False) + "\n"


def merged(before: Lock, text: str, path: str, force: bool = False) -> tuple[str, tuple[str, ...]]:
    """The text of a baseline with the candidates of an earlier one beside its own.

    A candidate that has joined the mix is none any more, and goes. Numbers of other candidates that
    no longer compare, since the mix or the encoder has changed, go only by ``force``.

    Parameters
    ----------
    before : the file as it is.
    text : what ``lock_text`` gave for this check.
    path : of the file, for messages.

    Returns
    -------
    The text to write, and the candidates whose numbers it drops.

    Raises
    ------
    CheckError : numbers of other candidates would be lost.
    """
    now = json.loads(text)
    gone = {*now["candidates"], *now["mix"]}
    others = {name: task for name, task in before["candidates"].items() if name not in gone}
    why = _difference(before, now)
    if not others or not why:
        return _text({**now, "candidates": {**others, **now["candidates"]}}), ()
    if not force:
        raise CheckError(
            f"not written, since numbers of {', '.join(others)} would be lost: they no longer "
            f"compare ({why})",
            where=Place(path),
            hint=f"drop them by --force, or check all candidates at once: {PROGRAM} check {WRITE}",
        )
    return text, tuple(others)


def _conditions(evidence: Evidence, settings: CheckSettings) -> dict[str, Any]:
    """Conditions that must be the same for numbers to compare."""
    card = evidence.scores.encoder
    return {
        "encoder": {"id": card.id, "fingerprint": card.fingerprint},
        "mix": {task.name: _identity(task) for task in evidence.mix},
        "predictor": evidence.predictor,
        "row_identity": ROW_IDENTITY,
        "settings": {
            "margin": round(settings.margin, DIGITS),
            "measured": settings.probe,
            **({"recipe": settings.recipe} if settings.probe and settings.recipe != TURNS else {}),
        },
    }


def _identity(task: CheckedTask) -> dict[str, Any]:
    return {"rows": task.rows, "inputs": sorted(task.inputs)}


def _numbers(task: CheckedTask, findings: Sequence[Finding]) -> dict[str, float]:
    """``rule: direction`` to the rounded value."""
    return {
        f"{finding.rule}: {_about(finding)}": round(finding.value, DIGITS) + 0.0
        for finding in findings
        if finding.candidate == task.name
        and finding.value is not None
        and _tolerance(finding.rule, Tolerance()) is not None
    }


def _about(finding: Finding) -> str:
    return finding.direction or f"{finding.candidate} and {finding.task}"


# ---------------------------------------------------------------------- reading


def read(path: Path) -> tuple[str, Lock]:
    """Path and content of a baseline file; raises ``CheckError`` where it cannot be read."""
    try:
        return str(path), load(read_text(path, MOST_BYTES), str(path))
    except UnicodeDecodeError as error:
        raise CheckError("not UTF-8", where=Place(str(path)), hint=ANEW) from error
    except OSError as error:
        problem = f"the baseline cannot be read: {error.strerror}"
        raise CheckError(problem, where=Place(str(path)), hint=ANEW) from error


def load(text: str, path: str) -> Lock:
    """Parse the content of a baseline.

    Raises
    ------
    CheckError : not JSON, a key twice, a value of the wrong type, another version.
    """
    try:
        lock = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
        _validate(lock)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        problem = f"not a baseline of taskaff: {getattr(error, 'msg', str(error))}"
        raise CheckError(problem, where=Place(path, line=line), hint=ANEW) from error
    found_lock: Lock = lock
    return found_lock


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key {repeated!r} occurs twice")
    return values


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _validate(lock: Any) -> None:
    _table(lock, "the file")
    if lock.get("version") != VERSION:
        raise ValueError(f"version {lock.get('version')!r}, and this taskaff reads {VERSION}")
    for key in ("encoder", "mix", "settings", "candidates"):
        _table(lock.get(key), key)
    if not isinstance(lock.get("predictor"), str):
        raise ValueError("predictor is missing")
    for name, task in (*lock["mix"].items(), *lock["candidates"].items()):
        _table(task, name)
        inputs = task.get("inputs")
        if type(task.get("rows")) is not int or not isinstance(inputs, list):
            raise ValueError(f"{name!r} lacks rows or inputs")
    for name, task in lock["candidates"].items():
        _table(task.get("numbers"), f"{name}.numbers")
        for key, value in task["numbers"].items():
            if type(value) not in (int, float) or not math.isfinite(value):
                raise ValueError(f"{key!r} of {name!r} is no number")


def _table(value: Any, name: str) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is no table")


# -------------------------------------------------------------------- comparing


def compare(
    lock: Lock,
    path: str,
    evidence: Evidence,
    settings: CheckSettings,
    findings: Sequence[Finding],
) -> tuple[BaselineState, list[Finding]]:
    """Findings on what is worse than in the baseline, beyond the tolerance.

    When the encoder, the mix, the predictor or the margin is another one, numbers do not compare:
    every candidate of the baseline is then inconclusive, with the reason. A candidate that the
    baseline does not have is compared with nothing.
    """
    known = [task for task in evidence.candidates if task.name in lock["candidates"]]
    why = _difference(lock, _conditions(evidence, settings))
    if why:
        anew = _anew(lock, evidence)
        worse = [_incomparable(task, why, anew) for task in known]
        return BaselineState(path, "not comparable", why), worse
    worse = [finding for task in known for finding in _worse(lock, task, settings, findings)]
    return BaselineState(path, "compared"), worse


def _difference(lock: Lock, now: Mapping[str, Any]) -> str:
    if lock["encoder"].get("fingerprint") != now["encoder"]["fingerprint"]:
        return f"it was made with encoder {lock['encoder'].get('id')}, not {now['encoder']['id']}"
    if lock.get("row_identity", 1) != now["row_identity"]:
        return "it tells rows apart by another rule, so folds and overlap are others"
    if lock["mix"] != now["mix"]:
        return f"the mix has changed: {', '.join(_changed(lock['mix'], now['mix']))}"
    if lock["predictor"] != now["predictor"]:
        return "its predictions come from another version of the atlas or predictor"
    if lock["settings"] != now["settings"]:
        return "it was made with another margin or recipe, or with the probe on or off"
    return ""


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys((*before, *now)):
        if name not in before:
            yield f"{name} is new"
        elif name not in now:
            yield f"{name} is gone"
        elif before[name] != now[name]:
            yield f"{name} has other rows"


def _incomparable(task: CheckedTask, why: str, hint: str) -> Finding:
    reason = f"not comparable with the baseline: {why}"
    return Finding(RULE, task.name, "", "", "inconclusive", None, None, reason, hint)


def _anew(lock: Lock, evidence: Evidence) -> str:
    """The advice to write the numbers of this check anew, which may drop those of others."""
    checked = [task.name for task in (*evidence.candidates, *evidence.mix)]
    lost = [name for name in lock["candidates"] if name not in checked]
    drops = f" (drops those of {', '.join(lost)}, which compare no longer)" if lost else ""
    options = (WRITE, "--force") if lost else (WRITE,)
    return f"write its numbers anew{drops}: {command(evidence.candidates, *options)}"


def _worse(
    lock: Lock, task: CheckedTask, settings: CheckSettings, findings: Sequence[Finding]
) -> Iterator[Finding]:
    before = lock["candidates"][task.name]["numbers"]
    for finding in findings:
        key = f"{finding.rule}: {_about(finding)}"
        allowed = _tolerance(finding.rule, settings.tolerance)
        if finding.candidate != task.name or allowed is None or key not in before:
            continue
        old, new = float(before[key]), finding.value
        sign = -1.0 if finding.rule.startswith(FAIL_UNDER) else 1.0
        lost = new is None
        worse = lost or sign * (round(new or 0.0, DIGITS) - old) > allowed + 1e-9
        shown = "undefined" if new is None else f"{new:.{DIGITS}f}"
        yield Finding(
            rule=RULE,
            candidate=finding.candidate,
            task=finding.task,
            direction=finding.direction,
            level="inconclusive" if lost else "failed" if worse else "passed",
            value=new,
            threshold=old + sign * allowed,
            reason=f"{finding.rule} was {old:.{DIGITS}f} in the baseline and is {shown} now"
            + (f", worse by more than {allowed:g}" if worse and not lost else ""),
            hint=f"check the change, then accept it: {command([task], WRITE)}" if worse else "",
            who=finding.who,
        )


def _tolerance(rule: str, tolerance: Tolerance) -> float | None:
    """How much worse a number of this rule may be; None for rules without numbers to compare."""
    if rule.startswith(FAIL_UNDER):
        return tolerance.fail_under
    if rule == MEASURED:
        return tolerance.max_loss_increase
    if rule in ("probability_negative", "overlap"):
        return float(getattr(tolerance, rule))
    return None
