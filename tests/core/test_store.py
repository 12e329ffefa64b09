"""The cache on disk: what survives faults, and what several processes see."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import filelock
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaff.core.errors import CacheError, SignatureError, TaskaffWarning
from taskaff.core.store import Store, digest_key

KEY = digest_key(test=1)


def writing(content: bytes):
    return lambda path: path.write_bytes(content) and None


def never(path):
    raise AssertionError("must not be computed")


def files(root: Path) -> list[str]:
    return sorted(p.name for p in root.glob("*/??/*") if p.name != ".lock")


def test_what_was_put_is_got(tmp_path):
    store = Store(tmp_path)
    assert store.get("a", KEY) is None
    path = store.put("a", KEY, writing(b"content"))
    assert path.read_bytes() == b"content"
    assert store.get("a", KEY) == path
    assert store.get("b", KEY) is None
    assert store.get("a", digest_key(test=2)) is None
    assert store.put("a", KEY, never) == path
    assert Store(tmp_path, "only").get("a", KEY) == path


def test_modes(tmp_path):
    Store(tmp_path).put("a", KEY, writing(b"old"))
    fresh = Store(tmp_path, "refresh")
    assert fresh.get("a", KEY) is None
    path = fresh.put("a", KEY, writing(b"new"))
    assert fresh.get("a", KEY) == path
    assert Store(tmp_path).get("a", KEY).read_bytes() == b"new"
    assert len(files(tmp_path)) == 1

    only = Store(tmp_path, "only")
    with pytest.raises(CacheError, match="no a entry") as caught:
        only.get("a", digest_key(test=2))
    assert "--cache use" in caught.value.hint
    with pytest.raises(CacheError):
        only.put("a", digest_key(test=2), never)
    with pytest.raises(CacheError, match="unknown cache mode"):
        Store(tmp_path, "maybe")


def test_off_leaves_no_trace(tmp_path):
    store = Store(tmp_path / "cache", "off")
    path = store.put("a", KEY, writing(b"x"))
    assert path.read_bytes() == b"x"
    assert store.get("a", KEY) is None
    assert not (tmp_path / "cache").exists()
    del store
    assert not path.exists()


def test_a_failed_write_leaves_nothing(tmp_path):
    store = Store(tmp_path)

    def fail(path):
        path.write_bytes(b"half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.put("a", KEY, fail)
    assert files(tmp_path) == []
    assert store.put("a", KEY, writing(b"whole")).read_bytes() == b"whole"


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "longer"])
def test_a_damaged_entry_is_found_and_made_again(tmp_path, damage):
    store = Store(tmp_path)
    path = store.put("a", KEY, writing(b"0123456789"))
    changed = {"flip": b"0123456780", "cut": b"01234", "empty": b"", "longer": b"0123456789!"}
    path.write_bytes(changed[damage])
    assert [entry.path for entry in store.verify()] == [path]
    with pytest.warns(TaskaffWarning, match="damaged"), pytest.raises(CacheError):
        Store(tmp_path, "only").get("a", KEY)
    assert store.get("a", KEY) is None
    assert store.verify() == []
    assert store.put("a", KEY, writing(b"0123456789")).read_bytes() == b"0123456789"


def test_an_entry_with_its_own_checksum_is_verified_by_its_reader(tmp_path):
    store = Store(tmp_path)
    path = store.put("a", KEY, writing(b"0123456789"))
    path.write_bytes(b"0123456780")
    assert store.get("a", KEY, verify=False) == path
    assert store.put("a", KEY, never, verify=False) == path
    with pytest.warns(TaskaffWarning, match="made again: a bad day"):
        store.discard(path, "a bad day")
    assert store.get("a", KEY) is None


def test_prune_by_age_and_size(tmp_path):
    store = Store(tmp_path)
    keys = [digest_key(n=n) for n in range(4)]
    for n, key in enumerate(keys):
        path = store.put("a", key, writing(bytes(100)))
        os.utime(path, (1000.0 + n, 1000.0 + n))
    store.get("a", keys[0])  # used now
    assert store.prune() == []
    removed = store.prune(max_bytes=250)
    assert {entry.key for entry in removed} == {keys[1], keys[2]}
    removed = store.prune(older_than=3600)
    assert [entry.key for entry in removed] == [keys[3]]
    assert [entry.key for entry in store.entries()] == [keys[0]]
    assert [entry.key for entry in store.prune(max_bytes=0)] == [keys[0]]
    assert files(tmp_path) == []


def test_an_absent_root_is_an_empty_cache(tmp_path):
    store = Store(tmp_path / "absent")
    assert list(store.entries()) == store.verify() == store.prune(max_bytes=0) == []


def test_foreign_files_are_left_alone(tmp_path):
    store = Store(tmp_path)
    path = store.put("a", KEY, writing(b"x"))
    other = path.parent / "README"
    other.write_text("mine")
    assert [entry.path for entry in store.entries()] == [path]
    store.prune(max_bytes=0)
    assert other.exists()


def test_a_root_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "cache")
    with pytest.raises(CacheError, match="cannot be used") as caught:
        store.put("a", KEY, writing(b"x"))
    assert "--cache off" in caught.value.hint


def full_disk(path):
    raise OSError(28, "No space left on device", str(path))


def full_disk_of_a_room(path):
    try:
        full_disk(path)
    except OSError as error:
        raise SignatureError("the signature cannot be written", hint="look") from error


@pytest.mark.parametrize("write", [full_disk, full_disk_of_a_room])
def test_a_full_disk_under_the_cache(tmp_path, write):
    with pytest.raises(CacheError, match="No space left on device") as caught:
        Store(tmp_path).put("a", KEY, write)
    assert "run with --cache off" in caught.value.hint
    with pytest.raises(CacheError, match="No space left on device") as caught:
        Store(tmp_path, "off").put("a", KEY, write)
    assert "set TMPDIR" in caught.value.hint


def test_an_error_of_a_room_stays_its_own(tmp_path):
    def fail(path):
        raise SignatureError("the signature is inconsistent") from OSError(5, "of another kind")

    with pytest.raises(SignatureError, match="inconsistent"):
        Store(tmp_path).put("a", KEY, fail)


@pytest.mark.parametrize(("kind", "key"), [("../up", KEY), ("a", "../../etc"), ("a", "XYZ" * 9)])
def test_no_path_leaves_the_root(tmp_path, kind, key):
    with pytest.raises(CacheError):
        Store(tmp_path).put(kind, key, never)


@given(st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.text(), st.none())))
def test_keys_depend_on_every_field_and_on_nothing_else(fields):
    fields = {f"f{name}": value for name, value in fields.items()}
    backwards = dict(reversed(fields.items()))
    assert digest_key(**fields) == digest_key(**backwards)
    assert digest_key(**fields) != digest_key(**fields, another=1)
    assert len(digest_key(**fields)) == 64


WRITER = """
import sys
from pathlib import Path
from taskaff.core.store import Store

