"""Findings in words: one line each, and what ``--explain`` adds. Names stand as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from taskaff.core.recipe import PREDICTED
from taskaff.core.records.answer import Answer
from taskaff.core.records.check import OUTCOMES, CheckResult
from taskaff.core.records.finding import Finding, Level
from taskaff.core.records.prediction import Prediction
from taskaff.stages.report import answers as answering
from taskaff.stages.report.numbers import MISSING, short

LEVELS: tuple[Level, ...] = ("failed", "inconclusive", "warned", "waived", "passed")

RULES = {
    "min_rows": "with few rows an estimate of transfer is mostly noise",
    "overlap": "rows that two data sets share leak into evaluation, and inflate scores through "
    "memorised rows",
    "probability_negative": "the calibrated probability that training on the source as well makes "
    "the target worse by more than the margin, predicted from pairs that were measured; it is of "
    "concatenated training",
    "max_loss_increase": "the mix was trained with the candidate and without, on the same rows, "
    "weights and batches, and the held-out loss of every task was compared; of the candidate, that "
    "in the mix with that alone",
    "fail_under": "the smallest value of a score that is allowed",
    "baseline": "the number was better in the committed baseline, beyond the tolerance",
    "waiver": "a waiver accepts the findings of a pair for a reason, until a day",
    "configuration": "a limit that nothing can break guards nothing",
}
"""What each rule is for."""
NAMED = 3
"""Pairs of one reason that are named; of more there is the number."""
WITHIN = "Measured, within the limits"
MOST_STEPS = 5
"""Next steps that are listed."""


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
    return Group((finding,)).line


@dataclass(frozen=True, slots=True)
class Group:
    """Findings of one candidate that say the same of several pairs."""

    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """Which stands for all of them."""
        return self.findings[0]

    @property
    def subjects(self) -> str:
        """Whom they are about; of many, how many."""
        named = [who for who in map(subject, self.findings) if who]
        left = len(named) - NAMED
        return ", ".join([*named[:NAMED], *([f"{left:,} more"] if left > 0 else [])])

    @property
    def who(self) -> str:
        """``for the mix`` or ``for the newcomer``, where all of them agree."""
        whom = {finding.who for finding in self.findings}
        return f" for the {self.first.who}" if self.first.who and len(whom) == 1 else ""

    @property
    def line(self) -> str:
        """All of them in one line: level, who suffers, rule, pairs, reason."""
        finding, subjects = self.first, self.subjects
        title = f"{finding.rule} of {subjects}" if subjects else finding.rule
        text = f"{finding.level}{self.who}: {title}: {finding.reason}"
        if finding.level == "waived":
            return f"{text}; {finding.was}, and waived: {finding.waiver}"
        return text


def grouped(findings: Iterable[Finding]) -> list[Group]:
    """The findings with those of one candidate, rule, level and reason together, in their order."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for each in findings:
        key = (each.candidate, each.rule, each.level, each.reason, each.waiver)
        groups.setdefault(key, []).append(each)
    return [Group(tuple(found)) for found in groups.values()]


def opened(result: CheckResult) -> list[Group]:
    """The findings that did not pass."""
    return grouped(finding for finding in result.findings if finding.level != "passed")


# ------------------------------------------------------------------------ answers


def ranked_answers(result: CheckResult) -> list[Answer]:
    """The answers, worst first."""
    order = {each.task.name: OUTCOMES.index(each.outcome) for each in result.candidates}
    return sorted(result.answers, key=lambda answer: order[answer.name])


def answers(result: CheckResult) -> list[str]:
    """A line a candidate: what to do with it, and why."""
    return [answering.line(answer) for answer in ranked_answers(result)]


def steps(result: CheckResult) -> list[tuple[str, str]]:
    """What to do next: advice, and the command that runs as printed or nothing."""
    advised: dict[tuple[str, str, str], None] = {}
    for finding in result.findings:
        if finding.hint and finding.level not in ("passed", "waived"):
            advised[finding.candidate, finding.advice, finding.command] = None
    if not advised:
        return [(f"next: {_all_passed(result)}", "")]
    shown = [
        (f"next{f' for {name}' if name else ''}: {advice}{':' if command else ''}", command)
        for name, advice, command in advised
    ]
    left = len(shown) - MOST_STEPS
    more = [(f"{left:,} more steps stand in -f json", "")] if left > 0 else []
    return [*shown[:MOST_STEPS], *more]


def _all_passed(result: CheckResult) -> str:
    names = ", ".join(f'"{each.task.name}"' for each in result.candidates)
    return f"to let it in, add {names} to mix.datasets in taskaff.toml"


def measured(result: CheckResult) -> list[str]:
    """What the probe measured of the tasks that keep to their limits; the others are findings."""
    return [
        finding.reason
        for finding in result.findings
        if finding.rule == "max_loss_increase" and finding.level == "passed"
    ]


# ------------------------------------------------------------ behind the answers


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


def worst(result: CheckResult, name: str) -> str:
    """The worst finding of a candidate."""
    open_ = [f for f in result.findings if f.candidate == name and f.level != "passed"]
    return f"{title(open_[0])}" if open_ else ""


def setup(result: CheckResult) -> str:
    """The encoder, the mix and what is measured or predicted."""
    card, settings = result.encoder, result.settings
    how = "measured by the probe" if settings.probe else f"predicted, of {PREDICTED}"
    shown = f"encoder {card.id}, {card.width:,} dimensions; the mix is trained by "
    shown += f"{settings.recipe}; effects {how}"
    return f"{shown}; margin {settings.margin:g}" if not settings.probe else shown


def baseline(result: CheckResult) -> str:
    """What the baseline had to do with it; empty without one."""
    state = result.baseline
    if state.state == "none":
        return ""
    return f"baseline {state.path}: {state.state}" + (f", {state.reason}" if state.reason else "")


def gain_text(prediction: Prediction) -> str:
    """The expected gain with its interval."""
    gain = prediction.gain
    if gain.value is None:
        return MISSING
    if gain.low is None or gain.high is None:
        return f"{gain.value:+.3f}"
    return f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
