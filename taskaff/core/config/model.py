"""The tables of ``taskaff.toml`` that hold no settings: data sets, mix, waivers; and the whole."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, GetCoreSchemaHandler, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from taskaff.core.config.sections import TABLES, Section, section

SECTIONS = {table: section(table) for table in TABLES}


def _columns(value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise PydanticCustomError("columns", "expected a column name or a list of column names")
    return tuple(names)


_STRINGS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
Columns = Annotated[
    tuple[str, ...],
    PlainValidator(_columns),
    WithJsonSchema({"anyOf": [{"type": "string"}, _STRINGS]}),
]


def _values(given: Any) -> list[str]:
    """One word or number, or a list of them, as words."""
    items = given if isinstance(given, list | tuple) else [given]
    if not all(isinstance(item, str | int | float) for item in items):
        raise PydanticCustomError("values", "expected a word or a number, or a list of them")
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in items]


_VALUE: dict[str, Any] = {"type": ["string", "number", "boolean"]}
Values = Annotated[
    list[str],
    PlainValidator(_values),
    WithJsonSchema({"anyOf": [_VALUE, {"type": "array", "items": _VALUE}]}),
]


class DatasetSection(Section):
    """``[datasets.NAME]``: where a data set is and how to read it."""

    path: str = Field(min_length=1, description="file, folder, glob, URL or .taskaff signature")
    text: Columns | None = None
    label: Columns | None = None
    label_kind: Literal["classes", "multilabel", "regression", "none"] | None = None
    split_column: str | None = None
    join_tokens: bool = Field(default=False, description="join texts that are lists of words")
    format: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    quote: str | None = None
    no_header: bool = Field(default=False, description="the first line is a row, not a header")
    skip_lines: int = Field(default=0, ge=0, description="lines before the header to leave out")
    on_bad_row: Literal["fail", "skip"] = "fail"
    missing_label: Values = Field(default=[], description="values that stand for no label")
    limit: int | None = Field(default=None, ge=1, description="read at most this many rows")


class MixSection(Section):
    """``[mix]``: the data sets that are trained together."""

    datasets: list[str] = Field(default=[])


class Waiver(Section):
    """``[[waivers]]``: a pair whose failure is accepted, why, and until when."""

    pair: list[str] = Field(min_length=2, max_length=2)
    reason: str = Field(min_length=1)
    expires: datetime.date | None = None


class _Like:
    """Lets pydantic validate a table of settings by its own model."""

    def __init__(self, table: str) -> None:
        self.model = SECTIONS[table]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return handler.generate_schema(self.model)


def _absent(table: str) -> Any:
    return Field(default_factory=SECTIONS[table])


class Config(Section):
    """Everything that may stand in ``taskaff.toml``."""

    version: Literal[1] = 1
    embed: Annotated[Section, _Like("embed")] = _absent("embed")
    cache: Annotated[Section, _Like("cache")] = _absent("cache")
    score: Annotated[Section, _Like("score")] = _absent("score")
    probe: Annotated[Section, _Like("probe")] = _absent("probe")
    predict: Annotated[Section, _Like("predict")] = _absent("predict")
    datasets: dict[str, DatasetSection] = Field(default={})
    mix: MixSection = MixSection()
    check: Annotated[Section, _Like("check")] = _absent("check")
    waivers: list[Waiver] = Field(default=[])

    @model_validator(mode="after")
    def _mix_is_declared(self) -> Self:
        for name in self.mix.datasets:
            if name not in self.datasets:
                context = {"name": name, "known": list(self.datasets)}
                raise PydanticCustomError("mix", "unknown data set", context)
        return self


def config_schema() -> dict[str, Any]:
    """JSON Schema of ``taskaff.toml``."""
    schema = Config.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
