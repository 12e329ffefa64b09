"""The configuration of a run: file, environment, ``--config`` and options, in that order."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskaff.cli.options import ConfigOptions
from taskaff.cli.streams import say
from taskaff.core.config import Assignment, Config, find_file, load, override, toml_value
from taskaff.core.registry import closest, unknown_name
from taskaff.core.user_folders import user_atlas, user_cache

if TYPE_CHECKING:
    from taskaff.core.records.embedding import EncoderOptions
    from taskaff.core.settings import PredictSettings, ProbeSettings
    from taskaff.pipeline.session import RunSettings

PREFIX = "TASKAFF_"
CONFIG_FILE = "TASKAFF_CONFIG_FILE"


def _flag(text: str) -> Any:
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    return words.get(text.strip().lower(), text)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _numbers(text: str) -> list[Any]:
    return [toml_value(word) for word in _words(text)]


SETTINGS: dict[str, tuple[tuple[str, str], Callable[[str], Any]]] = {
    "encoder": (("embed", "encoder"), str),
    "device": (("embed", "device"), str),
    "dtype": (("embed", "dtype"), str),
    "batch_size": (("embed", "batch_size"), toml_value),
    "max_length": (("embed", "max_length"), toml_value),
    "pair": (("embed", "pair"), str),
    "revision": (("embed", "revision"), str),
    "workers": (("embed", "workers"), toml_value),
    "offline": (("embed", "offline"), _flag),
    "cache": (("cache", "mode"), str),
    "cache_dir": (("cache", "dir"), str),
    "split": (("score", "split"), str),
    "scores": (("score", "scores"), _words),
    "confidence": (("score", "confidence"), toml_value),
    "intervals": (("score", "intervals"), _flag),
    "capacities": (("score", "capacities"), _numbers),
    "capacity": (("score", "capacity"), _flag),
    "predict": (("predict", "enabled"), _flag),
    "probe_mode": (("probe", "mode"), str),
    "probe_align": (("probe", "align"), _flag),
    "probe_align_form": (("probe", "align_form"), str),
    "probe_align_train": (("probe", "align_train"), str),
    "probe_weights": (("probe", "weights"), str),
    "probe_svd_rank": (("probe", "svd_rank"), toml_value),
    "probe_recipe": (("probe", "recipe"), str),
    "probe_shares": (("probe", "shares"), _flag),
    "probe_source_until": (("probe", "source_until"), toml_value),
    "probe_capacity": (("probe", "capacities"), _numbers),
    "probe_r": (("probe", "r"), toml_value),
    "probe_trunk": (("probe", "trunk"), str),
    "probe_transference": (("probe", "transference"), _flag),
    "probe_budget": (("probe", "budget"), str),
    "probe_controls": (("probe", "controls"), _flag),
    "probe_seeds": (("probe", "seeds"), toml_value),
    "probe_max_seeds": (("probe", "max_seeds"), toml_value),
    "probe_each_label": (("probe", "each_label"), _flag),
    "probe_targets": (("probe", "targets"), _words),
    "probe_margin": (("probe", "margin"), str),
    "probe_confidence": (("probe", "confidence"), toml_value),
    "probe_target_rows": (("probe", "target_rows"), toml_value),
    "probe_source_rows": (("probe", "source_rows"), toml_value),
    "probe_updates": (("probe", "updates"), toml_value),
    "probe_patience": (("probe", "patience"), toml_value),
    "probe_epochs": (("probe", "epochs"), toml_value),
    "probe_batch": (("probe", "batch"), toml_value),
    "probe_lr": (("probe", "lr"), toml_value),
    "probe_align_lr": (("probe", "align_lr"), toml_value),
    "probe_max_tokens": (("probe", "max_tokens"), toml_value),
    "probe_leaks": (("probe", "leaks"), str),
    "probe_device": (("probe", "device"), str),
    "check_probe": (("check", "probe"), _flag),
    "check_inconclusive": (("check", "inconclusive"), str),
    "check_baseline": (("check", "baseline"), str),
}
"""Option to its key of the configuration and how its text is read. The variable is ``TASKAFF_``
and the option in capitals: ``--cache-dir``, ``TASKAFF_CACHE_DIR``, ``cache.dir``. The options of
one command alone have its name before them: ``--align`` of the probe, ``TASKAFF_PROBE_ALIGN``."""

PROBE = "probe_"
CHECK = "check_"


def from_environment(environ: Mapping[str, str]) -> list[Assignment]:
    """The settings among the variables; empty ones count as unset."""
    found = []
    for name, (key, read) in SETTINGS.items():
        variable = PREFIX + name.upper()
        if environ.get(variable):
            found.append(Assignment(key, read(environ[variable]), variable))
    return found


def from_options(options: Mapping[str, Any]) -> list[Assignment]:
    """The settings among the options; None means that an option was not given."""
    found = []
    for name, value in options.items():
        if value is not None:
            key, read = SETTINGS[name]
            source = "--" + name.removeprefix(PROBE).removeprefix(CHECK).replace("_", "-")
            found.append(Assignment(key, read(value) if isinstance(value, str) else value, source))
    return found


def misspelt(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Variables that look like a setting but are none, each with the nearest setting."""
    known = [PREFIX + name.upper() for name in SETTINGS] + [CONFIG_FILE]
    words = {name.removeprefix(PREFIX): name for name in known}
    strange = (name for name in environ if name.startswith(PREFIX) and name not in known)
    near = ((name, closest(name.removeprefix(PREFIX), words)) for name in sorted(strange))
    return [(name, words[word]) for name, word in near if word]


