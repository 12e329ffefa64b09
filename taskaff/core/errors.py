"""Errors a user can act on: stage, data set, what was found, where, what to do next."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the input: a file and, when known, a row (1-based, header not counted) and column.

    ``row`` counts data rows; ``line`` counts physical lines, for the formats that have them.
    """

    file: str
    row: int | None = None
    column: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        parts = [self.file]
        if self.line is not None:
            parts.append(f"line {self.line}")
        if self.row is not None:
            parts.append(f"row {self.row}")
        if self.column is not None:
            parts.append(f"column {self.column!r}")
        return ", ".join(parts)


class TaskaffError(Exception):
    """Base of every error that taskaff raises on purpose; the command line maps it to exit code 2.

    Parameters
    ----------
    found : what was found, in one sentence without a final stop.
    task : name of the data set, when one is concerned.
    where : file, row and column.
    hint : the exact flag, command or edit to try next.
    """

    stage = "taskaff"

    def __init__(
        self,
        found: str,
        *,
        task: str | None = None,
        where: Place | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(found)
        self.found = found
        self.task = task
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        subject = f"{self.stage}: {self.task}: " if self.task else f"{self.stage}: "
        place = f" ({self.where})" if self.where else ""
        return f"{subject}{self.found}{place}"

    def for_task(self, task: str) -> TaskaffError:
        """Name the data set, once, at the door of the room; an inner name stays."""
        if self.task is None:
            self.task = task
        return self


class TaskaffWarning(UserWarning):
    """Something was repaired that a user should know of, such as a damaged file of the cache."""


class UsageError(TaskaffError):
    """The command line or the call is wrong."""

    stage = "usage"


class ConfigError(TaskaffError):
    """``taskaff.toml``, ``pyproject.toml`` or a ``TASKAFF_*`` variable is wrong."""

    stage = "config"


class DataError(TaskaffError):
    """An input cannot be read, or does not say what it must."""

    stage = "data"


class EmbedError(TaskaffError):
    """An encoder or word-vector file is missing, corrupt, or does not fit the input."""

    stage = "embed"


class SignatureError(TaskaffError):
    """A signature is corrupt, of another version, or cannot be merged or compared."""

    stage = "signature"


class ScoreError(TaskaffError):
    """Scores cannot be computed at all (one undefined score is a value with a reason instead)."""

    stage = "score"


class ProbeError(TaskaffError):
    """The probe cannot train at all (one undecided pair is a value with a reason instead)."""

    stage = "probe"


class PredictError(TaskaffError):
    """An atlas cannot be read, or is too small to predict from."""

    stage = "predict"


class CheckError(TaskaffError):
    """The gate cannot decide at all: no mix, no rule, nothing to check, a corrupt baseline."""

    stage = "check"


class CacheError(TaskaffError):
    """The cache is unreadable, or an entry that was demanded is missing."""

    stage = "cache"


class ReportError(TaskaffError):
    """A result cannot be written."""

    stage = "report"
