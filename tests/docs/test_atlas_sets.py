"""docs/benchmarks/atlas_sets: its tables fit its readers, and a set is made from a repository."""

from __future__ import annotations

import csv
import importlib.util
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from paths import ROOT

FOLDER = ROOT / "docs" / "benchmarks" / "atlas_sets"
MODULES = ("common", "opinion", "pairs", "related", "topics")


@pytest.fixture(scope="module")
def script():
    """The package's `__main__`, whose modules import one another by their bare names."""
    sys.path.insert(0, str(FOLDER))
    spec = importlib.util.spec_from_file_location("atlas_sets_main", FOLDER / "__main__.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(FOLDER))
    for name in (spec.name, *MODULES):
        del sys.modules[name]


def repository(clones, files):
    """A clone OWNER/NAME with one commit, and this commit."""
    clone = clones / "OWNER" / "NAME"
    clone.mkdir(parents=True)
    for path, text in files.items():
        (clone / path).write_text(text, encoding="utf-8")
    git = ["git", "-C", str(clone), "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "data"]):
        subprocess.run([*git, *command], check=True)
    return subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()


def test_every_reader_has_a_line_and_every_line_a_reader(script):
    names = [line["name"] for line in script.table("sources.tsv")]
    assert names == sorted(script.SETS)


def test_every_set_has_a_domain_and_a_kind_of_label(script):
    known = sys.modules["related"]
    lines = script.table("sources.tsv") + script.table("shared.tsv")
    assert max(Counter(line["name"] for line in lines).values()) == 1
    assert {line["domain"] for line in lines} == set(known.DOMAINS)
    assert {line["label"] for line in lines} == set(known.LABELS)


def test_related_sets_have_a_domain_or_a_kind_of_label_in_common(script):
    related = script.related()
    assert "reviews_books" in related["reviews_toys"]  # both
    assert "tweet_sentiment" in related["reviews_toys"]  # the label
    assert "amazon_counterfactual" in related["reviews_toys"]  # the domain
    assert "reviews_toys" not in related["reviews_toys"]
    assert "cola" not in related["isear_emotion"]  # "general" is no domain
    assert all(name in related[other] for name, others in related.items() for other in others)


def test_enough_targets_have_a_dozen_related_sources(script):
    assert sum(len(others) >= 12 for others in script.related().values()) >= 40


@pytest.mark.skipif("TASKAFF_DATA" not in os.environ, reason="TASKAFF_DATA is unset")
def test_the_table_of_shared_sets_names_their_folders(script):
    data = Path(os.environ["TASKAFF_DATA"])
    there = {
        (folder, path.name)
        for folder in ("sentiment", "glue", "calibration")
        for path in (data / folder).iterdir()
    }
    assert {(line["folder"], line["name"]) for line in script.table("shared.tsv")} == there


def test_a_set_is_made_from_the_pinned_commit(script, tmp_path):
    rows = ["comment;isHate", *(f"they are bad {n};0.5" for n in range(8))]
    rows += [*(f"  are <br> they   good {n};0.2" for n in range(8)), "they are bad 1;0.1"]
    commit = repository(tmp_path, {"a.csv": "\n".join(rows)})
    (tmp_path / "OWNER" / "NAME" / "a.csv").write_text("something later")
    source = sys.modules["common"].Source("ethos_hate", "OWNER/NAME", commit, ["a.csv"], tmp_path)
    assert script.lacking([source], tmp_path) == []
    made = script.SETS["ethos_hate"].make(source)
    # "they are bad 1" has two labels and goes; the seven others of its class are too few.
    assert made == [(f"are they good {n}", "no hate") for n in range(8)]


def test_what_is_not_there_is_named_by_the_line_that_brings_it(script, tmp_path):
    source = sys.modules["common"].Source("a", "OWNER/NAME", "0" * 40, ["a.csv"], tmp_path)
    there = tmp_path / "OWNER" / "NAME"
    assert script.lacking([source], tmp_path) == [
        f"git clone https://github.com/OWNER/NAME {there}"
    ]
    repository(tmp_path, {"a.csv": "text"})
    assert script.lacking([source], tmp_path) == [f"git -C {there} fetch origin {'0' * 40}"]


def test_command_line(tmp_path):
    command = [sys.executable, str(FOLDER)]
    counts = subprocess.check_output([*command, "--related"], text=True)
    rows = list(csv.reader(counts.splitlines(), delimiter="\t"))
    assert all(int(count) >= 0 for count, _ in rows)
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "give CLONES and OUT" in done.stderr
