"""The steps of the composite action, run as a runner runs them; the hook definition."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from paths import EXAMPLES, ROOT
from stages.report._formats import check_annotations, check_junit

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
TOML = """
[datasets.films]
path = "films.csv"
[mix]
datasets = ["films"]
[check]
overlap = { fail = 0.01 }
"""


def evaluate(text, inputs):
    """``${{ inputs.NAME }}`` of an environment, which is all that the action may use."""
    return re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda m: inputs[m[1]], text)


@pytest.fixture
def step(tmp_path, clean_environment):
    """``step(candidates=...)`` runs the step that checks; ``NAME=VALUE`` lines come back."""
    for file in EXAMPLES.glob("*.csv"):
        shutil.copy(file, tmp_path)
    (tmp_path / "taskaff.toml").write_text(TOML, encoding="utf-8")
    output, summary = tmp_path / "output", tmp_path / "summary"

    def run(**given):
        inputs = {name: str(each.get("default", "")) for name, each in ACTION["inputs"].items()}
        inputs |= given
        [found] = [each for each in ACTION["runs"]["steps"] if each.get("id") == "check"]
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        variables = {name: evaluate(text, inputs) for name, text in found["env"].items()}
        runner = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            "RUNNER_TEMP": str(tmp_path),
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", found["run"]],
            cwd=tmp_path / inputs["working-directory"],
            env={**clean_environment, **runner, **variables, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        lines = output.read_text(encoding="utf-8").splitlines()
        return done, dict(line.split("=", 1) for line in lines)

    run.folder = tmp_path
    return run


def test_inputs_reach_a_shell_through_the_environment_alone():
    """An expression inside of a script would be a door for whoever names a data set."""
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"
        for text in step["env"].values():
            assert re.fullmatch(r"\$\{\{ inputs\.[a-z-]+ \}\}", text)
            assert re.findall(r"inputs\.([a-z-]+)", text)[0] in ACTION["inputs"]
    for output in ACTION["outputs"].values():
        assert re.fullmatch(r"\$\{\{ steps\.check\.outputs\.[a-z-]+ \}\}", output["value"])


def test_a_candidate_that_leaks_fails_the_step_with_everything_written(step):
    done, outputs = step(candidates="books.csv\nquestions=questions.csv\n", options="--explain\n")
    assert done.returncode == 1, done.stderr
    assert outputs == {"outcome": "failed", "exit-code": "1"}
    check_annotations(done.stderr)
    assert "overlap of books → films" in done.stdout
    assert "rule: rows that two data sets share" in done.stdout
    check_junit((step.folder / "taskaff-results" / "taskaff.xml").read_text(encoding="utf-8"))
    assert (step.folder / "taskaff-results" / "taskaff.sarif").is_file()
    assert "Task affinity: failed" in (step.folder / "summary").read_text(encoding="utf-8")


def test_a_good_candidate_passes_without_files(step):
    done, outputs = step(candidates="questions.csv", results="")
    assert (done.returncode, outputs["outcome"]) == (0, "passed"), done.stderr
    assert not (step.folder / "taskaff-results").exists()
    assert not list(step.folder.glob("taskaff-check-*"))


@pytest.mark.parametrize(
    "candidate", ["$(touch pwned)", "`touch pwned`", "x; touch pwned", "--config=x", "none.csv"]
)
def test_what_cannot_run_is_broken_and_runs_nothing(step, candidate):
    done, outputs = step(candidates=candidate, results="")
    assert done.returncode == 2
    assert outputs == {"outcome": "broken", "exit-code": "2"}
    assert not (step.folder / "pwned").exists()


def test_the_hook_runs_a_command_that_exists(cli):
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hook["entry"] == "taskaff check"
    assert hook["pass_filenames"] is False
    files = re.compile(hook["files"])
    for name in ("taskaff.toml", "data/new.csv", "mix/a.taskaff", "x/y.jsonl.gz"):
        assert files.search(name)
    for name in ("main.py", "README.md", "csv"):
        assert not files.search(name)
    done = cli(*hook["entry"].split()[1:], real=True)
    assert done.returncode == 2
    assert "there is no mix" in done.stderr
