"""Findings in words: one line each, and what ``--explain`` adds. Names stand as they are."""

from __future__ import annotations

from collections.abc import Iterator

from taskaff.gate_records import OUTCOMES, CheckResult
from taskaff.predict_records import Finding, Level, Prediction
from taskaff.report.numbers import MISSING, short

LEVELS: tuple[Level, ...] = ("failed", "inconclusive", "warned", "waived", "passed")

RULES = {
    "min_rows": "with few rows an estimate of transfer is mostly noise",
    "overlap": "rows that two data sets share leak into evaluation, and praise memory",
    "probability_negative": "the calibrated probability that training on the source as well makes "
    "the target worse by more than the margin, predicted from pairs that were measured",
    "max_loss_increase": "the mix was trained with the candidate and without, on the same rows, "
    "weights and batches, and the held-out loss of every task was compared",
    "fail_under": "the smallest value of a score that is allowed",
    "baseline": "the number was better in the committed baseline, beyond the tolerance",
    "waiver": "a waiver accepts the findings of a pair for a reason, until a day",
    "configuration": "a limit that nothing can break guards nothing",
}
"""What each rule is for."""


def about(rule: str) -> str:
    """The sentence of a rule."""
    return RULES.get(rule.partition(".")[0], "")


def subject(finding: Finding) -> str:
    """Whom a finding is about: a direction, a pair, a candidate, or nobody."""
    if finding.direction:
        return finding.direction.replace(" -> ", " → ")
    pair = [name for name in (finding.candidate, finding.task) if name]
    return " and ".join(pair)


def title(finding: Finding) -> str:
    """``overlap of a → b``."""
    who = subject(finding)
    return f"{finding.rule} of {who}" if who else finding.rule


def line(finding: Finding) -> str:
    """The whole finding in one line."""
    text = f"{finding.level}: {title(finding)}: {finding.reason}"
    if finding.level == "waived":
        return f"{text}; {finding.was}, and waived: {finding.waiver}"
    return text


def explanation(result: CheckResult, finding: Finding) -> Iterator[str]:
    """The rule, the numbers, what moved the prediction, and what to do next."""
    if text := about(finding.rule):
        yield f"rule: {text}"
    if numbers := _numbers(finding):
        yield f"numbers: {numbers}"
    prediction = prediction_of(result, finding)
    for reason in prediction.reasons if prediction else ():
        number = f"{reason.feature} {short(reason.value)}"
        yield f"moved by: {reason.words} ({number}, {reason.effect:+.3f} on the expected gain)"
    if finding.hint:
        yield f"next: {finding.hint}"


def prediction_of(result: CheckResult, finding: Finding) -> Prediction | None:
    """The prediction that a finding judges."""
    about_one = finding.rule in ("probability_negative", "baseline")
    source, arrow, target = finding.direction.partition(" -> ")
    if not about_one or not arrow:
        return None
    for name in (finding.candidate, finding.task):  # a name may hold an arrow itself
        if finding.direction.startswith(f"{name} -> "):
            source, target = name, finding.direction.removeprefix(f"{name} -> ")
    return result.prediction(source, target)


def _numbers(finding: Finding) -> str:
    if finding.value is None:
        return ""
    text = f"found {short(finding.value)}"
    if finding.low is not None and finding.high is not None and finding.low < finding.high:
        text += f" [{short(finding.low)}, {short(finding.high)}]"
    return text + (f", limit {short(finding.threshold)}" if finding.threshold is not None else "")


def summary(result: CheckResult) -> str:
    """The verdict of the run in one line."""
    counts = ((level, result.count(level)) for level in LEVELS)
    parts = ", ".join(f"{count} {level}" for level, count in counts if count)
    many = len(result.candidates)
    who = "1 candidate" if many == 1 else f"{many} candidates"
    tasks = "1 task" if len(result.mix) == 1 else f"{len(result.mix):,} tasks"
    return f"{result.outcome}: {who} against a mix of {tasks}; {parts or 'no findings'}"


def candidates(result: CheckResult) -> list[tuple[str, str, str, str]]:
    """Name, rows, outcome and the worst finding of every candidate, worst candidate first."""
    ranked = sorted(result.candidates, key=lambda each: OUTCOMES.index(each.outcome))
    return [
        (each.task.name, f"{each.task.rows:,}", each.outcome, _worst(result, each.task.name))
        for each in ranked
    ]


def _worst(result: CheckResult, name: str) -> str:
    open_ = [f for f in result.findings if f.candidate == name and f.level != "passed"]
    return f"{title(open_[0])}" if open_ else ""


def setup(result: CheckResult) -> str:
    """The encoder, the mix and what is measured or predicted."""
    card, settings = result.encoder, result.settings
    how = "measured by the probe" if settings.probe else "predicted"
    shown = f"encoder {card.id}, {card.width:,} dimensions; effects {how}"
    return f"{shown}; margin {settings.margin:g}" if not settings.probe else shown


def baseline(result: CheckResult) -> str:
    """What the baseline had to do with it; empty without one."""
    state = result.baseline
    if state.state == "none":
        return ""
    return f"baseline {state.path}: {state.state}" + (f", {state.reason}" if state.reason else "")


MOST = 20
"""Predictions that are listed for people."""


def ranked(result: CheckResult) -> tuple[list[Prediction], int]:
    """The predictions with the most harm first, undefined ones last; how many are left out."""
    order = sorted(result.predictions, key=_harmless)
    return order[:MOST], max(0, len(order) - MOST)


def _harmless(found: Prediction) -> float:
    return 1.0 if found.probability_negative is None else -found.probability_negative


def prediction_columns(shown: list[Prediction]) -> list[tuple[str, list[str]]]:
    """Header and cells of the numbers of predictions."""
    return [
        ("P(harm)", [short(p.probability_negative) for p in shown]),
        ("P(help)", [short(p.probability_positive) for p in shown]),
        ("expected gain", [_gain(p) for p in shown]),
        ("verdict", [str(p.verdict) for p in shown]),
    ]


def _gain(prediction: Prediction) -> str:
    gain = prediction.gain
    if gain.value is None:
        return MISSING
    if gain.low is None or gain.high is None:
        return f"{gain.value:+.3f}"
    return f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
