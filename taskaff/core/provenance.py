"""Which versions and which machine made a result, without importing any of them."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from taskaff.core.version import __version__

LIBRARIES = ("numpy", "scipy", "pyarrow", "scikit-learn", "torch", "transformers")


def library_version(name: str) -> str | None:
    """The installed version of a distribution, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def environment() -> dict[str, str]:
    """Versions, device and dtype for the result document."""
    versions = {name: library_version(name) for name in LIBRARIES}
    return {
        "taskaff": __version__,
        "python": platform.python_version(),
        **{name: number for name, number in versions.items() if number},
        "device": "cpu",
        "dtype": "float64 sums of float32 vectors",
    }
