"""Signatures of the shards of a task to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from taskaff.core.records.signature import TaskSignature
from taskaff.stages import signature


def merge(paths: Sequence[Path], name: str | None = None) -> TaskSignature:
    """One signature from those of a task's shards."""
    merged = signature.merge([signature.load(path) for path in paths])
    return replace(merged, name=name) if name else merged
