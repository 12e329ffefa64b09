"""The Python API: the words of the command line, returning the records that ``--json`` shows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from taskaff import moments, pipeline, report
from taskaff.data import split_argument
from taskaff.errors import UsageError
from taskaff.gate_records import CheckResult, CheckSettings, Limit
from taskaff.pipeline import RunSettings
from taskaff.probe_records import Mode, ProbeResult, ProbeSettings
from taskaff.probing.defaults import settings_for
from taskaff.records import DataRequest, ScoreResult, TaskInfo, TaskSignature
from taskaff.registry import unknown_name

Sources = Sequence[Any] | Mapping[str, Any]


def score(sources: Sources, *, settings: RunSettings | None = None, **columns: Any) -> ScoreResult:
    """Score every pair of data sets.

    Parameters
    ----------
    sources : paths, ``name=PATH`` strings, ``.taskaff`` files, signatures, Arrow tables, anything
        that speaks the Arrow C stream protocol (pandas, polars, datasets, DuckDB), ``(X, y)``
        pairs of arrays, or ``DataRequest``s; or a mapping from names to these.
    settings : encoder, split, cache and scoring settings; no cache by default.
    columns : further fields of ``DataRequest`` for all of them (``text``, ``label``,
        ``label_kind``, ``delimiter`` ...).

    Raises
    ------
    TaskaffError : bad input, with what was found, where and what to do next.
    """
    return pipeline.score(_requests(sources, columns), settings)


def probe(
    sources: Sources,
    *,
    mode: Mode = "pairs",
    settings: RunSettings | None = None,
    **options: Any,
) -> ProbeResult:
    """Train briefly: does a source help or hurt a target?

    Parameters
    ----------
    sources : as of ``score``, but no signatures, which hold no rows; and ``synthetic:...``.
    mode : ``pairs``, ``mix`` (does the last one help the others), ``transfer`` or ``capacity``.
    settings : encoder and cache; no cache by default.
    options : fields of ``ProbeSettings`` (``align=True``, ``recipes``, ``seeds``, as a number or a
        tuple ...) and of ``DataRequest`` for all sources (``text``, ``label`` ...). What is not
        given is as ``trunk`` has it.

    Raises
    ------
    TaskaffError : bad input, with what was found, where and what to do next.
    """
    known = [field.name for field in dataclasses.fields(ProbeSettings)]
    chosen = {name: options.pop(name) for name in known if name in options}
    if isinstance(chosen.get("seeds"), int):
        chosen["seeds"] = tuple(range(chosen["seeds"]))
    for name in ("capacities", "seeds", "targets", "weight_decay"):
        if name in chosen:
            chosen[name] = tuple(chosen[name])
    requests = _requests(sources, options, "probe", known)
    return pipeline.probe(requests, settings, settings_for(chosen), mode)


def check(
    candidates: Sources,
    mix: Sources,
    *,
    settings: RunSettings | None = None,
    probe_settings: ProbeSettings | None = None,
    baseline: str | Path | None = None,
    **options: Any,
) -> CheckResult:
    """Decide whether data sets may join a mix: what the gate of the command line decides.

    Parameters
    ----------
    candidates, mix : as the sources of ``score``; those of the mix may well be signatures.
    settings : encoder and cache; no cache by default.
    probe_settings : how the mix is trained, in a prediction and, with ``probe=True``, by the probe.
    baseline : the file to compare with; the text to write one stands in ``result.lock``.
    options : fields of ``CheckSettings`` (``probability_negative=0.6``, or a mapping with ``warn``
        and ``fail``; ``overlap``, ``fail_under``, ``min_rows``, ``probe`` ...) and of
        ``DataRequest`` for the candidates (``text``, ``label`` ...).

    Raises
    ------
    TaskaffError : bad input, no limit, nothing to check, a baseline that is corrupt.
    """
    known = [field.name for field in dataclasses.fields(CheckSettings)]
    chosen = {name: options.pop(name) for name in known if name in options}
    for name in ("probability_negative", "overlap"):
        if name in chosen:
            chosen[name] = _limit(chosen[name])
    return pipeline.check(
        _requests(candidates, options, "check", known),
        _requests(mix, {}, "check", known),
        CheckSettings(**chosen),
        settings,
        probe_settings=probe_settings,
        baseline=None if baseline is None else Path(baseline),
    )


def _limit(value: Any) -> Limit | None:
    if value is None or isinstance(value, Limit):
        return value
    return Limit(**value) if isinstance(value, Mapping) else Limit(fail=float(value))


def profile(
    source: Any, *, name: str | None = None, settings: RunSettings | None = None, **columns: Any
) -> TaskSignature:
    """The signature of one data set; ``save`` writes it, ``score`` takes it."""
    return pipeline.profile(_request(source, name, columns), settings)


def inspect(source: Any, *, name: str | None = None, **columns: Any) -> TaskInfo:
    """What is understood of a data set: format, columns, label kind, splits, rejects."""
    return pipeline.inspect(_request(source, name, columns))


def merge(signatures: Sequence[TaskSignature | str | Path]) -> TaskSignature:
    """One signature from those of a task's shards, given as objects or ``.taskaff`` files."""
    return moments.merge([s if isinstance(s, TaskSignature) else load(s) for s in signatures])


def load(path: str | Path) -> TaskSignature:
    """Read a ``.taskaff`` file."""
    return moments.load(Path(path))


def save(signature: TaskSignature, path: str | Path) -> None:
    """Write a ``.taskaff`` file."""
    pipeline.save(signature, Path(path))


def to_dict(result: ScoreResult | ProbeResult | CheckResult | TaskInfo) -> dict[str, Any]:
    """The document that ``--json`` prints, as plain Python."""
    return report.payload(result)


def _requests(
    sources: Sources, columns: Mapping[str, Any], word: str = "score", more: Sequence[str] = ()
) -> list[DataRequest]:
    """Requests of a function called ``word`` that takes the options ``more`` as well."""
    if isinstance(sources, (str, bytes, Path)):
        found = f"{word} takes a list of data sets, not one"
        raise UsageError(found, hint=f"taskaff.{word}([a, b])")
    if isinstance(sources, Mapping):
        return [_request(source, name, columns, more) for name, source in sources.items()]
    return [_request(source, None, columns, more) for source in sources]


def _request(
    source: Any, name: str | None, columns: Mapping[str, Any], more: Sequence[str] = ()
) -> DataRequest:
    if isinstance(source, DataRequest):
        return replace(source, name=name) if name else source
    if isinstance(source, Path):
        source = str(source)
    elif isinstance(source, str) and name is None:
        name, source = split_argument(source)
    fields: dict[str, Any] = {
        key: (value,) if key in ("text", "label") and isinstance(value, str) else value
        for key, value in columns.items()
    }
    known = [field.name for field in dataclasses.fields(DataRequest)]
    if unknown := [key for key in fields if key not in known]:
        raise unknown_name("option", unknown[0], [*known, *more])
    return DataRequest(source=source, name=name, **fields)
