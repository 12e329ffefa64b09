"""Which data sets are related: their texts are of one domain, or their labels of one kind."""

from __future__ import annotations

import csv
from pathlib import Path

from taskaff.pipeline.atlas.draw import MIXED

FOLDER = Path(__file__).parent
DOMAINS = (
    "app reviews", "captions", "commands", "dialogue", "encyclopedia", "essays", "fiction",
    "film reviews", "forum", "general", "legal", "mail", "medical", "news", "product reviews",
    "questions", "science", "service reviews", "software", "tweets",
)  # fmt: skip
LABELS = (
    "act", "claim", "emotion", "entailment", "hate", "intent", "irony", "other", "politeness",
    "quality", "question type", "role", "sentiment", "spam", "stance", "style", "topic",
)  # fmt: skip


def table(name: str) -> list[dict[str, str]]:
    """The lines of `sources.tsv`, the public sets, or of `shared.tsv`, those of the first build."""
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def related() -> dict[str, list[str]]:
    """For every set of both tables the names of the others of its domain or kind of label."""
    lines = table("sources.tsv") + table("shared.tsv")
    marks = {line["name"]: {line["domain"], line["label"]} - MIXED for line in lines}
    return {
        name: [other for other in marks if other != name and own & marks[other]]
        for name, own in marks.items()
    }
