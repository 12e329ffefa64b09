"""``--encoder-check``: the sample, the errors, and encoders that do not keep their promise."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from paths import EXAMPLES

from taskaff.core.errors import UsageError
from taskaff.core.records.data import DataRequest
from taskaff.core.records.embedding import EncodeCounts, EncoderCard
from taskaff.core.settings import RunSettings
from taskaff.pipeline.encoder_check import SAMPLE, check_encoder, cosine_errors, sample
from taskaff.pipeline.session import Session
from taskaff.stages import data, embed

FILMS, BOOKS = EXAMPLES / "films.csv", EXAMPLES / "books.csv"
FLOATS = arrays(np.float32, (5, 3), elements=st.floats(-8, 8, width=16))


class Fake:
    """Letters of a text, and an error that depends on how the encoder is run."""

    def __init__(self, options, batch=0.0, narrow=0.0):
        self.options, self.batch, self.narrow = options, batch, narrow
        self.dtype = "float32" if options.dtype == "auto" else options.dtype
        self.device = "cuda:0" if options.device == "auto" else options.device
        self.card = EncoderCard("fake", "f", 3)

    def encode(self, texts):
        words = texts.to_pylist()
        X = np.array([[len(w), w.count("e"), 1] for w in words], np.float32).reshape(-1, 3)
        X[:, 2] += self.narrow * (self.device != "cpu")
        X[:, 2] += self.batch * (self.options.batch_size == 7)
        X[[not w for w in words]] = 0
        return X, EncodeCounts(sum(len(w.split()) for w in words), 0, 0, words.count(""))


@pytest.fixture
def fake(monkeypatch):
    """``fake(batch=..., narrow=...)`` is a session with such an encoder; options are recorded."""

    def make(**errors):
        def opened(spec, *, store=None, options=None, cache_dir=None):
            seen.append(options)
            return Fake(options, **errors)

        monkeypatch.setattr(embed, "open_encoder", opened)
        return Session(RunSettings(encoder="fake"))

    seen = []
    make.seen = seen
    return make


def request(path=FILMS, **more):
    return DataRequest(source=str(path), **more)


@given(FLOATS, FLOATS)
def test_errors_are_one_minus_the_cosine(X, Z):
    for x, z, found in zip(X, Z, cosine_errors(X, Z), strict=True):
        norms = np.linalg.norm(x) * np.linalg.norm(z)
        expected = max(0, 1 - x @ z / norms) if norms else float(x.any() or z.any())
        assert found == pytest.approx(expected, abs=1e-5)
    assert (cosine_errors(X, X) <= 1e-6).all()


@pytest.mark.parametrize("most", [1, 2, 50, 10_000])
def test_the_sample_goes_from_the_shortest_to_the_longest_in_the_order_of_the_rows(most):
    task = data.open_task(request())
    all_texts = [t for batch in task.batches() for t in batch.text[0].to_pylist()]
    found = sample(task, most).text[0].to_pylist()
    assert len(found) == min(most, len(all_texts))
    rest = iter(all_texts)
    assert all(text in rest for text in found)  # a subsequence
    sizes = [len(t.encode()) for t in all_texts]
    lengths = [len(t.encode()) for t in found]
    if most > 1:
        assert (min(lengths), max(lengths)) == (min(sizes), max(sizes))
    assert abs(np.median(lengths) - np.median(sizes)) <= (40 if most < 50 else 1) or most == 1


def test_a_pair_is_sampled_by_both_texts(tmp_path):
    path = tmp_path / "pairs.csv"
    rows = "".join(f"{'a' * i},{'b' * (9 - i) ** 2},x\n" for i in range(1, 9))
    path.write_text("sentence1,sentence2,label\n" + rows)
    found = sample(data.open_task(request(path)), 2)
    lengths = [len(a) + len(b) for a, b in zip(*(t.to_pylist() for t in found.text), strict=True)]
    sizes = [i + (9 - i) ** 2 for i in range(1, 9)]
    assert sorted(lengths) == [min(sizes), max(sizes)]


def test_a_faithful_encoder_passes(fake):
    found = check_encoder(fake(), [request(), request(BOOKS)])
    assert max(found.batch_error, found.plain_error) < 1e-12
    assert found.passed
    assert found.tasks == ("films", "books")
    assert found.rows == SAMPLE // 2 + 72
    assert 0 < found.shortest <= found.median <= found.longest


def test_it_is_run_as_asked_then_in_other_batches_then_plainly(fake):
    session = fake()
    check_encoder(session, [request(BOOKS)])
    asked, other, plain = fake.seen
    assert asked == session.settings.options
    assert other.batch_size == 7
    assert (plain.device, plain.dtype, plain.batch_size) == ("cpu", "float32", 1)


@pytest.mark.parametrize("cause", ["batch", "narrow"])
def test_an_encoder_that_depends_on_how_it_is_run_does_not_pass(fake, cause):
    found = check_encoder(fake(**{cause: 50.0}), [request()])
    assert not found.passed
    assert (found.batch_error > 1e-3) == (cause == "batch")
    assert (found.plain_error > 1e-3) == (cause == "narrow")


def test_only_texts_can_be_checked(fake, tmp_path):
    np.savez(tmp_path / "x.npz", X=np.ones((4, 2), np.float32), y=np.array([0, 1, 0, 1]))
    for source in (tmp_path / "x.npz", tmp_path / "x.taskaff"):
        with pytest.raises(UsageError) as error:
            check_encoder(fake(), [request(source)])
        assert error.value.hint


# ------------------------------------------------------------------------------ command line


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    from taskaff.cli.run import run as call

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TASKAFF_CACHE_DIR", str(tmp_path / "cache"))

    def command(*arguments):
        code = call([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return command


@pytest.mark.parametrize("command", ["score", "profile"])
def test_the_default_encoder_has_no_error_and_nothing_else_is_done(run, command, tmp_path):
    code, out, err = run(command, FILMS, "--encoder-check")
    assert (code, err) == (0, ""), err
    start = "encoder  glove a775d7cb7a48, 50 dimensions, float32 on cpu\nsample   256 rows of films"
    assert out.startswith(start)
    assert out.count("passed") == 2
    assert not list(tmp_path.glob("*.taskaff"))


def test_as_json(run):
    code, out, _ = run("score", FILMS, BOOKS, "--encoder-check", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["passed"] is True
    assert found["plain_error"] <= found["tolerance"] == 1e-4
    assert found["encoder"]["id"] == "glove"
    assert found["counts"]["tokens"] >= found["rows"]


def test_beyond_the_tolerance_is_exit_2_with_a_hint(run, fake):
    fake(narrow=50.0)
    code, out, err = run("score", FILMS, "--encoder-check")
    assert code == 2
    assert "FAILED" in out
    assert "error: embed: fake gives other vectors" in err
    assert "hint: --dtype float32" in err


@pytest.mark.parametrize(
    "options", [["score", "-o", "x.json"], ["score", "-f", "csv"], ["profile", "-o", "x.taskaff"]]
)
def test_no_file_and_no_other_format(run, options):
    code, out, err = run(options[0], FILMS, "--encoder-check", *options[1:])
    assert (code, out) == (2, "")
    assert "--encoder-check prints" in err


def test_texts_of_nothing_are_the_zero_vector_either_way(fake, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('text,label\n"",x\nsome,y\n"",x\n')
    found = check_encoder(fake(), [request(path)])
    assert (found.plain_error, found.counts.empty) == (0, 2)
