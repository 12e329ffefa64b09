"""Token rows of the training data: compacted words, rows of equal length, content."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from taskaff.core.errors import ProbeError
from taskaff.core.records.embedding import TokenLayer, TokenRows
from taskaff.stages.probe.tokens import token_data

VECTORS = np.arange(24, dtype=np.float32).reshape(8, 3)
LAYER = TokenLayer("words", "glove", "print", 3, VECTORS)


def rows(*lists, layer=LAYER, types=None):
    starts = np.cumsum([0, *map(len, lists)])
    return TokenRows(np.concatenate(lists).astype(np.int32), starts, types, layer)


def test_only_words_that_occur_are_kept_with_the_last_two():
    data = token_data([rows([5, 1], [1]), rows([3])], "cpu")
    assert data.numbers.tolist() == [1, 3, 5, 6, 7]
    assert data.vectors.tolist() == VECTORS[[1, 3, 5, 6, 7]].tolist()
    assert data.ids.tolist() == [2, 0, 0, 1]
    assert data.starts.tolist() == [0, 2, 3, 4]


def test_rows_are_padded_and_masked():
    data = token_data([rows([5, 1, 2], [3]), rows([4, 4])], "cpu")
    ids, mask, types = data.padded(torch.tensor([1, 2, 0]), pad=-1)
    words = np.where(mask, data.numbers[ids.clamp(min=0)], -1)
    assert words.tolist() == [[3, -1, -1], [4, 4, -1], [5, 1, 2]]
    assert mask.sum(1).tolist() == data.lengths(torch.tensor([1, 2, 0])).tolist() == [1, 2, 3]
    assert types is None


def test_content_is_that_of_the_texts_in_their_order():
    one = token_data([rows([5, 1], [1], [2, 7])], "cpu")
    other = token_data([rows([0]), rows([2, 7], [5, 1])], "cpu")
    assert one.content(np.array([0, 2])) == other.content(np.array([2, 1]))
    assert one.content(np.array([0, 2])) != one.content(np.array([2, 0]))
    split = token_data([rows([5], [1, 2], [7])], "cpu")
    assert split.content(np.arange(3)) != one.content(np.array([0, 2]))


def test_segments_of_single_texts_are_the_first():
    layer = TokenLayer("transformer", "bert", "print", 3)
    pair = rows([9, 8], layer=layer, types=np.array([0, 1], np.int32))
    data = token_data([rows([7, 7], layer=layer), pair], "cpu")
    assert data.types.tolist() == [0, 0, 0, 1]
    assert data.ids.tolist() == [7, 7, 9, 8]
    assert data.vectors is None
    assert data.padded(torch.tensor([1]))[2].tolist() == [[0, 1]]


def test_what_cannot_be_is_refused():
    with pytest.raises(ProbeError, match="holds no texts"):
        token_data([rows([1]), None], "cpu")
    with pytest.raises(ProbeError, match="a row without a token"):
        token_data([rows([1], [])], "cpu")
    with pytest.raises(ProbeError, match="different encoders"):
        token_data(
            [rows([1]), rows([1], layer=TokenLayer("words", "b", "other", 3, VECTORS))], "cpu"
        )
