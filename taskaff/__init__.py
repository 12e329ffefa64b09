"""taskaff: will adding this data set to a multi-task mix help or hurt?

The Python API has the words of the command line: ``taskaff.score``, ``taskaff.probe``,
``taskaff.check``, ``taskaff.profile``, ``taskaff.inspect``, ``taskaff.merge``. Importing the
package loads nothing heavy; names resolve on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from taskaff.core.version import __version__

if TYPE_CHECKING:
    from taskaff.api import check, inspect, load, merge, probe, profile, save, score, to_dict
    from taskaff.core.errors import TaskaffError
    from taskaff.core.records.data import DataRequest
    from taskaff.core.settings import (
        CheckSettings,
        PredictSettings,
        ProbeSettings,
        RunSettings,
        ScoreSettings,
    )

_PLACES = {
    "taskaff.api": "check inspect load merge probe profile save score to_dict",
    "taskaff.core.errors": "TaskaffError",
    "taskaff.core.records.data": "DataRequest",
    "taskaff.core.settings": "CheckSettings PredictSettings ProbeSettings RunSettings "
    "ScoreSettings",
}
_PLACE = {name: module for module, names in _PLACES.items() for name in names.split()}

__all__ = [
    "CheckSettings",
    "DataRequest",
    "PredictSettings",
    "ProbeSettings",
    "RunSettings",
    "ScoreSettings",
    "TaskaffError",
    "__version__",
    "check",
    "inspect",
    "load",
    "merge",
    "probe",
    "profile",
    "save",
    "score",
    "to_dict",
]


def __getattr__(name: str) -> Any:
    if name in _PLACE:
        return getattr(import_module(_PLACE[name]), name)
    raise AttributeError(f"module 'taskaff' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
