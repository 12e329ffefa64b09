"""From files to scores: what must change no result, and every degenerate case, end to end."""

from __future__ import annotations

import csv
import gzip
import json
import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from paths import EXAMPLES

import taskaff
from taskaff.core.errors import DataError, SignatureError, TaskaffError, UsageError
from taskaff.core.records.score import ScoreResult
from taskaff.core.settings import RunSettings

MODELS = ("model_similarity", "head_energy_share", "source_gain")
INPUTS = ("covariance_similarity", "covariance_alignment", "mean_shift")

Rows = list[tuple[str, str]]
QUICK = {"predict": False, "cache": "off"}


def rows(name: str) -> Rows:
    with (EXAMPLES / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)]


def write(path: Path, content: Rows) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *content])
    return str(path)


def score(a: str, b: str) -> ScoreResult:
    return taskaff.score({"a": a, "b": b}, **QUICK)


def assert_equal(one: ScoreResult, other: ScoreResult) -> None:
    for name, table in one.tables.items():
        for ours, theirs in (
            (table.value, other.tables[name].value),
            (table.low, other.tables[name].low),
            (table.high, other.tables[name].high),
        ):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9, err_msg=name)
    assert one.capacity is not None
    assert other.capacity is not None
    assert one.capacity.recommended == other.capacity.recommended


@pytest.fixture(scope="module")
def whole() -> ScoreResult:
    return score(str(EXAMPLES / "films.csv"), str(EXAMPLES / "books.csv"))


def shuffled(tmp_path: Path) -> str:
    content = rows("films")
    random.Random(1).shuffle(content)
    return write(tmp_path / "films.csv", content)


def sharded(tmp_path: Path) -> str:
    folder = tmp_path / "films"
    folder.mkdir()
    content = rows("films")
    for number in range(7):
        write(folder / f"part-{number}.csv", content[number::7])
    return str(folder)


def compressed(tmp_path: Path) -> str:
    path = tmp_path / "films.csv.gz"
    path.write_bytes(gzip.compress((EXAMPLES / "films.csv").read_bytes()))
    return str(path)


def lines(tmp_path: Path) -> str:
    path = tmp_path / "films.jsonl"
    text = (json.dumps({"text": t, "label": y}) + "\n" for t, y in rows("films"))
    path.write_text("".join(text), encoding="utf-8")
    return str(path)


def signature(tmp_path: Path) -> str:
    path = tmp_path / "films.taskaff"
    taskaff.save(taskaff.profile(str(EXAMPLES / "films.csv"), cache="off"), path)
    return str(path)


def renamed(tmp_path: Path) -> str:
    names = {"positive": "0 good", "negative": "1 bad"}
    return write(tmp_path / "films.csv", [(text, names[label]) for text, label in rows("films")])


@pytest.mark.parametrize("form", [shuffled, sharded, compressed, lines, signature, renamed])
def test_the_form_of_the_input_changes_nothing(tmp_path, whole, form):
    assert_equal(score(form(tmp_path), str(EXAMPLES / "books.csv")), whole)


def test_small_batches_change_nothing(whole, monkeypatch):
    monkeypatch.setattr("taskaff.stages.data.reader.BATCH_ROWS", 37)
    assert_equal(score(str(EXAMPLES / "films.csv"), str(EXAMPLES / "books.csv")), whole)


def test_the_cache_changes_nothing_and_repeats_no_work(tmp_path, whole, monkeypatch):
    settings = RunSettings(cache_dir=tmp_path / "cache")
    sources = {"a": str(EXAMPLES / "films.csv"), "b": str(EXAMPLES / "books.csv")}
    assert_equal(taskaff.score(sources, settings=settings, predict=False), whole)
    monkeypatch.setattr(
        "taskaff.stages.embed.embed_batch", lambda *_: pytest.fail("embedded again")
    )
    assert_equal(taskaff.score(sources, settings=settings, predict=False), whole)


def test_vectors_are_kept_when_asked_and_serve_another_split(tmp_path, monkeypatch):
    """The signatures of two splits share no entry, but their rows were embedded by the first."""
    settings = RunSettings(cache_dir=tmp_path / "cache", cache_vectors=True)
    once = taskaff.profile(str(EXAMPLES / "films.csv"), settings=settings)
    encoder = "taskaff.stages.embed.average.AverageEncoder.encode"
    monkeypatch.setattr(encoder, lambda *_: pytest.fail("embedded again"))
    again = taskaff.profile(str(EXAMPLES / "films.csv"), settings=replace(settings, split="all"))
    np.testing.assert_array_equal(again.sxx, once.sxx)
    assert again.counts == once.counts


