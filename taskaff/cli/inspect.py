"""``taskaff inspect``."""

from __future__ import annotations

from taskaff.cli._groups import spread
from taskaff.cli._options import ConfigOptions, DataOptions, OneSource, ReportingOptions

EXAMPLES = ("inspect reviews.csv", "inspect reviews.csv --text body --label stars --json")


@spread
def inspect(
    data: OneSource, reading: DataOptions, choice: ConfigOptions, reporting: ReportingOptions
) -> None:
    """Show what is understood of a data set, without a score.

    Format, columns, label kind, splits, skipped rows; no encoder is needed. Signatures (.taskaff)
    are refused, since they hold no rows, and so are the probe's synthetic data sets.
    """
    from taskaff import pipeline
    from taskaff.cli._datasets import requests
    from taskaff.cli._output import emit, plan
    from taskaff.cli._settings import read_config
    from taskaff.errors import UsageError

    [request] = requests([data], read_config(choice, offline=reading.offline), reading)
    if str(request.source).endswith(".taskaff"):
        found = f"{request.source} is a signature, which holds no rows to inspect"
        raise UsageError(found, hint="taskaff score takes it")
    report = plan(reporting, [request.source])
    emit(pipeline.inspect(request), report)
