"""Stored results explained: every kind, every way to name a pair, and bad input."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from core.answers.test_probe_answers import pair, probe
from stages.report._zoo import result as scored

from taskaff.cli.run import run
from taskaff.core.errors import UsageError
from taskaff.stages.report import payload
from taskaff.stages.report.explain import explain


def probed():
    pairs = [pair("a", "b", "positive", leaked=3.0), pair("b", "a", "negative", at_cap=2)]
    return payload(probe("ab", pairs))


def test_a_probe_is_explained_with_commands():
    told = "\n".join(explain(probed()))
    assert "a: add it. Helps b (+1.5 [+1.0, +2.0] points accuracy" in told
    assert "b: keep it apart. Hurts a (" in told
    assert "Run next:\n  taskaff probe a.csv b.csv --shares" in told
    assert "With all rows of the targets:\n  taskaff probe a.csv b.csv --target-rows all" in told


@pytest.mark.parametrize("words", [("b->a",), ("b → a",), ("b", "a"), (" b -> a",)])
def test_a_pair_is_named_in_any_way(words):
    told = "\n".join(explain(probed(), words))
    assert told.startswith("b → a, recipe turns, 50% of the updates: hurts; −2.0 [")  # noqa: RUF001
    assert "In 2 seeds a run still improved at its cap" in told
    assert "a → b" not in told


def test_a_name_may_hold_an_arrow():
    document = payload(probe(("x->y", "z"), [pair("x->y", "z", "neutral")]))
    assert explain(document, ("x->y",))[0].startswith("x->y: no difference.")
    assert explain(document, ("x->y->z",))[0].startswith("x->y → z, recipe turns")


def test_scores_are_explained_with_the_probe_to_run():
    document = payload(replace(scored(("a", "b")), arguments=("a.csv", "b.csv")))
    told = "\n".join(explain(document, ("a", "b")))
    assert told.startswith("a added to b: undecided, since scores alone do not tell")
    assert "source_gain is" in told
    assert told.endswith("Run next:\n  taskaff probe a.csv b.csv")


def test_findings_of_a_check_are_explained():
    finding = {
        "rule": "overlap",
        "candidate": "a",
        "task": "b",
        "direction": "a -> b",
        "level": "failed",
        "value": 0.2,
        "threshold": 0.01,
        "reason": "20% of the rows",
        "hint": "taskaff inspect a.csv",
        "waiver": "",
    }
    document = {
        "kind": "check",
        "candidates": [{"name": "a"}],
        "mix": [{"name": "b"}],
        "findings": [finding],
        "predictions": [],
    }
    told = "\n".join(explain(document, ("a", "b")))
    assert told.startswith("overlap of a -> b failed. 20% of the rows. The limit is 0.01.")
    assert told.endswith("  taskaff inspect a.csv")
    assert "nothing to say" not in told
    assert explain(document, ("b", "a")) == ["No rule has anything to say about it."]


@pytest.mark.parametrize(
    ("document", "words", "found"),
    [
        ([], (), "no result of taskaff"),
        ({"kind": "inspect"}, (), "kind 'inspect'"),
        ({"kind": "probe"}, ("a",), "unknown data set 'a'"),
        ({"kind": "probe", "tasks": [{"name": "a"}], "answers": [{}]}, (), "not as taskaff writes"),
        ({"kind": "score", "tasks": [{"name": "a"}]}, ("a", "a"), "no pair"),
        ({"kind": "score"}, ("a", "b", "c"), "two names"),
    ],
)
def test_what_is_no_result_is_refused(document, words, found):
    with pytest.raises(UsageError, match=found):
        explain(document, words)


def test_a_file_that_is_no_json_is_exit_code_2(tmp_path, capsys):
    file = tmp_path / "r.json"
    file.write_text("not json")
    for path in (file, tmp_path / "none.json"):
        assert run(["explain", str(path)]) == 2
        assert "hint: taskaff score, probe or check with -o RESULT.json" in capsys.readouterr().err


def test_foreign_names_are_escaped_and_commands_stay_on_their_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    result = probe(("a", "\x1b[31m"), [pair("a", "\x1b[31m", "negative")], arguments=("x" * 90,))
    file = tmp_path / "r.json"
    file.write_text(json.dumps(payload(result)))
    assert run(["explain", str(file)]) == 0
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert f"  taskaff probe {'x' * 90} --shares\n" in text
    plain = [line for line in text.splitlines() if not line.startswith("  ")]
    assert max(map(len, plain)) <= 60
