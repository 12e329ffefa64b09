"""Files written whole: what a killed writer leaves, and who clears it up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from taskaff.core import files
from taskaff.core.files import read_text, remove_abandoned, whole_file

WRITER = """
import sys
from pathlib import Path
from taskaff.core.files import whole_file

with whole_file(Path(sys.argv[1])) as path:
    path.write_text("half")
    print(path.name, flush=True)
    sys.stdin.readline()
"""


def start_writer(target):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_takes_the_place_of_the_old_one_when_it_is_whole(tmp_path):
    target = tmp_path / "a.json"
    target.write_text("old")
    with whole_file(target) as path:
        path.write_text("new")
        assert target.read_text() == "old"
    assert (names(tmp_path), target.read_text()) == (["a.json"], "new")
    with pytest.raises(ZeroDivisionError), whole_file(target) as path:
        path.write_bytes(b"half" * (1 // 0))
    assert (names(tmp_path), target.read_text()) == (["a.json"], "new")


def test_what_a_killed_writer_leaves_goes_with_the_next_file_of_the_folder(tmp_path):
    with start_writer(tmp_path / "a.json") as process:
        left = process.stdout.readline().strip()
        assert names(tmp_path) == [left]
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert names(tmp_path) == [left]
    with whole_file(tmp_path / "b.json") as path:
        path.write_text("other")
    assert names(tmp_path) == ["b.json"]


def test_a_file_that_is_being_written_is_left_alone(tmp_path):
    with start_writer(tmp_path / "a.json") as process:
        left = process.stdout.readline().strip()
        remove_abandoned(tmp_path)
        with whole_file(tmp_path / "a.json") as path:
            path.write_text("first")
        assert names(tmp_path) == sorted([left, "a.json"])
        process.stdin.write("\n")
        process.stdin.close()
        assert process.wait() == 0
    assert (names(tmp_path), (tmp_path / "a.json").read_text()) == (["a.json"], "half")


def test_a_temporary_file_that_was_taken_for_abandoned_is_made_again(tmp_path, monkeypatch):
    calls, lock = [], files._lock

    def lock_late(handle):
        calls.append(handle)
        if len(calls) == 1:  # between opening and locking, somebody clears up
            for path in tmp_path.iterdir():
                path.unlink()
        lock(handle)

    monkeypatch.setattr(files, "_lock", lock_late)
    with whole_file(tmp_path / "a.json") as path:
        path.write_text("x")
    assert len(calls) == 2
    assert names(tmp_path) == ["a.json"]


def test_without_locks_nothing_is_taken_for_abandoned(tmp_path, monkeypatch):
    def no_locks(handle):
        raise OSError(95, "Operation not supported")

    left = tmp_path / f".a.json.0{files.SUFFIX}"
    left.touch()
    monkeypatch.setattr(files, "_lock", no_locks)
    with whole_file(tmp_path / "a.json") as path:
        path.write_text("x")
    assert names(tmp_path) == sorted([left.name, "a.json"])


def test_long_names(tmp_path):
    target = tmp_path / ("ä" * 120 + ".json")
    with whole_file(target) as path:
        path.write_text("x")
    assert names(tmp_path) == [target.name]


def test_text_is_read_within_bounds(tmp_path):
    (tmp_path / "a").write_text("12345")
    assert read_text(tmp_path / "a", 5) == "12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_text(tmp_path / "a", 4)
    if os.path.exists("/dev/zero"):  # noqa: PTH110
        with pytest.raises(OSError, match="more than 9 bytes"):
            read_text(Path("/dev/zero"), 9)
