"""``taskaff env``."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Annotated

from typer import Option

from taskaff.cli.streams import write_facts

EXAMPLES = ("env", "env --json")

Json = Annotated[bool, Option("--json", help="Print JSON.")]


def env(json: Json = False) -> None:
    """Print versions, machine and settings, for bug reports."""
    write_facts(collect(), json)


def collect() -> dict[str, str]:
    """Everything that is known without importing a heavy library (but for NumPy's BLAS)."""
    from taskaff.cli.settings import config_file
    from taskaff.core.provenance import environment
    from taskaff.core.settings import VARIABLE

    facts = environment()
    file = config_file(None)
    facts["platform"] = platform.platform()
    facts["cores"] = str(len(os.sched_getaffinity(0)) if _LINUX else os.cpu_count())
    facts["blas"] = _blas()
    cuda = Path("/proc/driver/nvidia/version").exists()
    facts["cuda"] = "a device is there" if cuda else "no device seen"
    facts["cache"] = _cache(file)
    facts["config"] = str(file) if file else "none"
    for name in sorted(os.environ):
        if name.startswith(VARIABLE):
            facts[name] = os.environ[name]
    return facts


_LINUX = hasattr(os, "sched_getaffinity")


def _blas() -> str:
    import numpy

    config = numpy.show_config(mode="dicts") or {}
    found = config.get("Build Dependencies", {}).get("blas", {})
    return f"{found.get('name', 'unknown')} {found.get('version', '')}".strip()


def _cache(file: Path | None) -> str:
    """The cache folder; a broken configuration is shown here and is no reason to print nothing."""
    from taskaff.cli.options import ConfigOptions
    from taskaff.cli.settings import cache_dir, read_config
    from taskaff.core.errors import ConfigError

    try:
        return str(cache_dir(read_config(ConfigOptions(config_file=file))))
    except ConfigError as error:
        return f"unknown: {error}"
