"""The note on labels that were written into the text: said where they were, and not elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaff.core.records.data import DataRequest, RowBatch
from taskaff.core.settings import RunSettings
from taskaff.pipeline.inspect import inspect
from taskaff.pipeline.profile import profile
from taskaff.stages.signature.hashing import row_content
from taskaff.stages.signature.labelwords import LabelWords

MARK = "the label may be written into the text"


def texts(n: int, words: int = 8, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(f"w{i}" for i in rng.integers(0, 50, words)) for _ in range(n)]


def table(rows: list[str], labels: list[str]) -> DataRequest:
    return DataRequest(source=pa.table({"text": rows, "label": labels}), name="task")


def said(request: DataRequest) -> list[str]:
    return [note for note in inspect(request).notes if MARK in note]


LABELS = ["good", "bad"] * 60


def test_a_label_in_the_text_is_named():
    rows = [f"{text} label_{label}" for text, label in zip(texts(120), LABELS, strict=True)]
    [note] = said(table(rows, LABELS))
    assert "'label_good' is in 100% of the rows of 'good' and 0% of the others" in note
    assert "'label_bad'" in note
    assert "such words occur in 100% of all rows" in note


def test_one_class_that_is_marked_is_enough():
    rows = [
        t + (" !x!" if label == "bad" else "") for t, label in zip(texts(120), LABELS, strict=True)
    ]
    [note] = said(table(rows, LABELS))
    assert "'x' is in 100% of the rows of 'bad'" in note


def test_classes_of_a_few_rows_are_looked_at_too():
    labels = [f"class{n % 8}" for n in range(160)]
    rows = [f"{text} <{label}>" for text, label in zip(texts(160), labels, strict=True)]
    [note] = said(table(rows, labels))
    assert "such words occur in 100% of all rows" in note


def test_honest_texts_and_half_marked_ones_are_not_named():
    assert not said(table(texts(120), LABELS))
    half = [
        t + (f" {y}" if i % 4 < 2 else "")
        for i, (t, y) in enumerate(zip(texts(120), LABELS, strict=True))
    ]
    assert not said(table(half, LABELS))


def test_pairs_and_labels_of_several_columns():
    marked = [f"{t} yes" if i % 2 else t for i, t in enumerate(texts(120))]
    a = [i % 2 for i in range(120)]
    b = [i % 3 == 0 for i in range(120)]
    columns = {
        "premise": texts(120, seed=1),
        "hypothesis": marked,
        "a": a,
        "b": [int(x) for x in b],
    }
    request = DataRequest(
        source=pa.table(columns), name="task", text=("premise", "hypothesis"), label=("a", "b")
    )
    [note] = said(request)
    assert "'yes' is in 100% of the rows of 'a'" in note


def test_signatures_carry_the_note_and_the_cache_keeps_it(tmp_path):
    rows = [f"{text} label_{label}" for text, label in zip(texts(120), LABELS, strict=True)]
    for number, part in enumerate((slice(0, 60), slice(60, 120))):
        lines = [f"{t},{y}" for t, y in zip(rows[part], LABELS[part], strict=True)]
        (tmp_path / f"train-{number}.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    request = DataRequest(source=str(tmp_path / "*.csv"), name="task")
    settings = RunSettings(encoder=_tiny(tmp_path), cache_dir=tmp_path / "cache")
    first = profile(request, settings).notes
    assert sum(MARK in note for note in first) == 1
    assert profile(request, settings).notes == first
    for kept in (tmp_path / "cache").rglob("*"):  # the parts are known, the note is not
        if kept.is_file() and "notes" in kept.parent.parent.name:
            kept.unlink()
    assert profile(request, settings).notes == first


def _tiny(folder: Path) -> str:
    path = folder / "vectors.txt"
    path.write_text("".join(f"w{i} {i % 7} {i % 5} 1\n" for i in range(50)))
    return f"glove:{path}"


rows_of = st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 1)), min_size=1, max_size=60)


@given(rows_of, st.integers(1, 40), st.integers(4, 300), st.randoms())
def test_order_and_batches_change_nothing(rows, most_rows, most_words, draw):
    """The sample is a matter of the rows alone."""
    rows = list({row: None for row in rows})
    rows = list(dict(rows).items())
    shuffled = draw.sample(rows, len(rows))
    found = []
    for order in (rows, shuffled):
        sample = LabelWords(most_rows, most_words)
        for start in range(0, len(order), 7):
            part = order[start : start + 7]
            words = [f"a b{h % 3} {'x' if y else 'y'}" for h, y in part]
            batch = RowBatch("f", "train", 0, (pa.array(words),), None, None)
            hashes = np.array([h for h, _ in part], np.uint64)
            sample.add(hashes, row_content(batch).words, np.array([y for _, y in part]))
        found.append(sample.giveaways("classes", 2))
    assert found[0] == found[1]


@pytest.mark.skipif("TASKAFF_DATA" not in os.environ, reason="TASKAFF_DATA is not set")
@pytest.mark.parametrize(
    "name", ["sentiment/trec", "calibration/crisis_queensland_floods", "calibration/snips_intent"]
)
def test_question_words_hashtags_and_commands_are_not_named(name):
    """The honest sets whose words tell most of the label (docs/near_duplicates.md)."""
    assert not said(DataRequest(source=f"{os.environ['TASKAFF_DATA']}/{name}"))
