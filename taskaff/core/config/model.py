"""The tables of ``taskaff.toml`` that hold no settings: mix, waivers; and the whole."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, GetCoreSchemaHandler, model_validator
from pydantic_core import PydanticCustomError

from taskaff.core.config.sections import TABLES, Section, dataset_section, section

SECTIONS = {table: section(table) for table in TABLES} | {"datasets": dataset_section()}


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
    datasets: dict[str, Annotated[Section, _Like("datasets")]] = Field(default={})
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
