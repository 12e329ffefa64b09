"""The table itself: round trip, repeats, damage; and measures against naive ones."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stages.predict._samples import rows, table

from taskaff.core.errors import PredictError, UsageError
from taskaff.core.records.data import LabelSchema
from taskaff.core.records.embedding import EncodeCounts, EncoderCard, TaskVectors
from taskaff.core.records.prediction import Setup
from taskaff.core.settings import Training
from taskaff.pipeline.atlas import append
from taskaff.pipeline.atlas.build import families
from taskaff.pipeline.atlas.draw import not_drawn, read_groups, related
from taskaff.pipeline.atlas.features import Plan, full_features
from taskaff.pipeline.atlas.measure import Member, parts
from taskaff.pipeline.atlas.setups import SetUp, parse_setup
from taskaff.stages.predict import atlas, baselines, metrics
from taskaff.stages.predict.evaluate import evaluate


def test_round_trip(tmp_path):
    path = tmp_path / "atlas.parquet"
    atlas.write(table(), path)
    again = atlas.read(path)
    assert again.to_pydict() == table().to_pydict()
    first = next(iter(rows()))
    assert again["source"][0].as_py() == first["source"]
    assert again["gain"][0].as_py() == pytest.approx(first["gain"], rel=1e-6)
    assert again["source_gain"][0].as_py() == pytest.approx(first["source_gain"], rel=1e-3)


def test_a_pair_that_is_measured_again_replaces_the_old_one():
    some = table()
    whole = atlas.joined([some, table(seed=1)])
    assert whole.num_rows == some.num_rows
    assert whole["gain"].to_pylist() == table(seed=1)["gain"].to_pylist()


@pytest.mark.parametrize("content", [b"", b"PAR1", b"text,label\n"])
def test_what_is_no_atlas_is_refused(tmp_path, content):
    path = tmp_path / "atlas.parquet"
    path.write_bytes(content)
    with pytest.raises(PredictError, match="cannot be read as an atlas"):
        atlas.read(path)


def test_another_table_is_no_atlas(tmp_path):
    import pyarrow.parquet as pq

    pq.write_table(table().drop(["gain"]), tmp_path / "a.parquet")
    with pytest.raises(PredictError, match="column 'gain' is missing"):
        atlas.read(tmp_path / "a.parquet")


def probe_document(**changes):
    first = next(iter(rows()))
    numbers = {k: v for k, v in first.items() if isinstance(v, float) and k not in ("gain",)}
    gain = {"value": 0.02, "low": 0.01, "high": 0.03, "stderr": 0.004, "n": 5}
    pair = {"source": "a", "target": "b", "arm": "mtl", "against": "alone", "gain": gain}
    pair |= {"metric": "accuracy", "metric_gain": gain, "stl_loss": 0.6, "leaked": 0}
    pair |= {"recipe": "concat"}
    prediction = {"source": "a", "target": "b", "features": numbers}
    return {
        "kind": "probe",
        "pairs": [pair],
        "predictions": [prediction],
        "environment": {"encoder": "glove"},
        "settings": {"trunk": "linear", "updates": 1200},
    } | changes


def test_a_probe_is_appended_once(tmp_path):
    result, own = tmp_path / "result.json", tmp_path / "own" / "atlas.parquet"
    result.write_text(json.dumps(probe_document()))
    assert append.append([result], own) == (1, 1)
    assert append.append([result], own) == (1, 1)
    assert atlas.read(own)["gain"].to_pylist() == [pytest.approx(0.02)]
    assert any("1 pairs, 5.0 seeds" in line for line in append.described([own]))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{", "cannot be read as JSON"),
        ('{"kind": "score"}', "not a result of taskaff probe"),
        (json.dumps(probe_document(predictions=[])), "no measured pair with features"),
        (json.dumps(probe_document(settings={})), "not as taskaff probe writes it"),
    ],
)
def test_what_cannot_be_appended_is_refused(tmp_path, text, found):
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(PredictError, match=found):
        append.append([tmp_path / "r.json"], tmp_path / "own.parquet")
    assert not (tmp_path / "own.parquet").exists()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", SetUp()),
        ("n=100, r=8", SetUp(target_rows=100, r=8)),
        (
            "trunk=relu,seeds=2,draws=1,layouts=same,sources=9",
            SetUp(trunk="relu", seeds=2, draws=1, layouts="same", sources=9),
        ),
        ("encoder=st:a,updates=5", SetUp(encoder="st:a", updates=5)),
    ],
)
def test_a_set_up_in_words(text, found):
    assert parse_setup(text) == found


@pytest.mark.parametrize("text", ["m=3", "n=0", "n=many", "r", "trunk=lstm", "layouts=none"])
def test_what_is_no_set_up(text):
    with pytest.raises(UsageError):
        parse_setup(text)


def members():
    """Two data sets of single texts and one of pairs, which is wider."""
    random = np.random.default_rng(0)
    schema = LabelSchema("classes", ("a", "b"), ("label",))
    for name, layout, width in (("one", "single", 4), ("two", "single", 4), ("wide", "pair", 8)):
        X = random.normal(size=(60, width)).astype(np.float32)
        labels = (X[:, 0] > 0).astype(np.int64)
        hashes = random.integers(0, 2**60, 60).astype(np.uint64)
        vectors = TaskVectors(name, X, labels, hashes, np.zeros(60, np.int64), schema)
        card = EncoderCard("glove", "x", 2)
        yield Member(vectors, layout, card, EncodeCounts(300, 3), name)


def test_few_sources_are_drawn_for_each_target_and_stay_drawn():
    one, names = next(members()), "abcdefghij"
    many = [replace(one, vectors=replace(one.vectors, name=name)) for name in names]
    few = SetUp(sources=3)

    def drawn(some):
        without = not_drawn(few, some)
        trained = {
            (part.members[s].vectors.name, part.members[t].vectors.name)
            for part in parts(few, 0, some, without)
            for s, t in part.wanted
        }
        assert trained == set(permutations([m.vectors.name for m in some], 2)) - without
        return trained

    whole = drawn(many)
    assert Counter(target for _, target in whole) == dict.fromkeys(names, 3)
    assert len({source for source, _ in whole}) > 6
    fewer = drawn(many[:8])
    assert {(s, t) for s, t in whole if s in "abcdefgh" and t in "abcdefgh"} <= fewer
    assert not_drawn(SetUp(), many) == set()


def test_related_sources_are_drawn_first(tmp_path):
    kinds = {n: ("film" if n in "abc" else "news", "topic" * (n in "cd")) for n in "abcdef"}
    lines = ["name\tnote\tdomain\tlabel", *(f"{n}\t-\t{d}\t{k}" for n, (d, k) in kinds.items())]
    (tmp_path / "groups.tsv").write_text("\n".join(lines) + "\n")
    groups = read_groups([tmp_path / "groups.tsv"])
    assert groups == kinds
    assert related(groups, "a", "b")
    assert related(groups, "c", "d")
    assert not related(groups, "a", "d")
    assert not related(groups, "a", "nobody")
    assert not related({"a": ("general", "x"), "b": ("general", "y")}, "a", "b")
    one = next(members())
    many = [replace(one, vectors=replace(one.vectors, name=name)) for name in kinds]

    def sources(related):
        left = not_drawn(SetUp(sources=2, related=related), many, groups)
        return {s for s in kinds if s != "a" and (s, "a") not in left}

    assert sources(2) == {"b", "c"}
    assert len(sources(1)) == 2
    assert {"b", "c"} & sources(1)


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"a\tb\n", "not a table"), (b"\xff\xfe", "cannot be read"), (b"", "not a table")],
)
def test_what_is_no_table_of_groups(tmp_path, content, problem):
    (tmp_path / "groups.tsv").write_bytes(content)
    with pytest.raises(UsageError, match=problem):
        read_groups([tmp_path / "groups.tsv"])


def test_near_copies_make_a_family():
    one, two, wide = members()
    keys = np.arange(1, 61, dtype=np.uint64)[:, None]
    near = [replace(one.vectors, near=keys), replace(two.vectors, near=keys + np.uint64(50))]
    pair = [replace(each, vectors=vectors) for each, vectors in zip((one, two), near, strict=True)]
    assert families([*pair, wide]) == {"one": "one", "two": "one", "wide": "wide"}


def test_data_sets_that_share_rows_are_one_family_whatever_is_drawn():
    one, two, wide = members()
    some = replace(two.vectors, hashes=np.append(one.vectors.hashes[:3], two.vectors.hashes[3:]))
    assert families([one, replace(two, vectors=some), wide]) == {
        "one": "one",
        "two": "one",
        "wide": "wide",
    }


def test_layouts_that_are_not_mixed_are_neither_trained_nor_described():
    three = list(members())
    pairs = {
        chosen: [
            (three[s].vectors.name, three[t].vectors.name)
            for part in parts(SetUp(layouts=chosen), 0, three)
            for s, t in part.wanted
        ]
        for chosen in ("all", "same")
    }
    assert len(pairs["all"]) == len(set(pairs["all"])) == 6
    assert set(pairs["same"]) == {("one", "two"), ("two", "one")}
    plan = Plan(Setup(), Training(updates=20))
    assert set(full_features(three, plan)) == set(pairs["all"])
    same = full_features(three, Plan(Setup(), Training(updates=20), mixed=False))
    assert set(same) == set(pairs["same"])
    assert same["one", "two"]["moment_updates"] <= 20


@given(st.integers(0, 10**6))
@settings(max_examples=20)
def test_measures_against_naive_ones(seed):
    random = np.random.default_rng(seed)
    p, event = random.integers(0, 11, 30) / 10, random.random(30) < 0.5
    event[:2] = [True, False]
    wins = [(a > b) + 0.5 * (a == b) for a in p[event] for b in p[~event]]
    assert metrics.auc(p, event) == pytest.approx(np.mean(wins))
    assert metrics.brier(p, event) == pytest.approx(
        np.mean([(a - b) ** 2 for a, b in zip(p, event, strict=True)])
    )
    gap = 0.0
    for low in range(10):
        inside = [i for i in range(30) if min(int(p[i] * 10), 9) == low]
        if inside:
            gap += len(inside) / 30 * abs(np.mean(p[inside]) - np.mean(event[inside]))
    assert metrics.calibration_error(p, event) == pytest.approx(gap)


@pytest.mark.slow
def test_evaluation_of_a_rule_that_can_be_learned():
    found = evaluate(table(), resamples=5, blocks=5)
    [one] = found["set_ups"]
    assert one["pairs"] == 380
    assert one["order"]["prediction"]["spearman"][0] > 0.6
    assert one["order"]["source gain"]["spearman"][0] > 0.9
    assert one["order"]["sizes alone"]["spearman"][0] < 0.4
    assert 0.75 <= one["probabilities"]["coverage_90"] <= 1
    assert one["with_one_seed"]["both"]["spearman"] > 0.8
    assert one["with_five_seeds"] is None  # there are no others to compare with
    json.dumps(found, allow_nan=False)


@pytest.mark.slow
def test_more_seeds_of_a_probe_tell_more():
    found = []
    for row in rows(1, noise=0.02):
        row |= {"seeds": 12, "stderr": 0.02 / 12**0.5}
        drawn = np.random.default_rng(len(found)).normal(row["gain"], 0.02, 12)
        row |= {"gain": drawn.mean(), "first": drawn[0], "first_five": drawn[:5].mean()}
        found.append(row)
    [one] = evaluate(atlas.table_of(found), resamples=2, blocks=5)["set_ups"]
    few, more = one["with_one_seed"], one["with_five_seeds"]
    assert few["probe"]["spearman"] < more["probe"]["spearman"]
    assert more["both"]["spearman"] > more["prediction"]["spearman"]


def test_h_score_prefers_separated_classes():
    C = np.diag([2.0, 1.0])
    near, far = (baselines.h_score(C, s * np.eye(2), 100) for s in (0.1, 0.5))
    assert 0 < near < far < 2.0
    assert np.isnan(baselines.h_score(np.zeros((2, 2)), C, 100))
