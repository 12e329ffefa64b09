"""``taskaff.toml``, or ``[tool.taskaff]`` in ``pyproject.toml``: what may stand there; reading it.

Settings come in layers, later ones win: file, environment, ``--config``, the option itself. The
layers above the file are :class:`Assignment` lists, which the command line collects; nothing here
reads the environment. A relative path in the file is relative to the file.
"""

from __future__ import annotations

import datetime
import glob
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from taskaff.core.config.errors import complaint, line_of, split_key
from taskaff.core.config.values import margin_of, seconds_of
from taskaff.core.errors import ConfigError, Place
from taskaff.core.files import read_text

FILE = "taskaff.toml"
PYPROJECT = "pyproject.toml"
TABLE = ("tool", "taskaff")
MOST_BYTES = 2**24
"""Of a configuration file; a longer one is a device or no configuration."""


# ------------------------------------------------------------------ what may stand in the file


class _Section(BaseModel):
    """A table: no other keys, no conversion of types, no change afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_other_keys(cls, value: Any) -> Any:
        for key in value if isinstance(value, Mapping) else ():
            if key not in cls.model_fields:
                known = list(cls.model_fields)
                raise PydanticCustomError("unknown", "unknown key", {"key": key, "known": known})
        return value


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
Share = Annotated[float, Field(ge=0, le=1)]


def _device(value: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", value):
        raise PydanticCustomError("device", "expected auto, cpu, cuda, cuda:1 or mps")
    return value


def _batch_size(value: Any) -> Any:
    if value != "auto" and (type(value) is not int or value < 1):
        raise PydanticCustomError("batch_size", "expected auto or a whole number above 0")
    return value


Device = Annotated[str, AfterValidator(_device)]
BatchSize = Annotated[
    int | Literal["auto"],
    PlainValidator(_batch_size),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"const": "auto"}]}),
]


class EmbedSection(_Section):
    """``[embed]``: how rows become vectors."""

    encoder: str = Field(
        default="glove", description='"glove", "glove:PATH", "st:MODEL" or "hf:MODEL"'
    )
    workers: int | None = Field(default=None, ge=1, description="threads; one per core by default")
    device: Device = Field(default="auto", description="auto, cpu, cuda, cuda:1 or mps")
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    batch_size: BatchSize = Field(
        default="auto", description="texts at once; auto plans by a budget of tokens"
    )
    max_length: int | None = Field(
        default=None, ge=1, description="tokens of a text; the model's own limit by default"
    )
    pair: Literal["auto", "cross", "apart"] = Field(
        default="auto", description="text pairs as one sequence, or each text by itself"
    )
    revision: str | None = Field(
        default=None, min_length=1, description="branch, tag or commit of a model of a hub"
    )
    offline: bool = Field(default=False, description="never use the network")


class CacheSection(_Section):
    """``[cache]``: what is kept between runs."""

    mode: Literal["use", "refresh", "only", "off"] = "use"
    dir: str | None = Field(default=None, description="folder; the user's cache folder by default")
    vectors: bool = Field(default=False, description="keep the vectors of rows too, batch by batch")


class ScoreSection(_Section):
    """``[score]``: settings of the scoring stage."""

    split: Literal["train", "validation", "test", "all"] = "train"
    scores: list[str] = Field(default=[], description="all of them when empty")
    confidence: float = Field(default=0.90, gt=0, lt=1, description="level of the intervals")
    intervals: bool = Field(default=True, description="whether to estimate intervals")
    trace_share: float = Field(
        default=0.99, gt=0, le=1, description="share of the trace kept by eq. 6"
    )
    min_rows: int = Field(default=10, ge=2, description="below this many rows a score is undefined")
    most_trained: int = Field(
        default=400, ge=0, description="moment_gain of at most this many directed pairs"
    )
    capacities: list[Annotated[int, Field(ge=1)]] = Field(default=[], description="to try")
    capacity: bool = Field(default=True, description="whether to estimate the capacity")


def _margin(value: Any) -> Any:
    margin_of(value)
    return float(value) if isinstance(value, int) else value


def _duration(value: Any) -> Any:
    if value is not None:
        seconds_of(value)
    return float(value) if isinstance(value, int) else value


def _rows(value: Any) -> Any:
    if value != "all" and (type(value) is not int or value < 1):
        raise PydanticCustomError("rows", "expected all or a whole number above 0")
    return value


def _recipe(value: Any) -> Any:
    from taskaff.core.errors import UsageError
    from taskaff.core.recipe import parse

    if value is None:
        return None
    try:
        return str(parse(str(value)))
    except UsageError as error:
        raise ValueError(f"{error.found}; {error.hint}") from error


_NAME = {"anyOf": [{"type": "string"}, {"type": "null"}]}
_ROWS = {"anyOf": [{"type": "integer", "minimum": 1}, {"const": "all"}]}
_TIME = {"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "null"}]}
_AMOUNT = {"anyOf": [{"type": "number"}, {"type": "string"}]}


class ProbeSection(_Section):
    """``[probe]``: settings of the probe, which trains. Those without a value go by the trunk."""

    mode: Literal["pairs", "mix", "transfer"] = "pairs"
    trunk: Literal[
        "linear", "relu", "mlp", "lstm", "cnn", "mlp-tokens", "transformer", "transformer-frozen"
    ] = "linear"
    r: int | None = Field(default=None, ge=1, description="capacity of the shared module")
    recipe: Annotated[str | None, PlainValidator(_recipe), WithJsonSchema(_NAME)] = Field(
        default=None, description="turns, concat, share=0.2, temperature=2 or together"
    )
    updates: int | None = Field(
        default=None, ge=1, description="cap of a run, in updates of its target"
    )
    patience: float | None = Field(
        default=None, ge=0, description="a run ends after so many times its best; 0: at the cap"
    )
    epochs: int | None = Field(default=None, ge=1, description="in place of updates and patience")
    batch: int | None = Field(default=None, ge=1, description="rows of an update")
    lr: float | None = Field(default=None, gt=0, description="learning rate of Adam")
    weight_decay: list[Annotated[float, Field(ge=0)]] | None = Field(
        default=None, min_length=1, description="tried in every arm"
    )
    max_tokens: int | None = Field(
        default=None, ge=1, description="tokens of a row, of trunks that are fine-tuned"
    )
    shares: bool = Field(default=False, description="also the gain over the source's share")
    source_until: float = Field(
        default=1.0, ge=0, le=1, description="share of the cap that the source takes part in"
    )
    target_rows: Annotated[int | Literal["all"], PlainValidator(_rows), WithJsonSchema(_ROWS)] = (
        Field(default=300, description="training rows of a target; all: those that it has")
    )
    source_rows: int | None = Field(default=None, ge=1)
    validation_rows: int | None = Field(default=None, ge=1)
    test_rows: int | None = Field(default=None, ge=1)
    splits: Literal["own", "drawn"] = Field(
        default="own", description="drawn: test and validation rows come from all rows"
    )
    seeds: int | None = Field(default=None, ge=1, description="how many")
    max_seeds: int | None = Field(
        default=None, ge=0, description="seeds are added up to so many until all is decided"
    )
    confidence: float = Field(default=0.90, gt=0, lt=1, description="level of the intervals")
    margin: Annotated[float | str, PlainValidator(_margin), WithJsonSchema(_AMOUNT)] = Field(
        default=0.01, description='0.01 of loss, or "2%" of the single-task loss'
    )
    leaks: Literal["remove", "keep", "both"] = "remove"
    align: bool = False
    align_form: Literal["full", "low-rank", "orthogonal"] = "full"
    align_rank: int = Field(default=8, ge=1, description="of the low-rank form")
    align_lr: float | None = Field(
        default=None, gt=0, description="learning rate of the alignment matrices"
    )
    align_train: Literal["heads", "joint"] = Field(
        default="heads", description="trained with the matrices; joint: the shared module too"
    )
    weights: Literal["equal", "proportional", "svd", "svd-printed", "uncertainty"] = "equal"
    svd_rank: int | None = Field(default=None, ge=1, description="r of Algorithm 2")
    capacities: list[Annotated[int, Field(ge=1)]] = Field(default=[], description="to sweep")
    transference: bool = False
    controls: bool = False
    each_label: bool = Field(
        default=False, description="every label of a multi-label data set is a task"
    )
    targets: list[str] = Field(default=[], description="the only targets of pairs; all if empty")
    budget: Annotated[float | str | None, PlainValidator(_duration), WithJsonSchema(_TIME)] = Field(
        default=None, description='seconds, or "60s", "5m", "1h"'
    )
    device: Device = Field(default="auto", description="auto, cpu, cuda, cuda:1 or mps")


class PredictSection(_Section):
    """``[predict]``: what is expected before anything is trained."""

    enabled: bool = Field(default=True, description="whether score and probe predict")
    margin: float = Field(default=0.01, ge=0, description="a gain within it is no transfer")
    confidence: float = Field(default=0.90, gt=0, lt=1, description="level of the intervals")
    decide: float = Field(
        default=0.75, gt=0.5, le=1, description="a verdict needs this probability"
    )
    most_pairs: int = Field(default=400, ge=1, description="more directed pairs are not predicted")
    atlas: str | None = Field(
        default=None, description="measurements of your own; atlas.parquet of the user's data"
    )


class DatasetSection(_Section):
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


class MixSection(_Section):
    """``[mix]``: the data sets that are trained together."""

    datasets: list[str] = []


class Threshold(_Section):
    """A value that warns and a value that fails."""

    warn: float | None = None
    fail: float | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.warn is None and self.fail is None:
            raise PydanticCustomError("threshold", "expected warn, fail or both")
        if self.warn is not None and self.fail is not None and self.warn > self.fail:
            raise PydanticCustomError("threshold", "warn is above fail, so it would never be seen")
        return self


class ShareThreshold(Threshold):
    """A threshold on a share or a probability."""

    warn: Share | None = None
    fail: Share | None = None


class ToleranceSection(_Section):
    """``[check.tolerance]``: by how much a number may be worse than in the baseline."""

    probability_negative: Share = 0.05
    overlap: Share = 0.005
    max_loss_increase: float = Field(default=0.01, ge=0)
    fail_under: float = Field(default=0.05, ge=0)


class CheckSection(_Section):
    """``[check]``: what a candidate must keep to."""

    probability_negative: ShareThreshold | None = None
    overlap: ShareThreshold | None = None
    max_loss_increase: float | None = Field(
        default=None, ge=0, description="relative, for any task, as the probe measures it"
    )
    newcomer_probability_negative: ShareThreshold | None = Field(
        default=None, description="of harm to the newcomer itself; as for the mix by default"
    )
    newcomer_max_loss_increase: float | None = Field(
        default=None, ge=0, description="of the newcomer itself; as for the mix by default"
    )
    recipe: Annotated[str | None, PlainValidator(_recipe), WithJsonSchema(_NAME)] = Field(
        default=None,
        description="how the mix is trained: turns, concat, share=0.2 or temperature=2; "
        "that of [probe] by default, which is turns",
    )
    fail_under: dict[str, float] = Field(default={}, description="smallest value of a score")
    directions: Literal["both", "into-mix", "from-mix"] = Field(
        default="both", description="candidate on the mix, the mix on the candidate, or both"
    )
    min_rows: int = Field(default=50, ge=1, description="fewer rows are inconclusive")
    margin: float = Field(default=0.01, ge=0, description="gains within it count as none, nats")
    uncertainty: float = Field(
        default=0.05, ge=0, lt=0.5, description="of a probability, either side"
    )
    probe: bool = Field(default=False, description="measure effects on the mix by training")
    inconclusive: Literal["pass", "fail"] | None = Field(
        default=None, description="what an inconclusive check counts as"
    )
    baseline: str | None = Field(
        default=None, min_length=1, description="taskaff.lock.json beside this file by default"
    )
    tolerance: ToleranceSection = ToleranceSection()


class Waiver(_Section):
    """``[[waivers]]``: a pair whose failure is accepted, why, and until when."""

    pair: list[str] = Field(min_length=2, max_length=2)
    reason: str = Field(min_length=1)
    expires: datetime.date | None = None


class Config(_Section):
    """Everything that may stand in ``taskaff.toml``."""

    version: Literal[1] = 1
    embed: EmbedSection = EmbedSection()
    cache: CacheSection = CacheSection()
    score: ScoreSection = ScoreSection()
    probe: ProbeSection = ProbeSection()
    predict: PredictSection = PredictSection()
    datasets: dict[str, DatasetSection] = {}
    mix: MixSection = MixSection()
    check: CheckSection = CheckSection()
    waivers: list[Waiver] = []

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


# -------------------------------------------------------------------------------- reading it


@dataclass(frozen=True, slots=True)
class Assignment:
    """One key set from outside of the file, and by what: a variable or an option."""

    key: tuple[str, ...]
    value: Any
    source: str


def override(text: str) -> Assignment:
    """One ``--config KEY=VALUE``: a dotted key, and a TOML value or else a string."""
    key, equals, value = text.partition("=")
    path = split_key(key)
    if not equals or not path:
        hint = "for example --config embed.encoder=glove"
        raise ConfigError(f"--config takes KEY=VALUE, found {text!r}", hint=hint)
    return Assignment(path, toml_value(value.strip()), f"--config {key.strip()}")


def toml_value(text: str) -> Any:
    """``text`` as TOML has it, or as a string when it is not TOML."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    return parsed["value"] if len(parsed) == 1 else text


