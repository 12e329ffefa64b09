"""What is remembered of a task: folded sums and a row sketch, mergeable and stored without text.

``docs/signature.md`` holds the mathematics and the file format. Names resolve on first use, so that
importing this package loads no library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskaff.registry import load as _load

if TYPE_CHECKING:
    from taskaff.moments.accumulate import Accumulator
    from taskaff.moments.combine import merge, pad
    from taskaff.moments.hashing import RowContent, fold_of, row_content, row_hashes
    from taskaff.moments.sketches import merge_sketches
    from taskaff.moments.storage import FORMAT_VERSION, load, save

__all__ = [
    "FORMAT_VERSION",
    "Accumulator",
    "RowContent",
    "fold_of",
    "load",
    "merge",
    "merge_sketches",
    "pad",
    "row_content",
    "row_hashes",
    "save",
]

_EXPORTS = {
    "Accumulator": "taskaff.moments.accumulate:Accumulator",
    "FORMAT_VERSION": "taskaff.moments.storage:FORMAT_VERSION",
    "RowContent": "taskaff.moments.hashing:RowContent",
    "fold_of": "taskaff.moments.hashing:fold_of",
    "load": "taskaff.moments.storage:load",
    "merge": "taskaff.moments.combine:merge",
    "merge_sketches": "taskaff.moments.sketches:merge_sketches",
    "pad": "taskaff.moments.combine:pad",
    "row_content": "taskaff.moments.hashing:row_content",
    "row_hashes": "taskaff.moments.hashing:row_hashes",
    "save": "taskaff.moments.storage:save",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = _load(_EXPORTS[name])
    return found
