"""Notes on words that give the label away, as when the label was written into the text."""

from __future__ import annotations

import json
from pathlib import Path

from taskaff.core.records.data import LabelSchema, RowBatch, Task, TaskInfo
from taskaff.core.store import Store, digest_key
from taskaff.stages.signature.hashing import RowContent, row_forms
from taskaff.stages.signature.labelwords import COVERAGE, Giveaway, LabelWords
from taskaff.stages.signature.words import BETWEEN, row_words, split_words

KIND = "notes"
"""Of entries in the cache."""

NAMED = 3
"""Most words that a note names."""

LONGEST = 40
"""Characters of a word that a note quotes."""


def add(sample: LabelWords, batch: RowBatch, content: RowContent) -> None:
    """Count the words of a batch; ready vectors have none, and rows without labels say nothing."""
    if content.words is not None and batch.labels is not None:
        sample.add(content.hashes, content.words, batch.labels)


def needs_rows(store: Store | None, info: TaskInfo) -> bool:
    """Whether the rows of a task can have a note that the cache lacks."""
    if info.schema.kind not in ("classes", "multilabel") or not info.text_columns:
        return False
    return store is None or store.get(KIND, _key(info)) is None


def notes(task: Task, sample: LabelWords) -> tuple[str, ...]:
    """At most one sentence on words that give the labels away; ``sample`` has the task's rows."""
    schema = task.info.schema
    telltales, covered = sample.giveaways(schema.kind, schema.width)
    if covered < COVERAGE:
        return ()
    named = telltales[:NAMED]
    words = _spelled(task, {each.code for each in named})
    said = "; ".join(_sentence(each, words.get(each.code, "?"), schema) for each in named)
    more = f"; {len(telltales) - NAMED:,} more" if len(telltales) > NAMED else ""
    return (
        f"the label may be written into the text: {said}{more} "
        f"(such words occur in {100 * covered:.3g}% of all rows)",
    )


def cached_notes(store: Store | None, task: Task, sample: LabelWords) -> tuple[str, ...]:
    """Result of ``notes``, from ``store`` where it is there; then ``sample`` may be empty."""
    entry = store.get(KIND, _key(task.info)) if store else None
    if entry is not None:
        return tuple(json.loads(entry.read_text(encoding="utf-8")))
    said = notes(task, sample)
    if store is not None and needs_rows(None, task.info):
        store.put(KIND, _key(task.info), lambda path: _write(said, path))
    return said


def _key(info: TaskInfo) -> str:
    return digest_key(
        version=1,
        files=[[f.sha256, f.format, f.rows, f.rejected, f.unlabelled] for f in info.files],
        text=list(info.text_columns),
        schema=[info.schema.kind, list(info.schema.names), list(info.schema.columns)],
        dialect=dict(info.dialect),
        label_ids=list(info.label_ids),
    )


def _write(said: tuple[str, ...], path: Path) -> None:
    path.write_text(json.dumps(list(said)), encoding="utf-8")


def _sentence(each: Giveaway, word: str, schema: LabelSchema) -> str:
    label = schema.names[each.label]
    inside, outside = 100 * each.inside, 100 * each.outside
    short = word if len(word) <= LONGEST else word[: LONGEST - 1] + "…"
    return (
        f"{short!r} is in {inside:.3g}% of the rows of {label!r} and {outside:.2g}% of the others"
    )


def _spelled(task: Task, codes: set[int]) -> dict[int, str]:
    """Spelling of words in the normal form; they are frequent, so the first batches have them."""
    spellings: dict[int, str] = {}
    for batch in task.batches():
        forms = row_forms(batch)
        words = [word for word in split_words(forms)[0].to_pylist() if word != BETWEEN.decode()]
        for code, word in zip(row_words(forms).codes.tolist(), words, strict=True):
            if code in codes:
                spellings[code] = word
        if len(spellings) == len(codes):
            break
    return spellings
