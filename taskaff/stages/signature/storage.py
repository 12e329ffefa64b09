"""``.taskaff`` files: signatures on disk, without any text of the rows.

The format is described in ``docs/signature.md``; ``container`` reads and writes the bytes,
``metadata`` the JSON, ``triangles`` the symmetric sums, ``checks`` says what may not be.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskaff.core.errors import Place, SignatureError
from taskaff.core.files import whole_file
from taskaff.core.records.signature import FOLDS, NearKeys, Sketch, TaskSignature
from taskaff.stages.signature.checks import ROOM, require_room, require_symmetric, require_valid
from taskaff.stages.signature.container import (
    ContainerError,
    Header,
    Tensors,
    decode,
    encode,
    header_length,
    parse_header,
)
from taskaff.stages.signature.keys import KEY_BYTES, packed_keys, unpacked_keys
from taskaff.stages.signature.metadata import from_json, to_json
from taskaff.stages.signature.onehot import diagonals
from taskaff.stages.signature.triangles import packed, size, unpacked

FORMAT = "taskaff-signature"
FORMAT_VERSION = 2
"""Version of the file format and of the meaning of its numbers, identity of rows included."""

READABLE_BY = "taskaff >= 0.1.0"
"""First release that reads this format version; every file holds it, for older releases to name."""


def save(signature: TaskSignature, path: Path) -> None:
    """Write a signature; the file appears complete or not at all.

    Parameters
    ----------
    signature : any; equal ones give equal bytes.
    path : replaced if it exists.

    Raises
    ------
    SignatureError : the signature is inconsistent, or the file cannot be written.
    """
    where = Place(str(path))
    require_valid(signature, where)
    require_symmetric(signature, where)
    metadata = {
        "format": FORMAT,
        "readable_by": READABLE_BY,
        "signature": to_json(signature),
        "version": FORMAT_VERSION,
    }
    content = encode(_tensors(signature), metadata)
    try:
        with whole_file(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise SignatureError(
            f"the signature cannot be written: {error.strerror or error}",
            task=signature.name,
            where=where,
            hint="check that the folder exists, can be written and has room",
        ) from error


def load(path: Path) -> TaskSignature:
    """Read a signature and check it.

    Parameters
    ----------
    path : a ``.taskaff`` file.

    Raises
    ------
    SignatureError : it cannot be read, is no signature, is damaged, or is of another format
        version.
    """
    where = Place(str(path))
    try:
        header, data = _read(path)
        tensors = decode(header, data)
        signature = _assemble(from_json(header.metadata["signature"]), tensors)
    except OSError as error:
        raise SignatureError(
            f"the signature cannot be read: {error.strerror or error}",
            where=where,
            hint="check the path; `taskaff profile DATA -o FILE` writes a signature",
        ) from error
    except ValueError as error:
        raise SignatureError(
            f"this is no intact taskaff signature: {error}",
            where=where,
            hint="copy the file again, or make it anew with `taskaff profile DATA -o FILE`",
        ) from error
    except SignatureError as error:
        error.where = where
        raise
    require_valid(signature, where)
    return signature


def _read(path: Path) -> tuple[Header, bytes]:
    """Header and data; the data of a file of another kind or version is not even read."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ContainerError("it is not a regular file")
        first = file.read(8)
        header = parse_header(first + file.read(header_length(first, status.st_size)))
        _require_version(header.metadata, path)
        if status.st_size > 2 * ROOM:
            raise ContainerError(f"it has {status.st_size} bytes")
        return header, file.read()


def _require_version(metadata: Mapping[str, Any], path: Path) -> None:
    version = str(metadata.get("version"))
    if metadata.get("format") != FORMAT or not version.isdecimal() or "signature" not in metadata:
        raise ContainerError("its metadata names another format")
    if version == str(FORMAT_VERSION):
        return
    problem = f"the file is of signature format {version[:8]}, and this taskaff reads format "
    problem += str(FORMAT_VERSION)
    if len(version) < 8 and int(version) < FORMAT_VERSION:
        raise SignatureError(
            f"{problem}, which tells rows apart by another rule",
            hint=f"make it anew from the data set: taskaff profile DATA -o {path.name}",
        )
    reader = str(metadata.get("readable_by", "a newer taskaff"))[:40]
    raise SignatureError(
        f"{problem}; it asks for {reader!r}",
        hint=f"upgrade taskaff, or make it anew: taskaff profile DATA -o {path.name}",
    )


