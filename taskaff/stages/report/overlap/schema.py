"""The columns of a shared row, and the JSON Schema of the document."""

from __future__ import annotations

from taskaff.stages.report.document import SCHEMA_VERSION
from taskaff.stages.report.schema_parts import COUNT, TEXT, Schema, object_of

PLACE = ("file", "row", "split", "label", "text")
COLUMNS = (
    "kind",
    "conflict",
    *(f"{side}_{key}" for side in ("target", "source") for key in PLACE),
)


def schema() -> Schema:
    """JSON Schema of the document."""
    flag: Schema = {"type": "boolean"}
    kinds = {"kind": {"enum": ["exact", "near"]}, "conflict": flag}
    places = {key: COUNT if key.endswith("_row") else TEXT for key in COLUMNS[2:]}
    row = object_of("A row of the target and its copy in the source.", (), **kinds, **places)
    return object_of(
        "The rows of a target that a source has, as taskaff overlap lists them.",
        schema_version={"const": SCHEMA_VERSION},
        kind={"const": "overlap"},
        source=TEXT,
        target=TEXT,
        target_rows=COUNT,
        exact=COUNT,
        near=COUNT,
        conflicts=COUNT,
        rows={"type": "array", "items": row},
    )
