"""How a setting is declared: ``name: Annotated[type, Setting("What it is.", ge=1)] = default``.

The field of the dataclass is the only declaration. Options of the command line, environment
variables, the tables of ``taskaff.toml`` with their validation, the JSON Schema and the tables of
docs/configuration.md are derived from it. A field without ``Setting`` is of the Python API alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, MISSING, Field, dataclass, fields
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

VARIABLE = "TASKAFF_"
OWN_VARIABLES = ("probe", "check")
"""Tables whose name stands in their variables: ``TASKAFF_PROBE_LR``."""


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """How a setting is written, where that is not how it is kept: ``"60s"`` for 60.0."""

    read: Callable[[Any], Any]
    """The kept value of what is written; a ValueError says what was expected."""
    schema: Mapping[str, Any]
    """JSON Schema of what may be written."""
    option: Any = str
    """Type of the option's value."""
    fields: tuple[str, ...] = ()
    """Fields that the kept value, a tuple, fills; by default it is that of the setting's field."""


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What is said of a setting where its field is declared."""

    help: str
    """One sentence for help pages, the schema and the documentation."""
    more: str = ""
    """What the documentation says besides, in Markdown."""
    _: KW_ONLY
    key: str = ""
    """Name in the record's table, or ``table.name``; by default the name of the field."""
    option: str | None = ""
    """Name of the option, by default as in the table; None: neither option nor variable."""
    metavar: str = ""
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    """Limits of a number, or of each number of a list."""
    nonempty: bool = False
    negated: bool = False
    """Whether a switch that is off by default can be switched off (``--no-NAME``) as well."""
    varies: bool = False
    """Whether another setting (the trunk) decides when it is not given, so that the default of the
    field is one of several."""
    form: Form | None = None
    written: Any = None
    """The default as it is written, where the record keeps None."""

    @property
    def limits(self) -> dict[str, Any]:
        """The limits that there are, by the names of pydantic's ``Field``."""
        given = {"ge": self.ge, "gt": self.gt, "le": self.le, "lt": self.lt}
        return {name: limit for name, limit in given.items() if limit is not None}


Key = partial(Setting, option=None)
"""A setting of the file alone."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A setting and its field."""

    field: str
    table: str
    name: str
    """Key in the table."""
    type: Any
    """Type of the kept value, without None."""
    default: Any
    setting: Setting

    @property
    def key(self) -> str:
        """Dotted key of the configuration."""
        return f"{self.table}.{self.name}".lstrip(".")

    @property
    def option(self) -> str | None:
        """Name of the option without its dashes; None where there is none."""
        option = self.setting.option
        return None if option is None else (option or self.name).replace("_", "-")

    @property
    def variable(self) -> str | None:
        """Name of the environment variable; None where there is none."""
        if not self.table:  # of a data set, not of a run
            return None
        own = f"{self.table}-" if self.table in OWN_VARIABLES else ""
        return self.option and VARIABLE + (own + self.option).upper().replace("-", "_")

    @property
    def written(self) -> Any:
        """The default as it is written in the file; None where nothing is."""
        if self.setting.varies:
            return None
        return self.default if self.setting.written is None else self.setting.written


@cache
def declared(record: Any) -> tuple[Declared, ...]:
    """The settings of a dataclass, in the order of its fields."""
    return tuple(_declared(record))


def _declared(record: Any) -> Iterator[Declared]:
    hints = get_type_hints(record, include_extras=True)
    for each in fields(record):
        for setting in getattr(hints[each.name], "__metadata__", ()):
            if isinstance(setting, Setting):
                key = setting.key or each.name
                table, _, name = key.rpartition(".")
                yield Declared(
                    field=each.name,
                    table=table or getattr(record, "TABLE", ""),
                    name=name,
                    type=_without_none(get_args(hints[each.name])[0]),
                    default=_default(each),
                    setting=setting,
                )


def _default(each: Field[Any]) -> Any:
    if each.default_factory is not MISSING:
        return each.default_factory()
    return None if each.default is MISSING else each.default


def _without_none(hint: Any) -> Any:
    """``int`` of ``int | None``: what is not given is left out, since TOML has no null."""
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    return kinds[0] if get_origin(hint) in (Union, UnionType) and len(kinds) == 1 else hint
