"""Metadata of a signature, all but its tensors, to and from JSON values.

Read strictly: a wrong type is an error, never a surprise in a later stage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TypeVar, get_args

from taskaff.core.records.data import SPLITS, InputFile, LabelKind, LabelSchema, Layout
from taskaff.core.records.embedding import EncodeCounts, EncoderCard
from taskaff.core.records.signature import TaskSignature

T = TypeVar("T")

SIGNATURE_SPLITS = (*SPLITS, "all")


def to_json(signature: TaskSignature) -> dict[str, Any]:
    """Everything but the tensors, as JSON values; file paths reduced to base names."""
    return {
        "name": _printable(signature.name),
        "encoder": asdict(signature.encoder),
        "layout": signature.layout,
        "schema": asdict(signature.schema),
        "split": signature.split,
        "padded_from": signature.padded_from,
        "counts": asdict(signature.counts),
        "inputs": [{**asdict(f), "path": _base_name(f.path)} for f in signature.inputs],
        "notes": list(signature.notes),
        "sketches": {
            split: {
                "rows": sketch.rows,
                "distinct": sketch.distinct,
                "threshold": sketch.threshold,
                "exact": sketch.exact,
                "conflicts": sketch.conflicts,
            }
            for split, sketch in sorted(signature.sketches.items())
        },
    }


def from_json(document: Any) -> dict[str, Any]:
    """Fields of ``TaskSignature``, but ``sketches`` as a mapping of splits to the fields of
    ``Sketch``.

    Raises
    ------
    ValueError : naming the first entry that is missing or of a wrong type.
    """
    entry = _Entries(document)
    return {
        "name": entry.text("name"),
        "encoder": entry.nested("encoder", _encoder),
        "layout": entry.one_of("layout", get_args(Layout)),
        "schema": entry.nested("schema", _schema),
        "split": entry.one_of("split", SIGNATURE_SPLITS),
        "padded_from": entry.optional_count("padded_from"),
        "counts": entry.nested("counts", _counts),
        "inputs": entry.each("inputs", _input),
        "notes": entry.texts("notes"),
        "sketches": entry.nested("sketches", _sketches),
    }


class _Entries:
    """One JSON object, read with types. Errors name the path of the entry."""

    def __init__(self, value: Any, path: str = "") -> None:
        self.path = path
        if not isinstance(value, dict):
            raise ValueError(f"its metadata {path or 'document'} is no object")
        self.value: Mapping[str, Any] = value

    def get(self, key: str, kind: type[T]) -> T:
        value = self.value.get(key)
        if type(value) is not kind:  # not isinstance: True is an int
            raise ValueError(f"its metadata {self.path}{key} is missing or no {kind.__name__}")
        return value

    def text(self, key: str) -> str:
        value = self.get(key, str)
        value.encode()  # half a surrogate pair could not be printed: UnicodeEncodeError
        return value

    def count(self, key: str) -> int:
        value = self.get(key, int)
        if not 0 <= value < 2**64:
            raise ValueError(f"its metadata {self.path}{key} is out of range")
        return value

    def optional_count(self, key: str) -> int | None:
        return None if self.value.get(key) is None else self.count(key)

    def one_of(self, key: str, known: tuple[str, ...]) -> Any:
        value = self.text(key)
        if value not in known:
            raise ValueError(f"its metadata {self.path}{key} is {value[:40]!r}, not of {known}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values = self.get(key, list)
        if not all(isinstance(x, str) for x in values):
            raise ValueError(f"its metadata {self.path}{key} holds something that is no str")
        "".join(values).encode()  # as in text()
        return tuple(values)

    def nested(self, key: str, read: Callable[[_Entries], T]) -> T:
        return read(_Entries(self.value.get(key), f"{self.path}{key}."))

    def each(self, key: str, read: Callable[[_Entries], T]) -> tuple[T, ...]:
        items = enumerate(self.get(key, list))
        return tuple(read(_Entries(x, f"{self.path}{key}[{i}].")) for i, x in items)


def _encoder(e: _Entries) -> EncoderCard:
    fields = e.text("id"), e.text("fingerprint"), e.count("width"), e.text("revision")
    return EncoderCard(*fields, e.one_of("pairs", ("apart", "cross")))


def _schema(e: _Entries) -> LabelSchema:
    kind = e.one_of("kind", get_args(LabelKind))
    return LabelSchema(kind, e.texts("names"), e.texts("columns"))


def _counts(e: _Entries) -> EncodeCounts:
    return EncodeCounts(
        e.count("tokens"), e.count("unknown"), e.count("truncated"), e.count("empty")
    )


def _input(e: _Entries) -> InputFile:
    return InputFile(
        path=_base_name(e.text("path")),
        format=e.text("format"),
        split=e.one_of("split", SPLITS),
        rows=e.count("rows"),
        bytes=e.count("bytes"),
        sha256=e.text("sha256"),
        rejected=e.count("rejected"),
        unlabelled=e.count("unlabelled") if "unlabelled" in e.value else 0,
    )


def _sketches(e: _Entries) -> dict[str, dict[str, Any]]:
    for split in e.value:
        if split not in SPLITS:
            raise ValueError(f"its metadata sketches has no split {split[:40]!r}")
    return {split: e.nested(split, _sketch) for split in sorted(e.value)}


def _sketch(e: _Entries) -> dict[str, Any]:
    counts = {key: e.count(key) for key in ("rows", "distinct", "threshold")}
    conflicts = e.optional_count("conflicts") or 0
    return {**counts, "exact": e.get("exact", bool), "conflicts": conflicts}


def _base_name(path: str) -> str:
    """The last part of a path of either kind; a file's folder stays private."""
    return _printable(re.split(r"[\\/]", path.rstrip("\\/"))[-1])


def _printable(name: str) -> str:
    """File names need not be UTF-8; Python marks the bytes that are not with lone surrogates."""
    return name.encode("utf-8", "replace").decode()
