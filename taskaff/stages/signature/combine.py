"""Signatures of shards become one by addition; a signature becomes wider by zeros."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from taskaff.core.errors import SignatureError
from taskaff.core.records.data import LabelSchema
from taskaff.core.records.embedding import EncodeCounts
from taskaff.core.records.signature import FOLDS, TaskSignature
from taskaff.stages.signature.checks import require_room
from taskaff.stages.signature.sketches import SKETCH_LIMIT, merge_splits

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats, Ints


def merge(
    signatures: Sequence[TaskSignature],
    *,
    allow_repeats: bool = False,
    sketch_limit: int = SKETCH_LIMIT,
) -> TaskSignature:
    """Merge the signatures of shards: the result of one pass over the rows of all.

    Classes (and items of label lists) are united by name and sorted, by value where all are whole
    numbers; a shard without a class counts zero rows of it. The name is that of the first.

    Parameters
    ----------
    signatures : one a shard: same encoder, layout, split, label kind and padding.
    allow_repeats : whether the same file content may occur in two of them.
    sketch_limit : most hashes a sketch keeps.

    Returns
    -------
    Sums ``(FOLDS, ...)`` over all shards; counts added, files and notes in the order given.

    Raises
    ------
    SignatureError : there is none, they do not belong together, or a file was merged already.
    """
    if not signatures:
        raise SignatureError("there is nothing to merge", hint="name at least one .taskaff file")
    for other in signatures[1:]:
        _require_alike(signatures[0], other)
    if not allow_repeats:
        _require_distinct_files(signatures)
    schema = _united_schema(signatures)
    places = [_places(s.schema.names, schema.names) for s in signatures]
    c = schema.width
    require_room(signatures[0].width, c, task=signatures[0].name)
    return replace(
        signatures[0],
        schema=schema,
        n=reduce(add, (s.n for s in signatures)),
        sx=reduce(add, (s.sx for s in signatures)),
        sxx=reduce(add, (s.sxx for s in signatures)),
        sxy=_sum((s.sxy for s in signatures), places, (FOLDS, signatures[0].width, c), axes=1),
        sy=_sum((s.sy for s in signatures), places, (FOLDS, c), axes=1),
        syy=_sum((s.syy for s in signatures), places, (FOLDS, c, c), axes=2),
        sketches=merge_splits([s.sketches for s in signatures], sketch_limit),
        counts=reduce(add, (s.counts for s in signatures), EncodeCounts()),
        inputs=tuple(file for s in signatures for file in s.inputs),
        notes=tuple(dict.fromkeys(note for s in signatures for note in s.notes)),
    )


def pad(signature: TaskSignature, width: int) -> TaskSignature:
    """The signature of the same rows with zero columns appended (W, section 2.1).

    Parameters
    ----------
    signature : of width ``d``.
    width : at least ``d``; the same signature comes back when it equals ``d``.

    Raises
    ------
    SignatureError : ``width`` is below ``d``, or the sums would need more than 1 GiB.
    """
    d = signature.width
    if width == d:
        return signature
    if width < d:
        raise SignatureError(
            f"vectors of width {d} cannot be padded to {width}", task=signature.name
        )
    require_room(width, signature.schema.width, task=signature.name)
    more = (0, width - d)
    return replace(
        signature,
        sx=np.pad(signature.sx, ((0, 0), more)),
        sxx=np.pad(signature.sxx, ((0, 0), more, more)),
        sxy=np.pad(signature.sxy, ((0, 0), more, (0, 0))),
        padded_from=signature.padded_from or d,
    )


def _require_alike(one: TaskSignature, other: TaskSignature) -> None:
    """Refuse two shards that were not made alike, naming the first difference."""
    again = "profile both shards again with the same"
    differences = (
        ("encoder", one.encoder.fingerprint, other.encoder.fingerprint, f"{again} --encoder"),
        ("layout", one.layout, other.layout, f"{again} --text"),
        ("split", one.split, other.split, f"{again} --split"),
        ("label kind", one.schema.kind, other.schema.kind, f"{again} --label-kind"),
        ("width", one.width, other.width, "merge before padding"),
        ("padding", one.padded_from, other.padded_from, "merge before padding"),
    )
    for what, first, second, hint in differences:
        if first != second:
            raise SignatureError(
                f"shards of different {what} cannot be merged: {first!r} in {one.name!r} "
                f"and {second!r} in {other.name!r}",
                task=one.name,
                hint=hint,
            )


def _require_distinct_files(signatures: Sequence[TaskSignature]) -> None:
    seen: dict[str, str] = {}
    for signature in signatures:
        files = {file.sha256: file.path for file in signature.inputs if file.sha256}
        repeats = sorted(seen.keys() & files.keys())
        if repeats:
            first, second = seen[repeats[0]], files[repeats[0]]
            raise SignatureError(
                f"the same content would be counted twice: {first!r} and {second!r} have "
                f"SHA-256 {repeats[0][:12]}...",
                task=signature.name,
                hint="merge each shard once",
            )
        seen |= files


def _united_schema(signatures: Sequence[TaskSignature]) -> LabelSchema:
    first = signatures[0].schema
    schemas = [s.schema for s in signatures]
    names = [schema.names for schema in schemas]
    # A class that a shard lacks has no row there; a label *column* that it lacks is unknown.
    by_column = first.kind == "regression" or any(
        schema.kind == "multilabel" and schema.names == schema.columns for schema in schemas
    )
    if by_column and len({frozenset(n) for n in names}) > 1:
        other = next(n for n in names if set(n) != set(names[0]))
        raise SignatureError(
            f"shards of different label columns cannot be merged: {list(names[0])} and "
            f"{list(other)}",
            task=signatures[0].name,
            hint="profile both shards again with the same --label",
        )
    return LabelSchema(first.kind, _united(names), _united([s.columns for s in schemas]))


def _united(names: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Union of the shards' label names, sorted as classes are; unsorted where all agree."""
    if len(set(names)) == 1:
        return names[0]
    union = {name for some in names for name in some}
    integers = all(len(name) < 20 and name.removeprefix("-").isdecimal() for name in union)
    return tuple(sorted(union, key=(lambda name: (int(name), name)) if integers else None))


def _places(names: tuple[str, ...], united: tuple[str, ...]) -> Ints:
    """Index of each name among the united ones."""
    index = {name: i for i, name in enumerate(united)}
    return np.array([index[name] for name in names], dtype=np.int64)


def _sum(
    arrays: Iterable[Floats], places: Sequence[Ints], shape: tuple[int, ...], axes: int
) -> Floats:
    """Add arrays whose last ``axes`` axes are label columns at their places."""
    total = np.zeros(shape)
    for array, at in zip(arrays, places, strict=True):
        total[(..., at) if axes == 1 else (..., at[:, None], at)] += array
    return total
