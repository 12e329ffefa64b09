"""The tables of ``taskaff.toml`` that hold settings, made from the settings' declarations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

from taskaff.core.records.data import DataRequest
from taskaff.core.settings import SETTINGS, Declared, Limit, declared

TABLES = {
    "embed": "how rows become vectors.",
    "cache": "what is kept between runs.",
    "score": "settings of the scoring stage.",
    "probe": "settings of the probe, which trains. Those without a default go by the trunk.",
    "predict": "what is expected before anything is trained.",
    "check": "what a candidate must keep to.",
}


class Section(BaseModel):
    """A table: no other keys, no conversion of types, no change afterwards.

    Its keys are attributes, with the values that are kept, and None where something else decides.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
    table: ClassVar[str] = ""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    @model_validator(mode="before")
    @classmethod
    def _no_other_keys(cls, value: Any) -> Any:
        for key in value if isinstance(value, Mapping) else ():
            if key not in cls.model_fields:
                known = list(cls.model_fields)
                raise PydanticCustomError("unknown", "unknown key", {"key": key, "known": known})
        return value

    def given(self, record: Any) -> dict[str, Any]:
        """The fields of a record of settings that this table gives, as they are kept."""
        fields: dict[str, Any] = {}
        for each in declared(record):
            if each.table == self.table and each.name in self.model_fields_set:
                value, form = getattr(self, each.name), each.setting.form
                names = form.fields if form else ()
                fields |= zip(names, value, strict=True) if names else {each.field: value}
        return fields


class LimitSection(Section):
    """A value that warns and a value that fails."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.warn is None and self.fail is None:
            raise PydanticCustomError("threshold", "expected warn, fail or both")
        if self.warn is not None and self.fail is not None and self.warn > self.fail:
            raise PydanticCustomError("threshold", "warn is above fail, so it would never be seen")
        return self


class _DatasetSection(Section):
    """``[datasets.NAME]``: where a data set is and how to read it."""

    path: str = Field(min_length=1, description="File, folder, glob, URL or .taskaff signature.")


def dataset_section() -> type[Section]:
    """The model of a table that declares a data set."""
    text = _DatasetSection.__doc__ or ""
    return _model("DatasetSection", text, declared(DataRequest), _DatasetSection)


def section(table: str) -> type[Section]:
    """The model of a table of settings."""
    settings = [each for each in SETTINGS.values() if each.table == table]
    text = f"``[{table}]``: {TABLES[table]}"
    model = _model(f"{table.title()}Section", text, settings, Section)
    model.table = table
    return model


def _model(
    name: str, text: str, settings: Iterable[Declared], base: type[Section]
) -> type[Section]:
    fields: dict[str, Any] = {each.name: (_type(each), _field(each)) for each in settings}
    return create_model(name, __base__=base, __doc__=text, **fields)


def _field(each: Declared) -> Any:
    """Default and description of a key; by ``given`` a default counts in the schema alone."""
    if each.written is None:
        return Field(default_factory=lambda: None, description=each.setting.help)
    shown = {"default": each.setting.written} if each.setting.written is not None else None
    return Field(default=each.default, description=each.setting.help, json_schema_extra=shown)


def _type(each: Declared) -> Any:
    """What pydantic validates a written value by, and makes the kept one of."""
    setting, kind = each.setting, each.type
    if setting.form is not None:
        read, schema = PlainValidator(setting.form.read), dict(setting.form.schema)
        return Annotated[Any, read, WithJsonSchema(schema)]
    length = Field(min_length=1 if setting.nonempty else None)
    if get_origin(kind) is tuple:
        item: Any = Annotated[get_args(kind)[0], Field(**setting.limits)]
        return Annotated[list[item], length, AfterValidator(tuple)]
    if is_dataclass(kind):
        return _nested(each.type)
    if get_origin(kind) is Mapping:
        return dict[get_args(kind)]  # type: ignore[misc]
    return Annotated[kind, length if kind is str else Field(**setting.limits)]


@cache
def _nested(record: Any) -> Any:
    """A table in a table, from which the record is made."""
    base = LimitSection if record is Limit else Section
    model = _model(f"{record.__name__}Section", record.__doc__, declared(record), base)

    def made(table: Any) -> Any:
        return record(**table.given(record))

    return Annotated[model, AfterValidator(made)]
