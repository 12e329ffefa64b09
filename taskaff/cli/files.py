"""Files written whole or not at all, and never over an input."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from taskaff.core import files
from taskaff.core.errors import Place, ReportError, UsageError


def check_target(path: Path, inputs: Iterable[object]) -> None:
    """Refuse, before any work, a target that cannot be written or that is one of the inputs."""
    if path.is_dir():
        raise UsageError(f"-o {path} is a folder", hint=f"-o {path / 'result.json'}")
    if not path.parent.is_dir():
        raise UsageError(f"-o {path}: there is no folder {path.parent}", hint="make it first")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"-o {path}: the folder cannot be written", hint="name another one")
    for source in inputs:
        if isinstance(source, (str, Path)) and _is_part_of(path, str(source)):
            raise UsageError(f"-o {path} would overwrite an input", hint="name another file")


def _is_part_of(path: Path, source: str) -> bool:
    """Whether ``path`` is ``source``, or a shard of the folder or the pattern ``source``."""
    from taskaff.stages.data.names import format_of

    folder = Path(source)
    try:
        if not path.exists():
            return False
        if folder.is_dir():
            inside = path.resolve().is_relative_to(folder.resolve())
            return inside and format_of(path.name)[0] is not None
        found = [source] if folder.exists() else glob.iglob(source, recursive=True)  # noqa: PTH207
        return any(path.samefile(one) for one in found)
    except (OSError, ValueError):  # a URL, or no path at all
        return False


def check_suffix(path: Path, example: str, what: str) -> None:
    """Refuse a target whose suffix is not that of ``example``, ``FILE.safetensors``."""
    suffix = Path(example).suffix
    if path.suffix != suffix:
        hint = f"-o {path.with_suffix(suffix)}" if path.name else f"-o {example}"
        raise UsageError(f"-o {path}: {what} a {suffix} file", hint=hint)


def check_signature_target(path: Path, inputs: Iterable[object]) -> None:
    """Refuse, before any work, a target that later commands would not take for a signature."""
    check_suffix(path, "NAME.taskaff", "a signature is")
    check_target(path, inputs)


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """``files.whole_file``, with what to do where it cannot be written."""
    try:
        with files.whole_file(target) as temporary:
            yield temporary
    except OSError as error:
        found = f"cannot be written: {error.strerror or error}"
        hint = "make room, or name another file with -o"
        raise ReportError(found, where=Place(str(target)), hint=hint) from error


def write_text(path: Path, pieces: Iterable[str]) -> None:
    """Write UTF-8 with the line ends as they are; lone surrogates become escapes."""
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        file.writelines(pieces)
