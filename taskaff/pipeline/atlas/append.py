"""A user's own atlas: finished probes appended to it; and what an atlas holds, in lines of text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from taskaff.core.errors import Place, PredictError
from taskaff.core.files import read_text
from taskaff.core.recipe import PREDICTED
from taskaff.stages.predict import atlas

MOST_BYTES = 2**28
"""Of a document of the probe."""


def append(results: Sequence[Path], target: Path) -> tuple[int, int]:
    """Add the measured pairs of probe documents to an atlas; rows added, and rows in all.

    A pair that is there already (same data sets and set-up) is replaced.

    Raises
    ------
    PredictError : no document of a probe, or one whose pairs have no features.
    """
    rows = [row for path in results for row in rows_of(document(path), path)]
    before = [atlas.read(target)] if target.exists() else []
    combined = atlas.joined([*before, atlas.table_of(rows)])
    atlas.write(combined, target)
    return len(rows), combined.num_rows


def document(path: Path) -> dict[str, Any]:
    """A JSON document of ``taskaff probe``."""
    hint = "taskaff probe A B -o result.json"
    try:
        parsed = json.loads(read_text(path, MOST_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        message = f"cannot be read as JSON: {error}"
        raise PredictError(message, where=Place(str(path)), hint=hint) from error
    if not isinstance(parsed, dict) or parsed.get("kind") != "probe":
        raise PredictError("not a result of taskaff probe", where=Place(str(path)), hint=hint)
    return parsed


def rows_of(parsed: Mapping[str, Any], path: Path) -> list[dict[str, Any]]:
    """Rows of an atlas: pairs trained together against alone, with features, of two seeds or more.

    Raises
    ------
    PredictError : there is none, or the document is not as it is written.
    """
    try:
        known = {(p["source"], p["target"]): p for p in parsed["predictions"]}
        rows = [
            _row(pair, known[pair["source"], pair["target"]]["features"], parsed)
            for pair in parsed["pairs"]
            if (pair["arm"], pair["against"], pair["recipe"]) == ("mtl", "alone", PREDICTED)
            and (pair["source"], pair["target"]) in known
            and pair["gain"]["value"] is not None
            and pair["gain"]["n"] > 1
        ]
    except (KeyError, TypeError, ValueError) as error:
        message = f"not as taskaff probe writes it: {error!r}"
        raise PredictError(message, where=Place(str(path))) from error
    if not rows:
        hint = "probe with predictions on (--predict) and two seeds or more"
        raise PredictError("no measured pair with features", where=Place(str(path)), hint=hint)
    return rows


def _row(
    pair: Mapping[str, Any], features: Mapping[str, Any], parsed: Mapping[str, Any]
) -> dict[str, Any]:
    numbers = {name: None if x is None else float(x) for name, x in features.items()}
    gain = pair["gain"]
    return {
        "source": pair["source"],
        "target": pair["target"],
        "encoder": parsed["environment"]["encoder"],
        "trunk": parsed["settings"]["trunk"],
        "view": "full",
        "metric": pair["metric"],
        "gain": float(gain["value"]),
        "stderr": float(gain["stderr"]),
        "seeds": int(gain["n"]),
        "stl_loss": pair["stl_loss"],
        "metric_gain": pair["metric_gain"]["value"],
        "leaked": pair["leaked"],
        "recipe": pair["recipe"],
        "updates": parsed["settings"]["updates"],
        **numbers,
    }


def described(paths: Sequence[Path]) -> Iterator[str]:
    """Lines that say what atlases hold."""
    for path in paths:
        table = atlas.read(path)
        numbers = atlas.columns(table)
        names = sorted({*atlas.words(table, "source"), *atlas.words(table, "target")})
        features = set(table.column_names) - {*atlas.IDS, *atlas.MEASURED}
        yield f"{path}: {table.num_rows:,} rows, {len(names)} data sets, {len(features)} features"
        keys = np.array(
            [
                f"{encoder}, {trunk}, n = {rows:g}, r = {r:g}, known: {view}"
                for encoder, trunk, view, rows, r in zip(
                    *(atlas.words(table, name) for name in ("encoder", "trunk", "view")),
                    *(numbers[name] for name in ("target_rows", "r")),
                    strict=True,
                )
            ]
        )
        for key in dict.fromkeys(keys.tolist()):
            rows = keys == key
            gain = numbers["gain"][rows]
            yield (
                f"  {key}: {int(rows.sum()):,} pairs, {numbers['seeds'][rows].mean():.1f} seeds, "
                f"median gain {np.median(gain):+.4f}, {(gain < 0).mean():.0%} below 0"
            )
        yield "  " + ", ".join(names)
