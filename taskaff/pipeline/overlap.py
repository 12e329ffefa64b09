"""The rows that two data sets share."""

from __future__ import annotations

from dataclasses import replace

from taskaff.core.records.data import DataRequest
from taskaff.core.records.overlap import OverlapResult
from taskaff.pipeline.shared_rows import shared_rows
from taskaff.stages import data


def overlap(source: DataRequest, target: DataRequest) -> OverlapResult:
    """The rows of a target that a source has, exactly or nearly; needs rows, not signatures."""
    one, other = data.open_task(source), data.open_task(target)
    result = shared_rows(one, other)
    names = (result.source, result.target)
    return result if names[0] != names[1] else replace(result, target=f"{names[1]}-2")
