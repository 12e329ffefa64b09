"""Padding, order, shards, container and number type change no label kind, class, row or score."""

from __future__ import annotations

import csv
import json
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import taskaff
from taskaff.core.settings import RunSettings, ScoreSettings

SCORES = ScoreSettings(scores=("overlap", "mean_shift", "source_gain"), capacity=False)
QUICK = {"predict": False, "cache": "off", "settings": RunSettings(score=SCORES)}
WORDS = ["good", "bad", "film", "book", "food", "story", "plot", "slow", "nice", "dull"]
DRAW = random.Random(5)
TEXTS = [" ".join(DRAW.choices(WORDS, k=6)) + f" {n}" for n in range(90)]
LABELS = [n % 3 for n in range(90)]
OTHER = (
    [" ".join(DRAW.choices(WORDS, k=5)) + f" {n}" for n in range(60)],
    [n % 2 for n in range(60)],
)


def csv_file(path, texts, labels):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *zip(texts, labels, strict=True)])
    return path


def padded(folder):
    return csv_file(
        folder / "a.csv", TEXTS, [f" {y} " if n % 7 == 0 else y for n, y in enumerate(LABELS)]
    )


def reordered(folder):
    order = random.Random(1).sample(range(90), 90)
    return csv_file(folder / "a.csv", [TEXTS[n] for n in order], [LABELS[n] for n in order])


def sharded(folder):
    for part in range(3):
        rows = slice(30 * part, 30 * part + 30)
        csv_file(folder / f"{part}.csv", TEXTS[rows], LABELS[rows])
    return folder


def jsonl(folder):
    path = folder / "a.jsonl"
    rows = ({"text": t, "label": y} for t, y in zip(TEXTS, LABELS, strict=True))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def parquet(kind):
    def made(folder):
        table = pa.table({"text": TEXTS, "label": pa.array(LABELS).cast(kind)})
        pq.write_table(table, folder / "a.parquet", row_group_size=40)
        return folder / "a.parquet"

    return made


def mixed_shards(folder):
    for part, kind in enumerate((pa.int64(), pa.int8(), pa.float64())):
        rows = slice(30 * part, 30 * part + 30)
        table = pa.table({"text": TEXTS[rows], "label": pa.array(LABELS[rows]).cast(kind)})
        pq.write_table(table, folder / f"{part}.parquet")
    return folder


def arrays(dtype):
    return lambda _: (TEXTS, np.array(LABELS, dtype))


def pandas_frame(_):
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame({"text": TEXTS, "label": LABELS})


def polars_lazy(_):
    polars = pytest.importorskip("polars")
    return polars.LazyFrame({"text": TEXTS, "label": LABELS})


FORMS = {
    "padded labels": padded,
    "another order": reordered,
    "shards": sharded,
    "jsonl": jsonl,
    "parquet int64": parquet(pa.int64()),
    "parquet int8": parquet(pa.int8()),
    "parquet float64": parquet(pa.float64()),
    "parquet decimal": parquet(pa.decimal128(38, 0)),
    "parquet strings": parquet(pa.string()),
    "shards of several types": mixed_shards,
    "int16": arrays("i2"),
    "float32": arrays("f4"),
    "pandas": pandas_frame,
    "polars": polars_lazy,
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    path = csv_file(tmp_path_factory.mktemp("plain") / "a.csv", TEXTS, LABELS)
    return taskaff.profile(path, name="a", cache="off")


def hashes(signature):
    return signature.sketches["train"].hashes


@pytest.mark.parametrize("form", FORMS)
def test_the_form_changes_nothing(tmp_path, plain, form):
    source = FORMS[form](tmp_path)
    info = taskaff.inspect(source, name="a")
    assert (info.schema.kind, info.schema.names) == ("classes", ("0", "1", "2"))
    assert info.label_counts == {"0": 30, "1": 30, "2": 30}
    signature = taskaff.profile(source, name="a", cache="off")
    np.testing.assert_array_equal(hashes(signature), hashes(plain))
    np.testing.assert_array_equal(signature.n, plain.n)
    scored, expected = (taskaff.score({"a": s, "b": OTHER}, **QUICK) for s in (signature, plain))
    for name, table in expected.tables.items():
        for values in ("value", "low", "high"):
            np.testing.assert_allclose(
                getattr(scored.tables[name], values),
                getattr(table, values),
                rtol=1e-8,
                atol=1e-9,
                err_msg=f"{name} {values}",
            )
