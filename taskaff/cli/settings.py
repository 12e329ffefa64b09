"""The configuration of a run: file, environment, ``--config`` and options, in that order."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from taskaff.cli.groups import Given
from taskaff.cli.options import ConfigOptions
from taskaff.cli.streams import say
from taskaff.core.config import Assignment, Config, find_file, load, override, toml_value
from taskaff.core.registry import closest, unknown_name
from taskaff.core.settings import (
    SETTINGS,
    VARIABLE,
    Declared,
    EncoderOptions,
    PredictSettings,
    ProbeSettings,
    RunSettings,
    ScoreSettings,
)
from taskaff.core.user_folders import user_atlas, user_cache

CONFIG_FILE = f"{VARIABLE}CONFIG_FILE"


def _flag(text: str) -> Any:
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    return words.get(text.strip().lower(), text)


def _read(each: Declared, text: str) -> Any:
    """The value that a text of the command line or of a variable stands for."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if each.type is str or get_origin(each.type) is Literal:
        return text
    if each.type is bool:
        return _flag(text)
    if each.setting.form is not None or get_origin(each.type) is not tuple:
        return toml_value(text)
    return words if str in get_args(each.type) else [toml_value(word) for word in words]


def from_environment(environ: Mapping[str, str]) -> list[Assignment]:
    """The settings among the variables; empty ones count as unset."""
    return [
        Assignment((each.table, each.name), _read(each, environ[each.variable]), each.variable)
        for each in SETTINGS.values()
        if each.variable and environ.get(each.variable)
    ]


def from_options(options: Mapping[str, Any]) -> list[Assignment]:
    """The settings among the options, by their keys; None means that an option was not given."""
    found = []
    for key, value in options.items():
        if value is not None:
            each = SETTINGS[key]
            read = _read(each, value) if isinstance(value, str) else value
            found.append(Assignment((each.table, each.name), read, f"--{each.option}"))
    return found


def misspelt(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Variables that look like a setting but are none, each with the nearest setting."""
    known = [each.variable for each in SETTINGS.values() if each.variable] + [CONFIG_FILE]
    words = {name.removeprefix(VARIABLE): name for name in known}
    strange = (name for name in environ if name.startswith(VARIABLE) and name not in known)
    near = ((name, closest(name.removeprefix(VARIABLE), words)) for name in sorted(strange))
    return [(name, words[word]) for name, word in near if word]


def config_file(given: Path | None) -> Path | None:
    """The file that the command line or the environment names, or the nearest one."""
    if given is not None:
        return given
    if os.environ.get(CONFIG_FILE):
        return Path(os.environ[CONFIG_FILE])
    return find_file(Path())


def read_config(choice: ConfigOptions, *options: Given) -> Config:
    """The configuration with every layer applied, the options as the last."""
    for name, near in misspelt(os.environ):
        say(f"warning: {name} is not a setting of taskaff; did you mean {near}?")
    layers = from_environment(os.environ)
    layers += [override(text) for text in choice.config or ()]
    for given in options:
        layers += from_options(given)
    return load(config_file(choice.config_file), layers)


def cache_dir(config: Config) -> Path:
    """The cache folder in force: the configured one, or the user's."""
    folder: Path | None = config.cache.dir
    return folder or user_cache()


def run_settings(config: Config, limited: Collection[str] = ()) -> RunSettings:
    """The settings of the pipeline; scores with a limit are never left out."""
    from taskaff.pipeline.prediction import training_of
    from taskaff.stages.score.plugins import SCORES, expensive

    chosen = config.score.given(ScoreSettings)
    for name in chosen.get("scores", ()):
        if name not in SCORES:
            raise unknown_name("score", name, SCORES)
    if expensive() & set(limited):
        chosen["most_trained"] = sys.maxsize
    given: dict[str, Any] = {}
    for table in (config.embed, config.score, config.cache):
        given |= table.given(RunSettings)
    if config.cache.mode != "off":
        given["cache_dir"] = cache_dir(config)
    return RunSettings(
        **given,
        options=EncoderOptions(**config.embed.given(EncoderOptions)),
        score=ScoreSettings(**chosen, training=training_of(probe_settings(config))),
        predict=predict_settings(config),
    )


def predict_settings(config: Config) -> PredictSettings | None:
    """What predictions are made with, as the probe would train; None when there are to be none."""
    if not config.predict.enabled:
        return None
    return PredictSettings(
        **config.predict.given(PredictSettings) | {"atlas": atlas_path(config)},
        cache_dir=None if config.cache.mode == "off" else cache_dir(config),
        training=probe_settings(config),
    )


def atlas_path(config: Config) -> Path:
    """The user's own atlas, whether it exists or not."""
    path: Path | None = config.predict.atlas
    return path or user_atlas()


def probe_settings(config: Config) -> ProbeSettings:
    """The settings of the probe; what is not configured is as the trunk has it."""
    from taskaff.stages.probe.defaults import settings_for

    return settings_for(config.probe.given(ProbeSettings))
