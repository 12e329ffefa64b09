"""The Python API: its defaults, its keywords, its messages, and how results show themselves."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from paths import EXAMPLES

import taskaff
from taskaff.api.keywords import spoken
from taskaff.api.options import run_settings
from taskaff.core.errors import DataError, TaskaffError, UsageError
from taskaff.core.records.check import CandidateOutcome, CheckedTask, CheckResult
from taskaff.core.records.embedding import EncoderCard
from taskaff.core.records.estimate import Estimate, Interval, Verdict
from taskaff.core.records.finding import Finding
from taskaff.core.records.prediction import Prediction
from taskaff.core.records.probe import PairOutcome, ProbeResult
from taskaff.core.settings import (
    CheckSettings,
    EncoderOptions,
    PredictSettings,
    ProbeSettings,
    RunSettings,
)
from taskaff.stages.report import frames

PAIR = [EXAMPLES / "films.csv", EXAMPLES / "books.csv"]
EVIL = "<script>alert('\x1b[31m')</script>"
QUICK = {"predict": False, "cache": "off"}


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """The user's folders, empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture(scope="module")
def scored():
    X = np.random.default_rng(0).normal(size=(60, 4))
    return taskaff.score({EVIL: (X, X[:, 0] > 0), "b": (X + 1, X[:, 1] > 0)}, **QUICK)


@pytest.fixture
def predicted(scored):
    made = Prediction(EVIL, "b", Estimate(0.1, 0.0, 0.2), 0.1, 0.8, 0.01, 0.9, "positive")
    return replace(scored, predictions=(made,), notes=("beware of <b>",))


@pytest.fixture
def probed():
    gain = Interval(0.1, 0.05, 0.15, 0.01, 3)
    verdict = Verdict("positive", "the interval is above 0")
    pair = PairOutcome("a", EVIL, gain, "accuracy", gain, verdict, 0.6, 0.0, ())
    return ProbeResult("pairs", (), (pair,), ProbeSettings(), "in turns", 6)


@pytest.fixture
def checked():
    finding = Finding("overlap", "new", EVIL, "new -> old", "failed", 0.2, 0.01, "shared rows")
    outcome = CandidateOutcome(CheckedTask("new", 80), "failed")
    card = EncoderCard("glove", "1", 50)
    mix = (CheckedTask("old", 90),)
    return CheckResult("failed", (outcome,), mix, (finding,), (), {}, card, CheckSettings())


# --------------------------------------------------------------- defaults


FUNCTION = {
    "score": "score_sources",
    "probe": "probe_sources",
    "check": "check_candidates",
    "profile": "profile_source",
}
"""Of the API's words: the function of the pipeline behind it."""


@pytest.mark.parametrize("word", FUNCTION)
def test_the_defaults_are_those_of_the_command_line(word, homes, monkeypatch):
    seen = {}

    def fake(*arguments, **_):
        seen["run"] = next(a for a in arguments if isinstance(a, RunSettings))

    monkeypatch.setattr(f"taskaff.api.{FUNCTION[word]}", fake)
    arguments = {"check": (PAIR[:1], PAIR[1:]), "profile": PAIR[:1]}.get(word, (PAIR,))
    getattr(taskaff, word)(*arguments, encoder="vectors", device="cpu", offline=True)
    run = seen["run"]
    assert (run.encoder, run.options.device, run.options.offline) == ("vectors", "cpu", True)
    assert run.cache_dir == homes / "cache" / "taskaff"
    expected = PredictSettings(cache_dir=run.cache_dir, atlas=homes / "data/taskaff/atlas.parquet")
    assert run.predict == expected


def test_what_is_said_counts(homes):
    def run(given=None, **options):
        return run_settings(options, None, given)

    assert (run(cache="off").cache_dir, run(cache="off").predict.cache_dir) == (None, None)
    assert run(cache_dir="here").cache_dir == Path("here")
    assert run(predict=False).predict is None
    own = RunSettings(cache_dir=Path("mine"), split="all", predict=PredictSettings(margin=0.5))
    assert run(own) == own
    assert run(own, cache="off", split="test").cache_dir is None
    assert run(own, split="test", max_length=9).options == EncoderOptions(max_length=9)
    assert run(RunSettings(split="all")).cache_dir == homes / "cache" / "taskaff"
    with pytest.raises(UsageError, match="cache is 'no'") as caught:
        run(cache="no")
    assert caught.value.hint == "cache is one of use, refresh, only, off"


def test_the_cache_is_used_and_left_alone(homes):
    taskaff.profile(PAIR[0], **QUICK)
    assert not list(homes.rglob("*.taskaff*"))
    taskaff.profile(PAIR[0])
    assert list((homes / "cache" / "taskaff").iterdir())


def test_no_keyword_is_accepted_and_ignored():
    with pytest.raises(UsageError, match="encodr") as caught:
        taskaff.score(PAIR, encodr="glove", **QUICK)
    assert "encoder" in caught.value.hint
    with pytest.raises(UsageError, match="cache"):
        taskaff.inspect(PAIR[0], cache="off")
    with pytest.raises(UsageError, match="txt"):
        taskaff.inspect(taskaff.DataRequest(str(PAIR[0])), txt="a")


# --------------------------------------------------------------- messages


