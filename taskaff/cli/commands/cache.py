"""``taskaff cache``."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Annotated

from typer import Option

from taskaff.cli.groups import spread
from taskaff.cli.help import Commands
from taskaff.cli.options import ConfigOptions
from taskaff.cli.streams import say, write

if TYPE_CHECKING:
    from taskaff.core.store import Store

app = Commands("Look at the cache, shrink it, check it.", "cache ls", "cache prune --all")

CacheDir = Annotated[str | None, Option(metavar="DIR", help="Another cache than the configured.")]
_SIZES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_AGES = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@app.add("cache dir", name="dir")
@spread
def print_dir(choice: ConfigOptions, cache_dir: CacheDir = None) -> None:
    """Print the folder of the cache."""
    write(f"{_open(choice, cache_dir).root}\n")


@app.add("cache ls", name="ls")
@spread
def list_entries(choice: ConfigOptions, cache_dir: CacheDir = None) -> None:
    """List the entries: kind, bytes, last use, key."""
    total = count = 0
    for entry in _open(choice, cache_dir).entries():
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        write(f"{entry.kind:<12} {entry.bytes:>14,} {used} {entry.key}\n")
        total, count = total + entry.bytes, count + 1
    say(f"{count:,} entries, {total:,} bytes")


@app.add("cache prune --older-than 30d --max-size 2GB")
@spread
def prune(
    choice: ConfigOptions,
    max_size: Annotated[
        str | None, Option(metavar="SIZE", help="Keep the last used up to this size: 500MB.")
    ] = None,
    older_than: Annotated[
        str | None, Option(metavar="AGE", help="Remove what was not used for: 12h, 30d.")
    ] = None,
    all_entries: Annotated[bool, Option("--all", help="Remove everything.")] = False,
    cache_dir: CacheDir = None,
) -> None:
    """Remove entries of the cache, the least recently used first."""
    from taskaff.core.errors import UsageError

    limit = 0 if all_entries else _measure("--max-size", max_size, _SIZES)
    age = _measure("--older-than", older_than, _AGES)
    if limit is None and age is None:
        hint = "--max-size 2GB, --older-than 30d, or --all"
        raise UsageError("nothing says what to remove", hint=hint)
    removed = _open(choice, cache_dir).prune(max_bytes=limit, older_than=age)
    say(f"removed {len(removed):,} entries, {sum(entry.bytes for entry in removed):,} bytes")


@app.add("cache verify")
@spread
def verify(
    choice: ConfigOptions,
    remove: Annotated[bool, Option("--remove", help="Remove the entries that fail.")] = False,
    cache_dir: CacheDir = None,
) -> None:
    """Read every entry and compare its checksum."""
    from taskaff.core.errors import CacheError, Place

    store = _open(choice, cache_dir)
    broken = store.verify()
    for entry in broken:
        say(f"corrupt: {entry.path}")
        if remove:
            store.remove(entry)
    if broken and not remove:
        found = f"{len(broken):,} entries do not have their checksum"
        hint = "taskaff cache verify --remove; they are computed again when needed"
        raise CacheError(found, where=Place(str(store.root)), hint=hint)
    say(f"removed {len(broken):,} entries" if broken else "every entry is intact")


def _open(choice: ConfigOptions, folder: str | None) -> Store:
    from taskaff.cli.settings import cache_dir, read_config
    from taskaff.core.store import Store

    return Store(cache_dir(read_config(choice, {"cache.dir": folder})))


def _measure(option: str, text: str | None, units: dict[str, int]) -> int | None:
    """``30d`` or ``2GB`` in seconds or bytes."""
    from taskaff.core.errors import UsageError

    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?)\s*([a-z]?)b?", text.strip().lower())
    if match is None or match[2] not in units:
        known = ", ".join(f"1{unit}" for unit in units)
        raise UsageError(f"{option} cannot be {text!r}", hint=f"write it as one of {known}")
    return int(float(match[1]) * units[match[2]])
