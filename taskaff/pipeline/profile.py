"""A data set to its signature."""

from __future__ import annotations

from taskaff.core.records.data import DataRequest
from taskaff.core.records.signature import TaskSignature
from taskaff.core.settings import RunSettings
from taskaff.pipeline.session import Progress, Session
from taskaff.pipeline.signatures import signature_of


def profile(
    request: DataRequest, settings: RunSettings | None = None, progress: Progress | None = None
) -> TaskSignature:
    """The signature of one data set: one pass over its rows, then never the rows again."""
    return signature_of(Session(settings, progress), request)
