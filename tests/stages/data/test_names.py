"""What names say: arguments, splits, task names."""

from __future__ import annotations

import subprocess
import sys

import pytest
from stages.data._tables import csv_bytes, opened, write

from taskaff.core.errors import DataError
from taskaff.stages.data import split_argument
from taskaff.stages.data.names import format_of, split_of, task_name


@pytest.mark.parametrize(
    ("argument", "name", "path"),
    [
        ("a.csv", None, "a.csv"),
        ("sst=a.csv", "sst", "a.csv"),
        ("my-set_1.0=dir/a=b.csv", "my-set_1.0", "dir/a=b.csv"),
        ("dir/a=b.csv", None, "dir/a=b.csv"),
        ("C:\\data\\a=b.csv", None, "C:\\data\\a=b.csv"),
        ("x=C:\\data\\a.csv", "x", "C:\\data\\a.csv"),
        ("s3://bucket/x=1/a.csv", None, "s3://bucket/x=1/a.csv"),
        ("n=s3://bucket/x=1/a.csv", "n", "s3://bucket/x=1/a.csv"),
        ("n=-", "n", "-"),
        ("=a.csv", None, "=a.csv"),
        ("n=", None, "n="),
        ("-", None, "-"),
    ],
)
def test_split_argument(argument, name, path):
    assert split_argument(argument) == (name, path)


def test_a_path_that_exists_is_a_path(tmp_path, monkeypatch):
    write(tmp_path / "year=2020", b"")
    monkeypatch.chdir(tmp_path)
    assert split_argument("year=2020") == (None, "year=2020")
    assert split_argument("year=2021") == ("year", "2021")


@pytest.mark.parametrize(
    ("path", "folder", "name"),
    [
        ("sentiment/mr/data.csv", False, "mr"),
        ("glue/qnli/train_part.csv", False, "qnli"),
        ("sst/train-00000-of-00002.parquet", False, "sst"),
        ("imdb.csv.gz", False, "imdb"),
        ("a/b/v1.2.jsonl", False, "v1.2"),
        ("sst/dev.csv", False, "sst"),
        ("train.csv", False, "train"),
        ("sst/", True, "sst"),
        ("sst/train", True, "sst"),
        ("a/sst/data/train/part-0.parquet", False, "sst"),
        ("bucket/nli/test.arrow", False, "nli"),
    ],
)
def test_task_name(path, folder, name):
    assert task_name(path, folder=folder) == name


@pytest.mark.parametrize(
    ("parts", "split"),
    [
        (("train",), "train"),
        (("train_part",), "train"),
        (("my-VAL.v2",), "validation"),
        (("dev",), "validation"),
        (("valid", "part-1"), "validation"),
        (("x_test",), "test"),
        (("latest",), None),
        (("training2",), None),
        (("constraint",), None),
        (("test", "train"), "train"),
        ((), None),
    ],
)
def test_split_of(parts, split):
    assert split_of(parts) == split


def test_two_splits_in_a_name():
    with pytest.raises(DataError, match="names 2 splits"):
        split_of(("train_test",))


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.CSV", ("csv", None)),
        ("a.csv.gz", ("csv", "gzip")),
        ("a.b.ndjson.zst", ("jsonl", "zstd")),
        ("a.gz", (None, "gzip")),
        ("csv", (None, None)),
    ],
)
def test_format_of(path, found):
    assert format_of(path) == found


def test_split_words_above_the_argument_mean_nothing(tmp_path):
    path = write(tmp_path / "test" / "film" / "data.csv", csv_bytes([("a", "x")]))
    assert opened(path).info.rows == {"train": 1}
    assert opened(path.parent).info.rows == {"train": 1}
    assert opened(tmp_path / "test" / "film").info.name == "film"


def test_split_folders(tmp_path):
    for i, folder in enumerate(("train", "validation", "test", "other")):
        write(tmp_path / "set" / folder / "part-0.csv", csv_bytes([("a", "x")] * (i + 1)))
    task = opened(tmp_path / "set")
    assert task.info.rows == {"train": 1, "validation": 2, "test": 3}
    assert opened(tmp_path / "set" / "test").info.rows == {"test": 3}
    rows = {"train": 5, "validation": 2, "test": 3}
    assert opened(f"{tmp_path}/set/*/part-*.csv").info.rows == rows


def test_the_room_is_light_to_import():
    code = "import sys, taskaff.stages.data; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pyarrow", "pandas"} & set(run.stdout.split())


def test_reading_a_csv_does_not_import_pandas_or_scipy(tmp_path):
    path = write(tmp_path / "toy.csv", csv_bytes([("a", "x"), ("b", "y"), ("c", "x")]))
    code = (
        "import sys\nfrom taskaff.stages.data import open_task\n"
        "from taskaff.core.records.data import DataRequest\n"
        f"list(open_task(DataRequest({str(path)!r})).batches())\nprint(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pyarrow" in run.stdout.split()
    heavy = {"pandas", "scipy", "torch", "pyarrow.parquet"}
    assert not heavy & set(run.stdout.split())
