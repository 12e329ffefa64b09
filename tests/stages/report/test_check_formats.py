"""Every format of a check: by its schema or grammar, whatever the names are."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from stages.report._checks import HOSTILE, checks
from stages.report._formats import check_annotations, check_junit, check_sarif

from taskaff.stages.report import CHECK_FORMATS, ReportOptions, payload, render, result_schema

CHECKS = checks()


@pytest.fixture(params=CHECKS, ids=list(CHECKS))
def result(request):
    return CHECKS[request.param]


@pytest.mark.parametrize("format", CHECK_FORMATS)
@pytest.mark.parametrize("explain", [False, True])
def test_every_format_is_text_that_a_terminal_survives(result, format, explain):
    text = render(result, format, ReportOptions(explain=explain))
    assert text == "" or text.endswith("\n")
    if format != "markdown":  # variation selectors of its marks are no control characters
        assert all(c.isprintable() or c == "\n" for c in text)
    text.encode("utf-8")
    assert "##[" not in text
    if format != "github":
        assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert render(result, format, ReportOptions(explain=explain)) == text


def test_json_follows_the_schema(result):
    document = payload(result)
    jsonschema.Draft202012Validator(result_schema()).validate(document)
    assert document["outcome"] == result.outcome
    assert len(document["findings"]) == len(result.findings)


def test_the_schema_describes_every_key(result):
    """A key that is written and not described would be a promise that nobody reads."""
    defs = result_schema()["$defs"]
    document = payload(result)
    assert set(document) == set(defs["check"]["properties"])
    described = defs["check"]["properties"]["findings"]["items"]["properties"]
    assert all(set(found) == set(described) for found in document["findings"])
    predicted = defs["prediction"]["properties"]
    assert all(set(found) == set(predicted) for found in document["predictions"])


def test_jsonl_and_csv_have_a_line_a_finding(result):
    lines = render(result, "jsonl").splitlines()
    assert [json.loads(line) for line in lines] == payload(result)["findings"]
    rows = list(csv.DictReader(io.StringIO(render(result, "csv"))))
    assert [row["level"] for row in rows] == [f.level for f in result.findings]
    assert not any(cell.startswith(("=", "@", "+")) for row in rows for cell in row.values())


# ----------------------------------------------------------------------------- JUnit


def test_junit_follows_its_schema(result):
    text = render(result, "junit")
    check_junit(text)
    root = ET.fromstring(text.encode())
    cases = root.findall(".//testcase")
    assert int(root.get("tests")) == len(cases) == len(result.findings)
    for kind, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(root.get(kind)) == len(root.findall(f".//{element}"))
        assert int(root.get(kind)) == sum(int(s.get(kind)) for s in root.findall("testsuite"))


@pytest.mark.parametrize(
    ("name", "element"),
    [
        ("failed", "failure"),
        ("inconclusive", "error"),
        ("counted", "failure"),
        ("waived", "skipped"),
        ("warned", "system-out"),
    ],
)
def test_what_a_level_is_in_junit(name, element):
    root = ET.fromstring(render(CHECKS[name], "junit").encode())
    assert root.find(f".//testcase/{element}") is not None
    assert (element == "failure") is (int(root.get("failures")) > 0)


def test_a_schema_that_could_not_fail_would_prove_nothing():
    good = render(CHECKS["failed"], "junit")
    for bad in (
        good.replace("<failure ", "<broken "),
        good.replace('tests="', 'test="'),
        good.replace("classname=", "class="),
    ):
        with pytest.raises(Exception, match=r"\w"):
            check_junit(bad)
    log = json.loads(render(CHECKS["failed"], "sarif"))
    log["runs"][0]["results"][0]["kind"] = "open"
    with pytest.raises(jsonschema.ValidationError):
        check_sarif(log)
    for bad in ("::error title=a:b::x\n", "::error::50%\n", "error\n", "::error::a\n::b\n"):
        with pytest.raises(AssertionError):
            check_annotations(bad)


# ----------------------------------------------------------------------------- SARIF


def test_sarif_follows_its_schema(result):
    log = json.loads(render(result, "sarif"))
    check_sarif(log)
    found = log["runs"][0]["results"]
    assert len(found) == sum(f.level != "passed" for f in result.findings)
    prints = [each["partialFingerprints"]["taskaffFinding/v1"] for each in found]
    assert len(set(prints)) == len(prints)


@pytest.mark.skipif("TASKAFF_SARIF_SCHEMA" not in os.environ, reason="no copy of OASIS's schema")
def test_sarif_follows_the_schema_of_the_standard(result):
    schema = json.loads(Path(os.environ["TASKAFF_SARIF_SCHEMA"]).read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema).validate(json.loads(render(result, "sarif")))


def test_what_a_level_is_in_sarif():
    def first(name):
        return json.loads(render(CHECKS[name], "sarif"))["runs"][0]["results"][0]

    assert (first("failed")["kind"], first("failed")["level"]) == ("fail", "error")
    assert (first("inconclusive")["kind"], first("inconclusive")["level"]) == ("open", "none")
    assert first("warned")["level"] == "warning"
    waived = first("waived")
    assert waived["level"] == "error"
    assert waived["suppressions"][0]["justification"] == "ok"


# ------------------------------------------------------------------------ annotations


def test_annotations_follow_their_grammar(result):
    text = render(result, "github")
    check_annotations(text)
    for command in ("error", "warning", "notice"):
        assert text.count(f"::{command} ") <= 10


def test_names_cannot_add_a_command():
    text = render(CHECKS["hostile"], "github")
    assert "\n::error::gotcha" not in text
    assert "::set-output" not in text.replace("%3A%3Aset-output", "").replace(
        "%250A::set-output", ""
    )


def test_what_is_left_out_is_counted():
    text = render(CHECKS["many"], "github")
    assert "51 more findings" in text
    assert text.count("::error ") == 10


# ------------------------------------------------------------------- words for people


def test_explain_names_the_rule_the_numbers_the_reasons_and_the_next_step():
    text = render(CHECKS["failed"], "table", ReportOptions(explain=True, width=200))
    for words in (
        "rule: the calibrated probability",
        "numbers: found 0.90 [0.85, 0.95], limit 0.60",
        "moved by: reason 0",
        "moved by: reason 2",
        "next: leave the candidate out, waive the pair with a reason, or measure it: taskaff check "
        "new --probe --budget 5m",
    ):
        assert words in text
    assert "moved by" not in render(CHECKS["failed"], "table")


def test_waivers_and_dates_are_shown():
    text = render(CHECKS["waived"], "table", ReportOptions(width=200))
    assert "failed, and waived: ok" in text
    assert "expired on 2026-11-14" in render(CHECKS["warned"], "markdown")


def test_quiet_is_a_line_a_candidate(result):
    for format in ("table", "markdown"):
        text = render(result, format, ReportOptions(quiet=True)).strip("\n")
        assert text.count("\n") == len(result.candidates) - 1
        assert all(answer.words in text for answer in result.answers)


def test_markdown_holds_no_markup_of_names():
    lines = render(CHECKS["hostile"], "markdown", ReportOptions(explain=True)).splitlines()
    text = "\n".join(line for line in lines if not line.startswith("    "))  # commands, as code
    assert "<img" not in text
    assert "@team" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ❌")]
    assert rows
    assert {line.replace(r"\|", "").count("|") for line in rows} == {6}


def test_hostile_names_survive_the_formats_for_machines():
    document = payload(CHECKS["hostile"])
    names = {task["name"] for task in (*document["candidates"], *document["mix"])}
    assert names == set(HOSTILE)
