"""``docs/configuration.md`` lists every key with its default, and its example is accepted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from paths import ROOT

from taskaff.cli.settings import probe_settings, run_settings
from taskaff.core.config import Config, Waiver, load
from taskaff.core.settings import RECORDS, EncoderOptions, ProbeSettings, ScoreSettings
from taskaff.stages.data import FORMATS
from taskaff.stages.score.plugins import SCORES

PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
EXAMPLE = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1]


def test_the_tables_of_settings_are_those_of_the_declarations():
    command = [sys.executable, str(ROOT / "docs" / "configuration.py"), "--check"]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == 0, "python docs/configuration.py --write"


def test_the_defaults_are_those_of_the_stages():
    config = Config()
    for record in RECORDS:
        for table in ("embed", "cache", "score", "probe", "predict", "check"):
            assert getattr(config, table).given(record) == {}
    assert run_settings(config).score == ScoreSettings()
    assert run_settings(config).options == EncoderOptions()
    found = probe_settings(config)
    assert (found.recipes, found.max_seeds) == (("turns", "concat"), 20)  # what people are shown
    assert replace(found, recipes=("turns",), max_seeds=0) == ProbeSettings()


def test_the_waiver_keys_are_documented():
    paragraph = PAGE[PAGE.index("`[[waivers]]` accepts") :].split("\n\n")[0]
    assert all(f"`{name}`" in paragraph for name in Waiver.model_fields)


@pytest.mark.parametrize("name", ["taskaff.toml", "pyproject.toml"])
def test_the_example_is_accepted(name, tmp_path):
    text = EXAMPLE
    if name == "pyproject.toml":
        text = re.sub(r"^(\[+)(?=[a-z])", r"\1tool.taskaff.", text, flags=re.MULTILINE)
        text = "[tool.taskaff]\n" + text
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    config = load(file)
    assert list(config.datasets) == ["films", "nli", "stars"]
    assert config.datasets["films"].path == str(tmp_path / "films.csv")
    assert config.datasets["stars"].label_kind == "regression"
    assert config.waivers[0].pair == ["nli", "stars"]
    assert config.check.overlap.fail == 0.01
    assert set(config.score.scores) <= set(SCORES)


def test_the_formats_are_all_named():
    line = next(names for names in PAGE.splitlines() if names.startswith("| `format`"))
    assert all(f"`{name}`" in line for name in FORMATS)