def find_file(start: Path) -> Path | None:
    """The nearest ``taskaff.toml``, or ``pyproject.toml`` with our table, at ``start`` or above."""
    for up in range(len(start.resolve().parents) + 1):
        folder = start.joinpath(*[".."] * up)
        if (folder / FILE).is_file():
            return folder / FILE
        pyproject = folder / PYPROJECT
        if pyproject.is_file() and _has_our_table(pyproject):
            return pyproject
    return None


def _has_our_table(path: Path) -> bool:
    """Whether ``path`` is ours to read; one that does not parse, but names our table, is."""
    try:
        text = read_text(path, MOST_BYTES)
        return TABLE[1] in tomllib.loads(text).get(TABLE[0], {})
    except tomllib.TOMLDecodeError:
        return "[tool.taskaff" in text
    except (OSError, UnicodeDecodeError, RecursionError, TypeError):
        return False


def load(file: Path | None, assignments: Sequence[Assignment] = ()) -> Config:
    """The settings of ``file`` (None: all defaults), with ``assignments`` laid over them."""
    text = _read(file) if file else ""
    prefix = TABLE if file and file.name == PYPROJECT else ()
    values = _anchored(_parse(text, file, prefix), file.parent) if file else {}
    for assignment in assignments:
        _assign(values, assignment)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        found, hint, key = complaint(error.errors()[0])
    for assignment in reversed(assignments):
        shorter = min(len(key), len(assignment.key))
        if key[:shorter] == assignment.key[:shorter]:
            raise ConfigError(found, where=Place(assignment.source), hint=hint)
    where = Place(str(file), line=line_of(text, (*prefix, *key))) if file else None
    raise ConfigError(found, where=where, hint=hint)


