"""Keywords of the Python API: which of them belong to the run, to the data, to something else."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from taskaff.core.errors import UsageError
from taskaff.core.records.data import DataRequest
from taskaff.core.registry import unknown_name
from taskaff.core.settings import EncoderOptions, PredictSettings, RunSettings
from taskaff.core.user_folders import user_atlas, user_cache
from taskaff.stages.data import split_argument

Sources = Sequence[Any] | Mapping[str, Any]

CACHES = ("use", "refresh", "only", "off")
ENCODING = tuple(field.name for field in dataclasses.fields(EncoderOptions))
RUN = ("encoder", "split", "cache", "cache_dir", "predict", *ENCODING)
"""Keywords of every function that embeds rows."""
COLUMNS = ("text", "label")


def run_settings(
    options: dict[str, Any], encoder: str | None, given: RunSettings | None
) -> RunSettings:
    """The settings of a call, as on the command line where nothing is said; takes its keywords.

    ``cache`` and ``cache_dir`` are the options of the same names. Where none of them is given the
    settings' own folder counts, and else the user's cache folder; so with predictions.
    """
    settings = given or RunSettings()
    encoding = {name: options.pop(name) for name in ENCODING if name in options}
    settings = replace(
        settings,
        encoder=encoder or settings.encoder,
        split=options.pop("split", settings.split),
        options=replace(settings.options, **encoding),
    )
    mode = options.pop("cache", settings.cache_mode)
    if mode not in CACHES:
        raise UsageError(f"cache is {mode!r}", hint=f"cache is one of {', '.join(CACHES)}")
    folder = Path(options.pop("cache_dir", None) or settings.cache_dir or user_cache())
    cache_dir = None if mode == "off" else folder.expanduser()
    predict = options.pop("predict", True)
    return replace(
        settings,
        cache_mode=mode,
        cache_dir=cache_dir,
        predict=_predicting(predict, settings, cache_dir),
    )


def _predicting(
    asked: bool | PredictSettings, settings: RunSettings, cache: Path | None
) -> PredictSettings | None:
    if isinstance(asked, PredictSettings):
        return asked
    if not asked:
        return None
    return settings.predict or PredictSettings(atlas=user_atlas(), cache_dir=cache)


def taken(options: dict[str, Any], record: type[Any]) -> dict[str, Any]:
    """The keywords that are fields of a record, taken out of the options."""
    names = [field.name for field in dataclasses.fields(record)]
    return {name: options.pop(name) for name in names if name in options}


def names_of(record: type[Any]) -> list[str]:
    """The keywords that a record has."""
    return [field.name for field in dataclasses.fields(record)]


def requests(
    sources: Sources, columns: Mapping[str, Any], word: str = "score", more: Sequence[str] = ()
) -> list[DataRequest]:
    """Requests of a function called ``word`` that takes the options ``more`` as well."""
    if isinstance(sources, (str, bytes, Path)):
        problem = f"{word} takes a list of data sets, not one"
        raise UsageError(problem, hint=f"taskaff.{word}([a, b])")
    if isinstance(sources, Mapping):
        return [request(source, name, columns, more) for name, source in sources.items()]
    return [request(source, None, columns, more) for source in sources]


def request(
    source: Any, name: str | None, columns: Mapping[str, Any], more: Sequence[str] = ()
) -> DataRequest:
    """One source with what is said of its columns."""
    known = [field.name for field in dataclasses.fields(DataRequest)]
    if unknown := [key for key in columns if key not in known]:
        raise unknown_name("option", unknown[0], [*known[1:], *more])
    if isinstance(source, DataRequest):
        return replace(source, name=name) if name else source
    if isinstance(source, Path):
        source = str(source)
    elif isinstance(source, str) and name is None:
        name, source = split_argument(source)
    fields: dict[str, Any] = {
        key: (value,) if key in COLUMNS and isinstance(value, str) else value
        for key, value in columns.items()
    }
    fields |= {key: tuple(fields[key]) for key in COLUMNS if isinstance(fields.get(key), list)}
    if "missing_label" in fields:
        given = fields["missing_label"]
        several = isinstance(given, list | tuple | set | frozenset)
        fields["missing_label"] = tuple(map(str, given)) if several else (str(given),)
    return DataRequest(source=source, name=name, **fields)
