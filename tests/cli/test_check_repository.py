"""The gate in a sample repository: real data, the shipped predictor, a process of its own."""

from __future__ import annotations

import json

import pytest
from cli import _sample_repository as sample
from stages.report._formats import check_annotations, check_junit, check_sarif

CODES = {"series": 0, "topics": 1, "copied": 1, "tiny": 3, "broken": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("repository")
    sample.write(where)
    return where


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """One cache for all processes: the predictor is fitted once."""
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def gate(cli, folder, cache):
    def run(*arguments, **variables):
        environment = {"TASKAFF_CACHE_DIR": cache, "GITHUB_ACTIONS": "", **variables}
        return cli("check", *arguments, real=True, folder=folder, environment=environment)

    return run


@pytest.mark.parametrize("name", CODES)
def test_a_candidate_has_its_exit_code_and_valid_files(gate, folder, name):
    done = gate(name, "-o", "r.xml", "-o", "r.sarif", "-o", "r.json", GITHUB_ACTIONS="true")
    assert done.returncode == CODES[name], done.stdout + done.stderr
    if name == "broken":
        assert done.stdout == ""
        assert "broken.csv" in done.stderr
        assert "\nhint: " in done.stderr
        return
    check_annotations(done.stderr)
    check_junit((folder / "r.xml").read_text(encoding="utf-8"))
    check_sarif(json.loads((folder / "r.sarif").read_text(encoding="utf-8")))
    document = json.loads((folder / "r.json").read_text(encoding="utf-8"))
    assert [each["name"] for each in document["candidates"]] == [name]
    rules = {f["rule"] for f in document["findings"] if f["level"] in ("failed", "inconclusive")}
    expected = {
        "series": set(),
        "topics": {"probability_negative"},
        "copied": {"overlap"},
        "tiny": {"min_rows"},
    }
    assert rules == expected[name]


@pytest.mark.slow
@pytest.mark.parametrize("width", [80, 120])
def test_a_process_begins_with_answers_that_fit_the_width(gate, width):
    done = gate("series", "topics", "copied", "tiny", COLUMNS=str(width))
    answers, _, rest = done.stdout.partition("\n\n")
    assert all(len(line) <= width for line in answers.splitlines())
    for name, answer in (("topics", "keep it apart"), ("copied", "keep it apart")):
        assert f"\n{name}: {answer}; " in f"\n{answers}"
    assert "\ntiny: undecided; " in answers
    assert "\nseries: " in answers
    assert "\nnext" in rest


@pytest.mark.slow
def test_broken_comes_before_failed_before_inconclusive(gate):
    assert gate("series", "tiny", "-q").returncode == 3
    assert gate("tiny", "topics", "series", "-q").returncode == 1
    assert gate("tiny", "topics", "broken", "-q", "--exit-zero").returncode == 2


@pytest.mark.slow
def test_signatures_of_the_mix_give_the_same_findings(gate, cli, folder, cache):
    rows = json.loads(gate("series", "topics", "--json").stdout)
    for name in sample.MIX:
        arguments = ("profile", f"{name}.csv", "-o", f"{name}.taskaff", "-q")
        made = cli(*arguments, real=True, folder=folder, environment={"TASKAFF_CACHE_DIR": cache})
        assert made.returncode == 0, made.stderr
    sample.configure(folder, ".taskaff")
    try:
        stored = gate("series", "topics", "--json")
        needs_rows = gate("series", "--probe")
    finally:
        sample.configure(folder, ".csv")
    assert stored.returncode == 1
    # What to do next differs: a probe needs the rows, wherever they are.
    found, expected = (
        [{**finding, "hint": ""} for finding in document["findings"]]
        for document in (json.loads(stored.stdout), rows)
    )
    assert found == expected
    assert needs_rows.returncode == 2
    assert "is a signature, which holds no rows" in needs_rows.stderr


@pytest.mark.slow
def test_the_probe_decides_on_what_it_measures(gate):
    done = gate("series", "--probe", "--seeds", "3", "--config", "probe.updates=300", "--json")
    assert done.returncode in (0, 3), done.stderr
    document = json.loads(done.stdout)
    measured = [f for f in document["findings"] if f["rule"] == "max_loss_increase"]
    assert {f["task"] for f in measured} == set(sample.MIX)
    assert all(f["value"] is not None for f in measured)
    assert {m["candidate"] for m in document["measured"]} == {"series"}
    assert not [f for f in document["findings"] if f["rule"] == "probability_negative"]
