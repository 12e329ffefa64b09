"""Folders as people have them are read as they are meant, or refused with what to do."""

from __future__ import annotations

import pytest
from stages.data import _layouts as make
from stages.data._tables import csv_bytes, opened, rows_of, write

from taskaff.core.errors import DataError


def by_split(task):
    rows = rows_of(task)
    out, at = {}, 0
    for file in task.info.files:
        out.setdefault(file.split, []).extend(rows[at : at + file.rows])
        at += file.rows
    return out


def check(task, name=None, **splits):
    """The rows of every split, and the name."""
    assert by_split(task) == (splits or {"train": make.TRAIN, "test": make.TEST})
    if name:
        assert task.info.name == name


def refused(path, found, hint, **said):
    with pytest.raises(DataError) as caught:
        opened(path, **said)
    assert found in caught.value.found, caught.value.found
    assert hint in caught.value.hint, caught.value.hint
    return caught.value


def test_a_clone_of_the_hub(tmp_path):
    task = opened(make.clone(tmp_path / "toy"))
    check(task, "toy")
    assert task.info.notes == ("read from its folder data",)


def test_folders_of_configurations(tmp_path):
    make.shards(tmp_path / "glue" / "sst2")
    make.shards(tmp_path / "glue" / "cola")
    write(tmp_path / "glue" / "README.md", "no head")
    hint = f"name one of them: {tmp_path / 'glue' / 'cola'}"
    refused(tmp_path / "glue", "2 data sets: cola, sst2", hint)
    check(opened(hint.split(": ")[1]), "cola")


def test_a_card_says_which_files_are_which_split(tmp_path):
    folder = tmp_path / "toy"
    make.parquet(folder / "en" / "a.parquet", make.TRAIN)
    make.parquet(folder / "en" / "dev-b.parquet", make.TEST)
    make.parquet(folder / "de" / "a.parquet", make.TEST)
    make.card(
        folder,
        "configs:\n- config_name: en\n  data_files:\n  - split: train\n    path: en/a*\n"
        "  - split: test\n    path:\n    - en/dev-*\n",
    )
    check(opened(folder), "toy")


@pytest.mark.parametrize(
    "files",
    [
        "  data_files: x/*.parquet\n",
        "  data_files: [x/*.parquet]\n",
        "  data_files: {train: 'x/**'}\n",
        "  data_files: [{split: train, path: ['**/t.parquet']}]\n",
        "  data_dir: x\n",
        "  data_dir: x\n  data_files: [{split: train, path: '*.parquet'}]\n",
    ],
)
def test_forms_of_data_files(tmp_path, files):
    make.parquet(tmp_path / "x" / "t.parquet", make.TRAIN)
    make.parquet(tmp_path / "y" / "t.csv.parquet", make.TEST)
    make.parquet(tmp_path / "u.parquet", make.TEST)
    make.card(tmp_path, f"configs:\n- config_name: default\n{files}")
    check(opened(tmp_path), train=make.TRAIN)


CONFIGS = (
    "configs:\n- config_name: cola\n  data_files: cola/*\n- config_name: sst2\n  data_files:\n"
    "  - split: test\n    path: s_test.parquet\n  - split: train\n    path: s_train.parquet\n"
)


def test_several_configurations_of_a_card(tmp_path):
    folder = tmp_path / "glue"
    make.parquet(folder / "s_train.parquet", make.TRAIN)
    make.parquet(folder / "s_test.parquet", make.TEST)
    make.parquet(folder / "cola" / "train.parquet", make.TEST)
    make.card(folder, CONFIGS)
    error = refused(folder, "declares 2 configurations: cola, sst2", f": {folder}/cola")
    check(opened(error.hint.split(": ")[1]), "cola", train=make.TEST)  # a folder
    check(opened(folder / "sst2"), "sst2")  # only the card knows it
    refused(folder / "sst3", "no such file", "path")
    make.card(folder, CONFIGS + "  default: true\n")
    task = opened(folder)
    check(task)
    assert task.info.notes == ("configuration 'sst2'; others: cola",)


