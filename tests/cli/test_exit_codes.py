"""The exit-code contract, through real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

FAKE = Path(__file__).with_name("_fake_run.py")
UNDER = ("--fail-under", "covariance_alignment=0.5")

CASES = [
    # arguments, exit code
    (("--help",), 0),
    (("--version",), 0),
    (("score", "pass", "fail"), 0),  # a score informs; only the gate fails
    (("score", "pass", "pass", *UNDER), 0),
    (("score", "pass", "fail", *UNDER), 1),
    (("score", "pass", "straddle", *UNDER), 3),
    (("score", "pass", "undefined", *UNDER), 3),
    (("score", "straddle", "fail", "pass", *UNDER), 1),  # failed comes before inconclusive
    (("score", "pass", "straddle", *UNDER, "--inconclusive", "pass"), 0),
    (("score", "pass", "straddle", *UNDER, "--inconclusive", "fail"), 1),
    (("score", "pass", "fail", *UNDER, "--exit-zero"), 0),
    (("score", "pass", "straddle", *UNDER, "--exit-zero"), 0),
    (("score", "fail", "bad", *UNDER), 2),  # broken comes before failed
    (("score", "bad", "pass", "--exit-zero"), 2),
    (("score", "crash", "pass", "--exit-zero"), 2),
    (("score", "crash", "pass", "--debug"), 2),
    (("score", "eof", "pass"), 2),  # Typer calls an EOFError an abort
    (("score", "exit", "pass"), 2),
    (("score", "interrupt", "pass", "--exit-zero"), 130),
    (("score",), 2),  # nothing to check
    (("score", "a", "b", "--bogus"), 2),
    (("score", "a", "b", "--config", "embed.encodr=glove"), 2),
    (("scor", "a", "b"), 2),
    ((), 2),
]
QUICK = [
    (("score", "--help"), 0),
    (("score", "pass", "pass"), 0),
    (("score", "pass", "bare", *UNDER), 1),
    (("score", "fail", "straddle", "pass", *UNDER), 3),
    (("score", "pass", "fail", *UNDER, "--inconclusive", "pass"), 1),
    (("score", "fail", "pass", "--fail-under", "source_gain=0.5"), 1),  # directed: both ways
    (("score", "pass", "fail", "-q", *UNDER), 1),
    (("score", "pass", "fail", "--json", *UNDER), 1),
    (("score", "bad", "fail", *UNDER, "--inconclusive", "pass", "--exit-zero"), 2),
    (("score", "pass"), 2),
    (("score", "a", "b", "--fail-under", "covariance_alignment"), 2),
    (("score", "a", "b", "--fail-under", "covariance_alignment=nan"), 2),
    (("score", "a", "b", "--fail-under", "covariance_alignmen=1"), 2),
    (("score", "a", "b", *UNDER, *UNDER), 2),
    (("score", "a", "b", "--fail-under", "mean_shift=1"), 2),  # not in the result: nothing checked
    (("score", "a", "b", "--fail-under", "overlap=1", "--scores", "mean_shift"), 2),
    (("score", "a", "b", "--scores", "covariance"), 2),
    (("score", "a", "b", "--confidence", "2"), 2),
    (("score", "a", "b", "--confidence", "much"), 2),
    (("score", "a", "b", "--limit", "0"), 2),
    (("score", "a", "b", "--label-kind", "clases"), 2),
    (("score", "a", "b", "--capacities", "1,x"), 2),
    (("score", "a", "b", "-f", "jsn"), 2),
    (("score", "a", "b", "--json", "-f", "csv"), 2),
    (("score", "a", "b", "--config-file", "missing.toml"), 2),
    (("score", "-", "-", "--stdin-format", "csv"), 2),
    (("score", "-", "b"), 2),
    (("score", "a", "b", "--stdin-format", "csv"), 2),
    (("score", "a", "https://host/b.csv", "--offline"), 2),
    (("score", "a", "b", "--text", "x,,y"), 2),
    (("inspect", "bad"), 2),
    (("inspect", "pass"), 0),
    (("inspect",), 2),
    (("inspect", "a.taskaff"), 2),
    (("profile", "bad"), 2),
    (("profile", "pass", "-o", "out.npz"), 2),
    (("profile", "unwritable"), 2),
    (("merge", "one.taskaff", "-o", "c.taskaff"), 2),
    (("merge", "crash.taskaff", "b.taskaff", "-o", "c.taskaff"), 2),
    (("merge", "a.taskaff", "b.taskaff"), 2),
    (("vectors",), 2),
    (("cache",), 2),
    (("schema",), 2),
    (("schema", "result"), 0),
    (("schema", "config"), 0),
    (("cache", "dir"), 0),
    (("cache", "ls"), 0),
    (("cache", "prune"), 2),
    (("cache", "prune", "--max-size", "big"), 2),
    (("cache", "prune", "--all"), 0),
    (("cache", "verify"), 0),
    (("env",), 0),
    (("init",), 0),
]


def check(done, arguments, code):
    assert done.returncode == code, done.stderr
    assert ("Traceback" in done.stderr) == ("--debug" in arguments)
    if code == 2 and len(arguments) > 1:
        lines = done.stderr.splitlines()
        assert done.stdout == ""
        assert [line.startswith("error: ") for line in lines[-2:]] == [True, False], done.stderr
        assert lines[-1].startswith("hint: ")


@pytest.mark.parametrize(("arguments", "code"), CASES, ids=lambda x: str(x)[:70])
def test_exit_code_of_a_process(cli, arguments, code):
    check(cli(*arguments), arguments, code)


@pytest.mark.parametrize(("arguments", "code"), QUICK, ids=lambda x: str(x)[:70])
def test_exit_code(quick, arguments, code):
    check(quick(*arguments), arguments, code)


def test_only_the_gate_is_listed_with_exit_code_1():
    """The tables above are the contract: nothing without --fail-under may stand there with 1."""
    assert all("--fail-under" in arguments for arguments, code in CASES + QUICK if code == 1)


def test_ctrl_c_while_working(tmp_path, clean_environment):
    process = subprocess.Popen(
        [sys.executable, str(FAKE), "score", "slow", "pass", "-o", "out.json"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=clean_environment,
    )
    assert process.stderr.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130
    assert (out, err) == ("", "interrupted\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [("env",), ("--help",), ("schema", "result"), ("score", "pass", "pass"), ("--version",)],
)
def test_closed_standard_output_is_141(tmp_path, clean_environment, arguments):
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, str(FAKE), *arguments],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=clean_environment,
            check=False,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_files_are_written_though_nobody_reads_standard_output(tmp_path, clean_environment):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, str(FAKE), "score", "pass", "pass", "-o", "out.json"]
    done = subprocess.run(command, stdout=write, cwd=tmp_path, env=clean_environment, check=False)
    os.close(write)
    assert done.returncode == 141
    assert (tmp_path / "out.json").read_text().startswith("{")


def in_shell(folder, environment, arguments, redirection, start=FAKE):
    """The command line with streams that only a shell can make."""
    command = f'exec "{sys.executable}" {start} {arguments} {redirection}'
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


FULL = [
    # arguments, redirection, exit code
    ("schema result", ">/dev/full", 2),
    ("--help", ">/dev/full", 2),
    ("score --help", ">/dev/full", 2),
    ("--version", ">/dev/full", 2),
    ("score bad pass", "2>/dev/full", 2),
    ("score crash pass --debug", "2>/dev/full", 2),
    ("score pass pass", ">/dev/full 2>/dev/full", 2),
    ("score pass fail --fail-under covariance_alignment=0.5", "2>/dev/full", 2),
    ("score pass fail --fail-under covariance_alignment=0.5", ">/dev/full", 2),
    ("cache", "2>/dev/full", 2),
    ("score interrupt pass", "2>/dev/full", 130),
]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(("arguments", "redirection", "code"), FULL, ids=str)
def test_full_disk_behind_a_stream(tmp_path, clean_environment, arguments, redirection, code):
    done = in_shell(tmp_path, clean_environment, arguments, redirection)
    assert done.returncode == code
    if "2>" in redirection:
        assert done.stderr == ""
    else:
        assert done.stderr.startswith("error: report: standard output cannot be written: ")
        assert "hint: " in done.stderr


def test_a_closed_standard_input_is_named(tmp_path, clean_environment):
    arguments = "inspect - --stdin-format csv"
    done = in_shell(tmp_path, clean_environment, arguments, "<&-", start="-m taskaff")
    assert done.returncode == 2
    assert done.stderr.startswith("error: usage: -: standard input is closed")
    assert "hint: pipe the data in" in done.stderr


INTERRUPTING = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path, target=None):
        if name == os.environ["INTERRUPT_AT"]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
"""


@pytest.mark.parametrize("module", ["taskaff.cli", "taskaff.cli.run", "typer", "pyarrow"])
def test_ctrl_c_during_imports(tmp_path, clean_environment, module):
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTING)
    (tmp_path / "t.csv").write_text("text,label\na,b\n")
    search = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-m", "taskaff", "inspect", "t.csv"],
        env={**clean_environment, "PYTHONPATH": search, "INTERRUPT_AT": module},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr in ("interrupted\n", "")


@pytest.mark.parametrize(("redirection", "code"), [("2>&-", 2), (">&-", 2), (">&- 2>&-", 2)])
def test_closed_streams_leave_the_exit_code_alone(tmp_path, clean_environment, redirection, code):
    done = in_shell(tmp_path, clean_environment, "score bad pass", redirection)
    assert done.returncode == code
    assert done.stdout == ""
