"""The Python API: the words of the command line, returning the records that ``--json`` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from taskaff.api.keywords import in_keywords
from taskaff.api.options import RUN, Sources, names_of, request, requests, run_settings, taken
from taskaff.core.records.check import CheckResult
from taskaff.core.records.data import TaskInfo
from taskaff.core.records.probe import ProbeResult
from taskaff.core.records.score import ScoreResult
from taskaff.core.records.signature import TaskSignature
from taskaff.core.settings import CheckSettings, Limit, Mode, ProbeSettings, RunSettings
from taskaff.pipeline.check import check as check_candidates
from taskaff.pipeline.inspect import inspect as inspect_source
from taskaff.pipeline.probe import probe as probe_sources
from taskaff.pipeline.profile import profile as profile_source
from taskaff.pipeline.score import score as score_sources
from taskaff.stages import report
from taskaff.stages.probe.defaults import settings_for
from taskaff.stages.signature import load as read_signature
from taskaff.stages.signature import merge as merge_signatures
from taskaff.stages.signature import save as write_signature


@in_keywords
def score(
    sources: Sources,
    *,
    encoder: str | None = None,
    settings: RunSettings | None = None,
    **options: Any,
) -> ScoreResult:
    """Score every pair of data sets, and predict what training them together would do.

    Parameters
    ----------
    sources : paths, ``name=PATH`` strings, ``.taskaff`` files, signatures, Arrow tables, anything
        that speaks the Arrow C stream protocol (pandas, polars, datasets, DuckDB), ``(X, y)``
        pairs of arrays, or ``DataRequest``s; or a mapping from names to these.
    encoder : as ``--encoder``; by default that of the settings, ``glove``.
    settings : everything that is not about one data set; keywords come before it.
    options : of the run (``split``, ``cache="off"``, ``cache_dir``, ``predict=False``, ``device``,
        ``max_length``, ``offline`` ...) and fields of ``DataRequest`` for all sources (``text``,
        ``label``, ``label_kind``, ``delimiter`` ...). Signatures are cached in the user's
        cache folder unless another one is named.

    Raises
    ------
    TaskaffError : bad input, with what was found, where and what to do next.
    """
    chosen = run_settings(options, encoder, settings)
    return score_sources(requests(sources, options, "score", RUN), chosen)


@in_keywords
def probe(
    sources: Sources,
    *,
    mode: Mode = "pairs",
    encoder: str | None = None,
    settings: RunSettings | None = None,
    **options: Any,
) -> ProbeResult:
    """Train briefly: does a source help or hurt a target?

    Parameters
    ----------
    sources : as of ``score``, but no signatures, which hold no rows; and ``synthetic:...``.
    mode : ``pairs``, ``mix`` (does the last one help the others), ``transfer`` or ``capacity``.
    encoder, settings : as of ``score``.
    options : fields of ``ProbeSettings`` (``align=True``, ``recipes``, ``seeds``, as a number or a
        tuple ...); those of the run and of ``DataRequest`` as of ``score``. ``device`` is where to
        embed and where to train. What is not given is as ``trunk`` has it.

    Raises
    ------
    TaskaffError : bad input, with what was found, where and what to do next.
    """
    chosen = taken(options, ProbeSettings)
    if "device" in chosen:
        options["device"] = chosen["device"]
    if isinstance(chosen.get("seeds"), int):
        chosen["seeds"] = tuple(range(chosen["seeds"]))
    for name in ("capacities", "seeds", "targets", "weight_decay"):
        if name in chosen:
            chosen[name] = tuple(chosen[name])
    run = run_settings(options, encoder, settings)
    asked = requests(sources, options, "probe", [*names_of(ProbeSettings), *RUN])
    return probe_sources(asked, run, settings_for(chosen), mode)


@in_keywords
def check(
    candidates: Sources,
    mix: Sources,
    *,
    encoder: str | None = None,
    settings: RunSettings | None = None,
    probe_settings: ProbeSettings | None = None,
    baseline: str | Path | None = None,
    **options: Any,
) -> CheckResult:
    """Decide whether data sets may join a mix: what the gate of the command line decides.

    Parameters
    ----------
    candidates, mix : as the sources of ``score``; those of the mix may well be signatures.
    encoder, settings : as of ``score``.
    probe_settings : how the mix is trained, in a prediction and, with ``probe=True``, by the probe.
    baseline : the file to compare with; the text to write one stands in ``result.lock``.
    options : fields of ``CheckSettings`` (``recipe``, by default that of ``probe_settings`` or
        ``turns``; ``probability_negative=0.6``, or a mapping with ``warn``
        and ``fail``; ``overlap``, ``fail_under``, ``min_rows``, ``probe`` ...); those of the run
        as of ``score``, and of ``DataRequest`` for the candidates (``text``, ``label`` ...).

    Raises
    ------
    TaskaffError : bad input, no limit, nothing to check, a baseline that is corrupt.
    """
    chosen = taken(options, CheckSettings)
    run = run_settings(options, encoder, settings)
    for name in ("probability_negative", "newcomer_probability_negative", "overlap"):
        if name in chosen:
            chosen[name] = _limit(chosen[name])
    if probe_settings is not None and "recipe" not in chosen:
        chosen["recipe"] = probe_settings.recipes[0]
    known = [*names_of(CheckSettings), *RUN]
    return check_candidates(
        requests(candidates, options, "check", known),
        requests(mix, {}, "check", known),
        CheckSettings(**chosen),
        run,
        probe_settings=probe_settings,
        baseline=None if baseline is None else Path(baseline),
    )


def _limit(value: Any) -> Limit | None:
    if value is None or isinstance(value, Limit):
        return value
    return Limit(**value) if isinstance(value, Mapping) else Limit(fail=float(value))


@in_keywords
def profile(
    source: Any,
    *,
    name: str | None = None,
    encoder: str | None = None,
    settings: RunSettings | None = None,
    **options: Any,
) -> TaskSignature:
    """The signature of one data set; ``save`` writes it, ``score`` takes it."""
    chosen = run_settings(options, encoder, settings)
    return profile_source(request(source, name, options, RUN), chosen)


@in_keywords
def inspect(source: Any, *, name: str | None = None, **columns: Any) -> TaskInfo:
    """What is understood of a data set: format, columns, label kind, splits, rejects."""
    return inspect_source(request(source, name, columns))


@in_keywords
def merge(signatures: Sequence[TaskSignature | str | Path]) -> TaskSignature:
    """One signature from those of a task's shards, given as objects or ``.taskaff`` files."""
    return merge_signatures([s if isinstance(s, TaskSignature) else load(s) for s in signatures])


@in_keywords
def load(path: str | Path) -> TaskSignature:
    """Read a ``.taskaff`` file."""
    return read_signature(Path(path))


@in_keywords
def save(signature: TaskSignature, path: str | Path) -> None:
    """Write a ``.taskaff`` file."""
    write_signature(signature, Path(path))


def to_dict(result: ScoreResult | ProbeResult | CheckResult | TaskInfo) -> dict[str, Any]:
    """The document that ``--json`` prints, as plain Python."""
    return report.payload(result)