def test_a_card_and_a_part_of_its_files(tmp_path):
    make.parquet(tmp_path / "s_train.parquet", make.TRAIN)
    make.card(tmp_path, CONFIGS)
    task = opened(tmp_path)
    check(task, train=make.TRAIN)
    assert "declares 's_test.parquet', and no data file there fits it" in task.info.notes[1]


def test_cards_that_are_wrong(tmp_path):
    make.parquet(tmp_path / "a.parquet", make.TRAIN)
    make.card(tmp_path, "configs: [\n")
    refused(tmp_path, "the YAML head of README.md cannot be read", "name the files")
    make.card(tmp_path, "configs:\n- data_files: {train: a.parquet, test: '*.parquet'}\n")
    refused(tmp_path, "says 'train' and 'test' of one file", "fix the patterns")
    for odd in ("[]", "x", "[1]", "[{data_files: 3}]", "[{data_files: [[a]]}]", "[{a: b}]"):
        make.card(tmp_path, f"configs: {odd}\n")
        check(opened(tmp_path), train=make.TRAIN)
    make.card(tmp_path, "configs:\n- data_files: '../*/a.parquet'\n")
    check(opened(tmp_path), train=make.TRAIN)


def test_the_cache_of_the_hub(tmp_path):
    home = make.hub_cache(tmp_path)
    for path in (
        home,
        home / "snapshots" / make.REVISION,
        home / "snapshots" / make.REVISION / "data",
    ):
        check(opened(path), "toy")


def test_several_revisions_in_the_cache_of_the_hub(tmp_path):
    home = make.hub_cache(tmp_path, ("1" * 40, make.REVISION, "f" * 40))
    check(opened(home), "toy")
    assert all(make.REVISION in file.path for file in opened(home).info.files)
    (home / "refs" / "main").unlink()
    refused(home, "3 data sets", f"{home}/snapshots/{make.REVISION}")


def test_a_link_without_a_blob(tmp_path):
    home = make.hub_cache(tmp_path)
    next((home / "blobs").iterdir()).unlink()
    refused(home, "a link to a file that is not there", "hf download")


def test_the_cache_of_the_datasets_library(tmp_path):
    home = make.datasets_cache(tmp_path)
    for path in (home, home / "default", home / "default" / "0.0.0" / make.REVISION):
        check(opened(path), "toy")


def test_saved_to_disk(tmp_path):
    check(opened(make.saved(tmp_path / "toy", {"train": make.TRAIN, "test": make.TEST})), "toy")
    splits = {"train": make.TRAIN[:4], "unsupervised": make.TRAIN[4:], "test": make.TEST}
    task = opened(make.saved(tmp_path / "more", splits))
    check(task, train=make.TRAIN[:4], test=make.TEST)
    assert task.info.unlabelled == {"unsupervised": {"that split has none": len(make.TRAIN) - 4}}
    (tmp_path / "more" / "test").rename(tmp_path / "more" / "gone")
    refused(tmp_path / "more", "lists the split 'test', whose folder is not there", "fetch")


def test_a_test_file_without_labels_is_left_out(tmp_path):
    folder = make.glue(tmp_path / "SST-2")
    task = opened(folder)
    check(task, "SST-2", train=make.TRAIN, validation=make.TEST)
    assert task.info.unlabelled == {"test": {"no column 'label' in test.tsv": 4}}
    assert task.info.notes == (
        "rows without a label are left out: test 4 (no column 'label' in test.tsv)",
    )
    (folder / "train.tsv").rename(folder / "zz_train.tsv")
    (folder / "dev.tsv").unlink()
    check(opened(folder), train=make.TRAIN)  # the file of the test split stands first
    write(folder / "zz_u.tsv", csv_bytes([("a",)], ("sentence",), delimiter="\t"))
    refused(folder, "the label columns are none", "same columns")  # not of the test split


