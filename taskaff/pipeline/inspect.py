"""A data set as it is read: format, columns, labels, splits, repeated rows."""

from __future__ import annotations

from dataclasses import replace

from taskaff.core.records.data import DataRequest, TaskInfo
from taskaff.pipeline.repeats import repeats
from taskaff.stages import data


def inspect(request: DataRequest) -> TaskInfo:
    """What is understood of a data set, repeated rows included; needs no encoder."""
    task = data.open_task(request)
    return replace(task.info, notes=(*task.info.notes, *repeats(task)))
