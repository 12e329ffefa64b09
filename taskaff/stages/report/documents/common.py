"""JSON objects that stand in several documents, and the keys that open and close each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskaff.core.recipe import PREDICTED, PREDICTED_RULE
from taskaff.core.records.answer import Answer
from taskaff.core.records.data import InputFile, LabelSchema
from taskaff.core.records.embedding import EncoderCard
from taskaff.core.records.estimate import Estimate
from taskaff.core.records.finding import Finding
from taskaff.core.records.prediction import Prediction
from taskaff.stages.report.documents.json_object import Finite, Key, described

SCHEMA_VERSION = "1"
"""Keys are stable: new ones may be added, none is renamed or removed within a version."""


def opening(kind: str) -> tuple[Key, ...]:
    """The first keys of a document."""
    constants = {"schema_version": SCHEMA_VERSION, "kind": kind}
    return tuple(Key(name, _always(word), {"const": word}) for name, word in constants.items())


def _always(word: str) -> Any:
    return lambda _: word


def by_name(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The entries in the order of their keys."""
    return {key: mapping[key] for key in sorted(mapping)}


CLOSING = (
    Key("notes", type=tuple[str, ...]),
    Key("environment", lambda result: by_name(result.environment), Mapping[str, str]),
    Key(
        "timings",
        lambda result: {key: round(x, 4) for key, x in by_name(result.timings).items()},
        Mapping[str, Finite],
        "Seconds.",
    ),
)
"""The last keys: what changes from run to run."""

COMMON = (
    described(
        Estimate,
        *("value", "low", "high"),
        Key("note", optional=True),
        about="A number and its interval, null where undefined; the note says why. Further keys "
        "are numbers that explain it.",
        name="estimate",
        others=float,
    ),
    described(
        EncoderCard,
        *("id", "revision", "fingerprint", "width"),
        about="Which encoder made the vectors; the fingerprint covers all that changes a vector.",
    ),
    described(
        LabelSchema,
        about="The label schema: kind, names of classes or targets, columns they came from.",
        name="labels",
    ),
    described(
        InputFile,
        *("path", "format", "split", "rows", "rejected", "unlabelled", "bytes", "sha256"),
        name="input",
    ),
    described(Answer, *("name", "call", Key("words", type=str), "reasons", "next"), name="answer"),
    described(
        Finding,
        about="One rule applied to one pair; without a candidate it is about the configuration.",
    ),
    described(
        Prediction,
        *("source", "target"),
        Key("recipe", _always(PREDICTED), str, f"Predicted is training by {PREDICTED_RULE}."),
        *("gain", "probability_negative", "probability_positive"),
        *(Key("margin", type=Finite), Key("confidence", type=Finite)),
        *("verdict", "measured", "outside", "reasons", "note", "features"),
        about="Predicted transfer from source to target; a gain above 0 helps.",
        name="prediction",
    ),
)
