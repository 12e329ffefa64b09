"""``taskaff atlas`` and predictions of ``score``, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from taskaff.stages.predict import atlas

WORDS = [
    "good",
    "fine",
    "great",
    "bad",
    "poor",
    "awful",
    "film",
    "book",
    "plot",
    "song",
    "dog",
    "cat",
    "red",
    "blue",
    "run",
    "walk",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two tiny data sets under one folder."""
    root = tmp_path_factory.mktemp("atlas")
    random = np.random.default_rng(0)
    for name in ("one", "two"):
        (root / "sets" / name).mkdir(parents=True)
        lines = ["text,label"]
        for n in range(120):
            label = int(random.integers(2))
            own = random.choice(WORDS[3 * label : 3 * label + 3], 2)
            lines.append(f"{' '.join([*own, *random.choice(WORDS, 4)])} {name}{n},{label}")
        (root / "sets" / name / "data.csv").write_text("\n".join(lines) + "\n")
    (root / "sets" / "broken").mkdir()
    (root / "sets" / "broken" / "data.csv").write_text("text,label\nonly one,a\n")
    return root


def run(folder, *arguments, **variables):
    own = {"TASKAFF_CACHE_DIR": str(folder / "cache"), "XDG_DATA_HOME": str(folder / "data")}
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TASKAFF_")}
    return subprocess.run(
        [sys.executable, "-m", "taskaff", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**kept, **own, **variables},
        check=False,
    )


@pytest.mark.slow
def test_build_show_and_what_is_wrong(folder):
    setup = "n=40,r=4,seeds=2,updates=30,source_rows=60"
    done = run(folder, "atlas", "build", "sets", "-o", "own.parquet", "--setup", setup)
    assert done.returncode == 0, done.stderr
    assert "broken is left out" in done.stderr
    assert "wrote own.parquet: 4 rows" in done.stderr
    assert not (folder / "own.parquet.parts").exists()
    shown = run(folder, "atlas", "show", "--atlas", "own.parquet")
    assert "2 pairs, 2.0 seeds" in shown.stdout
    assert "one, two" in shown.stdout
    small = run(folder, "atlas", "evaluate", "--atlas", "own.parquet")
    assert small.returncode == 2
    assert "needs 60" in small.stderr
    wrong = run(folder, "atlas", "build", "sets", "-o", "x.parquet", "--setup", "rows=3")
    assert wrong.returncode == 2
    assert "unknown part of a set-up 'rows'" in wrong.stderr
    nowhere = run(folder, "atlas", "build", "missing", "-o", "x.parquet")
    assert nowhere.returncode == 2
    assert "no folder missing" in nowhere.stderr


@pytest.mark.slow
def test_a_data_set_more_trains_only_its_own_pairs(folder, tmp_path):
    setup = ("--setup", "n=40,r=4,seeds=2,updates=30,source_rows=60")
    first = run(folder, "atlas", "build", "sets", "-o", tmp_path / "two.parquet", *setup)
    assert first.returncode == 0, first.stderr
    text = (folder / "sets" / "one" / "data.csv").read_text().replace("one", "third")
    (tmp_path / "sets" / "third").mkdir(parents=True)
    (tmp_path / "sets" / "third" / "data.csv").write_text(text.replace("dog", "plot"))
    both = ("sets", tmp_path / "sets")
    before = atlas.read(tmp_path / "two.parquet")
    marked = before.set_column(
        before.column_names.index("gain"), "gain", [np.full(before.num_rows, 7, np.float32)]
    )
    atlas.write(marked, tmp_path / "marked.parquet")
    onto = ("--onto", tmp_path / "marked.parquet")
    grown = run(folder, "atlas", "build", *both, "-o", tmp_path / "grown.parquet", *setup, *onto)
    assert grown.returncode == 0, grown.stderr
    whole = run(folder, "atlas", "build", *both, "-o", tmp_path / "whole.parquet", *setup)
    assert whole.returncode == 0, whole.stderr

    def rows(name):
        table = atlas.read(tmp_path / name)
        keys = zip(*(table[k].to_pylist() for k in ("source", "target", "view")), strict=True)
        return dict(zip(keys, table.to_pylist(), strict=True))

    grown, whole = rows("grown.parquet"), rows("whole.parquet")
    assert set(grown) == set(whole)
    assert len(whole) == 12  # six pairs, two views
    for key, row in grown.items():
        taken_over = "third" not in key
        assert (row["gain"] == 7) == taken_over
        for name, value in row.items():
            same = value if isinstance(value, str) else pytest.approx(value, rel=2e-3, abs=2e-5)
            if name != "gain" or not taken_over:
                assert whole[key][name] == same or np.isnan(whole[key][name]), name
    wrong = run(folder, "atlas", "build", "sets", "-o", "x.parquet", "--onto", "sets/one/data.csv")
    assert wrong.returncode == 2
    assert "cannot be read as an atlas" in wrong.stderr


def test_nothing_to_train_is_said(folder, tmp_path):
    (tmp_path / "sets" / "pairs").mkdir(parents=True)
    lines = (folder / "sets" / "one" / "data.csv").read_text().splitlines()[1:]
    both = [f"{n} {line.rpartition(',')[0]},other words,{n % 2}" for n, line in enumerate(lines)]
    text = "\n".join(["text,text_b,label", *both])
    (tmp_path / "sets" / "pairs" / "data.csv").write_text(text + "\n")
    (tmp_path / "sets" / "one").symlink_to(folder / "sets" / "one")
    setup = ("--setup", "n=40,r=4,seeds=1,updates=10,layouts=same")
    done = run(folder, "atlas", "build", tmp_path / "sets", "-o", tmp_path / "x.parquet", *setup)
    assert done.returncode == 2
    assert "no pair of these data sets has a gain" in done.stderr
    assert not (tmp_path / "x.parquet").exists()


@pytest.mark.slow
def test_score_predicts_and_a_probe_combines_and_is_appended(folder):
    sets = ("sets/one", "sets/two")
    plain = run(folder, "score", *sets, "--json", "--no-predict")
    assert json.loads(plain.stdout)["predictions"] == []
    scored = json.loads(run(folder, "score", *sets, "--json").stdout)
    assert [(p["source"], p["target"]) for p in scored["predictions"]] == [
        ("one", "two"),
        ("two", "one"),
    ]
    assert not any(p["measured"] for p in scored["predictions"])
    again = json.loads(run(folder, "score", *sets, "--json").stdout)
    assert again["predictions"] == scored["predictions"]
    probed = run(folder, "probe", *sets, "--updates", "30", "--seeds", "3", "-v", "-o", "r.json")
    assert probed.returncode == 0
    assert "Predicted transfer" in probed.stdout
    found = json.loads((folder / "r.json").read_text())
    assert not any(p["measured"] for p in found["predictions"])
    assert all(p["measured"] for p in found["combined"])
    added = run(folder, "atlas", "append", "r.json")
    assert added.returncode == 0
    assert "2 rows added, 2 in all" in added.stderr
    schema = json.loads(run(folder, "schema", "result").stdout)
    import jsonschema

    for document in (scored, found):
        jsonschema.validate(document, schema)
