"""``taskaff inspect``."""

from __future__ import annotations

from taskaff.cli.groups import spread
from taskaff.cli.options import ConfigOptions, DataOptions, Offline, OneSource, ReportingOptions

EXAMPLES = ("inspect reviews.csv", "inspect reviews.csv --text body --label stars --json")


@spread
def inspect(
    data: OneSource,
    reading: DataOptions,
    offline: Offline,
    choice: ConfigOptions,
    reporting: ReportingOptions,
) -> None:
    """Show what is understood of a data set, without a score.

    Format, columns, label kind, splits, skipped rows; no encoder is needed. Signatures (.taskaff)
    are refused, since they hold no rows, and so are the probe's synthetic data sets.
    """
    from taskaff.cli.datasets import requests
    from taskaff.cli.output import emit, plan
    from taskaff.cli.settings import read_config
    from taskaff.core.errors import UsageError
    from taskaff.pipeline.inspect import inspect as inspect_source

    [request] = requests([data], read_config(choice, offline), reading)
    if str(request.source).endswith(".taskaff"):
        found = f"{request.source} is a signature, which holds no rows to inspect"
        raise UsageError(found, hint="taskaff score takes it")
    report = plan(reporting, [request.source])
    emit(inspect_source(request), report)