def _tensors(s: TaskSignature) -> Mapping[str, NDArray[Any]]:
    """Tensors to write: those that no other tensor implies."""
    out: Tensors = {"n": s.n, "sx": s.sx, "sxx": packed(s.sxx), "sxy": s.sxy, "sy": s.sy}
    if s.schema.kind != "classes":
        out["syy"] = packed(s.syy)
    for split, sketch in s.sketches.items():
        out[f"sketch.{split}"] = sketch.hashes
        if sketch.near:
            out[f"near.{split}"] = packed_keys(sketch.near.keys)
            out[f"near_rows.{split}"] = sketch.near.counts
    return out


def _assemble(fields: dict[str, Any], tensors: Tensors) -> TaskSignature:
    """Record of a file, after its tensors are checked against those that its metadata announces.

    Other tensors may come with them: a later release of this version may add what a comparison
    can do without.
    """
    sketches = fields.pop("sketches")
    classes = fields["schema"].kind == "classes"
    d, c = _sizes(fields, tensors)
    expected = {
        "n": ("i", (FOLDS,)),
        "sx": ("f", (FOLDS, d)),
        "sxx": ("f", (FOLDS, size(d))),
        "sxy": ("f", (FOLDS, d, c)),
        "sy": ("f", (FOLDS, c)),
    }
    if not classes:
        expected["syy"] = ("f", (FOLDS, size(c)))
    missing = {*expected, *(f"sketch.{split}" for split in sketches)} - tensors.keys()
    if missing:
        raise ContainerError(f"it lacks the tensors {sorted(missing)}")
    for name, (kind, shape) in expected.items():
        if tensors[name].dtype.kind != kind or tensors[name].shape != shape:
            raise ContainerError(f"its tensor {name} has shape {tensors[name].shape}, not {shape}")
    require_room(d, c)
    arrays: dict[str, Any] = {name: tensors[name] for name in expected}
    arrays["sxx"] = unpacked(tensors["sxx"], d)
    arrays["syy"] = diagonals(tensors["sy"]) if classes else unpacked(tensors["syy"], c)
    return TaskSignature(
        **fields,
        **arrays,
        sketches={
            split: Sketch(
                _hashes(tensors[f"sketch.{split}"]), **numbers, near=_near(tensors, split)
            )
            for split, numbers in sketches.items()
        },
    )


def _sizes(fields: Mapping[str, Any], tensors: Tensors) -> tuple[int, int]:
    """``d`` from the sums, ``c`` from the schema."""
    shape = tensors["sx"].shape if "sx" in tensors else ()
    if len(shape) != 2:
        raise ContainerError("it has no two-dimensional tensor sx")
    return int(shape[1]), fields["schema"].width


def _near(tensors: Tensors, split: str) -> NearKeys | None:
    """Keys of near copies, which a file may lack."""
    keys, counts = tensors.get(f"near.{split}"), tensors.get(f"near_rows.{split}")
    if keys is None or counts is None:
        return None
    bytes_ = keys.dtype == counts.dtype == np.uint8 and counts.ndim == 1
    shape = (int(counts.sum()), KEY_BYTES)
    if not bytes_ or keys.shape != shape or len(counts) > len(tensors[f"sketch.{split}"]):
        raise ContainerError("its keys of near copies are not those of its rows")
    return NearKeys(counts, unpacked_keys(keys))


def _hashes(tensor: NDArray[Any]) -> NDArray[np.uint64]:
    if tensor.dtype.kind != "u" or tensor.ndim != 1:
        raise ContainerError("a row sketch is no list of hashes")
    return tensor
