"""Folders as people have them, tiny: clones and caches of the hub, ``save_to_disk``, GLUE."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa
from stages.data import _tables
from stages.data._tables import csv_bytes, write

TRAIN = [(f"row {i}", ("neg", "pos")[i % 2]) for i in range(8)]
TEST = [(f"held out {i}", ("neg", "pos")[i % 2]) for i in range(4)]
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 123456\n"
REVISION = "0123456789abcdef0123456789abcdef01234567"


def table(rows):
    return pa.table({"text": [t for t, _ in rows], "label": [y for _, y in rows]})


def parquet(path: Path, rows) -> Path:
    return write(path, _tables.sink(table(rows), "parquet"))


def arrow(path: Path, rows) -> Path:
    return write(path, _tables.sink(table(rows), "stream"))


def shards(folder: Path) -> Path:
    """Two shards of train, one of test, as the hub names them."""
    parquet(folder / "train-00000-of-00002.parquet", TRAIN[:5])
    parquet(folder / "train-00001-of-00002.parquet", TRAIN[5:])
    parquet(folder / "test-00000-of-00001.parquet", TEST)
    return folder


def card(folder: Path, configs: str) -> Path:
    return write(folder / "README.md", f"---\nlicense: mit\n{configs}---\n# A data set\n")


def clone(folder: Path) -> Path:
    """``git clone`` of a repository of the hub."""
    write(folder / "README.md", "# no head\n")
    write(folder / ".gitattributes", "*.parquet filter=lfs\n")
    write(folder / ".git" / "objects" / "a.parquet", b"no data set")
    write(folder / ".cache" / "huggingface" / "download" / "a.csv", b"no data set")
    write(folder / "LICENSE", "MIT")
    write(folder / "dataset_infos.json", "{}")
    shards(folder / "data")
    return folder


def hub_cache(folder: Path, revisions=(REVISION,), main=REVISION) -> Path:
    """What ``hf download`` leaves in the cache: links from a snapshot into the blobs."""
    home = folder / "datasets--stanfordnlp--toy"
    for revision in revisions:
        for path in sorted(shards(folder / "plain").iterdir()):
            data = path.read_bytes()
            blob = write(home / "blobs" / hashlib.sha256(data).hexdigest(), data)
            link = home / "snapshots" / revision / "data" / path.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(Path("../../../blobs") / blob.name)
    if main:
        write(home / "refs" / "main", main)
    write(home / ".no_exist" / REVISION / "a.csv", "")
    write(folder / ".locks" / home.name / "a.lock", "")
    return home


def datasets_cache(folder: Path) -> Path:
    """What the ``datasets`` library leaves in its cache."""
    home = folder / "stanfordnlp___toy"
    inside = home / "default" / "0.0.0" / REVISION
    arrow(inside / "toy-train.arrow", TRAIN)
    arrow(inside / "toy-test.arrow", TEST)
    arrow(inside / "cache-1b2c.arrow", TEST)
    write(inside / "dataset_info.json", "{}")
    write(home / "default" / "0.0.0" / f"{REVISION}_builder.lock", "")
    return home


def saved(folder: Path, splits: dict[str, list]) -> Path:
    """``DatasetDict.save_to_disk``."""
    write(folder / "dataset_dict.json", json.dumps({"splits": list(splits)}))
    for name, rows in splits.items():
        arrow(folder / name / "data-00000-of-00001.arrow", rows)
        state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}
        write(folder / name / "state.json", json.dumps(state))
        write(folder / name / "dataset_info.json", "{}")
    return folder


def glue(folder: Path) -> Path:
    """SST-2 as GLUE has it: the test file has no labels, and other columns."""
    for name, rows in (("train.tsv", TRAIN), ("dev.tsv", TEST)):
        write(folder / name, csv_bytes(rows, ("sentence", "label"), delimiter="\t"))
    unlabelled = [(i, text) for i, (text, _) in enumerate(TEST)]
    write(folder / "test.tsv", csv_bytes(unlabelled, ("index", "sentence"), delimiter="\t"))
    return folder