def test_a_test_file_with_fewer_columns_that_have_no_names(tmp_path):
    rows = [("gj04", i % 2, "", f"row {i}") for i in range(4)]
    for name in ("train.tsv", "dev.tsv"):
        header = ("c0", "c1", "c2", "c3")
        write(tmp_path / "CoLA" / name, csv_bytes(rows, header, delimiter="\t"))
    other = csv_bytes([(0, "held out"), (1, "more")], ("c0", "c1"), delimiter="\t")
    write(tmp_path / "CoLA" / "test.tsv", other)
    said = {"text": ("c3",), "label": ("c1",)}
    task = opened(tmp_path / "CoLA", **said)
    assert task.info.rows == {"train": 4, "validation": 4}
    assert task.info.unlabelled == {"test": {"no column 'c3' in test.tsv": 2}}
    write(tmp_path / "CoLA" / "train2.tsv", other)
    refused(tmp_path / "CoLA", "there is no column 'c3'", "--text", **said)


def test_named_labels_that_the_test_file_lacks(tmp_path):
    write(tmp_path / "train.jsonl", '{"text": "a", "gold": "x"}\n{"text": "b", "gold": "y"}\n')
    write(tmp_path / "test.jsonl", '{"text": "c", "id": 3}\n')
    task = opened(tmp_path, label=("gold",))
    check(task, train=[("a", "x"), ("b", "y")])
    assert task.info.unlabelled == {"test": {"no column 'gold' in test.jsonl": 1}}


def test_missing_and_repeated_shards(tmp_path):
    folder = make.shards(tmp_path / "toy")
    twin = make.parquet(folder / "train-00001-of-00002-a1b2c3.parquet", make.TRAIN[5:])
    refused(folder, "the same shard is there twice", "delete one")
    twin.unlink()
    (folder / "train-00001-of-00002.parquet").unlink()
    error = refused(folder, "shard train-00001-of-00002 is missing (1 of 2)", "name those to read")
    check(opened(error.hint.split("'")[1]), train=make.TRAIN[:5])


def test_folders_beside_the_files_are_named(tmp_path):
    write(tmp_path / "train.csv", csv_bytes(make.TRAIN))
    write(tmp_path / "README.txt", "not a text of the data set")
    make.shards(tmp_path / "extra")
    write(tmp_path / "code" / "run.py", "")
    task = opened(tmp_path)
    check(task, train=make.TRAIN)
    assert task.info.notes == ("not read: the folders extra",)


def test_a_folder_of_classes(tmp_path):
    for name in ("train/pos", "train/neg", "test/pos", "test/neg"):
        for i in range(3):
            write(tmp_path / "aclImdb" / name / f"{i}_9.txt", "a text")
    folder = tmp_path / "aclImdb"
    refused(folder, "look like classes", "columns text and label")
    refused(folder / "train", "the folders neg, pos look like classes", "docs/data.md")


def test_a_loading_script_is_not_run(tmp_path):
    write(tmp_path / "toy" / "toy.py", "raise SystemExit(1)")
    write(tmp_path / "toy" / "README.md", "")
    refused(tmp_path / "toy", "a loading script, which is not run: toy.py", "refs/convert/parquet")


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.parquet", "a.arrow", "a.csv.gz"])
def test_a_pointer_of_git_lfs(tmp_path, name):
    write(tmp_path / "a b" / name, make.POINTER)
    refused(tmp_path / "a b", "pointer of Git LFS", f"git -C '{tmp_path}/a b' lfs pull")


def test_one_pointer_among_the_shards(tmp_path):
    folder = make.clone(tmp_path / "toy")
    write(folder / "data" / "train-00001-of-00002.parquet", make.POINTER)
    error = refused(folder, "pointer of Git LFS", "lfs pull")
    assert error.where.file.endswith("train-00001-of-00002.parquet")
