"""Notes on words that give the label away, as when the label was written into the text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from taskaff.core.records.data import InputFile, LabelSchema, RowBatch, Task
from taskaff.core.store import Store, digest_key
from taskaff.stages.signature.hashing import RowContent, row_content, row_forms
from taskaff.stages.signature.labelwords import COVERAGE, Giveaway, LabelWords
from taskaff.stages.signature.words import BETWEEN, row_words, split_words

NAMED = 3
"""Most words that a note names."""

LONGEST = 40
"""Characters of a word that a note quotes."""


def add(sample: LabelWords, batch: RowBatch, content: RowContent) -> None:
    """Count the words of a batch; ready vectors have none, and rows without labels say nothing."""
    if content.words is not None and batch.labels is not None:
        sample.add(content.hashes, content.words, batch.labels)


def notes(task: Task, sample: LabelWords, unread: Sequence[InputFile] = ()) -> tuple[str, ...]:
    """At most one sentence on words that give the labels of a task away.

    ``sample`` has its rows, but for those of the files ``unread``, which are read now.
    """
    for file in unread:
        for batch in task.batches(file):
            add(sample, batch, row_content(batch))
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


def cached_notes(
    store: Store | None, task: Task, sample: LabelWords, unread: Sequence[InputFile]
) -> tuple[str, ...]:
    """Result of ``notes``, from ``store`` where it is there."""
    info = task.info
    if store is None or info.schema.kind not in ("classes", "multilabel") or not info.text_columns:
        return notes(task, sample, unread)
    key = digest_key(
        version=1,
        files=[[f.sha256, f.format, f.rows, f.rejected, f.unlabelled] for f in info.files],
        text=list(info.text_columns),
        schema=[info.schema.kind, list(info.schema.names), list(info.schema.columns)],
        dialect=dict(info.dialect),
        label_ids=list(info.label_ids),
    )
    entry = store.get("notes", key)
    if entry is not None:
        return tuple(json.loads(entry.read_text(encoding="utf-8")))
    said = notes(task, sample, unread)
    store.put("notes", key, lambda path: _write(said, path))
    return said


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
