"""``taskaff probe`` from the command line to what it prints, on the example data that ships."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import jsonschema
import numpy as np
import pytest
from paths import EXAMPLES

from taskaff.cli.settings import probe_settings
from taskaff.core.config import Config, load, override
from taskaff.pipeline import gate_inputs

FILMS, BOOKS, QUESTIONS = (EXAMPLES / f"{name}.csv" for name in ("films", "books", "questions"))
QUICK = ("--recipe", "turns", "--updates", "40", "--seeds", "2")
TARGET = "synthetic:linear?task=1&rows=200&d=20"
SOURCE = "synthetic:linear?task=2&rows=200&d=20"


def document(done):
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    del found["timings"]
    return found


def test_json_is_what_the_schema_says_and_repeats_itself(direct):
    arguments = ("probe", FILMS, BOOKS, QUESTIONS, *QUICK, "--json")
    first = document(direct(*arguments))
    schema = json.loads(direct("schema", "result").stdout)
    jsonschema.validate({**first, "timings": {}}, schema)
    assert document(direct(*arguments, "--cache", "off")) == first
    assert (first["kind"], first["finished"]) == ("probe", True)
    ways = [(pair["source"], pair["target"]) for pair in first["pairs"]]
    names = ("films", "books", "questions")
    assert sorted(ways) == sorted((a, b) for a in names for b in names if a != b)
    assert all(pair["gain"]["n"] == 2 for pair in first["pairs"])
    assert first["settings"]["updates"] == 40


@pytest.mark.slow
def test_two_processes_print_the_same_bytes_but_the_timings(cli):
    arguments = ("probe", FILMS, BOOKS, *QUICK, "--json")
    printed = [cli(*arguments, real=True) for _ in range(2)]
    assert [done.returncode for done in printed] == [0, 0], printed[0].stderr
    assert [done.stderr for done in printed] == ["", ""]
    lines = [
        [line for line in done.stdout.splitlines() if '"timings"' not in line] for done in printed
    ]
    assert lines[0] == lines[1]


def test_every_format_and_picture_in_one_run(direct, tmp_path):
    names = ["r.json", "r.jsonl", "r.csv", "r.md", "r.txt", "r.png", "r.svg"]
    files = [argument for name in names for argument in ("-o", name)]
    done = direct("probe", FILMS, BOOKS, *QUICK, "-v", *files)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("films: ")
    for word in ("films → books", "accuracy gain", "recipe turns: ", "2 seeds", "r = 16"):
        assert word in done.stdout
    assert (tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "r.svg").read_bytes()
    assert len(list(csv.DictReader(io.StringIO((tmp_path / "r.csv").read_text())))) == 2
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == 2
    assert "films → books" in (tmp_path / "r.md").read_text()


def test_a_score_is_not_drawn(direct):
    done = direct("score", FILMS, BOOKS, "-o", "r.png")
    assert done.returncode == 2
    assert "no format has the suffix '.png'" in done.stderr


ENDS = ("source", "target", "arm", "against", "recipe", "verdict")


@pytest.mark.parametrize("more", [(), ("--controls",), ("--align",), ("--transference",)])
def test_only_pairs_into_the_targets(direct, more):
    words = ("probe", FILMS, BOOKS, QUESTIONS, *QUICK, "--json", "--no-predict", *more)
    found = document(direct(*words, "--targets", "books"))
    whole = document(direct(*words))
    assert found["settings"]["targets"] == ["books"]
    expected = [pair for pair in whole["pairs"] if pair["target"] == "books"]
    for one, other in zip(found["pairs"], expected, strict=True):
        assert [one[k] for k in ENDS] == [other[k] for k in ENDS]
        assert one["gain"]["value"] == pytest.approx(other["gain"]["value"], abs=1e-4)
    assert found["runs"] < whole["runs"]


def test_targets_that_are_not_there(direct):
    done = direct("probe", FILMS, BOOKS, *QUICK, "--targets", "book")
    assert done.returncode == 2
    assert "unknown target 'book'" in done.stderr
    assert "did you mean 'books'?" in done.stderr
    done = direct("probe", FILMS, BOOKS, *QUICK, "--targets", "books", "--mode", "mix")
    assert done.returncode == 2
    assert "--targets means nothing here: every task is a target with --mode mix" in done.stderr


def test_quiet_prints_an_answer_a_line(direct):
    done = direct("probe", FILMS, BOOKS, *QUICK, "-q")
    assert done.returncode == 0
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["films", "books"]


def test_synthetic_tasks(direct):
    found = document(direct("probe", f"a={TARGET}", SOURCE, *QUICK, "--json"))
    assert [task["name"] for task in found["tasks"]] == ["a", "linear-2"]
    assert found["pairs"][0]["metric"] == "spearman"


def test_capacity_sweep(direct):
    found = document(direct("probe", TARGET, SOURCE, *QUICK, "--capacity", "1,2", "--json"))
    assert (found["mode"], found["pairs"]) == ("capacity", [])
    assert [point["r"] for point in found["capacity"][0]["curve"]] == [1, 2]
    done = direct("probe", TARGET, SOURCE, *QUICK, "--capacity", "1,2", "-o", "c.svg", "-f", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {row["model"] for row in rows} == {"all", "linear-1", "linear-2"}
    table = direct("probe", TARGET, SOURCE, *QUICK, "--capacity", "1,2", "-v").stdout
    assert table.startswith("all data sets together need r = ")
    assert "all together" in table


def test_the_configuration_names_data_sets_and_settings(direct, tmp_path):
    assert direct("init", FILMS, BOOKS).returncode == 0
    with (tmp_path / "taskaff.toml").open("a") as file:
        file.write('\n[probe]\nupdates = 40\nseeds = 2\nmargin = "5%"\n')
    found = document(direct("probe", "--json"))
    assert [task["name"] for task in found["tasks"]] == ["films", "books"]
    chosen = found["settings"]
    assert (chosen["updates"], chosen["margin"], chosen["margin_unit"]) == (40, 0.05, "relative")
    assert document(direct("probe", "--updates", "50", "--json"))["settings"]["updates"] == 50


def test_a_synthetic_task_of_the_configuration_is_no_path(tmp_path):
    file = tmp_path / "taskaff.toml"
    file.write_text(f'[datasets.a]\npath = "{TARGET}"\n')
    assert load(file).datasets["a"].path == TARGET


# ------------------------------------------------------------------- bad input


def refused(done, *words):
    assert done.returncode == 2, done.stdout
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert "\nhint: " in done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_one_data_set(direct):
    refused(direct("probe", FILMS), "two data sets")
    refused(direct("probe"), "not 0")


def test_a_signature_has_no_rows(direct):
    assert direct("profile", FILMS, "-q").returncode == 0
    refused(direct("probe", "films.taskaff", BOOKS), "signature", "no rows")


def test_labels_are_needed(direct, tmp_path):
    (tmp_path / "bare.csv").write_text("text\n" + "a film\nand a book\n" * 30)
    refused(direct("probe", "bare.csv", BOOKS), "bare", "no labels", "--label")


def test_one_class(direct, tmp_path):
    rows = "".join(f"word number {n} film,good\n" for n in range(60))
    (tmp_path / "one.csv").write_text("text,label\n" + rows)
    refused(direct("probe", "one.csv", BOOKS), "one", "label")


def test_too_few_rows(direct, tmp_path):
    (tmp_path / "few.csv").write_text("text,label\na film,1\na book,0\n")
    refused(direct("probe", "few.csv", BOOKS), "few", "rows")


def vectors(path, width, rows=60):
    generator = np.random.default_rng(width)
    X = generator.normal(size=(rows, width)).astype(np.float32)
    np.savez(path, X=X, y=(X[:, 0] > 0).astype(np.int64))
    return path


def test_different_widths(direct, tmp_path):
    narrow, wide = vectors(tmp_path / "a.npz", 3), vectors(tmp_path / "b.npz", 5)
    refused(direct("probe", narrow, wide), "5 dimensions", "(3)")
    refused(direct("probe", FILMS, wide), "glove")


@pytest.mark.parametrize(
    "options",
    [
        ("--budget", "soon"),
        ("--margin", "-1"),
        ("--capacity", "0"),
        ("--recipe", "often"),
        ("-o", "x.pdf"),
        ("--device", "abacus"),
    ],
)
def test_bad_options(direct, tmp_path, options):
    done = direct("probe", TARGET, SOURCE, *QUICK, *options)
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr


@pytest.mark.parametrize(
    ("text", "margin", "unit"), [("0.01", 0.01, "loss"), ("2%", 0.02, "relative"), ("0", 0, "loss")]
)
def test_margins(text, margin, unit):
    settings = probe_settings(load(None, [override(f"probe.margin={text}")]))
    assert (settings.margin, settings.margin_unit) == (margin, unit)


@pytest.mark.parametrize(("text", "seconds"), [("60s", 60), ("5m", 300), ("1h", 3600), ("7", 7)])
def test_budgets(text, seconds):
    assert probe_settings(load(None, [override(f"probe.budget={text}")])).budget == seconds
    assert probe_settings(Config()).budget is None


# ---------------------------------------------------------------- interruption

INTERRUPT = """
import os, signal, sys
from taskaff.pipeline import probe as pipeline_probe
probe = pipeline_probe.probe
def interrupted(sources, settings, chosen, mode, progress, *more, **named):
    def told(stage, task, done, total):
        if stage == sys.argv[1] and 3 * done >= total:
            os.kill(os.getpid(), signal.SIGINT)
    return probe(sources, settings, chosen, mode, told, *more, **named)
