"""What the gate decides from: signatures, scores, predictions, and measurements when asked for.

The data sets of the mix may be stored signatures, which is the normal case in CI. A candidate is
compared with the mix alone, not with the other candidates.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from taskaff.core.errors import CheckError
from taskaff.core.records.check import CheckedTask, Evidence
from taskaff.core.records.data import DataRequest
from taskaff.core.records.prediction import Prediction, Setup
from taskaff.core.records.probe import ProbeResult
from taskaff.core.records.score import ScoreResult
from taskaff.core.records.signature import TaskSignature
from taskaff.core.settings import CheckSettings, PredictSettings, ProbeSettings, ScoreSettings
from taskaff.pipeline import prediction
from taskaff.pipeline.session import Session
from taskaff.pipeline.signatures import is_signature, signature_of
from taskaff.stages import gate
from taskaff.stages.data import split_argument
from taskaff.stages.data.names import task_name
from taskaff.stages.score.plugins import SCORES, expensive


@dataclass(frozen=True, slots=True)
class Again:
    """How the candidates are named on a command line that checks them once more."""

    declared: frozenset[str] = frozenset()
    """Names of taskaff.toml."""
    options: str = ""
    """Options of reading and of the configuration, as they are written in a shell."""

    def argument(self, name: str, source: str) -> str:
        """The declared name, or else the path, under that name where it has another; quoted."""
        word = name
        if source and name not in self.declared:
            word, named = source, f"{name}={source}"
            own = task_name(source, folder=Path(source).is_dir())
            if own != name and split_argument(named) == (name, source):
                word = named
        return f"{shlex.quote(word)} {self.options}".rstrip()


HELD_OUT = ("validation", "test")


def require(
    candidates: Sequence[DataRequest], mix: Sequence[DataRequest], rules: CheckSettings
) -> None:
    """Refuse, before any row is read, what could not be decided.

    Raises
    ------
    CheckError : no mix, no candidate, no limit, or a probe of signatures.
    """
    if not mix:
        raise CheckError(
            "there is no mix to check against",
            hint='name its data sets in taskaff.toml: [mix] datasets = ["a", "b"]',
        )
    if not candidates:
        raise CheckError(
            "nothing to check: no candidate is named, and every declared data set is in the mix",
            hint="taskaff check NEW.csv, or declare it under [datasets.NAME]",
        )
    gate.require_rules(rules)
    for request in (*mix, *candidates) if rules.probe else ():
        if is_signature(request.source):
            raise CheckError(
                f"{request.name or request.source} is a signature, which holds no rows, and the "
                "probe trains on the rows of the complete mix",
                hint="leave --probe out, or name the data set that the signature was made of",
            )


def signatures(
    session: Session, candidates: Sequence[DataRequest], mix: Sequence[DataRequest]
) -> tuple[list[TaskSignature], list[TaskSignature]]:
    """The signatures of the candidates and of the mix, each with rows and a name of its own."""
    existing = [_with_rows(signature_of(session, request)) for request in mix]
    joining = [_with_rows(signature_of(session, request)) for request in candidates]
    taken = {signature.name for signature in existing}
    counts = Counter(signature.name for signature in (*existing, *joining))
    for signature in joining:
        name = signature.name
        if counts[name] > 1:
            where = "is in the mix already" if name in taken else "is named twice"
            hint = f"give the candidate a name of its own: new-{name}=PATH"
            raise CheckError(f"a data set called {name!r} {where}", hint=hint)
    return joining, existing


def _with_rows(signature: TaskSignature) -> TaskSignature:
    if signature.rows:
        return signature
    raise CheckError(
        f"no rows in split {signature.split!r}",
        task=signature.name,
        hint="give a data set with rows; taskaff inspect shows what was understood",
    )


def score_settings(
    settings: ScoreSettings, rules: CheckSettings, names: Sequence[str], existing: int
) -> ScoreSettings:
    """Select every score that a prediction or a limit reads, of pairs with a candidate.

    Intervals cost time, and only limits on scores read them; with a large mix the expensive
    scores cost more than all else.
    """
    left_out = {name for name, line in SCORES.items() if not line.predictive}
    if 2 * len(names) * existing > settings.most_trained:
        left_out |= expensive()
    wanted = [n for n in SCORES if n not in left_out or n in rules.fail_under]
    if not rules.probability_negative and not rules.probe:
        wanted = [n for n in SCORES if n == "overlap" or n in rules.fail_under]
    return replace(
        settings,
        scores=tuple(wanted),
        intervals=bool(rules.fail_under) and settings.intervals,
        capacity=False,
        around=tuple(names),
    )


def gathered(
    candidates: Sequence[tuple[DataRequest, TaskSignature]],
    mix: Sequence[tuple[DataRequest, TaskSignature]],
    scores: ScoreResult,
    setup: Setup,
    settings: PredictSettings,
    measured: Mapping[str, ProbeResult],
    again: Again,
) -> Evidence:
    """Everything together, with the predictions of both directions of every pair.

    ``scores`` holds the tasks of the mix first, then the candidates; ``again`` says how they are
    named on the command line.
    """
    predictions: tuple[Prediction, ...] = ()
    if "source_gain" in scores.tables:
        m = len(mix)
        into = [(m + i, j) for i in range(len(candidates)) for j in range(m)]
        pairs = [way for i, j in into for way in ((i, j), (j, i))]
        predictions = prediction.predict(scores, setup, settings, pairs=pairs)
    return Evidence(
        candidates=tuple(_checked(*each, again) for each in candidates),
        mix=tuple(_checked(*each) for each in mix),
        scores=scores,
        predictions=predictions,
        predictor=prediction.identity(settings),
        measured=measured,
    )


def _checked(
    request: DataRequest, signature: TaskSignature, again: Again | None = None
) -> CheckedTask:
    again = again or Again()
    held = (sketch for name, sketch in signature.sketches.items() if name in HELD_OUT)
    return CheckedTask(
        name=signature.name,
        rows=signature.rows,
        source=_source(request),
        inputs=tuple(sorted(file.sha256 for file in signature.inputs)),
        held_out=sum(sketch.distinct for sketch in held),
        argument=again.argument(signature.name, _source(request)),
        signature=is_signature(request.source),
    )


def _source(request: DataRequest) -> str:
    return str(request.source) if isinstance(request.source, (str, Path)) else ""


def probe_share(settings: ProbeSettings, recipe: str, candidates: int) -> ProbeSettings:
    """Settings of one candidate's probe: its part of the budget, which is that of the check."""
    from taskaff.stages.probe.options import for_mode

    settings = replace(settings, recipes=(recipe,), align=False, each_label=False)
    settings = for_mode(settings, "mix")
    if settings.budget is None:
        return settings
    return replace(settings, budget=settings.budget / max(candidates, 1))


def setup_of(scores: ScoreResult, settings: ProbeSettings) -> Setup:
    """How the mix is trained, as ``[probe]`` says."""
    return Setup(
        encoder=scores.encoder.id,
        width=scores.tasks[0].width,
        trunk=settings.trunk,
        r=settings.r,
        target_rows=settings.target_rows,
        source_rows=settings.source_rows,
    )
