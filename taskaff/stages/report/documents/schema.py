"""JSON Schema of the documents, from the types and docstrings of the records.

Objects stay open: a reader must ignore keys that it does not know, because new keys are additions
and do not change ``schema_version``.
"""

from __future__ import annotations

import ast
import datetime
import inspect
import re
import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from taskaff.core.settings.setting import Setting
from taskaff.stages.report.documents import OBJECTS, RESULTS
from taskaff.stages.report.documents.json_object import Finite, JsonObject, Key, described

Schema = dict[str, Any]

NUMBER: Schema = {"type": "number"}
SIMPLE: dict[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer", "minimum": 0},
    float: {"type": ["number", "null"]},
    Finite: NUMBER,
    datetime.date: {"type": "string", "format": "date"},
}
ARRAYS = dict.fromkeys(("Floats", "Floats32", "Hashes"), Any)
"""Types of attributes that stand in no document, known to type checkers alone."""


def schema() -> Schema:
    """The whole schema, self-contained."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "taskaff result",
        "description": "What --json prints with taskaff score, probe, check, inspect and overlap. "
        "Keys are stable; new ones are additions, so ignore those you do not know.",
        "oneOf": [{"$ref": f"#/$defs/{found.name}"} for found in RESULTS],
        "$defs": {found.name: of_object(found) for found in OBJECTS.values() if found.name},
    }


def of_object(json_object: JsonObject) -> Schema:
    """An object: its keys, and which of them are always there."""
    schema: Schema = {
        "type": "object",
        "description": json_object.about or _sentence(inspect.getdoc(json_object.record) or ""),
        "properties": {key.name: _of_key(json_object, key) for key in json_object.keys},
        "required": [key.name for key in json_object.keys if not key.optional],
    }
    if json_object.others is not None:
        schema["additionalProperties"] = of_type(json_object.others)
    return schema


def _of_key(json_object: JsonObject, key: Key) -> Schema:
    owner, name = json_object.record, key.name
    if key.attribute:
        *way, name = key.attribute.split(".")
        for step in way:
            owner = _hints(owner)[step]
    hint = _hints(owner)[name] if key.type is None else key.type
    said = [each.help for each in getattr(hint, "__metadata__", ()) if isinstance(each, Setting)]
    if key.attribute:
        said.append(_sentence(_docstrings(owner).get(name, "")))
    about = key.about or " ".join(filter(None, said))
    schema = of_type(hint, json_object.finite)
    return {**schema, "description": about} if about else schema


def of_type(hint: Any, finite: bool = False) -> Schema:
    """A type hint as a schema; ``finite``: numbers are never null. A schema stays what it is."""
    if isinstance(hint, dict):
        return hint
    if finite and hint is float:
        return NUMBER
    if hint in SIMPLE:
        return SIMPLE[hint]
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return of_type(args[0], finite)
    if origin is Literal:
        return {"enum": list(args)}
    if origin in (Union, UnionType):
        return _any_of(args, finite)
    if origin in (tuple, list, Sequence):
        return {"type": "array", "items": of_type(args[0], finite)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": of_type(args[1], finite)}
    assert isinstance(hint, type), hint
    json_object = OBJECTS.get(hint) or described(hint)
    return {"$ref": f"#/$defs/{json_object.name}"} if json_object.name else of_object(json_object)


def _any_of(kinds: Sequence[Any], finite: bool) -> Schema:
    """One of several types, of which ``None`` is null."""
    schemas = [of_type(kind, finite) for kind in kinds if kind is not NoneType]
    if NoneType not in kinds:
        return {"anyOf": schemas}
    if len(schemas) == 1 and "type" in schemas[0] and isinstance(schemas[0]["type"], str):
        return {**schemas[0], "type": [schemas[0]["type"], "null"]}
    return SIMPLE[float] if schemas == [SIMPLE[float]] else {"anyOf": [*schemas, {"type": "null"}]}


@cache
def _hints(record: type) -> dict[str, Any]:
    return get_type_hints(record, localns=ARRAYS, include_extras=True)


@cache
def _docstrings(record: type) -> dict[str, str]:
    """The string below each attribute of a record."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(record))).body
    assert isinstance(tree, ast.ClassDef)
    texts = {}
    for field, below in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr):
            text = ast.literal_eval(below.value)
            texts[ast.unparse(field.target)] = inspect.cleandoc(text)
    return texts


def _sentence(docstring: str) -> str:
    """The first paragraph on one line, in the words of JSON."""
    text = " ".join(docstring.partition("\n\n")[0].split()).replace("``", "")
    return re.sub(r"\bNone\b", "null", text)