def write(path):
    with path.open("wb") as file:
        file.write(b"x" * 1000)
        file.flush()
        print("half", flush=True)
        sys.stdin.readline()
        file.write(b"y" * 1000)
    print("whole", flush=True)

print(Store(Path(sys.argv[1])).put("a", sys.argv[2], write), flush=True)
"""


def start_writer(root):
    """Writes the other half once it is told to."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(root), KEY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_killed_while_writing(tmp_path):
    with start_writer(tmp_path) as process:
        assert process.stdout.readline() == "half\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    (left,) = files(tmp_path)
    assert left.endswith(".tmp")
    store = Store(tmp_path)
    assert store.get("a", KEY) is None
    assert list(store.entries()) == store.verify() == []
    assert store.prune() == []
    assert files(tmp_path) == []
    assert store.put("a", KEY, writing(b"again")).read_bytes() == b"again"


PRIVATE = """
import os, signal
from pathlib import Path
from taskaff.core.store import Store

store = Store(Path(), "off")
print(store.put("a", "0" * 16, lambda path: path.write_text("x") and None).parent, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_private_folder_of_a_killed_run_goes_with_the_next_one(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    command = [sys.executable, "-c", PRIVATE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    left = Path(done.stdout.strip())
    assert (done.returncode, list(tmp_path.iterdir())) == (-9, [left])
    mine, other = Store(tmp_path, "off"), Store(tmp_path, "off")
    mine.put("a", KEY, writing(b"x"))
    other.put("a", KEY, writing(b"x"))
    assert not left.exists()
    assert len(list(tmp_path.iterdir())) == 2
    del mine, other
    assert list(tmp_path.iterdir()) == []


def test_the_next_writer_clears_up_after_a_killed_one(tmp_path):
    with start_writer(tmp_path) as process:
        assert process.stdout.readline() == "half\n"
        process.kill()
        process.wait()
    path = Store(tmp_path).put("a", KEY, writing(b"again"))
    assert files(tmp_path) == [path.name]


def test_two_processes_write_an_entry_once(tmp_path, monkeypatch):
    acquire = filelock.FileLock.acquire

    def told(lock, **options):
        """Finds the lock taken, and only then lets the other process go on."""
        with pytest.raises(filelock.Timeout):
            acquire(lock, timeout=0)
        first.stdin.write("\n")
        first.stdin.flush()
        return acquire(lock, **options)

    with start_writer(tmp_path) as first:
        assert first.stdout.readline() == "half\n"
        assert Store(tmp_path).prune() == []  # the temporary file is in use
        monkeypatch.setattr(filelock.FileLock, "acquire", told)
        path = Store(tmp_path).put("a", KEY, never)
        rest = first.stdout.read()
        assert first.wait() == 0
    assert rest == f"whole\n{path}\n"
    assert path.read_bytes() == b"x" * 1000 + b"y" * 1000


def test_threads_write_an_entry_once(tmp_path):
    store = Store(tmp_path)
    calls, paths = [], []

    def write(path):
        calls.append(path)
        path.write_bytes(b"x")

    threads = [
        threading.Thread(target=lambda: paths.append(store.put("a", KEY, write))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert len(set(paths)) == 1


@pytest.mark.filterwarnings("ignore::taskaff.core.errors.TaskaffWarning")
@given(st.lists(st.tuples(st.sampled_from("pgdr"), st.integers(0, 3)), max_size=25))
def test_any_sequence_of_uses_agrees_with_a_dictionary(tmp_path_factory, steps):
    root = tmp_path_factory.mktemp("store")
    store, model = Store(root), {}
    for step, n in steps:
        key, content = digest_key(n=n), bytes([n]) * (n + 1)
        if step == "p":
            store.put("k", key, writing(content))
            model[n] = content
        elif step == "r":
            Store(root, "refresh").put("k", key, writing(content))
            model[n] = content
        elif step == "d" and n in model:
            store.get("k", key).write_bytes(b"damage")
            del model[n]
        else:
            found = store.get("k", key)
            assert (found.read_bytes() if found else None) == model.get(n)
    assert store.verify() == [e for e in store.entries() if e.path.read_bytes() == b"damage"]
