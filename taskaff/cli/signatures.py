"""Writing ``.taskaff`` files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from taskaff.cli.files import check_target
from taskaff.core.errors import UsageError

SUFFIX = ".taskaff"


def check_signature_target(path: Path, inputs: Iterable[object]) -> None:
    """Refuse, before any work, a target that later commands would not take for a signature."""
    if path.suffix != SUFFIX:
        hint = f"-o {path.with_suffix(SUFFIX)}" if path.name else f"-o NAME{SUFFIX}"
        raise UsageError(f"-o {path}: a signature is a {SUFFIX} file", hint=hint)
    check_target(path, inputs)
