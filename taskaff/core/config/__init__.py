"""``taskaff.toml``, or ``[tool.taskaff]`` in ``pyproject.toml``: what may stand there; reading it.

Settings come in layers, later ones win: file, environment, ``--config``, the option itself.
"""

from __future__ import annotations

from taskaff.core.config.model import Config, Waiver, config_schema
from taskaff.core.config.reading import FILE, Assignment, find_file, load, override, toml_value
from taskaff.core.config.sections import Section

__all__ = [
    "FILE",
    "Assignment",
    "Config",
    "Section",
    "Waiver",
    "config_schema",
    "find_file",
    "load",
    "override",
    "toml_value",
]
