"""Models that cannot be used, and texts that can, from the command line.

Every case runs in this process; with ``-m slow`` in one of its own too, as users do.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny_models
from paths import EXAMPLES

FILMS, BOOKS = EXAMPLES / "films.csv", EXAMPLES / "books.csv"
NO_HUB = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_DISABLE_TELEMETRY": "1"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return tiny_models.bert(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def model(whole, tmp_path):
    """A model's folder that a test may damage."""
    return Path(shutil.copytree(whole, tmp_path / "model"))


def without_safetensors(model):
    (model / "model.safetensors").rename(model / "pytorch_model.bin")


def without_weights(model):
    (model / "model.safetensors").unlink()


def cut_off(model):
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])


def with_code(model):
    code = 'raise SystemExit("it was run")\n'
    (model / "modeling.py").write_text(code)
    tiny_models.change(model / "config.json", auto_map={"AutoModel": "modeling.Model"})


def with_other_tokeniser(model):
    document = json.loads((model / "tokenizer.json").read_text())
    vocabulary = document["model"]["vocab"]
    vocabulary.update({f"word{i}": len(vocabulary) + i for i in range(100)})
    (model / "tokenizer.json").write_text(json.dumps(document))


def without_tokeniser(model):
    for name in ("tokenizer.json", "vocab.txt"):
        (model / name).unlink(missing_ok=True)


def of_another_size(model):
    tiny_models.change(model / "config.json", intermediate_size=48)


def unknown_kind(model):
    tiny_models.change(model / "config.json", model_type="martian")


def no_json(model):
    (model / "config.json").write_text("{")


def adapter(model):
    (model / "adapter_config.json").write_text("{}")


def as_it_is(model):
    pass


HUB, FOLDER = "hf:nobody/no-such-model", "hf:{}"
CASES = {
    "pickle": (without_safetensors, [FOLDER], "no safetensors", "save_pretrained"),
    "no-weights": (without_weights, [FOLDER], "no weights", "fetch"),
    "damaged": (cut_off, [FOLDER], "weights", "fetch"),
    "code": (with_code, [FOLDER], "its own code", "auto_map"),
    "tokeniser": (with_other_tokeniser, [FOLDER], "tokeniser does not match", "tokeniser"),
    "no-tokeniser": (without_tokeniser, [FOLDER], "tokeniser", "AutoTokenizer"),
    "shape": (of_another_size, [FOLDER], "do not match", "config.json"),
    "kind": (unknown_kind, [FOLDER], "martian", "another"),
    "json": (no_json, [FOLDER], "not a JSON object", "fetch"),
    "adapter": (adapter, [FOLDER], "adapter", "merge"),
    "gpu": (as_it_is, [FOLDER, "--device", "cuda:99"], "'cuda:99' cannot be", "--device cpu"),
    "long": (as_it_is, [FOLDER, "--max-length", "999"], "positions for 64", "--max-length 64"),
    "revision": (as_it_is, [FOLDER, "--revision", "v1"], "no revision", "--revision"),
    "offline": (as_it_is, [HUB, "--offline"], "not on this machine", "leave --offline out"),
    "no-network": (as_it_is, [HUB], "cannot be reached", "check the network"),
    "no-folder": (as_it_is, ["st:./nowhere"], "no such folder", "path"),
    "no-name": (as_it_is, ["st:"], "ends in a colon", "--encoder st"),
    "query": (as_it_is, [FOLDER + "?pooling=sum"], "unknown", "mean"),
    "typo": (as_it_is, ["sf:x"], "unknown encoder 'sf'", "known"),
}


@pytest.fixture(params=CASES)
def case(request, model):
    """Arguments, and what standard error must say in its two lines."""
    damage, arguments, found, hint = CASES[request.param]
    damage(model)
    encoder, *options = (argument.format(model) for argument in arguments)
    return ["score", FILMS, BOOKS, "--encoder", encoder, *options], found, hint


def refused(done, found, hint):
    error, advice = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert error.startswith(("error: embed: ", "error: usage: "))
    assert advice.startswith("hint: ")
    assert found in error
    assert hint in advice


def test_a_model_that_cannot_be_used(direct, case, monkeypatch):
    arguments, found, hint = case
    if "nobody/no-such-model" in arguments[4]:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", NO_HUB["HF_ENDPOINT"])
        monkeypatch.setattr("huggingface_hub.hf_api.ENDPOINT", NO_HUB["HF_ENDPOINT"], raising=False)
    refused(direct(*arguments), found, hint)


