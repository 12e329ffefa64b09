"""A folder with one matrix (``.npy``) and the words of its rows (Parquet, Arrow IPC or text)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from taskaff.core.errors import EmbedError, Place

if TYPE_CHECKING:
    from taskaff.core.records.arrays import Floats32

ROWS = 1 << 14
_WORD_SUFFIXES = (".parquet", ".arrow", ".feather", ".txt")


def folder_files(folder: Path) -> list[Path]:
    """The matrix and the words."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    matrices = [path for path in files if path.suffix == ".npy"]
    words = [path for path in files if path.suffix in _WORD_SUFFIXES]
    if len(matrices) != 1 or len(words) != 1:
        raise EmbedError(
            f"the folder has {len(matrices)} matrices (.npy) and {len(words)} lists of words",
            where=Place(str(folder)),
            hint="keep one matrix.npy and one words.txt (a word a line) or words.parquet in it",
        )
    return [matrices[0], words[0]]


def read_folder(folder: Path) -> Iterator[tuple[pa.Array, Floats32]]:
    """Blocks of words (large_binary) and vectors ``(n, d)``, as the readers of files give them."""
    matrix_path, words_path = folder_files(folder)
    matrix, words = _matrix(matrix_path), _words(words_path)
    if len(words) != len(matrix):
        raise EmbedError(
            f"{len(matrix)} rows, and {len(words)} words in {words_path.name}",
            where=Place(str(matrix_path)),
            hint="the list must have one word for each row, in the same order",
        )
    for at in range(0, len(matrix), ROWS):
        vectors = np.asarray(matrix[at : at + ROWS], np.float32)
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if len(bad):
            where = Place(str(matrix_path), row=at + int(bad[0]) + 1)
            raise EmbedError("a value is not finite", where=where)
        yield words.slice(at, ROWS), vectors


def _matrix(path: Path) -> Floats32:
    try:
        matrix = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:  # arrays of objects are pickles
        raise EmbedError(
            f"no matrix of numbers: {error}",
            where=Place(str(path)),
            hint="save it again as float32: numpy.save(FILE, matrix.astype('float32'))",
        ) from error
    if matrix.ndim != 2 or matrix.dtype.kind != "f" or 0 in matrix.shape:
        raise EmbedError(
            f"an array of {matrix.dtype} with shape {matrix.shape}, not (words, width) of floats",
            where=Place(str(path)),
        )
    mapped: Floats32 = matrix
    return mapped


def _words(path: Path) -> pa.Array:
    try:
        if path.suffix == ".txt":
            lines = path.read_bytes().removesuffix(b"\n").split(b"\n")
            return pa.array([line.removesuffix(b"\r") for line in lines], pa.large_binary())
        table = _table(path)
        if table.num_columns != 1:
            raise ValueError(f"{table.num_columns} columns, not one: {table.column_names}")
        column = table.column(0).combine_chunks()
        if column.null_count:
            raise ValueError("a word is missing (null)")
        if not pa.types.is_large_binary(column.type):
            column = column.cast(pa.large_string()).cast(pa.large_binary())
        return column
    except (OSError, ValueError, NotImplementedError) as error:
        raise EmbedError(
            f"no list of words: {error}",
            where=Place(str(path)),
            hint="one column of strings, or a text file with one word a line",
        ) from error


def _table(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        from pyarrow.parquet import ParquetFile

        return ParquetFile(path).read()
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()