pipeline_probe.probe = interrupted
import taskaff.stages.probe.budget as budget
budget.RUNS = 1  # one call a seed
from taskaff.cli.run import run
sys.exit(run(sys.argv[2:]))
"""


def interrupted(stage, folder, environment):
    arguments = ["probe", str(FILMS), str(BOOKS), "--updates", "20", "--seeds", "9", "--json"]
    arguments += ["--no-predict"]
    return subprocess.run(
        [sys.executable, "-c", INTERRUPT, stage, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        check=False,
    )


def test_an_interruption_before_training_leaves_nothing(tmp_path, clean_environment):
    done = interrupted("embed", tmp_path, clean_environment)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_an_interruption_during_training_prints_what_is_known(tmp_path, clean_environment):
    done = interrupted("train", tmp_path, clean_environment)
    assert (done.returncode, done.stderr) == (130, "interrupted: this is what was known\n")
    found = json.loads(done.stdout)
    assert found["finished"] is False
    seeds = len(found["settings"]["seeds"])
    assert 0 < seeds < 9
    assert all(len(pair["seeds"]) == seeds for pair in found["pairs"])
    assert "interrupted" in " ".join(found["notes"])


def test_the_gate_measures_a_mix_whatever_targets_are_configured():
    chosen = probe_settings(load(None, [override('probe.targets=["films"]')]))
    assert chosen.targets == ("films",)
    assert gate_inputs.probe_share(chosen, "turns", 2).targets == ()
