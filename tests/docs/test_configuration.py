"""``docs/configuration.md`` lists every key with its default, and its example is accepted."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace

import pytest
from paths import ROOT
from pydantic import BaseModel

from taskaff.cli.settings import CHECK, PREFIX, PROBE, SETTINGS, probe_settings
from taskaff.core.config import Config, DatasetSection, Waiver, load
from taskaff.core.settings import ProbeSettings, ScoreSettings
from taskaff.stages.data import FORMATS
from taskaff.stages.score.plugins import SCORES

PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
EXAMPLE = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1]


def rows(header):
    """Cells of the tables with this header: code marks stay, names in one cell are taken apart."""
    tables = PAGE.split(header)[1:]
    lines = [line for table in tables for line in table.split("\n\n")[0].splitlines()[2:]]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def documented():
    """Every key of the tables of keys, and its default or None."""
    found = {}
    for names, default, _ in rows("| key | default | |"):
        for name in re.findall(r"`([^`]+)`", names):
            found[name] = (
                tomllib.loads(f"value = {default.strip('`')}")["value"] if default else None
            )
    return found


def defaults():
    """The same, from the models."""
    found = {}
    for name, field in Config.model_fields.items():
        section = field.get_default(call_default_factory=True)
        if isinstance(section, BaseModel):
            found |= {f"{name}.{key}": value for key, value in section.model_dump().items()}
        elif name not in ("datasets", "waivers"):
            found[name] = section
    for name, field in DatasetSection.model_fields.items():
        found[name] = None if field.is_required() else field.default
    return found


def test_every_key_is_documented_with_its_default():
    assert documented() == defaults()


def test_the_defaults_are_those_of_the_scoring_stage():
    ours = Config().score.model_dump(exclude={"split"})
    theirs = {name: getattr(ScoreSettings(), name) for name in ours}
    assert {k: tuple(v) if isinstance(v, list) else v for k, v in ours.items()} == theirs


def test_the_defaults_are_those_of_the_probe():
    found = probe_settings(Config())
    assert (found.recipes, found.max_seeds) == (("turns", "concat"), 20)  # what people are shown
    assert replace(found, recipes=("turns",), max_seeds=0) == ProbeSettings()


def test_every_variable_is_documented():
    found = {}
    for option, variable, key in rows("| option | variable | key |"):
        found[variable.strip("`")] = option.split(",")[0].strip("`"), key.strip("`")
    expected = {
        PREFIX + name.upper(): (
            "--" + name.removeprefix(PROBE).removeprefix(CHECK).replace("_", "-"),
            ".".join(key),
        )
        for name, (key, _) in SETTINGS.items()
    }
    assert found == expected


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