@pytest.mark.slow
def test_in_a_process_of_its_own(cli, case):
    arguments, found, hint = case
    refused(cli(*arguments, real=True, environment=NO_HUB), found, hint)


def test_a_gpu_that_is_not_there_in_a_process_of_its_own(cli, whole):
    arguments = ["score", FILMS, BOOKS, "--encoder", f"hf:{whole}", "--device", "cuda:99"]
    refused(cli(*arguments, real=True), "'cuda:99' cannot be used", "--device cpu")


# ----------------------------------------------------------------------------------- strange texts


@pytest.fixture
def strange(tmp_path):
    """An empty text, one of 100,000 tokens, one of blanks, one without a known letter."""
    texts = ["", "good film " * 50_000, "   ", "☃", *(f"a film {i}" for i in range(20))]
    rows = "".join(f'"{text}",{"yn"[i % 2]}\n' for i, text in enumerate(texts))
    path = tmp_path / "strange.csv"
    path.write_text("text,label\n" + rows, encoding="utf-8")
    return path


def test_strange_texts_have_vectors_and_are_counted(direct, strange, whole):
    done = direct("score", strange, FILMS, "--encoder", f"hf:{whole}", "--json", "--no-capacity")
    assert done.returncode == 0, done.stderr
    task = json.loads(done.stdout)["tasks"][0]
    assert task["rows"] == 24
    assert task["counts"]["truncated"] == 1
    assert task["counts"]["empty"] == 2


def test_strange_texts_do_not_depend_on_how_the_encoder_is_run(direct, strange, whole):
    done = direct("profile", strange, "--encoder", f"hf:{whole}", "--encoder-check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 cut off, 2 empty" in done.stdout
    assert done.stdout.count("passed") == 2


def test_static_vectors_do_not_depend_on_how_they_are_run_either(direct, tmp_path):
    table = np.random.default_rng(0).normal(size=(len(tiny_models.VOCABULARY), 4))
    tensors = {"embeddings": table.astype(np.float32)}
    folder = tiny_models.static_model(tmp_path / "static", tensors)
    rows = tmp_path / "rows.csv"
    rows.write_text("text,label\n,y\n" + "a good film,n\nit is not bad,y\n" * 9)
    done = direct("profile", rows, "--encoder", f"st:{folder}", "--encoder-check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 cut off, 1 empty" in done.stdout
    assert done.stdout.count("passed") == 2


def test_cached_signatures_need_neither_model_nor_library(direct, whole, monkeypatch):
    command = ["score", FILMS, BOOKS, "--encoder", f"st:{whole}", "--json", "--no-capacity"]
    first = direct(*command, "--scores", "covariance_alignment")
    assert first.returncode == 0, first.stderr
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    again = direct(*command, "--scores", "covariance_alignment")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["pairs"] == json.loads(first.stdout)["pairs"]
    monkeypatch.setenv("TASKAFF_CACHE", "off")
    assert direct(*command).returncode == 2


def test_pairs_can_be_one_sequence_or_apart(direct, tmp_path, whole):
    path = tmp_path / "pairs.csv"
    rows = "".join(f"a film {i},good book {i},{'yn'[i % 2]}\n" for i in range(24))
    path.write_text("sentence1,sentence2,label\n" + rows)
    widths = {}
    for pair in ("cross", "apart", "auto"):
        options = ["--encoder", f"hf:{whole}", "--pair", pair, "--json", "--no-capacity"]
        done = direct("score", path, f"b={path}", *options)
        assert done.returncode == 0, done.stderr
        widths[pair] = json.loads(done.stdout)["tasks"][0]["width"]
    assert widths == {"cross": 16, "apart": 64, "auto": 16}


@pytest.mark.parametrize("command", ["score", "probe"])
def test_the_result_says_where_it_was_computed(direct, whole, command):
    short = ["--updates", "20", "--seeds", "2"] if command == "probe" else ["--no-capacity"]
    options = ["--encoder", f"hf:{whole}", "--dtype", "bfloat16", "--device", "cpu"]
    done = direct(command, FILMS, BOOKS, *options, *short, "--json")
    assert done.returncode == 0, done.stderr
    environment = json.loads(done.stdout)["environment"]
    assert environment["device"] == "cpu"
    assert environment["encoder_dtype"] == "bfloat16"
