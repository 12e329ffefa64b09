"""A probe with predictions reads every data set once, and gets the same rows and signatures."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from taskaff.core.errors import TaskaffError
from taskaff.core.records.data import DataRequest
from taskaff.core.settings import PredictSettings, ProbeSettings, RunSettings
from taskaff.pipeline import prediction
from taskaff.pipeline.probe import probe
from taskaff.pipeline.session import Session
from taskaff.pipeline.signatures import signature_of
from taskaff.pipeline.training_rows import tasks_of
from taskaff.stages import data, embed
from taskaff.stages.data.delimited import CsvReader

SMALL = ProbeSettings(
    source_rows=5,
    target_rows=5,
    validation_rows=2,
    test_rows=3,
    updates=4,
    seeds=(0,),
    max_seeds=0,
    weight_decay=(0.0,),
)
ROWS = 30


def written(path, rows=ROWS, splits=("train",)):
    texts = (f"film number {n} of {path.stem},{n % 2}" for n in range(rows))
    lines = [f"{text},{splits[n % len(splits)]}" for n, text in enumerate(texts)]
    path.write_text("\n".join(["text,label,split", *lines]) + "\n", encoding="utf-8")
    return DataRequest(str(path))


@pytest.fixture
def work(monkeypatch):
    """How often each step was done, and the rows that were embedded."""
    done: Counter[str] = Counter()

    def count(place, name, size=lambda *_: 1):
        real = getattr(place, name)

        def counted(*arguments, **more):
            done[name] += 0 if more else size(*arguments)  # a scan with a stop is a peek
            return real(*arguments, **more)

        monkeypatch.setattr(place, name, counted)

    count(data, "open_task")
    count(CsvReader, "scan")
    count(CsvReader, "batches")
    count(embed, "embed_batch", lambda _, batch: batch.rows)
    return done


def same(one, other):
    """Equal in every field, to the last bit."""
    if is_dataclass(one):
        assert type(one) is type(other)
        for field in fields(one):
            same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key, value in one.items():
            same(value, other[key])
    else:
        assert np.array_equal(one, other)


def test_a_probe_with_predictions_opens_scans_and_embeds_once(tmp_path, monkeypatch, work):
    given = []

    def kept(signatures, result, settings):
        given.extend(signatures)
        return result

    monkeypatch.setattr(prediction, "of_probe", kept)
    rows = 60
    sources = [written(tmp_path / f"{name}.csv", rows) for name in "ab"]
    settings = replace(SMALL, validation_rows=15, test_rows=15)
    probe(sources, RunSettings(predict=PredictSettings()), settings)
    assert work == {"open_task": 2, "scan": 2, "batches": 2, "embed_batch": 2 * rows}
    assert [int(signature.n.sum()) for signature in given] == [rows, rows]


@pytest.mark.parametrize("rows", [ROWS, 300])
@pytest.mark.parametrize("split", ["train", "test", "all"])
def test_rows_and_signatures_are_those_of_two_passes(tmp_path, rows, split):
    """Bit for bit, with and without rows that are left out (40 of a split are kept here)."""
    request = written(tmp_path / "a.csv", rows, splits=("train", "train", "test"))
    settings = RunSettings(split=split)
    both = tasks_of(Session(settings), [request], SMALL, signatures=True)
    apart = tasks_of(Session(settings), [request], SMALL)
    same(both.tasks[0], apart.tasks[0])
    assert both.notes == apart.notes
    same(both.signatures[0], signature_of(Session(settings), request))
    assert apart.signatures == []


def test_one_pass_fills_the_cache_and_reads_what_is_in_it(tmp_path, work):
    request = written(tmp_path / "a.csv")
    settings = RunSettings(cache_dir=tmp_path / "cache")
    [cold] = tasks_of(Session(settings), [request], SMALL, signatures=True).signatures
    work.clear()
    same(signature_of(Session(settings), request), cold)
    assert work == {"open_task": 1, "scan": 1}
    work.clear()
    [warm] = tasks_of(Session(settings), [request], SMALL, signatures=True).signatures
    same(warm, cold)
    assert work["batches"] == 1


def test_without_a_signature_there_are_rows(tmp_path):
    """A split that is not there has no signature, and the reason is that of ``signature_of``."""
    request = written(tmp_path / "a.csv")
    session = Session(RunSettings(split="validation"))
    tasks, _, [refused] = tasks_of(session, [request], SMALL, signatures=True)
    assert tasks[0].rows == ROWS
    with pytest.raises(TaskaffError) as raised:
        signature_of(session, request)
    assert str(refused) == str(raised.value)


def test_a_fault_in_the_middle_of_a_pass_costs_the_signature_alone(tmp_path, monkeypatch):
    """Rows that are not kept are embedded for the signature only; one of them has no vector."""
    request = written(tmp_path / "a.csv", 300)
    real = embed.embed_batch

    def broken(encoder, batch):
        X, counts = real(encoder, batch)
        if batch.rows == 300:
            X = np.full_like(X, np.nan)
        return X, counts

    expected = tasks_of(Session(), [request], SMALL).tasks
    monkeypatch.setattr(embed, "embed_batch", broken)
    tasks, _, [refused] = tasks_of(Session(), [request], SMALL, signatures=True)
    same(tasks[0], expected[0])
    assert "not finite" in str(refused)
    assert str(refused).startswith("signature: a: ")


def test_no_rows_are_read_again_for_many_data_sets_or_made_up_ones():
    many = PredictSettings(most_pairs=1)
    files = [DataRequest("a.csv"), DataRequest("b.csv")]
    assert prediction.can_predict(PredictSettings(), files)
    assert not prediction.can_predict(None, files)
    assert not prediction.can_predict(many, files)
    drawn = replace(files[0], source="synthetic:linear?rows=10&d=2")
    assert not prediction.can_predict(PredictSettings(), [files[0], drawn])
