"""taskaff: will adding this data set to a multi-task mix help or hurt?

The Python API has the words of the command line: ``taskaff.score``, ``taskaff.probe``,
``taskaff.check``, ``taskaff.profile``, ``taskaff.inspect``, ``taskaff.merge``. Importing the
package loads nothing heavy; names resolve on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from taskaff.api import check, inspect, load, merge, probe, profile, save, score, to_dict

__all__ = [
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
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("taskaff.api"), name)
    raise AttributeError(f"module 'taskaff' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
