"""``taskaff probe --trunk lstm`` and the like, from files to print; killed and resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import jsonschema
import numpy as np
import pytest
from paths import EXAMPLES

FILMS, BOOKS = EXAMPLES / "films.csv", EXAMPLES / "books.csv"
QUICK = ("--r", "4", "--updates", "8", "--seeds", "2")


def document(done):
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    del found["timings"]
    return found


@pytest.mark.parametrize("trunk", ["lstm", "cnn", "mlp-tokens"])
def test_a_trunk_over_words_gives_the_result_of_any_probe(direct, trunk):
    arguments = ("probe", FILMS, BOOKS, "--trunk", trunk, *QUICK, "--max-tokens", "12", "--json")
    first = document(direct(*arguments))
    jsonschema.validate({**first, "timings": {}}, json.loads(direct("schema", "result").stdout))
    settings = first["settings"]
    assert (settings["trunk"], settings["r"], settings["max_tokens"]) == (trunk, 4, 12)
    assert (settings["lr"], settings["batch"], settings["weight_decay"]) == (0.003, 32, [0.0])
    assert [pair["gain"]["n"] for pair in first["pairs"]] == [2, 2]
    assert any("rows were cut at 12 tokens (--max-tokens)" in note for note in first["notes"])
    assert document(direct(*arguments)) == first  # from the cache
    if trunk == "lstm":
        assert document(direct(*arguments, "--cache", "off")) == first


def test_the_table_says_how_it_was_trained(direct):
    arguments = ("--trunk", "lstm", *QUICK, "--lr", "0.02", "--batch", "16")
    words = " ".join(direct("probe", FILMS, BOOKS, *arguments, "-v").stdout.split())
    assert "lstm trunk, r = 4, stopped by validation loss, at about 8 updates" in words
    assert "fine-tuned at rate 0.02 in batches of 16, up to 128 tokens a row" in words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--trunk", "transformer"), "starts from a transformer, and --encoder glove is none"),
        (("--trunk", "transformer", "--r", "8"), "--r means nothing with --trunk transformer"),
        (("--trunk", "lstm", "--transference"), "transference is measured on frozen vectors"),
        (("--trunk", "lstm", "--max-tokens", "0"), "max-tokens"),
    ],
)
def test_what_does_not_fit_is_refused(direct, arguments, words):
    done = direct("probe", FILMS, BOOKS, *arguments, "--updates", "8", "--seeds", "2")
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())


def test_vectors_have_no_tokens(direct):
    done = direct("probe", FILMS, "synthetic:linear?task=1&rows=200", "--trunk", "cnn")
    assert done.returncode == 2
    assert "--trunk cnn is fine-tuned on texts, and synthetic:linear" in done.stderr
    assert "--trunk linear, relu or mlp train on vectors" in done.stderr


@pytest.mark.slow
def test_a_probe_that_was_killed_goes_on_at_the_last_finished_run(tmp_path):
    options = ("--trunk", "lstm", "--r", "8", "--updates", "80", "--seeds", "12")
    command = [sys.executable, "-m", "taskaff", "probe", str(FILMS), str(BOOKS), *options]
    command += ["--json", "--no-predict"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    cached = [*command, "--cache-dir", str(tmp_path / "cache")]
    killed = subprocess.Popen(
        cached, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    while len(kept(tmp_path)) < 4 and killed.poll() is None:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    killed.communicate()
    before = kept(tmp_path)
    assert 4 <= len(before) < 48

    def finished(arguments):
        done = subprocess.run(arguments, capture_output=True, text=True, env=environment)
        return document(done)

    resumed = finished(cached)
    after = kept(tmp_path)
    assert len(after) == 48  # four arms, twelve seeds
    assert {path: after[path] for path in before} == before
    whole = finished([*command, "--cache", "off"])
    for one, other in zip(resumed.pop("pairs"), whole.pop("pairs"), strict=True):
        losses = [[[s["stl_loss"], s["mtl_loss"]] for s in p["seeds"]] for p in (one, other)]
        # The rest is stacked otherwise: rounding, which some runs magnify; which ones depends on
        # the moment of the kill.
        apart = np.abs(np.subtract(*losses))
        assert np.quantile(apart, 0.7) < 1e-5
        assert apart.max() < 5e-3
    assert resumed == whole


def kept(folder):
    """Outcomes in the cache: file to its inode, without locks and what is still being written."""
    found = (folder / "cache" / "probe-run").glob("??/*.*")
    whole = [p for p in found if p.suffix != ".tmp" and not p.name.startswith(".")]
    return {path: path.stat().st_ino for path in whole}
