"""A single flipped bit in a file that we ship or keep is never read as other numbers."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from builders import naive_signature

from taskaff.core.errors import PredictError, SignatureError, TaskaffWarning
from taskaff.core.records.embedding import EncodeCounts, EncoderCard
from taskaff.core.store import Store, digest_key
from taskaff.pipeline.atlas import measure
from taskaff.stages import predict
from taskaff.stages.embed import wordfiles
from taskaff.stages.embed.cached import CachedEncoder
from taskaff.stages.predict import atlas
from taskaff.stages.signature import load, save

FLIPS = 40
"""Bits of each file, drawn anywhere in it."""

KEY = digest_key(test=1)


def flips(path: Path, seed: int = 0):
    """``path`` with one bit after the other turned over; as it was at the end."""
    whole = path.read_bytes()
    generator = random.Random(seed)
    for place in generator.sample(range(8 * len(whole)), FLIPS):
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        yield place
    path.write_bytes(whole)


# ------------------------------------------------------------------- what is shipped


def test_the_shipped_atlas(tmp_path, monkeypatch):
    path = tmp_path / "atlas.parquet"
    shutil.copy(predict.SHIPPED, path)
    monkeypatch.setattr(atlas, "SHIPPED", path)
    for place in flips(path):
        with pytest.raises(PredictError) as caught:
            atlas.read(path)
        assert "pip install --force-reinstall taskaff" in caught.value.hint, place
    assert atlas.read(path).num_rows > 1000


def test_an_atlas_of_ones_own(tmp_path):
    path = tmp_path / "atlas.parquet"
    row = {"source": "a", "target": "b", "encoder": "glove", "trunk": "linear", "view": "full"}
    atlas.write(atlas.table_of([{**row, "gain": 0.1, "stderr": 0.01, "seeds": 3}]), path)
    for _ in flips(path):
        with pytest.raises(PredictError) as caught:
            atlas.read(path)
        assert "taskaff atlas build" in caught.value.hint
        with pytest.raises(PredictError):
            atlas.digest(path)
    assert atlas.read(path)["gain"].to_pylist() == [pytest.approx(0.1)]


def test_a_signature(tmp_path):
    path = tmp_path / "a.taskaff"
    X = np.random.default_rng(0).standard_normal((40, 5))
    save(naive_signature(X, X[:, :1] > 0), path)
    for _ in flips(path):
        with pytest.raises(SignatureError):
            load(path)


# --------------------------------------------------------------------- what is kept


def embedded(root: Path) -> object:
    class Counting:
        card = EncoderCard("fake", "f", 4)

        def encode(self, texts):
            return np.full((len(texts), 4), 0.5, np.float32), EncodeCounts(tokens=7)

    X, counts = CachedEncoder(Counting(), Store(root)).encode(pa.array(["a", "b"]))
    return X.tolist(), counts


def word_vectors(root: Path) -> object:
    text = root.parent / "words.txt"
    text.write_text("".join(f"w{n} {n}.5 0.25 -1\n" for n in range(50)))
    found = wordfiles.load(str(text), Store(root))
    return found.words.to_pylist(), np.array(found.vectors).tolist(), found.digest


def part_of_an_atlas(root: Path) -> object:
    return measure.finished(root, "part", KEY, lambda: [{"gain": 0.125, "source": "a"}])


def fitted_arrays(root: Path) -> object:
    store = Store(root)
    path = store.get("predictor", KEY)
    if path is None:
        path = store.put("predictor", KEY, lambda file: _save_arrays(file))
    with np.load(path, allow_pickle=False) as arrays:
        return arrays["x"].tolist()


def _save_arrays(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, x=np.linspace(0, 1, 30))


@pytest.mark.parametrize("read", [embedded, word_vectors, part_of_an_atlas, fitted_arrays])
def test_what_is_in_the_cache_is_made_again(tmp_path, read: Callable[[Path], object]):
    root = tmp_path / "cache"
    expected = read(root)
    kind = {"word_vectors": "vectors"}.get(read.__name__)
    (entry,) = [e for e in Store(root).entries() if kind in (None, e.kind)]
    for place in flips(entry.path):
        with pytest.warns(TaskaffWarning, match="damaged file of the cache"):
            assert read(root) == expected, place
    assert read(root) == expected
