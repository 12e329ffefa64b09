"""The small commands: init, env, cache, schema, profile, merge."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest

from taskaff.core.config import Config, load
from taskaff.core.store import Store, digest_key

# ------------------------------------------------------------------------------------------- init


def test_init_writes_a_file_of_defaults(quick):
    assert quick("init").stderr == "wrote taskaff.toml\n"
    assert load(Path("taskaff.toml")) == Config()


def test_every_commented_line_of_init_is_valid(quick):
    """Uncommented, the template is a complete configuration."""
    import re

    quick("init")
    text = Path("taskaff.toml").read_text()
    body = text.split("version = 1")[1]
    Path("all.toml").write_text("version = 1" + re.sub(r"^# ", "", body, flags=re.MULTILINE))
    config = load(Path("all.toml"))
    assert set(config.model_fields_set) == {
        *("version", "embed", "score", "datasets", "mix", "check", "waivers")
    }


def test_init_keeps_a_file_that_is_there(quick):
    Path("taskaff.toml").write_text("mine")
    done = quick("init")
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert Path("taskaff.toml").read_text() == "mine"
    assert quick("init", "--force").returncode == 0
    assert load(Path("taskaff.toml")) == Config()


@pytest.mark.parametrize("name", ["plain", 'quo"te', "back\\slash", "new\nline", "del\x7f", "é"])
def test_init_lists_data_sets_whatever_they_are_called(quick, name):
    assert quick("init", f"{name}.csv", "nli=data/nli.parquet").returncode == 0
    config = load(Path("taskaff.toml"))
    assert [section.path for section in config.datasets.values()] == [
        f"{name}.csv",
        "data/nli.parquet",
    ]
    assert config.mix.datasets == list(config.datasets)


def test_init_refuses_a_name_for_two(quick):
    done = quick("init", "a/x.csv", "b/x.csv")
    assert done.returncode == 2
    assert not Path("taskaff.toml").exists()


# -------------------------------------------------------------------------------------------- env


def test_env_knows_versions_and_settings_without_loading_them(tmp_path, clean_environment):
    code = (
        "import sys; from taskaff.cli.run import run; run(['env', '--json']); "
        "print([m for m in ('torch', 'transformers', 'sklearn') if m in sys.modules], "
        "file=sys.stderr)"
    )
    environment = {**clean_environment, "TASKAFF_ENCODER": "glove"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=True,
    )
    facts = json.loads(done.stdout)
    assert done.stderr == "[]\n"
    expected = {"taskaff", "python", "numpy", "scipy", "pyarrow", "torch", "device", "blas"}
    assert expected <= set(facts)
    assert facts["cache"] == str(tmp_path / "cache")
    assert facts["config"] == "none"
    assert facts["TASKAFF_ENCODER"] == "glove"


def test_env_survives_a_broken_configuration(quick):
    Path("taskaff.toml").write_text("versio = 1\n")
    done = quick("env")
    assert done.returncode == 0
    assert "unknown key 'versio'" in done.stdout


# ------------------------------------------------------------------------------------------ cache


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "cache")
    for number in range(3):
        path = store.put("signature", digest_key(n=number), lambda p: p.write_bytes(b"x" * 100))
        os.utime(path, (1e9 + number, 1e9 + number))
    return store


def test_cache_ls(quick, store):
    done = quick("cache", "ls")
    assert len(done.stdout.splitlines()) == 3
    assert done.stderr == "3 entries, 300 bytes\n"


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (["--max-size", "200"], 2),
        (["--max-size", "0.0002MB"], 2),
        (["--max-size", "1kB"], 3),
        (["--older-than", "52w"], 0),
        (["--older-than", "5000w"], 3),
        (["--all"], 0),
    ],
)
def test_cache_prune(quick, store, arguments, left):
    done = quick("cache", "prune", *arguments)
    assert done.returncode == 0, done.stderr
    assert len(list(store.entries())) == left


@pytest.mark.parametrize("size", ["-1", "1XB", "1e9", "MB", "", "1 0"])
def test_cache_prune_takes_no_other_size(quick, store, size):
    assert quick("cache", "prune", f"--max-size={size}").returncode == 2
    assert len(list(store.entries())) == 3


def test_cache_verify(quick, store):
    assert quick("cache", "verify").stderr == "every entry is intact\n"
    entry = next(store.entries())
    entry.path.write_bytes(b"y" * 100)
    done = quick("cache", "verify")
    assert done.returncode == 2
    assert str(entry.path) in done.stderr
    assert len(list(store.entries())) == 3
    assert quick("cache", "verify", "--remove").returncode == 0
    assert quick("cache", "verify").stderr == "every entry is intact\n"
    assert len(list(store.entries())) == 2


# ------------------------------------------------------------------------------------- the others


@pytest.mark.parametrize("kind", ["result", "config"])
def test_schemas_are_schemas(quick, kind):
    jsonschema.Draft202012Validator.check_schema(json.loads(quick("schema", kind).stdout))


def test_the_file_of_init_fits_the_schema(quick):
    quick("init", "a.csv")
    schema = json.loads(quick("schema", "config").stdout)
    jsonschema.validate(tomllib.loads(Path("taskaff.toml").read_text()), schema)


def test_profile_names_the_file_after_the_task(quick):
    assert quick("profile", "pass").stderr == "wrote pass.taskaff: 10 rows of pass\n"
    assert Path("pass.taskaff").read_text() == "pass"
    assert quick("profile", "../evil=x", "-q").returncode == 0
    assert not Path("../evil=x.taskaff").exists()


def test_profile_leaves_nothing_behind_when_it_fails(quick, tmp_path):
    for source in ("bad", "crash", "unwritable"):
        assert quick("profile", source, "-o", "a.taskaff").returncode == 2
        assert list(tmp_path.iterdir()) == []


def test_merge(quick):
    for name in ("a", "b"):
        Path(f"{name}.taskaff").touch()
    done = quick("merge", "a.taskaff", "b.taskaff", "-o", "c.taskaff", "--name", "whole")
    assert (done.returncode, done.stderr) == (0, "wrote c.taskaff: 10 rows of whole\n")
    assert Path("c.taskaff").read_text() == "whole"


def test_merge_does_not_overwrite_a_part(quick):
    for name in ("a", "b"):
        Path(f"{name}.taskaff").touch()
    done = quick("merge", "a.taskaff", "b.taskaff", "-o", "a.taskaff")
    assert done.returncode == 2
    assert "would overwrite an input" in done.stderr