@pytest.mark.parametrize(
    ("option", "keyword"),
    [
        ("--text body", "text='body'"),
        ("--text premise,hypothesis", "text=('premise', 'hypothesis')"),
        ("--label 3 (or --label-kind none)", "label='3' (or label_kind='none')"),
        ("leave such rows out: --on-bad-row skip", "leave such rows out: on_bad_row='skip'"),
        ("--delimiter ';' --text a,b --limit 3", "delimiter=';', text=('a', 'b'), limit=3"),
        ("--limit 1000", "limit=1000"),
        ("--missing-label -1", "missing_label='-1'"),
        ("leave --probe out, or --trunk lstm, cnn", "leave probe out, or trunk='lstm', cnn"),
        ("use one --encoder for all", "use one encoder for all"),
        ("name it with --label, and look", "name it with label, and look"),
        ("run with --cache off", "run with cache='off'"),
        ("--config check.max_loss_increase=0.02, or", "max_loss_increase=0.02, or"),
        ("--stdin-format csv", "format='csv'"),
        ("--encoder glove:PATH.", "encoder='glove:PATH'."),
        ("--offline.", "offline=True."),
        ("a--b, -- and ---", "a--b, -- and ---"),
        ("taskaff profile a.csv --text b -o c", "taskaff profile a.csv --text b -o c"),
    ],
)  # fmt: skip
def test_options_become_keywords(option, keyword):
    assert spoken(option) == keyword


def test_the_hint_of_an_error_works_in_python(tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text("body,stars\na fine day,5\nno,1\n")
    with pytest.raises(DataError) as caught:
        taskaff.inspect(path)
    assert caught.value.hint == "text='body', label='stars'"
    with pytest.raises(DataError) as caught:
        taskaff.inspect(path, text="body")
    assert caught.value.hint.startswith("label='stars'")
    info = taskaff.inspect(path, text="body", label=["stars"])
    assert (info.text_columns, info.schema.columns) == (("body",), ("stars",))


def test_notes_and_findings_speak_of_keywords(checked, monkeypatch):
    finding = replace(checked.findings[0], hint="--probe")
    result = replace(checked, findings=(finding,), notes=("see --label-kind none",))
    monkeypatch.setattr("taskaff.api.check_candidates", lambda *_, **__: result)
    found = taskaff.check(PAIR[:1], PAIR[1:], overlap=0.1, **QUICK)
    assert found.notes == ("see label_kind='none'",)
    assert found.findings[0].hint == "probe=True"


# ---------------------------------------------------------------- results


def test_a_repr_is_one_short_line(predicted, probed, checked):
    info = taskaff.inspect(PAIR[0])
    texts = [repr(result) for result in (predicted, probed, checked, info)]
    assert all("\n" not in text and len(text) < 200 for text in texts)
    assert "\x1b" not in texts[0]
    assert texts[0].endswith("encoder vectors; predicted: 1 positive>")
    assert texts[1] == "<ProbeResult: , pairs, trunk linear; measured: 1 positive>"
    assert texts[2] == "<CheckResult: failed (new failed) against old; 1 finding>"
    assert (
        texts[3] == "<TaskInfo: films: train 611; input text; labels classes (negative, positive)>"
    )
    signature = taskaff.profile(PAIR[0], **QUICK)
    assert repr(signature).startswith("<TaskSignature: films: train 611, width 50; labels")


def test_html_escapes_everything(predicted, probed, checked):
    for result in (predicted, probed, checked):
        text = result._repr_html_()
        assert text.startswith("<div>")
        assert text.endswith("</div>")
        assert "<script" not in text
        assert "\x1b" not in text
        assert "&lt;script&gt;" in text
    assert "<li>beware of &lt;b&gt;</li>" in predicted._repr_html_()
    assert "<th>source</th>" in predicted._repr_html_()


def test_html_of_many_rows_is_cut(probed):
    many = replace(probed, pairs=probed.pairs * (frames.MOST_ROWS + 5))
    assert many._repr_html_().count("<tr>") == frames.MOST_ROWS + 1
    assert "<p>and 5 rows more</p>" in many._repr_html_()


def test_rows_have_the_numbers(predicted, probed, checked):
    first, second = frames.rows(predicted)
    assert (first["source"], first["target"], first["predicted_gain"]) == (EVIL, "b", 0.1)
    assert "predicted" not in second
    gain = predicted.tables["source_gain"].at(1, 0)
    assert (second["source_gain"], second["source_gain_low"]) == (gain.value, gain.low)
    [pair] = frames.rows(probed)
    assert (pair["gain"], pair["gain_high"], pair["verdict"], pair["seeds"]) == (
        0.1, 0.15, "positive", 3,
    )  # fmt: skip
    [finding] = frames.rows(checked)
    assert (finding["rule"], finding["value"], finding["level"]) == ("overlap", 0.2, "failed")


def test_frames(predicted, probed, checked):
    pandas = pytest.importorskip("pandas")
    for result, columns in ((predicted, "mean_shift"), (probed, "gain"), (checked, "level")):
        frame = result.to_pandas()
        assert isinstance(frame, pandas.DataFrame)
        assert columns in frame.columns
        assert len(frame) == len(frames.rows(result))
    measured = probed.to_pandas()
    assert not measured.duplicated(["source", "target", "arm", "against", "recipe"]).any()


def test_pandas_that_is_not_there_is_said(probed, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="needs pandas, which is not installed") as caught:
        probed.to_pandas()
    assert "pip install pandas" in caught.value.hint


# ---------------------------------------------------------------- sources


def test_a_lazy_frame_is_collected():
    polars = pytest.importorskip("polars")
    lazy = polars.scan_csv(PAIR[0])
    assert taskaff.inspect(lazy).rows == taskaff.inspect(PAIR[0]).rows == {"train": 611}
    assert taskaff.inspect({"train": lazy, "test": lazy.head(5)}).rows == {"train": 611, "test": 5}


def test_what_is_no_data_set_is_refused():
    for source in (3, object(), {"train": 3}):
        with pytest.raises(TaskaffError):
            taskaff.inspect(source)
