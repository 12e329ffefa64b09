from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from taskaff.core.errors import CacheError
from taskaff.core.records.embedding import EncodeCounts
from taskaff.core.store import Store
from taskaff.stages.embed import vectors_card
from taskaff.stages.embed.cached import CachedEncoder, texts_digest


class Counting:
    def __init__(self, width=2):
        self.card = vectors_card(width)
        self.calls = 0

    def encode(self, texts):
        self.calls += 1
        X = np.full((len(texts), self.card.width), len(texts), np.float32)
        return X, EncodeCounts(tokens=len(texts), unknown=1, truncated=2, empty=3)


def test_the_same_texts_are_encoded_once(tmp_path):
    inner = Counting()
    encoder = CachedEncoder(inner, Store(tmp_path))
    texts = pa.array(["a", "", "é"])
    first = encoder.encode(texts)
    again = encoder.encode(pa.array(["x", "a", "", "é"]).slice(1).cast(pa.large_string()))
    assert inner.calls == 1
    assert np.array_equal(first[0], again[0])
    assert again[0].dtype == np.float32
    assert first[1] == again[1] == EncodeCounts(3, 1, 2, 3)
    encoder.encode(pa.array(["a", "é", ""]))
    CachedEncoder(Counting(3), Store(tmp_path)).encode(texts)
    assert inner.calls == 2
    assert encoder.card == inner.card
    assert len(list(Store(tmp_path).entries())) == 3


def test_modes(tmp_path):
    texts = pa.array(["a"])
    with pytest.raises(CacheError):
        CachedEncoder(Counting(), Store(tmp_path, "only")).encode(texts)
    CachedEncoder(Counting(), Store(tmp_path)).encode(texts)
    inner = Counting()
    CachedEncoder(inner, Store(tmp_path, "only")).encode(texts)
    assert inner.calls == 0
    CachedEncoder(inner, Store(tmp_path, "off")).encode(texts)
    CachedEncoder(inner, Store(tmp_path, "refresh")).encode(texts)
    assert inner.calls == 2


def test_digest_sees_where_strings_end():
    different = [["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""], ["", "abc"], []]
    digests = {texts_digest(pa.array(texts, pa.string())) for texts in different}
    assert len(digests) == len(different)
