"""Every command that the gate proposes runs as printed, on what ``taskaff init`` writes.

Predictions and what a probe measures are made up here; reading, options, limits and files are real.
"""

from __future__ import annotations

import csv
import json
import random
import re
import shlex
from dataclasses import replace

import pytest
from stages.gate._evidence import REASONS, probed

from taskaff.core.records.estimate import Estimate
from taskaff.core.records.prediction import Prediction

WORDS = ["good", "bad", "film", "book", "long", "short", "story", "how", "many", "the", "river"]
PROPOSED = re.compile(r": (taskaff \S.*)$")
CONCAT = ("--config", "check.recipe=concat")
PROBE = ("--probe",)


def write(path, rows, rng, header=("text", "label")):
    texts = dict.fromkeys(" ".join(rng.choices(WORDS, k=5)) for _ in range(3 * rows))
    labelled = [(text, rng.choice("ab")) for text in list(texts)[:rows]]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *labelled])


@pytest.fixture
def world(tmp_path, monkeypatch, direct):
    """``world(harm=..., measured=...)`` makes up what is predicted and measured from now on."""
    rng = random.Random(1)
    for name, rows in {"old": 80, "new": 80, "small": 20}.items():
        write(tmp_path / f"{name}.csv", rows, rng)
    (tmp_path / "copy.csv").write_bytes((tmp_path / "old.csv").read_bytes())
    write(tmp_path / "away one.csv", 80, rng, ("phrase", "stars"))
    monkeypatch.setenv("GITHUB_ACTIONS", "")
    made = {"harm": 0.1, "measured": (0.0, -0.01, 0.01), "changes": {}, "gain": {}}

    def predict(result, setup, settings, *, pairs):
        names = [(result.names[s], result.names[t]) for s, t in pairs]
        p, gain = made["harm"], Estimate(0.0, -0.1, 0.1)
        rest = settings.margin, 0.9, "inconclusive", REASONS
        return tuple(Prediction(s, t, gain, p, 1 - p, *rest) for s, t in names)

    def probe(sources, settings, training, mode, progress=None):
        names = [source.name for source in sources]
        result = probed(names[-1], **dict.fromkeys(names, made["measured"]))
        pairs = [replace(p, gain=replace(p.gain, **made["gain"])) for p in result.pairs]
        return replace(result, pairs=tuple(pairs), settings=training, **made["changes"])

    monkeypatch.setattr("taskaff.pipeline.prediction.predict", predict)
    monkeypatch.setattr("taskaff.pipeline.check.probe", probe)
    arguments = ("init", "--mix", "old.csv", "new.csv", "small.csv")
    assert direct(*arguments).returncode == 0
    return made.update


def proposed(done):
    """The commands in the hints of a result and in that of an error."""
    findings = json.loads(done.stdout)["findings"] if done.stdout else []
    hints = [finding["hint"] for finding in findings]
    hints += [line for line in done.stderr.splitlines() if line.startswith("hint: ")]
    return list(dict.fromkeys(found[1] for hint in hints if (found := PROPOSED.search(hint))))


