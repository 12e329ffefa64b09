"""The answer first, the same word in every format, and what to do next at the end."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest
from stages.report._checks import checks

from taskaff.stages.report import ReportOptions, payload, render
from taskaff.stages.report.check import words
from taskaff.stages.report.escape import terminal

CHECKS = checks()
CALLS = {
    "failed": {"apart"},
    "inconclusive": {"undecided"},
    "warned": {"add", "same"},
    "passed": {"add", "same"},
}


@pytest.fixture(params=CHECKS, ids=list(CHECKS))
def result(request):
    return CHECKS[request.param]


def folded(text):
    return " ".join(text.split())


def test_the_word_and_the_outcome_never_disagree(result):
    assert [each.name for each in result.answers] == [c.task.name for c in result.candidates]
    for answer, candidate in zip(result.answers, result.candidates, strict=True):
        assert answer.call in CALLS[candidate.outcome]
        assert answer.reasons


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("verbose", [False, True])
def test_answers_come_first_then_findings_then_what_to_do_next(result, width, verbose):
    text = render(result, "table", ReportOptions(width=width, verbose=verbose))
    commands = [terminal(command) for _, command in words.steps(result) if command]
    for line in text.splitlines():
        assert len(line) <= width or line.strip() in commands
    parts = [folded(terminal(line)) for line in words.answers(result)]
    parts += [folded(terminal(group.line)) for group in words.opened(result)]
    parts += [folded(terminal(line)) for line in words.measured(result)]
    parts.append(folded(terminal(words.summary(result))))
    parts += [folded(terminal(f"{advice} {command}")) for advice, command in words.steps(result)]
    found, at = folded(text), 0
    for part in parts:
        assert part in found[at:], part
        at = found.index(part, at) + len(part)
    assert at == len(found)
    assert ("Predicted transfer" in text) is (verbose and bool(result.predictions))


def test_every_format_has_the_same_word(result):
    failed = any(each.call == "apart" for each in result.answers)
    found = payload(result)["answers"]
    assert [(each["name"], each["words"]) for each in found] == [
        (each.name, each.words) for each in result.answers
    ]
    assert all(f"| {each.words} |" in render(result, "markdown") for each in result.answers)
    quiet = render(result, "table", ReportOptions(quiet=True))
    assert all(f": {each.words}; " in quiet for each in result.answers)
    assert ("::error " in render(result, "github")) is failed
    log = json.loads(render(result, "sarif"))["runs"][0]["results"]
    assert any(r["level"] == "error" and "suppressions" not in r for r in log) is failed
    if result.settings.inconclusive is None:
        junit = ET.fromstring(render(result, "junit").encode())
        assert (int(junit.get("failures")) > 0) is failed


def test_a_log_of_a_failed_check_ends_with_a_command():
    lines = render(CHECKS["failed"], "table", ReportOptions(width=80, verbose=False)).splitlines()
    assert lines[-1] == (
        "  taskaff check other --probe --budget 5m --config check.max_loss_increase=0.1"
    )


def test_what_is_said_of_many_pairs_is_said_once():
    found = words.grouped(CHECKS["tiny"].findings)
    assert sum(len(group.findings) for group in found) == len(CHECKS["tiny"].findings)
    assert len({group.line for group in found}) == len(found)


def test_a_probe_that_passes_prints_what_it_measured():
    text = render(CHECKS["safe"], "table", ReportOptions(width=200, verbose=False))
    assert (
        "a with new: +1.0 [+0.5, +1.5] points accuracy, loss \N{MINUS SIGN}4.0% "
        "[\N{MINUS SIGN}6.0%, \N{MINUS SIGN}2.0%], limit +2%, 5 seeds"
    ) in text
    assert text.startswith("new: add it; a +1.0 points accuracy")
