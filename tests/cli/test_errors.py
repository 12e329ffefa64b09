"""What an error looks like: where, a hint, no control characters, a traceback on request."""

from __future__ import annotations

import pytest


def test_an_error_names_stage_data_set_place_and_hint(quick):
    done = quick("inspect", "bad")
    assert done.stderr == (
        "error: data: bad: cell \\x1b[31m is not a number (bad.csv, row 3)\nhint: mend\n"
    )


def test_an_internal_error_is_one_line_and_says_what_to_do(quick):
    done = quick("inspect", "crash")
    assert done.stderr == (
        "error: internal error: ZeroDivisionError: no\\x07 luck\n"
        "hint: this is a defect: please report it with the output of --debug\n"
    )


@pytest.mark.parametrize(
    "arguments", [("--debug", "inspect", "bad"), ("inspect", "bad", "--debug")]
)
def test_debug_adds_the_traceback(quick, arguments):
    done = quick(*arguments)
    assert done.returncode == 2
    assert "Traceback (most recent call last)" in done.stderr
    assert "DataError" in done.stderr
    assert "\x1b" not in done.stderr


def test_after_two_dashes_debug_is_a_data_set(quick):
    assert quick("inspect", "--", "--debug").stdout.startswith("task    --debug\n")


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (("score", "a", "b", "--encoderr", "x"), "--encoder"),
        (("scores", "a", "b"), "'score'"),
        (("score", "a", "b", "--format", "jsno"), "'json'"),
        (("score", "a", "b", "-o", "out.jsn"), ".json"),
        (("score", "a", "b", "--scores", "covariance_aligment"), "'covariance_alignment'"),
        (("score", "a", "b", "--fail-under", "covariance_aligment=1"), "'covariance_alignment'"),
        (("score", "a", "b", "--config", "embed.encodr=glove"), "'encoder'"),
        (("score", "a", "b", "--config", "embd.encoder=glove"), "'embed'"),
        (("score", "a", "b", "--config", "cache.mode=refesh"), "'refresh'"),
    ],
)
def test_did_you_mean(quick, arguments, near):
    done = quick(*arguments)
    assert done.returncode == 2
    assert near in done.stderr


def test_usage_errors_name_the_help_page(quick):
    assert quick("merge", "a").stderr == (
        "error: usage: Missing option '--output' / '-o'.\nhint: see taskaff merge --help\n"
    )


def test_untrusted_arguments_do_not_reach_the_terminal_raw(quick):
    done = quick("score", "a", "b", "--\x1b[2Jx")
    assert "\x1b" not in done.stderr
    done = quick("score", "a", "b", "--scores", "\x1b]0;x\x07")
    assert "\x1b" not in done.stderr


def test_a_misspelt_variable_is_a_warning(quick, monkeypatch):
    monkeypatch.setenv("TASKAFF_ENCODR", "glove")
    monkeypatch.setenv("TASKAFF_DATA", "/data")  # the tests' own, and like no setting
    done = quick("inspect", "pass")
    assert done.returncode == 0
    assert done.stderr == (
        "warning: TASKAFF_ENCODR is not a setting of taskaff; did you mean TASKAFF_ENCODER?\n"
    )