CASES = {
    # name: (what is made up, arguments, what the commands propose)
    "another recipe": ({}, ("new",), ["check new --probe --budget 5m"]),
    "predicted harm": ({"harm": 0.9}, ("new", *CONCAT), ["--probe --budget 5m"]),
    "near the limit": ({"harm": 0.75}, ("new", *CONCAT), ["--probe --budget 5m"]),
    "a warning": ({"harm": 0.6}, ("new", *CONCAT), ["--probe --budget 5m"]),
    "few rows": ({}, ("small",), ["--config check.min_rows=20"]),
    "measured harm": (
        {"measured": (0.5, 0.4, 0.6)},
        ("new", *PROBE),
        ["--probe --config check.recipe=share=0.1"],
    ),
    "a wide interval": ({"measured": (0.0, -0.5, 0.5)}, ("new", *PROBE), ["--probe --seeds 40"]),
    "out of time": (
        {"measured": (0.0, -0.5, 0.5), "changes": {"finished": False}},
        ("new", *PROBE),
        ["--probe --budget 30m"],
    ),
    "too few held-out rows": (
        {"measured": (0.0, -0.5, 0.5), "gain": {"fixed": 0.3}},
        ("new", *PROBE),
        ["check.max_loss_increase=0.51", "check.newcomer_max_loss_increase=0.51"],
    ),
    "shared rows of a path": ({}, ("copy.csv",), ["taskaff overlap old copy.csv -o shared.csv"]),
    "a path that is not declared": (
        {},
        ("away one.csv", "--text", "phrase", "--label", "stars"),
        ["check 'away one.csv' --text phrase --label stars --probe --budget 5m"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_command_runs_as_printed(world, direct, name):
    made, arguments, expected = CASES[name]
    world(made)
    commands = proposed(direct("check", *arguments, "--json"))
    for part in expected:
        assert any(part in command for command in commands), commands
    for command in commands:
        done = direct(*shlex.split(command)[1:])
        assert done.returncode in (0, 1, 3), (command, done.stderr)
        assert done.stdout


@pytest.mark.parametrize(
    ("arguments", "limit"),
    [
        (("new", *PROBE), "overlap = { fail = 0.01 }"),
        (("new",), "max_loss_increase = 0.1"),
    ],
)
def test_a_command_of_an_error_runs_as_printed(world, direct, tmp_path, arguments, limit):
    file = tmp_path / "taskaff.toml"
    before, _, _ = file.read_text(encoding="utf-8").partition("[check]")
    file.write_text(f"{before}[check]\n{limit}\n", encoding="utf-8")
    done = direct("check", *arguments)
    assert done.returncode == 2
    [command] = proposed(done)
    assert direct(*shlex.split(command)[1:]).returncode in (0, 1, 3)


def test_the_commands_about_a_baseline_run_as_printed(world, direct, tmp_path):
    [none] = proposed(direct("check", "new", "--baseline", "no such.json"))
    assert direct(*shlex.split(none)[1:]).returncode in (0, 3)
    assert (tmp_path / "no such.json").is_file()
    assert direct("check", "new", *CONCAT, "--write-baseline").returncode == 0
    world({"harm": 0.4})
    [worse] = [c for c in proposed(direct("check", "new", *CONCAT, "--json")) if "base" in c]
    assert worse == "taskaff check new --config check.recipe=concat --write-baseline"
    lock = tmp_path / "taskaff.lock.json"
    before = lock.read_text()
    assert direct(*shlex.split(worse)[1:]).returncode == 0
    assert lock.read_text() != before
    write(tmp_path / "old.csv", 90, random.Random(2))
    anew = [c for c in proposed(direct("check", "new", "--json")) if "base" in c]
    assert anew == ["taskaff check new --write-baseline"]
    assert direct(*shlex.split(anew[0])[1:]).returncode == 3
    lock.write_text("<<<<<<< HEAD\n")
    [corrupt] = proposed(direct("check", "new"))
    assert corrupt.endswith("--write-baseline --force")
    assert direct(*shlex.split(corrupt)[1:]).returncode == 3


def test_numbers_that_would_be_lost_are_kept_by_the_command_that_is_printed(
    world, direct, tmp_path
):
    assert direct("check", "new", "small", *CONCAT, "--write-baseline").returncode == 3
    write(tmp_path / "old.csv", 90, random.Random(2))
    lock = tmp_path / "taskaff.lock.json"
    before = lock.read_text()
    done = direct("check", "new", "--write-baseline", "--json")
    assert done.returncode == 2
    assert "numbers of small would be lost" in done.stderr
    assert lock.read_text() == before
    [command] = [line for line in proposed(done) if "baseline" in line]
    assert direct(*shlex.split(command)[1:]).returncode == 3
    assert set(json.loads(lock.read_text())["candidates"]) == {"new", "small"}


def test_a_probe_of_signatures_is_not_proposed_without_saying_so(world, direct, tmp_path):
    assert direct("profile", "old.csv", "-o", "mix.taskaff", "-q").returncode == 0
    file = tmp_path / "taskaff.toml"
    text = file.read_text(encoding="utf-8").replace("old.csv", "mix.taskaff")
    file.write_text(text, encoding="utf-8")
    done = direct("check", "new", "--json")
    [hint] = {f["hint"] for f in json.loads(done.stdout)["findings"] if f["hint"]}
    assert "where the rows of old are, in place of the signature: taskaff check new" in hint
