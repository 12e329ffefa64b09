"""Fields inside of objects as columns of their own: ``tweet.text``.

A column whose own name holds the dots comes before a path of the same spelling. Objects inside of
lists are not opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from taskaff.stages.data.classlabel import metadata
from taskaff.stages.data.plain import columns_of, not_utf8, plain_pieces, plain_type
from taskaff.stages.data.reader import Column, Reader, unique

DEPTH = 20
"""Objects nested deeper than this are not opened."""


class Made(NamedTuple):
    """A column that is made of one of another reader's."""

    column: Column
    origin: str
    make: Callable[[Any], Any]


class Derived(Reader):
    """A reader whose columns are made of those of another one."""

    def __init__(self, reader: Reader, made: Sequence[Made]) -> None:
        self._reader, self._made = reader, {one.column.name: one for one in made}
        self.columns = tuple(one.column for one in made)
        self.typed, self.nullable, self.dialect = reader.typed, reader.nullable, reader.dialect

    def peek(self, columns: Sequence[str]) -> pa.RecordBatch:
        """The first rows that the wrapped reader gives."""
        picked = self._picked(self._reader.peek(self._origins(columns)), columns)
        return next(plain_pieces(picked), picked)

    def scan(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """First pass of the wrapped reader."""
        return self._pieces(self._reader.scan(self._origins(columns)), columns)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Second pass of the wrapped reader."""
        return self._pieces(self._reader.batches(self._origins(columns)), columns)

    def _pieces(
        self, batches: Iterator[pa.RecordBatch], columns: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from plain_pieces(self._picked(batch, columns))

    def _origins(self, columns: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(self._made[name].origin for name in columns))

    def _picked(self, batch: pa.RecordBatch, columns: Sequence[str]) -> pa.RecordBatch:
        if not columns:
            return batch
        made = [self._made[name] for name in columns]
        arrays = [one.make(batch.column(one.origin)) for one in made]
        return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def opened(reader: Reader, path: str) -> Reader:
    """The reader with the fields of objects as columns; itself where no column holds objects."""
    if not any(pat.is_struct(column.type) for column in reader.columns):
        return reader
    return Derived(
        reader,
        [
            one._replace(column=one.column._replace(type=plain_type(one.column.type)))
            for one in _ends_of_paths(reader.columns, path)
        ],
    )


def flattened(table: pa.Table, path: str) -> pa.Table:
    """A table with the fields of objects as columns."""
    if not any(pat.is_struct(field.type) for field in table.schema):
        return table
    named = {column.name: column for column in columns_of(table.schema, path)}
    tops = [named[field.name]._replace(type=field.type) for field in table.schema]
    made = _ends_of_paths(tops, path)
    arrays = {one.column.name: one.make(table.column(one.origin)) for one in made}
    return pa.table(arrays).replace_schema_metadata(metadata([one.column for one in made]))


def _at(fields: Sequence[str], array: Any) -> Any:
    """A field of an array of objects; null where the object is."""
    for field in fields:
        array = pc.struct_field(array, array.type.get_field_index(field))
    return array


def _ends_of_paths(columns: Sequence[Column], path: str) -> list[Made]:
    exact = {column.name for column in columns if not pat.is_struct(column.type)}
    made = []
    for column in columns:
        try:
            ends = list(_ends(column.type, ()))
        except UnicodeDecodeError as error:
            raise not_utf8(error, path) from error
        for fields, kind in ends:
            name = ".".join((column.name, *fields))
            if not fields or name not in exact:
                ids = column.inside.get(fields, ()) if fields else column.names
                made.append(Made(Column(name, kind, ids), column.name, partial(_at, fields)))
    unique([one.column.name for one in made], path)
    return made


def _ends(
    kind: pa.DataType, fields: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], pa.DataType]]:
    plain = not pat.is_struct(kind) or len(fields) == DEPTH or not kind.num_fields
    if plain or len({field.name for field in kind}) < kind.num_fields:
        yield fields, kind
        return
    for field in kind:
        yield from _ends(field.type, (*fields, field.name))


# -- JSON, whose objects are dictionaries


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with the ends of the paths as keys; empty objects stay, as objects."""
    out: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict) and value:
            for path, end in _ends_of(value, name, DEPTH):
                out.setdefault(path, end)
        else:
            out[name] = value
    return out


def names_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The paths of some rows; what is null in one row and an object in another is no path."""
    names: dict[str, bool] = {}
    for row in rows:
        for name, value in flat(row).items():
            names[name] = names.get(name, False) or value not in (None, {})
    inside = {name[:at] for name in names for at in range(len(name)) if name[at] == "."}
    return [name for name, said in names.items() if said or name not in inside]


def value_at(row: Mapping[str, Any], name: str) -> Any:
    """The value at a path, None where an object on the way is null.

    Raises
    ------
    KeyError : there is no such path.
    """
    if name in row:
        return row[name]
    at = name.find(".")
    while at >= 0:
        inside = row.get(name[:at], KeyError)
        if inside is None:
            return None
        if isinstance(inside, dict):
            try:
                return value_at(inside, name[at + 1 :])
            except KeyError:
                pass
        at = name.find(".", at + 1)
    raise KeyError(name)


def _ends_of(value: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name, inside in value.items():
        path = f"{prefix}.{name}"
        if isinstance(inside, dict) and inside and depth > 1:
            yield from _ends_of(inside, path, depth - 1)
        else:
            yield path, inside
