"""Rows for the probe: which of a large data set are kept, padding, encoders."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import taskaff
from taskaff.core.errors import ProbeError, UsageError
from taskaff.core.records.data import DataRequest
from taskaff.core.settings import ALL_ROWS, ProbeSettings
from taskaff.pipeline import kept_rows
from taskaff.pipeline.kept_rows import DRAWS, Smallest, caps, collect
from taskaff.pipeline.session import Session
from taskaff.pipeline.training_rows import tasks_of
from taskaff.stages import embed
from taskaff.stages.data import open_task
from taskaff.stages.report.probe.words import setup

SMALL = ProbeSettings(source_rows=5, target_rows=5, validation_rows=2, test_rows=3)


def table(path, rows, header="text,label"):
    path.write_text(header + "\n" + "".join(rows), encoding="utf-8")
    return DataRequest(str(path))


def rows_of(requests, settings=SMALL):
    tasks, notes, _ = tasks_of(Session(), requests, settings)
    return tasks, notes


@pytest.mark.parametrize("seed", range(5))
def test_the_smallest_hashes_are_kept_however_they_come(seed):
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**63, size=300, dtype=np.uint64)
    X = rng.normal(size=(300, 2)).astype(np.float32)
    labels = np.arange(300)
    kept = Smallest(40)
    for part in np.array_split(np.arange(300), rng.integers(1, 30)):
        part = part[hashes[part] <= kept.largest]
        kept.add(hashes[part], X[part], labels[part])
    found, vectors, which = kept.rows()
    expected = np.sort(np.argsort(hashes)[:40])
    assert which.tolist() == expected.tolist()
    assert (found == hashes[expected]).all()
    assert (vectors == X[expected]).all()


def test_a_large_set_is_capped_whatever_the_order_of_its_rows(tmp_path):
    rows = [f"film number {n},{n % 2}\n" for n in range(300)]
    [one], notes = rows_of([table(tmp_path / "a.csv", rows)])
    [other], _ = rows_of([table(tmp_path / "b.csv", rows[::-1])])
    assert one.rows == caps(SMALL)["train"] == DRAWS * (5 + 2 + 3)
    assert set(one.hashes.tolist()) == set(other.hashes.tolist())
    order, back = np.argsort(one.hashes), np.argsort(other.hashes)
    assert (one.X[order] == other.X[back]).all()
    assert (one.labels[order] == other.labels[back]).all()
    assert notes == ["a: 40 of 300 rows take part, chosen by their content"]


def test_no_row_is_embedded_that_is_not_kept(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    request = table(path, [f"film number {n},{n % 2}\n" for n in range(300)])
    seen, real = [], embed.embed_batch

    def counted(encoder, batch):
        seen.append(batch.rows)
        return real(encoder, batch)

    monkeypatch.setattr(embed, "embed_batch", counted)
    found = collect(Session(), open_task(request), SMALL, draws=2)
    assert sum(seen) == found.task.rows == 2 * (5 + 2 + 3)
    assert found.counts.tokens == 3 * found.task.rows


def test_a_small_set_is_taken_whole(tmp_path):
    rows = [f"film number {n},{n % 2}\n" for n in range(30)]
    [task], notes = rows_of([table(tmp_path / "a.csv", rows)])
    assert (task.rows, notes) == (30, [])
    assert [task.schema.names[code] for code in task.labels] == [str(n % 2) for n in range(30)]


def test_all_rows_of_a_target_are_kept_up_to_a_limit(tmp_path, monkeypatch):
    rows = [f"film number {n},{n % 2}\n" for n in range(300)]
    request = table(tmp_path / "a.csv", rows)
    every = replace(SMALL, target_rows=ALL_ROWS)
    [task], notes = rows_of([request], every)
    assert (task.rows, notes) == (300, [])
    monkeypatch.setattr(kept_rows, "MOST_ROWS", 200)
    [task], [note] = rows_of([request], every)
    assert task.rows == 200
    assert note.startswith("a: 200 of 300 rows take part, chosen by their content; no more than 20")


def test_an_answer_says_for_how_many_target_rows_it_holds():
    data = {f"t{n}": f"synthetic:linear?rows={n}&d=20" for n in (120, 200)}
    plan = {"updates": 10, "patience": 0.0, "seeds": 1, "weight_decay": [0.0], "test_rows": 50}
    for rows, expected in ((30, (30, 30)), ("all", (96, 160)), (100, (96, 100))):
        found = taskaff.probe(data, target_rows=rows, **plan)
        held = {pair.target: pair.target_rows for pair in found.pairs}
        assert (held["t120"], held["t200"]) == expected
        low, high = expected
        span = f"{high}" if low == high else f"{low} to {high}"
        every = " (all)" if rows == "all" else ""
        assert f"; {span} target rows{every}, up to" in setup(found)[0]


def test_single_texts_are_padded_beside_pairs(tmp_path):
    single = table(tmp_path / "a.csv", [f"a film {n},{n % 2}\n" for n in range(20)])
    pairs = [f"a film {n},a book {n},{n % 2}\n" for n in range(20)]
    both = table(tmp_path / "b.csv", pairs, "premise,hypothesis,label")
    (one, two), _ = rows_of([single, both])
    [alone], _ = rows_of([single])
    d = alone.X.shape[1]
    assert one.X.shape[1] == two.X.shape[1] == 4 * d
    assert (one.X[:, :d] == alone.X).all()
    assert not one.X[:, d:].any()


def test_texts_and_ready_vectors_do_not_meet(tmp_path):
    single = table(tmp_path / "a.csv", [f"a film {n},{n % 2}\n" for n in range(20)])
    ready = DataRequest((np.ones((20, 50), np.float32), np.arange(20) % 2), name="ready")
    with pytest.raises(ProbeError, match=r"vectors \(50 dimensions\), but a has those of glove"):
        rows_of([single, ready])


def test_the_python_function_takes_arrays_and_synthetic_tasks():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 20)).astype(np.float32)
    found = taskaff.probe(
        {"mine": (X, (X[:, 0] > 0).astype(int)), "drawn": "synthetic:linear?rows=120&d=20"},
        updates=20,
        seeds=2,
        weight_decay=[0.0],
        cache="off",
    )
    assert [task.name for task in found.tasks] == ["mine", "drawn"]
    assert found.settings.seeds == (0, 1)
    with pytest.raises(UsageError, match="unknown option 'stepz'"):
        taskaff.probe([X, X], stepz=3)


# ------------------------------------------------------------------- tokens

WORDS = replace(SMALL, trunk="lstm", max_tokens=4)


def test_texts_come_along_where_the_trunk_reads_them(tmp_path):
    a = table(tmp_path / "a.csv", [f"a film number {n} here,{n % 2}\n" for n in range(30)])
    b = table(tmp_path / "b.csv", [f"xqzzy,{n % 2}\n" for n in range(20)])
    (one, two), notes = rows_of([a, b], WORDS)
    assert (one.tokens.layer, len(one.tokens.starts)) == (two.tokens.layer, one.rows + 1)
    assert set(np.diff(one.tokens.starts).tolist()) == {4}
    assert notes[0] == "a: 30 rows were cut at 4 tokens (--max-tokens)"
    unknown = len(one.tokens.layer.vectors) - 2
    assert two.tokens.ids.tolist() == [unknown] * 20
    [plain], _ = rows_of([a], replace(WORDS, trunk="linear"))
    assert plain.tokens is None
    assert (plain.X == one.X).all()


def test_tokens_stay_with_their_rows_when_a_large_set_is_capped(tmp_path):
    rows = [f"film {n} {'good ' * (n % 5)},{n % 2}\n" for n in range(300)]
    [one], notes = rows_of([table(tmp_path / "a.csv", rows)], replace(WORDS, max_tokens=128))
    [other], _ = rows_of([table(tmp_path / "b.csv", rows[::-1])], replace(WORDS, max_tokens=128))
    assert notes == ["a: 40 of 300 rows take part, chosen by their content"]
    for task in (one, other):
        vectors, starts = task.tokens.layer.vectors, task.tokens.starts
        means = [vectors[task.tokens.ids[a:b]].mean(0) for a, b in pairwise(starts)]
        assert np.allclose(means, task.X, atol=1e-5)


def test_pairs_and_single_texts_share_a_trunk(tmp_path):
    single = table(tmp_path / "a.csv", [f"a film {n},{n % 2}\n" for n in range(20)])
    pairs = [f"a film,a book {n},{n % 2}\n" for n in range(20)]
    both = table(tmp_path / "b.csv", pairs, "premise,hypothesis,label")
    (one, two), _ = rows_of([single, both], replace(WORDS, max_tokens=9))
    mark = len(two.tokens.layer.vectors) - 1
    assert (two.tokens.ids == mark).sum() == 20
    assert not (one.tokens.ids == mark).any()


@pytest.mark.parametrize(
    ("trunk", "words"),
    [
        ("cnn", "--trunk cnn is fine-tuned on texts, and ready holds vectors"),
        ("transformer", "--trunk transformer is fine-tuned on texts, and ready holds vectors"),
    ],
)
def test_ready_vectors_have_no_texts(trunk, words):
    ready = DataRequest((np.ones((20, 50), np.float32), np.arange(20) % 2), name="ready")
    with pytest.raises(UsageError, match=words):
        rows_of([ready], replace(WORDS, trunk=trunk))


def test_a_transformer_needs_its_own_encoder(tmp_path):
    single = table(tmp_path / "a.csv", [f"a film {n},{n % 2}\n" for n in range(20)])
    with pytest.raises(UsageError, match="starts from a transformer, and --encoder glove is none"):
        rows_of([single], replace(WORDS, trunk="transformer"))