def test_one_changed_shard_is_one_shard_embedded(tmp_path, monkeypatch):
    folder = Path(sharded(tmp_path))
    settings = RunSettings(cache_dir=tmp_path / "cache")
    taskaff.profile(str(folder), settings=settings)
    write(folder / "part-3.csv", rows("films")[:5])
    seen = []
    embed_batch = taskaff.stages.embed.embed_batch
    monkeypatch.setattr(
        "taskaff.stages.embed.embed_batch",
        lambda encoder, batch: seen.append(Path(batch.file).name) or embed_batch(encoder, batch),
    )
    taskaff.profile(str(folder), settings=settings)
    assert seen == ["part-3.csv"]


# ------------------------------------------------------------ degenerate cases


def test_identical_files(tmp_path):
    found = score(str(EXAMPLES / "films.csv"), write(tmp_path / "b.csv", rows("films")))
    assert found.tables["covariance_alignment"].value[0, 1] == pytest.approx(1.0, abs=1e-9)
    assert found.tables["mean_shift"].value[0, 1] == 0.0
    assert found.tables["overlap"].value[0, 1] == 1.0
    similar = found.tables["model_similarity"]
    assert similar.extras["measured"][0, 1] == pytest.approx(1.0)
    assert abs(found.tables["source_gain"].value[0, 1]) < 0.01


def test_permuted_labels_change_the_models_and_not_the_inputs(tmp_path, whole):
    content = rows("films")
    labels = [label for _, label in content]
    random.Random(0).shuffle(labels)
    path = write(
        tmp_path / "films.csv",
        [(text, label) for (text, _), label in zip(content, labels, strict=True)],
    )
    found = score(path, str(EXAMPLES / "books.csv"))
    for name in INPUTS:
        np.testing.assert_allclose(
            found.tables[name].value, whole.tables[name].value, rtol=0, atol=1e-12
        )
    gain = found.tables["source_gain"]
    assert gain.value[0, 1] < 0.25 * whole.tables["source_gain"].value[0, 1]
    metric = "model_similarity_metric"
    assert found.tables[metric].value[0, 1] < 0.5 * whole.tables[metric].value[0, 1]


def test_duplicated_rows_are_counted_and_kept_in_one_fold(tmp_path, whole):
    path = write(tmp_path / "films.csv", rows("films") * 2)
    found = score(path, str(EXAMPLES / "books.csv"))
    assert found.tasks[0].duplicates.value == 611
    for name in INPUTS[:1]:
        np.testing.assert_allclose(found.tables[name].value, whole.tables[name].value, atol=1e-9)
    gain = found.tables["source_gain"].extras["error_without"]
    np.testing.assert_allclose(
        gain[1, 0], whole.tables["source_gain"].extras["error_without"][1, 0], atol=0.02
    )


def test_one_class_has_inputs_to_compare_and_no_model(tmp_path):
    path = write(tmp_path / "one.csv", [(text, "x") for text, _ in rows("films")])
    found = score(path, str(EXAMPLES / "books.csv"))
    assert found.tables["covariance_alignment"].at(0, 1).value is not None
    for name in MODELS:
        estimate = found.tables[name].at(0, 1)
        assert estimate.value is None
        assert "do not vary" in estimate.note


def test_fewer_than_ten_rows_are_no_estimate(tmp_path):
    path = write(tmp_path / "few.csv", rows("films")[:9])
    found = score(path, str(EXAMPLES / "books.csv"))
    for name in (*INPUTS, *MODELS):
        estimate = found.tables[name].at(0, 1)
        assert estimate.value is None
        assert "9 rows" in estimate.note
    assert found.tables["overlap"].at(0, 1).value is not None


def test_one_in_a_thousand(tmp_path):
    texts = [f"{text} {number}" for number, (text, _) in enumerate(rows("films") * 4)][:2002]
    content = [(text, "rare" if i % 1001 == 0 else "common") for i, text in enumerate(texts)]
    found = score(write(tmp_path / "skewed.csv", content), str(EXAMPLES / "books.csv"))
    for name, table in found.tables.items():
        for i, j in found.pairs(directed=True):
            estimate = table.at(i, j)
            assert estimate.value is not None or estimate.note, name


def test_texts_without_a_known_word(tmp_path):
    content = [("", "x" if i % 2 else "y") for i in range(40)]
    found = score(write(tmp_path / "empty.csv", content), str(EXAMPLES / "books.csv"))
    assert found.tasks[0].counts.empty == 40
    for name in (*INPUTS[:2], *MODELS):
        estimate = found.tables[name].at(0, 1)
        assert estimate.value is None, name
        assert estimate.note


def test_same_inputs_with_different_labels_have_task_weights(tmp_path):
    other = [(text, f"{len(text) % 3}") for text, _ in rows("films")]
    found = score(str(EXAMPLES / "films.csv"), write(tmp_path / "b.csv", other))
    assert found.tables["covariance_alignment"].value[0, 1] == pytest.approx(1.0, abs=1e-9)
    (weights,) = found.weights
    assert weights.tasks == ("a", "b")
    assert sum(weights.weights) == pytest.approx(2.0)


