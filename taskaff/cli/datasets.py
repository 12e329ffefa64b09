"""Data-set arguments to requests: names of the configuration, ``NAME=PATH``, standard input."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from taskaff.cli.groups import Given
from taskaff.core.config import Config, Section
from taskaff.core.errors import UsageError
from taskaff.core.records.data import DataRequest

STDIN = "-"
_LOCAL = ("", "file")


def requests(arguments: Sequence[str], config: Config, options: Given) -> list[DataRequest]:
    """One request an argument; without arguments, one for each data set of the configuration."""
    named = [_request(argument, config) for argument in arguments or config.datasets]
    asked = [_with_options(request, options) for request in named]
    _check_stdin(asked, options)
    if config.embed.offline:
        for request in asked:
            _refuse_remote(request)
    return asked


def _request(argument: str, config: Config) -> DataRequest:
    from taskaff.stages.data import split_argument

    if argument in config.datasets:
        return _from_config(argument, config.datasets[argument])
    name, source = split_argument(argument)
    return DataRequest(source=source, name=name)


def _from_config(name: str, section: Section) -> DataRequest:
    path = section.path
    source = str(Path(path).expanduser()) if path.startswith("~") else path
    return DataRequest(source=source, name=name, **section.given(DataRequest))


def _with_options(request: DataRequest, options: Given) -> DataRequest:
    given = {name: READ[name](value) if name in READ else value for name, value in options.items()}
    stdin_format = given.pop("stdin_format", None)
    if stdin_format and request.source == STDIN:
        given["format"] = stdin_format
    return replace(request, **given)


READ: dict[str, Callable[[Any], Any]] = {
    "text": lambda text: _columns("--text", text),
    "label": lambda text: _columns("--label", text),
    "delimiter": lambda text: "\t" if text == r"\t" else text,
    "missing_label": tuple,
}
"""Fields of a request from what is typed, where it is something else."""


def _columns(option: str, text: str) -> tuple[str, ...]:
    """Names between commas; a name with a comma stands in double quotes, as in CSV."""
    names = tuple(next(csv.reader([text], skipinitialspace=True), []))
    if not names or not all(names):
        raise UsageError(f"{option} {text!r} holds an empty column name", hint=f"{option} COL,COL")
    return names


def _check_stdin(asked: Sequence[DataRequest], options: Given) -> None:
    from taskaff.stages.data import FORMATS

    streams = [request for request in asked if request.source == STDIN]
    if len(streams) > 1:
        raise UsageError("standard input (-) is named twice", hint="write one of them to a file")
    if streams and streams[0].format is None:
        known = ", ".join(FORMATS)
        raise UsageError(
            "standard input has no suffix", hint=f"--stdin-format csv, or another of {known}"
        )
    if "stdin_format" in options and not streams:
        raise UsageError("--stdin-format without -", hint="name standard input as -")


def _refuse_remote(request: DataRequest) -> None:
    from taskaff.stages.data import hub_address

    source = str(request.source)
    scheme, mark, _ = source.partition("://")
    if mark and scheme not in _LOCAL:
        fetch = hub_address(source).download if scheme == "hf" else "copy it here first"
        raise UsageError(
            f"{request.source} is on the network, and --offline is on",
            hint=f"{fetch}, or leave --offline (TASKAFF_OFFLINE, embed.offline) out",
        )
