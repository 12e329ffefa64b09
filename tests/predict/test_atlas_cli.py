"""``taskaff atlas`` and predictions of ``score``, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

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
        timeout=120,
    )


def test_build_show_and_what_is_wrong(folder):
    setup = "n=40,r=4,seeds=2,steps=30,source_rows=60"
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
    probed = run(folder, "probe", *sets, "--steps", "30", "--seeds", "3", "-o", "r.json")
    assert probed.returncode == 0
    assert "Predicted transfer" in probed.stdout
    found = json.loads((folder / "r.json").read_text())
    assert all(p["measured"] for p in found["predictions"])
    added = run(folder, "atlas", "append", "r.json")
    assert added.returncode == 0
    assert "2 rows added, 2 in all" in added.stderr
    schema = json.loads(run(folder, "schema", "result").stdout)
    import jsonschema

    for document in (scored, found):
        jsonschema.validate(document, schema)
