"""``taskaff probe`` with a transformer that is fine-tuned, from texts to what it prints."""

from __future__ import annotations

import json
import random

import pytest
import tiny_bert

QUICK = ("--updates", "5", "--seeds", "2", "--json", "--device", "cpu", "--no-predict")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_bert.write(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Two tasks of single texts and one of pairs."""
    folder, found = tmp_path_factory.mktemp("sets"), []
    for seed, name in enumerate(("a", "b", "two")):
        rng = random.Random(seed)
        rows = [_row(rng, name == "two") for _ in range(90)]
        head = "text,text_b,label" if name == "two" else "text,label"
        found.append(folder / f"{name}.csv")
        found[-1].write_text("\n".join([head, *rows]) + "\n")
    return found


def _row(rng, pair):
    texts = [" ".join(rng.choices(tiny_bert.WORDS, k=rng.randint(2, 8))) for _ in range(1 + pair)]
    early = sum(word < "k" for word in texts[-1].split())
    return ",".join([*texts, "yes" if 2 * early > len(texts[-1].split()) else "no"])


def document(done):
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    del found["timings"]
    return found


def test_pairs_of_single_texts_and_of_pairs(direct, model, sets):
    """A single text beside a pair: the token rows of both fit one model."""
    options = ("--encoder", f"hf:{model}", "--trunk", "transformer", *QUICK)
    first = document(direct("probe", sets[0], sets[2], *options))
    assert len(first["pairs"]) == 2
    assert all(pair["gain"]["n"] == 2 for pair in first["pairs"])
    assert first["settings"]["trunk"] == "transformer"


def test_alignment_through_a_frozen_body(direct, model, sets):
    options = ("--trunk", "transformer-frozen", "--align", "--align-lr", "0.01")
    found = document(direct("probe", *sets[:2], "--encoder", f"hf:{model}", *options, *QUICK))
    assert any("share nothing that is trained" in note for note in found["notes"])
    arms = {(pair["against"], pair["arm"]) for pair in found["pairs"]}
    assert {("mtl", "align"), ("align control", "align"), ("alone", "mtl")} <= arms
    for report in found["alignment"]:  # 0 where the checkpoint is the start
        moved = report["distance_target"]["value"] + report["distance_source"]["value"]
        changed = report["similarity_before"]["value"] != report["similarity_after"]["value"]
        assert (moved > 0) == changed


def test_alignment_and_transfer_of_a_whole_body(direct, model, sets):
    options = ("--trunk", "transformer", "--encoder", f"hf:{model}", "--seeds", "1")
    aligned = document(direct("probe", *sets[:2], *QUICK, *options, "--align"))
    assert len(aligned["alignment"]) == 2
    moved = document(direct("probe", *sets[:2], *QUICK, *options, "--mode", "transfer"))
    arms = {(pair["against"], pair["arm"]) for pair in moved["pairs"]}
    assert {("alone", "fine-tuned"), ("fine-tuned", "fine-tuned with R")} <= arms


def test_a_frozen_body_has_nothing_to_transfer(direct, model, sets):
    options = ("--trunk", "transformer-frozen", "--mode", "transfer", *QUICK)
    done = direct("probe", *sets[:2], "--encoder", f"hf:{model}", *options)
    assert done.returncode == 2
    assert "--trunk transformer" in done.stderr


def test_word_vectors_have_no_body(direct, sets):
    done = direct("probe", *sets[:2], "--encoder", "glove", "--trunk", "transformer", *QUICK)
    assert done.returncode == 2
    assert "hf:MODEL" in done.stderr


@pytest.mark.slow
def test_two_processes_find_the_same(cli, model, sets):
    arguments = ("probe", *sets[:2], "--encoder", f"hf:{model}", "--trunk", "transformer", *QUICK)
    assert document(cli(*arguments, real=True)) == document(
        cli(*arguments, "--cache", "off", real=True)
    )
