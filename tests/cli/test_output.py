"""Where results go: standard output, files in one piece, colours, the verdict."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from taskaff.cli import files
from taskaff.cli.progress import ProgressBar, expected, spoken
from taskaff.core.errors import ReportError
from taskaff.core.records.probe import Forecast


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_json_is_the_whole_of_standard_output(quick):
    done = quick("score", "pass", "fail", "--json", "--fail-under", "covariance_alignment=0.5")
    assert json.loads(done.stdout)["schema_version"]
    assert done.stderr.splitlines() == [
        "failed: fail_under.covariance_alignment of pass and fail: covariance_alignment 0.2000 "
        "[0.1000, 0.3000] is below 0.5",
        "failed: 1 failed of 1 checks",
    ]


def test_every_file_in_the_format_of_its_suffix(quick, tmp_path):
    files = ["r.json", "r.md", "r.csv", "r.jsonl", "r.txt", "upper.JSON"]
    targets = [part for name in files for part in ("-o", name)]
    done = quick("score", "pass", "fail", "-v", *targets)
    assert (done.returncode, done.stderr) == (0, "")
    assert names(tmp_path) == sorted(files)
    assert json.loads((tmp_path / "r.json").read_text()) == json.loads(
        (tmp_path / "upper.JSON").read_text()
    )
    assert (tmp_path / "r.txt").read_text() == done.stdout


@pytest.mark.parametrize(
    "target", ["r.xyz", "r", "missing/r.json", ".", "r.json -o r.json", "pass.csv"]
)
def test_a_bad_target_is_refused_before_any_work(quick, tmp_path, target):
    (tmp_path / "pass.csv").write_text("text\na\n")
    done = quick("score", "pass.csv", "crash", "-o", *target.split())
    assert done.returncode == 2
    assert done.stderr.startswith("error: usage: -o")
    assert names(tmp_path) == ["pass.csv"]


@pytest.mark.parametrize("source", ["shards/a.csv", "shards", "shards/*.csv", "./shards/../shards"])
def test_no_shard_of_an_input_is_overwritten(quick, tmp_path, source):
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "a.csv").write_text("text\na\n")
    done = quick("score", source, "crash", "-o", "shards/a.csv")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "error: usage: -o shards/a.csv would overwrite an input",
    )
    assert quick("score", source, "pass", "-o", "shards/new.json").returncode == 0
    assert quick("score", source, "pass", "-o", "shards/new.json").returncode == 0


@pytest.mark.parametrize("source", ["bad", "crash", "interrupt"])
def test_nothing_is_written_when_anything_fails(cli, tmp_path, source):
    (tmp_path / "old.json").write_text("old")
    done = cli("score", "pass", source, "-o", "old.json", "-o", "new.md")
    assert done.returncode in (2, 130)
    assert names(tmp_path) == ["old.json"]
    assert (tmp_path / "old.json").read_text() == "old"


def test_no_file_changes_when_one_of_them_cannot_be_rendered(quick, tmp_path, monkeypatch):
    from taskaff.stages import report

    def pieces(result, format, options=None):
        yield "half"
        if format == "markdown":
            raise ZeroDivisionError

    monkeypatch.setattr(report, "pieces", pieces)
    done = quick("score", "pass", "pass", "-o", "a.json", "-o", "b.md")
    assert done.returncode == 2
    assert names(tmp_path) == []


def test_a_failed_gate_still_writes_the_files(quick, tmp_path):
    done = quick("score", "pass", "fail", "-o", "a.json", "--fail-under", "source_gain=0.5")
    assert done.returncode == 1
    assert names(tmp_path) == ["a.json"]


def test_a_symbolic_link_stays_one(quick, tmp_path):
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to("real.json")
    assert quick("score", "pass", "pass", "-o", "link.json").returncode == 0
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_text().startswith("{")


def test_a_write_that_breaks_off_leaves_the_old_file(tmp_path):
    target = tmp_path / "a.json"
    target.write_text("old")

    def pieces():
        yield "new"
        raise OSError(28, "No space left on device")

    with pytest.raises(ReportError, match="No space left"), files.whole_file(target) as path:
        files.write_text(path, pieces())
    assert names(tmp_path) == ["a.json"]
    assert target.read_text() == "old"


def test_permissions_are_those_of_any_new_file(tmp_path):
    with files.whole_file(tmp_path / "a.json") as path:
        files.write_text(path, ["x"])
    plain = tmp_path / "plain"
    plain.write_text("x")
    assert (tmp_path / "a.json").stat().st_mode == plain.stat().st_mode


def test_quiet_prints_only_the_verdict(quick):
    done = quick("score", "pass", "fail", "-q", "--fail-under", "covariance_alignment=0.5")
    assert (done.stdout, done.stderr) == ("failed: 1 failed of 1 checks\n", "")
    answers = quick("score", "pass", "fail", "-q").stdout.splitlines()
    assert [line.partition(";")[0] for line in answers] == ["pass: undecided", "fail: undecided"]


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colours(quick, monkeypatch, variables, coloured):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    done = quick("score", "pass", "fail", "-o", "r.txt")
    assert ("\x1b[" in done.stdout) == coloured
    assert "\x1b[" not in Path("r.txt").read_text()


def test_an_ascii_terminal_is_no_error(cli):
    environment = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = cli("score", "pass", "é=pass", environment=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()


def test_progress_is_silent_without_a_terminal(quick):
    assert quick("score", "pass", "pass").stderr == ""


class Terminal:
    """Standard error that says that it is a terminal."""

    def __init__(self):
        self.text = ""
        self.encoding = "utf-8"

    def isatty(self):
        return True

    def write(self, text):
        self.text += text

    def flush(self):
        pass


@pytest.mark.parametrize(("patience", "shown"), [(0.0, True), (60.0, False)])
def test_a_bar_only_for_what_takes_long(monkeypatch, patience, shown):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("taskaff.cli.progress.PATIENCE", patience)
    monkeypatch.setenv("TERM", "xterm")
    with ProgressBar() as progress:
        progress("embed", "re[red]views\x1b[2J", 1, 10)
        if shown:
            progress._timer.join()
        progress("embed", "other", 2, None)
    assert ("re[red]views" in terminal.text) == shown
    assert "\x1b[2J" not in terminal.text
    assert bool(terminal.text) == shown


def test_quiet_shows_no_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with ProgressBar(quiet=True) as progress:
        progress("embed", "a", 1, 10)
    assert not progress.enabled
    assert sys.stderr.text == ""


def test_folder_that_cannot_be_written(quick, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (tmp_path / "locked").mkdir(mode=0o500)
    assert quick("score", "crash", "b", "-o", "locked/r.json").returncode == 2


def test_the_expected_time_is_told_on_a_terminal_unless_quiet(monkeypatch):
    told = Forecast(40.4, 5, 200.0, 20)
    line = (
        "training takes about 40 s with 5 seeds, and up to 3 min with 20, if verdicts stay open\n"
    )
    for terminal, quiet, shown in ((True, False, line), (True, True, ""), (False, False, "")):
        stream = Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setattr(stream, "isatty", lambda terminal=terminal: terminal)
        with ProgressBar(quiet) as progress:
            progress.expect(told)
        assert stream.text == shown


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (59.6, "60 s"), (240, "4 min"), (5399, "90 min"), (9000, "2.5 h")],
)
def test_a_time_has_as_many_digits_as_a_forecast(seconds, text):
    assert spoken(seconds) == text
    assert expected(Forecast(seconds, 3, seconds, 3)) == f"training takes about {text}"
