"""Data sets of the hub: the real file system of ``huggingface_hub``, a stand-in for the hub."""

from __future__ import annotations

import socket

import pytest
from stages.data import _layouts as make
from stages.data._hub import COMMIT, REPOSITORY, hub
from stages.data._tables import csv_bytes, opened, rows_of, write

from taskaff.core.errors import DataError, TaskaffError, UsageError
from taskaff.stages.data import hub as reading
from taskaff.stages.data.names import hub_address

URL = f"hf://datasets/{REPOSITORY}"
FETCH = f"hf download {REPOSITORY} --repo-type dataset --local-dir toy; then name toy"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository on a stand-in hub; as a folder, to be filled."""
    root = tmp_path / "root"
    make.clone(root)
    with hub(root) as (address, _):
        monkeypatch.setattr(reading, "ENDPOINT", address)
        yield root


def refused(url, found, hint, kind=DataError):
    with pytest.raises(kind) as caught:
        opened(url)
    assert found in caught.value.found, caught.value.found
    assert hint in caught.value.hint, caught.value.hint
    return caught.value


def test_a_repository(repository, tmp_path):
    task = opened(URL)
    assert rows_of(task) == rows_of(opened(tmp_path / "root")) == make.TEST + make.TRAIN
    assert dict(task.info.rows) == {"train": 8, "test": 4}
    assert task.info.name == "toy"
    assert task.info.notes == ("from the hub, commit 89abcdef89ab", "read from its folder data")
    begins = f"{URL}@{COMMIT}/data/"
    assert [file.path for file in task.info.files] == [
        f"{begins}{name}.parquet"
        for name in ("test-00000-of-00001", "train-00000-of-00002", "train-00001-of-00002")
    ]


def test_paths_and_revisions(repository):
    path = "data/train-00001-of-00002.parquet"
    for revision in ("", "@main", "@v1", f"@{COMMIT}"):
        url = f"{URL}{revision}/{path}"
        assert rows_of(opened(url)) == make.TRAIN[5:]
    for url in (f"{URL}/data", f"{URL}/data/", f"{URL}@v1/"):
        assert opened(url).info.rows == {"train": 8, "test": 4}
    refused(f"{URL}/nothing.csv", "no such file or folder", "check the address")


def test_configurations(repository):
    make.parquet(repository / "sst2" / "train.parquet", make.TRAIN)
    make.card(
        repository,
        "configs:\n- {config_name: a, data_files: data/train*}\n"
        "- {config_name: sst2, data_files: sst2/*}\n- {config_name: b, data_files: data/test*}\n",
    )
    error = refused(URL, "declares 3 configurations: a, sst2, b", f"{URL}@{COMMIT}/a")
    task = opened(error.hint.split(": ", 1)[1])
    assert (task.info.name, rows_of(task)) == ("a", make.TRAIN)
    assert (opened(f"{URL}/b").info.name, rows_of(opened(f"{URL}/b"))) == ("b", make.TEST)
    assert opened(f"{URL}/sst2").info.name == "sst2"


def test_several_folders_and_none(repository):
    make.parquet(repository / "sst2" / "train.parquet", make.TRAIN)
    error = refused(URL, "2 data sets: data, sst2", f"{URL}@{COMMIT}/data")
    assert opened(error.hint.split(": ", 1)[1]).info.rows["train"] == 8
    for path in [*(repository / "data").iterdir(), repository / "sst2" / "train.parquet"]:
        path.unlink()
    write(repository / "toy.py", "raise SystemExit(1)")
    refused(URL, "a loading script, which is not run: toy.py", "--revision refs/convert/parquet")


def test_compressed_and_large_files(repository):
    import gzip

    write(repository / "data" / "x.csv.gz", gzip.compress(csv_bytes(make.TRAIN)))
    assert rows_of(opened(f"{URL}/data/x.csv.gz")) == make.TRAIN
    rows = [("word " * 2000, "a"), ("other " * 2000, "b")] * 300  # two blocks of 5 MB
    write(repository / "data" / "big.csv", csv_bytes(rows))
    assert rows_of(opened(f"{URL}/data/big.csv")) == rows


def test_what_the_hub_does_not_have(repository):
    refused("hf://datasets/nobody/nothing", "the hub knows no such data set", "hf auth login")
    refused(f"{URL}@v9", "has no revision 'v9'", "after the @")


def test_no_hub_at_all(monkeypatch):
    with socket.socket() as taken:  # a port where nobody listens
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setattr(reading, "ENDPOINT", f"http://127.0.0.1:{taken.getsockname()[1]}")
        refused(URL, "the hub cannot be read (ConnectError)", f"where there is a network: {FETCH}")


def test_a_file_that_comes_short(repository, monkeypatch):
    whole = make.shards(repository / "data") / "test-00000-of-00001.parquet"
    read = reading.spool
    monkeypatch.setattr(reading, "spool", lambda stream, *more: read(_Short(stream), *more))
    refused(f"{URL}/data/{whole.name}", "the hub cannot be read (EOFError)", "hf download")


class _Short:
    def __init__(self, stream):
        self._stream = stream

    def read(self, size):
        return self._stream.read(size)[:-1]


def test_too_much_for_one_run(repository, monkeypatch):
    monkeypatch.setattr(reading, "MOST_FILES", 2)
    refused(URL, "3 files of 0 MiB are too many", FETCH)
    monkeypatch.undo()
    with hub(repository) as (address, asked):
        monkeypatch.setattr(reading, "ENDPOINT", address)
        monkeypatch.setattr(reading, "MOST_BYTES", 100)
        refused(URL, "too many to copy", FETCH)
        assert not [path for path in asked if path.endswith(".parquet")]


@pytest.mark.parametrize(
    "url", ["hf://datasets/toy", "hf://models/a/b", "hf://a/b", "hf://datasets/a b/c", "hf://"]
)
def test_what_is_no_address(url):
    refused(url, "no address of a data set of the hub", "hf://datasets/OWNER/NAME", UsageError)


def test_the_command_that_fetches():
    address = hub_address("hf://datasets/a/b@refs%2Fpr%2F1/x/y z.csv")
    assert (address.repository, address.revision, address.path) == ("a/b", "refs/pr/1", "x/y z.csv")
    assert address.download == (
        "hf download a/b --repo-type dataset --revision refs/pr/1 --local-dir b; "
        "then name 'b/x/y z.csv'"
    )
    parquet = hub_address("hf://datasets/a/b@refs/convert/parquet/x")
    assert (parquet.revision, parquet.path) == ("refs/convert/parquet", "x")


def test_offline():
    from taskaff.cli.datasets import requests
    from taskaff.core.config import load, override

    config = load(None, [override("embed.offline=true")])
    with pytest.raises(TaskaffError) as caught:
        requests([f"toy={URL}"], config, {})
    assert "--offline is on" in caught.value.found
    assert caught.value.hint.startswith(FETCH)
