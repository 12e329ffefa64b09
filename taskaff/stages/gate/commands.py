"""The commands that hints propose; each runs as printed in the folder of the check."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from taskaff.core.recipe import SHARE
from taskaff.core.records.check import CheckedTask, Evidence
from taskaff.core.records.finding import PROGRAM
from taskaff.core.settings import CheckSettings

BUDGET = "5m"
LOSS_INCREASE = 0.1
"""The limit that is proposed where a probe is and none is set."""
LIMIT = f"check.max_loss_increase={LOSS_INCREASE:g}"
SMALLER_SHARE = f"{SHARE}=0.1"


def command(candidates: Sequence[CheckedTask], *options: str) -> str:
    """``taskaff check`` of some candidates."""
    names = (each.argument or each.name for each in candidates)
    return " ".join((f"{PROGRAM} check", *names, *options))


def probe(candidate: CheckedTask, settings: CheckSettings, *options: str) -> str:
    """The check that measures; with a limit where none is set, since it would be refused."""
    limits = (settings.max_loss_increase, settings.newcomer_max_loss_increase)
    limit = ("--config", LIMIT) if limits == (None, None) else ()
    return command([candidate], "--probe", *(options or ("--budget", BUDGET)), *limit)


def measure(
    evidence: Evidence, candidate: CheckedTask, settings: CheckSettings, what: str = "measure it"
) -> str:
    """Advice to run the probe, which needs the rows of every data set."""
    stored = [task.name for task in (*evidence.mix, candidate) if task.signature]
    if stored:
        what = f"{what} where the rows of {', '.join(stored)} are, in place of the signature"
    return f"{what}: {probe(candidate, settings)}"


def shared_rows(candidate: CheckedTask, task: CheckedTask) -> str:
    """Advice on rows of the candidate that the task has too, with the command that lists them.

    Signatures have no rows to list, and options of a check are not all those of a listing.
    """
    text = f"remove the shared rows from {candidate.name}, or waive the pair with a reason"
    argument = candidate.argument or candidate.name
    if candidate.signature or task.signature or len(shlex.split(argument)) > 1:
        return text
    listing = f"{PROGRAM} overlap {shlex.quote(task.name)} {argument} -o shared.csv"
    return f"{text}; this lists them: {listing}"