def test_a_subset_is_contained(tmp_path):
    part = write(tmp_path / "b.csv", rows("films")[:200])
    overlap = score(str(EXAMPLES / "films.csv"), part).tables["overlap"]
    assert overlap.value[0, 1] == 1.0
    assert overlap.value[1, 0] == pytest.approx(200 / 611, abs=0.01)


def test_constant_and_zero_columns_of_ready_vectors_change_no_model_score():
    rng = np.random.default_rng(0)
    X, Z = rng.normal(size=(300, 6)), rng.normal(size=(200, 6))
    y, z = (X[:, 0] > 0).astype(int), (Z[:, 0] + Z[:, 1] > 0).astype(int)

    def padded(A: np.ndarray) -> np.ndarray:
        return np.column_stack([A, np.zeros(len(A)), np.full(len(A), 3.0)])

    plain = taskaff.score({"a": (X, y), "b": (Z, z)}, **QUICK)
    more = taskaff.score({"a": (padded(X), y), "b": (padded(Z), z)}, **QUICK)
    for name in ("model_similarity", "source_gain"):
        measured = "measured" if name == "model_similarity" else "error_without"
        # The folds differ, for a row's fold is a hash of its vector: near, not equal.
        np.testing.assert_allclose(
            more.tables[name].extras[measured], plain.tables[name].extras[measured], atol=0.05
        )


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_vectors_that_are_no_numbers_are_refused_by_row(value):
    X = np.ones((20, 3))
    X[4, 1] = value
    with pytest.raises(TaskaffError, match="row 5"):
        taskaff.score(
            {"a": (X, np.arange(20) % 2), "b": (np.ones((20, 3)), np.arange(20) % 2)}, **QUICK
        )


def test_different_encoders_are_refused(tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("the 1 2\nfilm 2 1\nbook 0 1\n")
    other = taskaff.profile(str(EXAMPLES / "films.csv"), encoder=f"glove:{words}", cache="off")
    with pytest.raises(SignatureError, match="encoder"):
        taskaff.score({"a": other, "b": str(EXAMPLES / "books.csv")}, **QUICK)


# --------------------------------------------------------------------- layouts


def test_single_texts_are_padded_only_beside_pairs(tmp_path):
    pairs = tmp_path / "pairs.csv"
    with pairs.open("w", newline="", encoding="utf-8") as file:
        texts = [text for text, _ in rows("films")][:400]
        table = [(a, b, f"{i % 5}.5") for i, (a, b) in enumerate(pairwise(texts))]
        csv.writer(file).writerows([("text", "text_b", "label"), *table])
    found = taskaff.score(
        [str(pairs), str(EXAMPLES / "films.csv"), str(EXAMPLES / "books.csv")], **QUICK
    )
    assert [task.width for task in found.tasks] == [200, 200, 200]
    assert [task.padded_from for task in found.tasks] == [None, 50, 50]
    alone = taskaff.score([str(EXAMPLES / "films.csv"), str(EXAMPLES / "books.csv")], **QUICK)
    for name in (*INPUTS, "source_gain"):
        np.testing.assert_allclose(
            found.tables[name].value[1:, 1:], alone.tables[name].value, rtol=1e-6, atol=1e-9
        )


def test_the_same_name_twice_is_numbered():
    found = taskaff.score([str(EXAMPLES / "films.csv")] * 3, **QUICK)
    assert found.names == ("films", "films-2", "films-3")


def test_a_missing_split_says_which_there_are():
    with pytest.raises(UsageError, match="no rows in split 'test'; there are: train"):
        taskaff.profile(str(EXAMPLES / "films.csv"), split="test", cache="off")


def test_arrow_tables_are_sources():
    texts, labels = zip(*rows("books"), strict=True)
    table = pa.table({"text": list(texts), "label": list(labels)})
    found = taskaff.score({"a": table, "b": str(EXAMPLES / "books.csv")}, **QUICK)
    assert found.tables["overlap"].value[0, 1] == 1.0


def test_unknown_options_are_errors_with_the_nearest_name():
    with pytest.raises(UsageError) as caught:
        taskaff.score([str(EXAMPLES / "films.csv")] * 2, delimeter=";")
    assert "did you mean 'delimiter'?" in caught.value.hint


def test_errors_name_the_data_set(tmp_path):
    (tmp_path / "bad.csv").write_text("text,label\na\n")
    with pytest.raises(DataError) as caught:
        score(str(tmp_path / "bad.csv"), str(EXAMPLES / "books.csv"))
    assert caught.value.task == "a"


def test_inspect_counts_rows_that_stand_twice(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    write(folder / "train.csv", [*rows("films")[:100], *rows("films")[:7]])
    write(folder / "test.csv", [(text.upper(), label) for text, label in rows("films")[95:120]])
    notes = taskaff.inspect(str(folder)).notes
    assert "7 rows of train repeat another one of it" in notes
    assert "5 distinct rows of test are also in train" in notes
    assert not any("repeat" in note for note in taskaff.inspect(str(EXAMPLES / "films.csv")).notes)