def _read(file: Path) -> str:
    try:
        return read_text(file, MOST_BYTES, "utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"not UTF-8 (byte {error.start}), which TOML must be"
        raise ConfigError(found, where=Place(str(file)), hint="save it as UTF-8") from error
    except OSError as error:
        found = f"cannot be read: {error.strerror}"
        hint = "name another file with --config-file, or write one with taskaff init"
        raise ConfigError(found, where=Place(str(file)), hint=hint) from error


def _parse(text: str, file: Path | None, prefix: Sequence[str]) -> dict[str, Any]:
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = re.search(r"\(at line (\d+)", str(error))
        line = int(found[1]) if found else None
        if "end of document" in str(error):
            line = text.count("\n") + 1
        message = re.sub(r" \(at (line|end).*\)$", "", str(error))
        place = Place(str(file), line=line)
        raise ConfigError(f"not TOML: {message}", where=place, hint="mend that line") from error
    table: Any = values
    for name in prefix:
        table = table.get(name)
        if not isinstance(table, dict):
            message = f"there is no table [{'.'.join(prefix)}]"
            raise ConfigError(message, where=Place(str(file)), hint="add it, or use taskaff.toml")
    return dict(table)


def _anchored(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """``values`` with relative paths joined to ``folder``; wrong types are left for validation."""
    values = deepcopy(values)
    for section, key in _path_keys(values):
        if isinstance(section.get(key), str):
            section[key] = _join(folder, section[key])
    embed = values.get("embed")
    if isinstance(embed, dict) and isinstance(embed.get("encoder"), str):
        embed["encoder"] = _anchored_encoder(embed["encoder"], folder)
    return values


def _anchored_encoder(spec: str, folder: Path) -> str:
    """Word vectors are a path always, a model where it looks like one or a folder has its name."""
    name, colon, argument = spec.partition(":")
    model = argument.partition("?")[0]
    there = os.path.isdir(folder / model)  # noqa: PTH112 - False where a Path would raise
    is_path = name == "glove" or model.startswith(".") or there
    if not colon or not model or not is_path:
        return spec
    return f"{name}:{_join(folder, argument)}"


def _path_keys(values: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    datasets = values.get("datasets")
    for section in datasets.values() if isinstance(datasets, dict) else ():
        if isinstance(section, dict):
            yield section, "path"
    for table, key in (("cache", "dir"), ("predict", "atlas")):
        if isinstance(values.get(table), dict):
            yield values[table], key
    if isinstance(values.get("check"), dict):
        yield values["check"], "baseline"


def _join(folder: Path, path: str) -> str:
    if not path or path == "-" or "://" in path or path.startswith(("~", "synthetic:")):
        return path
    # A bracket in a folder's name is no pattern, whatever stands in the path itself.
    base = glob.escape(str(folder)) if glob.has_magic(path) else str(folder)
    return str(Path(base) / path)


def _assign(values: dict[str, Any], assignment: Assignment) -> None:
    *tables, last = assignment.key
    for name in tables:
        values = values.setdefault(name, {})
        if not isinstance(values, dict):
            raise ConfigError(f"{name!r} is not a table", where=Place(assignment.source))
    values[last] = assignment.value
