"""The documents of ``score``, ``inspect`` and ``overlap``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from taskaff.core.answers import of_score
from taskaff.core.records.answer import Answer
from taskaff.core.records.data import TaskInfo
from taskaff.core.records.embedding import EncodeCounts
from taskaff.core.records.estimate import Estimate
from taskaff.core.records.overlap import OverlapResult, RowPlace, SharedRow
from taskaff.core.records.score import Capacity, PairTable, ScoreResult, TaskSummary, TaskWeights
from taskaff.core.settings import ScoreSettings, Training
from taskaff.stages.report.documents.common import CLOSING, by_name, opening
from taskaff.stages.report.documents.json_object import Key, described, inside, settings


@dataclass(frozen=True, slots=True)
class ScorePair:
    """One direction of a pair. Scores without a direction stand in both."""

    source: str
    target: str
    scores: Mapping[str, Estimate]


def _pairs(result: ScoreResult) -> Iterator[list[str]]:
    """The pairs as lines of JSON, in blocks: there may be a million."""
    from taskaff.stages.report.pairs import json_lines

    return json_lines(result)


SCORE = (
    described(
        ScoreResult,
        *opening("score"),
        *("arguments", "recipe"),
        Key("answers", of_score, tuple[Answer, ...]),
        *("encoder", "settings", "tasks"),
        Key("scores", "tables", about="How to read each score."),
        Key("pairs", _pairs, tuple[ScorePair, ...]),
        *("predictions", "capacity"),
        Key("task_weights", "weights"),
        "findings",
        *CLOSING,
        about="The result of taskaff score.",
        name="score",
    ),
    described(ScorePair, name="pair"),
    described(
        PairTable,
        *("directed", "explain"),
        about="How to read a score: whether it has a direction, and what it means.",
    ),
    described(
        TaskSummary,
        *("name", "rows", "width", "padded_from", "layout"),
        Key("labels", "schema"),
        *("inputs", "counts", "duplicates", "split_leak"),
        *(Key(name, optional=True) for name in ("near_duplicates", "near_leak")),
        "notes",
        about="One task: what was read and how it was encoded.",
        name="task",
    ),
    described(EncodeCounts),
    described(
        Capacity, *("recommended", "upper_bound", "single", "curve", "note"), name="capacity"
    ),
    described(
        TaskWeights,
        about="Weights of tasks that share their inputs, in the order of tasks; their mean is 1.",
        name="task_weights",
    ),
    settings(ScoreSettings, "Settings of the scoring stage."),
    settings(Training),
)

INSPECT = (
    described(
        TaskInfo,
        *opening("inspect"),
        *("name", "layout", "columns", "text_columns", "split_column"),
        Key("labels", "schema"),
        *("label_counts", "rows"),
        Key(
            "rejected",
            lambda info: sum(file.rejected for file in info.files),
            int,
            "Rows that were skipped, all of them.",
        ),
        "unlabelled",
        Key("rejects", about="The first skipped rows; rows are counted from 1."),
        "vector_width",
        Key("dialect", lambda info: by_name(info.dialect), Mapping[str, str]),
        Key("inputs", "files"),
        "notes",
        about="The result of taskaff inspect.",
        name="inspect",
    ),
)

PLACE = described(RowPlace)
OVERLAP = (
    described(
        OverlapResult,
        *opening("overlap"),
        *("source", "target", "target_rows"),
        Key("exact", lambda result: result.count("exact"), int),
        Key("near", lambda result: result.count("near"), int),
        Key("conflicts", type=int),
        "rows",
        about="The rows of a target that a source has, as taskaff overlap lists them.",
        name="overlap",
    ),
    described(
        SharedRow,
        *("kind", "conflict"),
        *inside(PLACE, "target", "target_"),
        *inside(PLACE, "source", "source_"),
        about="A row of the target and its copy in the source.",
    ),
)
