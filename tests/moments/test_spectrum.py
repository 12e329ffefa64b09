"""The spectrum in a signature: what it holds, what keeps it, and that a wrong one is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moments._streams import rows, schema, summed

from taskaff.errors import SignatureError
from taskaff.moments import load, merge, pad, save, with_spectrum
from taskaff.records import ScoreSettings, Spectrum, TaskSignature


def small(seed: int = 1, n: int = 40, d: int = 6, **changes) -> TaskSignature:
    X, labels, hashes = rows(seed, n, d, 2, "classes")
    X *= np.linspace(2.0, 0.2, d, dtype=np.float32)
    return replace(summed(X, labels, hashes, schema("classes", 2)), **changes)


def naive(G, share):
    """Eigenvalues one by one, from the largest, until the share is reached."""
    values, vectors = np.linalg.eigh(G)
    kept = []
    for at in np.argsort(values)[::-1]:
        if values[kept].sum() >= share * np.trace(G) * (1 - 1e-12):
            break
        kept.append(at)
    return values[kept], (vectors[:, kept] * values[kept]) @ vectors[:, kept].T


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(1, 8), st.floats(0.05, 1.0))
@settings(deadline=None)
def test_it_is_the_fewest_leading_eigenpairs(seed, n, d, share):
    signature = small(seed, n, d)
    found = with_spectrum(signature, share).spectrum
    values, truncated = naive(signature.sxx.sum(axis=0), share)
    scale = values[0]
    assert found.share == share
    # A share of 1 of a singular matrix: how many of the last eigenvalues are zero is rounding.
    q = min(len(values), len(found.values))
    np.testing.assert_allclose(found.values[:q], values[:q], atol=1e-12 * scale)
    assert max(found.values[q:].sum(), values[q:].sum()) <= 1e-9 * scale
    product = (found.vectors * found.values) @ found.vectors.T
    np.testing.assert_allclose(product, truncated, atol=1e-9 * scale)


def test_the_default_is_the_share_that_scores_use():
    assert with_spectrum(small()).spectrum.share == ScoreSettings().trace_share


def test_it_is_computed_once_for_a_share():
    once = with_spectrum(small())
    assert with_spectrum(once) is once
    assert len(with_spectrum(once, 0.5).spectrum.values) < len(once.spectrum.values)


@pytest.mark.parametrize("n", [0, 1, 3, 40])
@pytest.mark.parametrize("share", [0.5, 0.99, 1.0])
def test_round_trip(n, share, tmp_path):
    original = with_spectrum(small(n=n), share)
    save(original, tmp_path / "a")
    found = load(tmp_path / "a")
    assert found.spectrum.share == share
    assert np.array_equal(found.spectrum.values, original.spectrum.values)
    assert np.array_equal(found.spectrum.vectors, original.spectrum.vectors)
    save(found, tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_without_one_the_file_has_none(tmp_path):
    save(small(), tmp_path / "a")
    assert load(tmp_path / "a").spectrum is None


def test_padding_keeps_it_right(tmp_path):
    padded = pad(with_spectrum(small()), 9)
    expected = with_spectrum(pad(small(), 9)).spectrum
    assert padded.spectrum.vectors.shape == expected.vectors.shape
    np.testing.assert_allclose(padded.spectrum.values, expected.values)
    save(padded, tmp_path / "a")  # is checked


def test_merging_drops_it():
    one = with_spectrum(small())
    assert merge([one, with_spectrum(small(2))]).spectrum is None
    assert merge([one]).spectrum is one.spectrum


def test_sums_that_overflow_have_none():
    large = np.full((4, 6, 6), 1e308)
    assert with_spectrum(small(sxx=large)).spectrum is None


def _scaled(s: Spectrum) -> Spectrum:
    return replace(s, values=s.values * (1 + 1e-7))


def _swapped(s: Spectrum) -> Spectrum:
    return replace(s, vectors=s.vectors[:, ::-1])


def _turned(s: Spectrum) -> Spectrum:
    vectors = s.vectors.copy()
    vectors[:, 1] += 1e-6 * vectors[:, 0]
    return replace(s, vectors=vectors)


def _repeated(s: Spectrum) -> Spectrum:
    """Eigenpairs all of them, but one twice: the vectors are not orthogonal."""
    values, vectors = s.values.copy(), s.vectors.copy()
    values[1], vectors[:, 1] = values[0], vectors[:, 0]
    return replace(s, values=values, vectors=vectors)


def _negative(s: Spectrum) -> Spectrum:
    return replace(s, values=np.where(np.arange(len(s.values)) == 1, -1.0, s.values))


WRONG = {
    "another eigenvalue": (_scaled, "not that of the sums"),
    "another order": (_swapped, "not that of the sums"),
    "a vector a little off": (_turned, "not that of the sums"),
    "a pair twice": (_repeated, r"not that of the sums|of the trace"),
    "a negative value": (_negative, "positive and descending"),
    "ascending": (lambda s: replace(s, values=s.values[::-1]), "descending"),
    "one too few": (lambda s: Spectrum(s.share, s.values[:-1], s.vectors[:, :-1]), "of the trace"),
    "another share": (lambda s: replace(s, share=0.5), "of the trace"),
    "no share": (lambda s: replace(s, share=float("nan")), "of the trace"),
    "not a number": (lambda s: replace(s, vectors=s.vectors * np.nan), "not finite"),
    "other shapes": (lambda s: replace(s, vectors=s.vectors[:-1]), "shapes"),
    "none of them": (lambda s: Spectrum(s.share, s.values[:0], s.vectors[:, :0]), "of the trace"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_one_is_refused(name, tmp_path):
    change, message = WRONG[name]
    good = with_spectrum(small())
    bad = replace(good, spectrum=change(good.spectrum))
    with pytest.raises(SignatureError, match=message):
        save(bad, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_pairs_that_are_not_the_leading_ones_are_refused(tmp_path):
    """Genuine eigenpairs with the right share of the trace, one large one left out."""
    G = np.diag([50.0, 30.0, 12.0, 5.0, 3.0])
    sxx = np.stack([G / 4] * 4)
    rows_of = small(d=5)
    signature = replace(rows_of, sxx=sxx, sx=rows_of.sx * 0, sxy=rows_of.sxy * 0)
    kept = [0, 2, 3, 4]
    bad = replace(signature, spectrum=Spectrum(0.7, np.diag(G)[kept], np.eye(5)[:, kept]))
    save(with_spectrum(signature, 0.7), tmp_path / "a")
    with pytest.raises(SignatureError, match="not that of the sums"):
        save(bad, tmp_path / "a")


def test_a_stale_one_is_refused(tmp_path):
    good = with_spectrum(small())
    with pytest.raises(SignatureError, match=r"not that of the sums|of the trace"):
        save(replace(good, sxx=good.sxx * 1.001), tmp_path / "a")
