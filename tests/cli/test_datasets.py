"""From arguments, options and the configuration to requests and run settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskaff.cli.datasets import requests
from taskaff.core.config import load
from taskaff.core.errors import UsageError
from taskaff.core.settings import EncoderOptions

CONFIG = """\
[score]
confidence = 0.8
scores = ["overlap"]
[datasets.sst]
path = "sst.csv"
label = "stars"
limit = 5
[datasets.nli]
path = "nli.parquet"
text = ["premise", "hypothesis"]
on_bad_row = "skip"
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "taskaff.toml"
    path.write_text(CONFIG)
    return load(path)


def test_without_arguments_all_data_sets_in_the_order_of_the_file(config):
    assert [request.name for request in requests([], config, {})] == ["sst", "nli"]


def test_a_name_of_the_configuration(config, tmp_path):
    [request] = requests(["nli"], config, {})
    assert request.source == str(tmp_path / "nli.parquet")
    assert request.text == ("premise", "hypothesis")
    assert request.on_bad_row == "skip"


def test_options_come_before_the_configuration_for_every_data_set(config):
    sst, other = requests(["sst", "other.csv"], config, dict(label="gold", limit=7))
    assert (sst.label, sst.limit) == (("gold",), 7)
    assert (other.label, other.limit, other.name) == (("gold",), 7, None)


def test_named_path(config):
    [request] = requests(["mr=data/mr.csv"], config, {})
    assert (request.name, request.source) == ("mr", "data/mr.csv")


def test_every_option_reaches_the_request(config):
    options = dict(
        text='a,"b, c"',
        label="x",
        label_kind="regression",
        split_column="fold",
        join_tokens=True,
        delimiter=r"\t",
        encoding="latin-1",
        quote="'",
        no_header=True,
        skip_lines=2,
        stdin_format="csv",
        on_bad_row="skip",
        limit=3,
    )
    [request] = requests(["-"], config, options)
    assert request.text == ("a", "b, c")
    assert request.join_tokens is True
    assert request.delimiter == "\t"
    assert request.format == "csv"
    assert (request.no_header, request.skip_lines) == (True, 2)
    two = requests(["-", "a.dat"], config, dict(format="tsv.gz", stdin_format="csv"))
    assert [each.format for each in two] == ["csv", "tsv.gz"]
    [both] = requests(["-"], config, dict(format="tsv"))
    assert both.format == "tsv"
    taken = (request.label, request.label_kind, request.split_column, request.encoding)
    assert taken == (("x",), "regression", "fold", "latin-1")
    assert (request.quote, request.on_bad_row, request.limit) == ("'", "skip", 3)


@pytest.mark.parametrize("url", ["s3://b/a.csv", "https://h/a.csv", "hf://datasets/d/a.csv"])
def test_offline_refuses_the_network_but_no_file(url):
    offline = load(None, [])
    offline = offline.model_copy(
        update={"embed": offline.embed.model_copy(update={"offline": True})}
    )
    with pytest.raises(UsageError, match="--offline is on"):
        requests([url], offline, {})
    assert requests(["a.csv", "file:///a.csv"], offline, {})


def test_the_configuration_reaches_the_pipeline(quick, monkeypatch, fake_pipeline):
    Path("taskaff.toml").write_text(CONFIG)
    seen = {}

    def score(sources, settings, progress):
        seen.update(sources=sources, settings=settings)
        return original(sources, settings, progress)

    original = fake_pipeline["score"].score
    monkeypatch.setattr(fake_pipeline["score"], "score", score)
    monkeypatch.setenv("TASKAFF_CONFIDENCE", "0.7")
    done = quick("score", "--encoder", "glove:x.txt", "--no-capacity", "--no-intervals")
    assert done.returncode == 0, done.stderr
    settings = seen["settings"]
    assert [request.source for request in seen["sources"]] == ["sst.csv", "nli.parquet"]
    assert (settings.encoder, settings.score.confidence) == ("glove:x.txt", 0.7)
    assert settings.score.scores == ("overlap",)
    assert (settings.score.capacity, settings.score.intervals) == (False, False)
    assert settings.cache_dir == Path("cache").absolute()
    assert settings.cache_mode == "use"


def test_how_an_encoder_runs_reaches_the_pipeline(quick, monkeypatch, fake_pipeline):
    seen = {}

    def score(sources, settings, progress):
        seen.update(settings=settings)
        return original(sources, settings, progress)

    original = fake_pipeline["score"].score
    monkeypatch.setattr(fake_pipeline["score"], "score", score)
    monkeypatch.setenv("TASKAFF_DTYPE", "bfloat16")
    options = ["--device", "cuda:1", "--batch-size", "8", "--max-length", "64", "--pair", "cross"]
    assert quick("score", "a", "b", *options, "--revision", "v1", "--offline").returncode == 0
    assert seen["settings"].options == EncoderOptions(
        "cuda:1", "bfloat16", 8, 64, "cross", "v1", True
    )
    assert quick("score", "a", "b", "--batch-size", "auto", "--dtype", "float32").returncode == 0
    assert seen["settings"].options == EncoderOptions(dtype="float32")


def test_the_cache_folder(quick, monkeypatch, tmp_path):
    assert quick("cache", "dir").stdout == f"{tmp_path / 'cache'}\n"
    assert quick("cache", "dir", "--cache-dir", "/x").stdout == "/x\n"
    monkeypatch.delenv("TASKAFF_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    Path("other.toml").write_text('[cache]\ndir = "/y"\n')
    assert quick("cache", "dir", "--config-file", "other.toml").stdout == "/y\n"
    monkeypatch.setenv("TASKAFF_CONFIG_FILE", "other.toml")
    assert quick("cache", "dir").stdout == "/y\n"
    monkeypatch.delenv("TASKAFF_CONFIG_FILE")
    assert quick("cache", "dir").stdout.endswith("taskaff\n")