def config_file(given: Path | None) -> Path | None:
    """The file that the command line or the environment names, or the nearest one."""
    if given is not None:
        return given
    if os.environ.get(CONFIG_FILE):
        return Path(os.environ[CONFIG_FILE])
    return find_file(Path())


def read_config(choice: ConfigOptions, **options: Any) -> Config:
    """The configuration with every layer applied; ``options`` are named as in ``SETTINGS``."""
    for name, near in misspelt(os.environ):
        say(f"warning: {name} is not a setting of taskaff; did you mean {near}?")
    layers = from_environment(os.environ)
    layers += [override(text) for text in choice.config or ()]
    layers += from_options(options)
    return load(config_file(choice.config_file), layers)


def cache_dir(config: Config) -> Path:
    """The cache folder in force: the configured one, or the user's."""
    if config.cache.dir:
        return Path(config.cache.dir).expanduser()
    return user_cache()


def run_settings(config: Config, limited: Collection[str] = ()) -> RunSettings:
    """The settings of the pipeline; scores with a limit are never left out."""
    from taskaff.core.settings import ScoreSettings
    from taskaff.pipeline.prediction import training_of
    from taskaff.pipeline.session import RunSettings
    from taskaff.stages.score.plugins import SCORES

    for name in config.score.scores:
        if name not in SCORES:
            raise unknown_name("score", name, SCORES)
    chosen = config.score
    return RunSettings(
        encoder=config.embed.encoder,
        options=encoder_options(config),
        split=chosen.split,
        cache_mode=config.cache.mode,
        cache_dir=None if config.cache.mode == "off" else cache_dir(config),
        cache_vectors=config.cache.vectors,
        workers=config.embed.workers,
        score=ScoreSettings(
            scores=tuple(chosen.scores),
            confidence=chosen.confidence,
            intervals=chosen.intervals,
            trace_share=chosen.trace_share,
            min_rows=chosen.min_rows,
            most_trained=sys.maxsize if "moment_gain" in limited else chosen.most_trained,
            capacities=tuple(chosen.capacities),
            capacity=chosen.capacity,
            training=training_of(probe_settings(config)),
        ),
        predict=predict_settings(config),
    )


def predict_settings(config: Config) -> PredictSettings | None:
    """What predictions are made with, as the probe would train; None when there are to be none."""
    from taskaff.core.settings import PredictSettings

    chosen = config.predict
    if not chosen.enabled:
        return None
    return PredictSettings(
        margin=chosen.margin,
        confidence=chosen.confidence,
        decide=chosen.decide,
        most_pairs=chosen.most_pairs,
        atlas=atlas_path(config),
        cache_dir=None if config.cache.mode == "off" else cache_dir(config),
        training=probe_settings(config),
    )


def atlas_path(config: Config) -> Path:
    """The user's own atlas, whether it exists or not."""
    if config.predict.atlas:
        return Path(config.predict.atlas).expanduser()
    return user_atlas()


def encoder_options(config: Config) -> EncoderOptions:
    """How the encoder runs."""
    from taskaff.core.records.embedding import EncoderOptions

    chosen = config.embed
    return EncoderOptions(
        device=chosen.device,
        dtype=chosen.dtype,
        batch_size=None if chosen.batch_size == "auto" else chosen.batch_size,
        max_length=chosen.max_length,
        pairs=chosen.pair,
        revision=chosen.revision,
        offline=chosen.offline,
    )


def probe_settings(config: Config) -> ProbeSettings:
    """The settings of the probe; what is not configured is as the trunk has it."""
    from taskaff.core.config.values import margin_of, seconds_of
    from taskaff.stages.probe.defaults import settings_for

    kept = config.probe.model_dump(exclude={"mode"}).items()
    chosen: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in kept}
    margin, unit = margin_of(chosen.pop("margin"))
    budget, seeds, recipe = chosen.pop("budget"), chosen.pop("seeds"), chosen.pop("recipe")
    more: dict[str, Any] = {
        "recipes": None if recipe is None else (recipe,),
        "seeds": None if seeds is None else tuple(range(seeds)),
        "margin": margin,
        "margin_unit": unit,
        "budget": None if budget is None else seconds_of(budget),
    }
    return settings_for(chosen | more)
