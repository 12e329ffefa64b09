"""Signatures: sums of a task's rows by fold and a row sketch, mergeable, stored without text.

``docs/signature.md`` holds the mathematics and the file format. Names resolve on first use, so that
importing this package loads no library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskaff.core.registry import load as _load

if TYPE_CHECKING:
    from taskaff.stages.signature.accumulate import Accumulator
    from taskaff.stages.signature.combine import merge, pad
    from taskaff.stages.signature.hashing import RowContent, fold_of, row_content, row_hashes
    from taskaff.stages.signature.sketches import merge_sketches
    from taskaff.stages.signature.storage import FORMAT_VERSION, load, save

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
    "Accumulator": "taskaff.stages.signature.accumulate:Accumulator",
    "FORMAT_VERSION": "taskaff.stages.signature.storage:FORMAT_VERSION",
    "RowContent": "taskaff.stages.signature.hashing:RowContent",
    "fold_of": "taskaff.stages.signature.hashing:fold_of",
    "load": "taskaff.stages.signature.storage:load",
    "merge": "taskaff.stages.signature.combine:merge",
    "merge_sketches": "taskaff.stages.signature.sketches:merge_sketches",
    "pad": "taskaff.stages.signature.combine:pad",
    "row_content": "taskaff.stages.signature.hashing:row_content",
    "row_hashes": "taskaff.stages.signature.hashing:row_hashes",
    "save": "taskaff.stages.signature.storage:save",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = _load(_EXPORTS[name])
    return value
