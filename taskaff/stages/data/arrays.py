"""NumPy files of ready vectors: ``.npz`` with X and y, ``.npy`` with X alone; rows are streamed.

Members are read through ``zipfile`` in pieces and never extracted; objects (pickles) are refused.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from taskaff.core import arrow
from taskaff.core.records.data import DataRequest
from taskaff.stages.data.byte_source import Blob
from taskaff.stages.data.plain import plain, plain_type
from taskaff.stages.data.reader import (
    BATCH_BYTES,
    BATCH_ROWS,
    Column,
    Reader,
    arrow_errors,
    counting,
)

X_KEYS = ("X", "vectors", "vector", "embeddings", "embedding")
Y_KEYS = ("y", "labels", "label", "target", "score")
_MAX_WIDTH = 1 << 17
_RATIO = 1000
_RATIO_FREE = 64 << 20


@dataclass(frozen=True, slots=True)
class _Header:
    """Shape and type of a stored array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def row_bytes(self) -> int:
        return int(self.dtype.itemsize * np.prod(self.shape[1:], dtype=np.int64))

    @property
    def type(self) -> pa.DataType:
        words = self.dtype.kind in "US"
        item = pa.string() if words else pa.from_numpy_dtype(self.dtype.newbyteorder("="))
        return plain_type(item if len(self.shape) == 1 else pa.list_(item, self.shape[1]))


class NpzReader(Reader):
    """An ``.npz`` archive: X (or vectors, embeddings) and, if there, y (or labels)."""

    def __init__(self, blob: Blob, _request: DataRequest) -> None:
        self._blob = blob
        with self._members() as members:
            self._headers = {name: _header(stream, blob, name) for name, stream in members}
        rows = {name: header.shape[0] for name, header in self._headers.items()}
        if len(set(rows.values())) > 1:
            lengths = ", ".join(f"{name} {n}" for name, n in rows.items())
            raise blob.error(
                f"the arrays have different numbers of rows: {lengths}",
                "save arrays of the same length: np.savez(path, X=X, y=y)",
            )
        self.columns = tuple(Column(name, header.type) for name, header in self._headers.items())

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Batches of the same rows of every array, of bounded rows and bytes."""
        widest = max((self._headers[name].row_bytes for name in columns), default=1)
        step = max(1, min(BATCH_ROWS, BATCH_BYTES // max(1, widest)))
        rows = next(iter(self._headers.values())).shape[0]
        with self._members() as members, arrow_errors(self._blob.path, "the array file"):
            streams = dict(members)
            for name, stream in streams.items():
                _header(stream, self._blob, name)
            for start in range(0, rows, step):
                count = min(step, rows - start)
                arrays = [self._piece(streams[name], name, count) for name in columns]
                names = list(columns)
                yield pa.RecordBatch.from_arrays(arrays, names=names) if names else counting(count)

    def _piece(self, stream: BinaryIO, name: str, count: int) -> pa.Array:
        header = self._headers[name]
        data = stream.read(count * header.row_bytes)
        if len(data) < count * header.row_bytes:
            raise self._blob.error(
                f"array {name!r} ends before its declared {header.shape[0]:,} rows",
                "the file is cut short: fetch or write it again",
            )
        array = np.frombuffer(data, header.dtype).reshape(count, *header.shape[1:])
        return plain(_arrow(array))

    @contextmanager
    def _members(self) -> Iterator[list[tuple[str, BinaryIO]]]:
        with ExitStack() as stack:
            access = stack.enter_context(self._blob.random_access())
            try:
                archive = stack.enter_context(zipfile.ZipFile(access))
                wanted = self._wanted(archive)
                yield [(key, stack.enter_context(archive.open(f"{key}.npy"))) for key in wanted]  # type: ignore[misc]
            except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
                raise self._blob.error(
                    f"the .npz archive is damaged: {error}",
                    "write it again: np.savez(path, X=X, y=y)",
                ) from error

    def _wanted(self, archive: zipfile.ZipFile) -> list[str]:
        members = {info.filename: info for info in archive.infolist()}
        names = [name.removesuffix(".npy") for name in members if name.endswith(".npy")]
        matches = [[n for n in names if n in keys] for keys in (X_KEYS, Y_KEYS)]
        if len(matches[0]) != 1 or len(matches[1]) > 1:
            raise self._blob.error(
                f"the archive holds {', '.join(names) or 'no array'}: one of "
                f"{', '.join(X_KEYS)} is needed, and at most one of {', '.join(Y_KEYS)}",
                "np.savez(path, X=X, y=y)",
            )
        chosen = matches[0] + matches[1]
        for name in chosen:
            info = members[f"{name}.npy"]
            if info.file_size > max(_RATIO_FREE, _RATIO * info.compress_size):
                raise self._blob.error(
                    f"array {name!r} declares {info.file_size:,} bytes from {info.compress_size:,}",
                    "if that is meant, write it with np.savez instead of savez_compressed",
                )
        return chosen


class NpyReader(NpzReader):
    """An ``.npy`` file: X alone, without labels."""

    @contextmanager
    def _members(self) -> Iterator[list[tuple[str, BinaryIO]]]:
        with self._blob.stream() as stream:
            yield [("X", stream)]


def _header(stream: BinaryIO, blob: Blob, name: str) -> _Header:
    """Parse the array header, and refuse what cannot be streamed as numbers or words."""
    try:
        version = np.lib.format.read_magic(stream)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read(stream)
    except (ValueError, EOFError, OSError, SyntaxError) as error:
        raise blob.error(
            f"array {name!r} has no valid header: {error}",
            "write it again with np.savez or np.save",
        ) from error
    if dtype.hasobject or dtype.kind not in "biufUS":
        raise blob.error(
            f"array {name!r} holds {dtype} and is not read: such arrays can run code",
            "save numbers or strings: np.savez(path, X=X.astype('float32'), y=y.astype(str))",
        )
    _check_shape(tuple(shape), fortran, name, blob)
    return _Header(tuple(shape), dtype)


def _check_shape(shape: tuple[int, ...], fortran: bool, name: str, blob: Blob) -> None:
    if fortran and len(shape) > 1 and shape[1] > 1:
        raise blob.error(
            f"array {name!r} is stored by columns",
            f"save it by rows: np.ascontiguousarray({name})",
        )
    if len(shape) not in ((2,) if name in X_KEYS else (1, 2)) or 0 in shape[1:]:
        raise blob.error(
            f"array {name!r} has shape {shape}; vectors are (n, d), labels (n,) or (n, c)",
            "np.savez(path, X=X, y=y) with one row per example in each",
        )
    if len(shape) == 2 and shape[1] > _MAX_WIDTH:
        raise blob.error(
            f"array {name!r} declares {shape[1]:,} columns, over {_MAX_WIDTH:,}",
            "save X with one row per example",
        )


def _arrow(array: np.ndarray[Any, Any]) -> pa.Array:
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8")
    flat = array.reshape(-1)
    items = arrow.strings(flat.tolist()) if array.dtype.kind == "U" else arrow.flat(flat)
    return items if array.ndim == 1 else pa.FixedSizeListArray.from_arrays(items, array.shape[1])
