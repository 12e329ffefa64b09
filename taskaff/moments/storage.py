"""``.taskaff`` files: signatures on disk, without any text of the rows.

The format is described in ``docs/signature.md``; ``container`` reads and writes the bytes,
``metadata`` the JSON, ``checks`` says what may not be. Large files are mapped, not copied: the
arrays of a loaded signature are read-only views of the file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskaff.errors import Place, SignatureError
from taskaff.files import whole_file
from taskaff.moments.checks import ROOM, require_room, require_valid
from taskaff.moments.container import (
    Buffer,
    ContainerError,
    Header,
    Tensors,
    decode,
    encode,
    header_length,
    parse_header,
    require_intact,
)
from taskaff.moments.metadata import from_json, to_json
from taskaff.moments.onehot import diagonals
from taskaff.records import FOLDS, Sketch, Spectrum, TaskSignature

FORMAT = "taskaff-signature"
FORMAT_VERSION = 1
READABLE_BY = "taskaff >= 0.1.0"
"""First release that reads this format version; stands in every file, for older releases to say."""


MAPPED = 2**20
"""Files of more bytes are mapped. A thousand signatures of d = 384 that way take no memory of
their own, and a tenth of the time to load."""


def save(signature: TaskSignature, path: Path) -> None:
    """Write a signature; the file appears whole or not at all.

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
    metadata = {
        "format": FORMAT,
        "readable_by": READABLE_BY,
        "signature": to_json(signature),
        "version": str(FORMAT_VERSION),
    }
    parts = encode(_tensors(signature), metadata)
    try:
        with whole_file(path) as temporary, temporary.open("wb") as file:
            file.writelines(parts)
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
    SignatureError : it cannot be read, is no signature, is damaged, or is of a newer format.
    """
    where = Place(str(path))
    try:
        header, data = _read(path)
        require_intact(header, data)
        fields = from_json(header.metadata["signature"])
        tensors = decode(header, data)
        signature = _assemble(fields, tensors)
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


def _read(path: Path) -> tuple[Header, Buffer]:
    """Header and data; the data of a file of another kind or version is not even read."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ContainerError("it is not a regular file")
        length = header_length(file.read(8), status.st_size)
        header = parse_header(file.read(length))
        _require_version(header.metadata)
        if status.st_size > 2 * ROOM:
            raise ContainerError(f"it has {status.st_size} bytes")
        if status.st_size <= MAPPED:
            return header, file.read(status.st_size - 8 - length)
        mapped = mmap(file.fileno(), status.st_size, access=ACCESS_READ)
        return header, memoryview(mapped)[8 + length :]


def _require_version(metadata: Mapping[str, str]) -> None:
    version = metadata.get("version", "")
    if metadata.get("format") != FORMAT or not version.isdecimal() or "signature" not in metadata:
        raise ContainerError("its metadata names another format")
    if version != str(FORMAT_VERSION):
        reader = metadata.get("readable_by", "a newer taskaff")[:40]
        raise SignatureError(
            f"the file is of signature format {version[:8]}, and this taskaff reads format "
            f"{FORMAT_VERSION}; it asks for {reader!r}",
            hint="upgrade taskaff, or profile the data set again with this version",
        )


def _tensors(s: TaskSignature) -> Mapping[str, NDArray[Any]]:
    """Everything that is not implied by something else."""
    out: Tensors = {"n": s.n, "sx": s.sx, "sxx": s.sxx, "sxy": s.sxy, "sy": s.sy}
    if s.schema.kind != "classes":
        out["syy"] = s.syy
    for split, sketch in s.sketches.items():
        out[f"sketch.{split}"] = sketch.hashes
    if s.spectrum:
        out |= {"kept_values": s.spectrum.values, "kept_vectors": s.spectrum.vectors}
    return out


def _assemble(fields: dict[str, Any], tensors: Tensors) -> TaskSignature:
    """The record, once its tensors are found to be those that its metadata announces."""
    sketches, share = fields.pop("sketches"), fields.pop("kept_share")
    classes = fields["schema"].kind == "classes"
    d, c = _sizes(fields, tensors)
    expected = {
        "n": ("i", (FOLDS,)),
        "sx": ("f", (FOLDS, d)),
        "sxx": ("f", (FOLDS, d, d)),
        "sxy": ("f", (FOLDS, d, c)),
        "sy": ("f", (FOLDS, c)),
    }
    if not classes:
        expected["syy"] = ("f", (FOLDS, c, c))
    sums = tuple(expected)
    if share is not None:
        q = tensors["kept_values"].size if "kept_values" in tensors else 0
        expected |= {"kept_values": ("f", (q,)), "kept_vectors": ("f", (d, q))}
    names = {*expected, *(f"sketch.{split}" for split in sketches)}
    if names != tensors.keys():
        raise ContainerError(f"it holds the tensors {sorted(tensors)}, expected {sorted(names)}")
    for name, (kind, shape) in expected.items():
        if tensors[name].dtype.kind != kind or tensors[name].shape != shape:
            raise ContainerError(f"its tensor {name} has shape {tensors[name].shape}, not {shape}")
    require_room(d, c)
    found: dict[str, Any] = {name: tensors[name] for name in sums}
    if classes:
        found["syy"] = diagonals(tensors["sy"])
    if share is not None:
        found["spectrum"] = Spectrum(share, tensors["kept_values"], tensors["kept_vectors"])
    return TaskSignature(
        **fields,
        **found,
        sketches={
            split: Sketch(_hashes(tensors[f"sketch.{split}"]), **numbers)
            for split, numbers in sketches.items()
        },
    )


def _sizes(fields: Mapping[str, Any], tensors: Tensors) -> tuple[int, int]:
    """``d`` from the sums, ``c`` from the schema."""
    shape = tensors["sx"].shape if "sx" in tensors else ()
    if len(shape) != 2:
        raise ContainerError("it has no two-dimensional tensor sx")
    return int(shape[1]), fields["schema"].width


def _hashes(tensor: NDArray[Any]) -> NDArray[np.uint64]:
    if tensor.dtype.kind != "u" or tensor.ndim != 1:
        raise ContainerError("a row sketch is no list of hashes")
    return tensor
