"""Layouts of texts, the recurrence, and what each trunk can learn."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from stages.probe._words import LAYER, D, tokenised, word_task

from taskaff.stages.probe.adam import corrections
from taskaff.stages.probe.model import initial_state
from taskaff.stages.probe.records import Run, Slot
from taskaff.stages.probe.training_data import make_training_data
from taskaff.stages.probe.words.engine import inputs, train_words
from taskaff.stages.probe.words.packing import EMPTY, flat, stepped
from taskaff.stages.probe.words.recurrence import recur
from taskaff.stages.probe.words.table import RowAdam, WordTable
from taskaff.stages.probe.words.trunks import WIDTHS, filter_counts, word_trunk

BANK = make_training_data([word_task("a", 40, longest=12)], "cpu", tokens=True)
ROWS = st.lists(st.lists(st.integers(0, 39), min_size=3, max_size=3), min_size=1, max_size=3)


def token_lists(ids):
    return [row[row != EMPTY].tolist() for row in ids]


def words_of(row):
    start, end = BANK.tokens.starts[row : row + 2]
    return BANK.tokens.ids[start:end].tolist()


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_layouts_hold_every_token_of_every_row_and_nothing_else(rows):
    rows = torch.tensor(rows)
    spread = flat(BANK.tokens, rows, 2)
    by_step = stepped(BANK.tokens, rows)
    for i, batch in enumerate(rows.tolist()):
        wanted = [words_of(row) for row in batch]
        assert token_lists(spread.ids[i : i + 1])[0] == list(chain(*wanted))
        assert sorted(token_lists(by_step.ids[i : i + 1])[0]) == sorted(list(chain(*wanted)))
        for j, text in enumerate(wanted):
            first = int(spread.first[i, j])
            assert spread.ids[i, first : first + len(text)].tolist() == text
            assert (spread.ids[i, first + len(text) : first + len(text) + 2] == EMPTY).all()
            assert by_step.ids[i, by_step.last[i, j]] == text[-1]
    assert sum(by_step.sizes) == by_step.ids.shape[1]
    assert list(by_step.sizes) == sorted(by_step.sizes, reverse=True)


def outputs(trunk, rows, r=5):
    """Of stacked batches ``rows (m, b)``, all with one set of weights."""
    rows = torch.tensor(rows)
    kind, m = word_trunk(trunk), len(rows)
    state = initial_state(Run((), 0, (), "t", r=r), D, (), kind.shapes(D, r))
    p = {name: torch.from_numpy(v).expand(m, -1, -1) for name, v in state.items()}
    packed = kind.pack(BANK.tokens, rows)
    vectors = torch.cat([BANK.tokens.vectors, torch.zeros(1, D)])
    return kind.outputs(p, vectors[packed.ids], packed)


@pytest.mark.parametrize("trunk", ["lstm", "cnn", "mlp-tokens"])
@settings(max_examples=10, deadline=None)
@given(ROWS)
def test_a_row_gives_the_same_in_any_company(trunk, rows):
    together = outputs(trunk, rows)
    for i, batch in enumerate(rows):
        for j, row in enumerate(batch):
            torch.testing.assert_close(together[i, j], outputs(trunk, [[row]])[0, 0])


def test_the_gradient_of_the_recurrence():
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(2, 6, 8, dtype=torch.double, generator=generator, requires_grad=True)
    W = torch.randn(2, 2, 8, dtype=torch.double, generator=generator, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a, b: recur(a, b, (3, 2, 1)), (z, W))


@pytest.mark.parametrize("r", [1, 2, 3, 7, 100])
def test_filters_add_up_to_the_capacity(r):
    counts = filter_counts(r)
    assert sum(counts) == r
    assert max(counts) - min(counts) <= 1
    assert outputs("cnn", [[0, 1]], r).shape == (1, 2, r)
    taps = word_trunk("cnn").shapes(D, r)["B"][0][1]
    assert taps == sum(a * b for a, b in zip(WIDTHS, counts, strict=True))


def test_words_outside_the_training_rows_keep_their_vectors():
    """They are read on held-out rows, and are not part of the run's table."""
    rows = np.array([0, 1], np.int64)
    run = Run((), 0, (Slot(0, rows, rows, rows, "s"),), "t")
    table = WordTable(BANK.tokens, [run])
    known = set(chain(*(words_of(row) for row in rows)))
    assert set(table.used[0].tolist()) == known
    moved = table.start + 1.0
    read = table.read(moved, torch.tensor([0]), torch.arange(len(BANK.tokens.vectors))[None])[0]
    for word, vector in enumerate(read):
        own = BANK.tokens.vectors[word]
        torch.testing.assert_close(vector, own + 1.0 if word in known else own)


def test_only_words_of_the_batch_move_and_empty_places_never():
    rows = np.array([0, 1], np.int64)
    run = Run((), 0, (Slot(0, rows, rows, rows, "s"),), "t")
    table = WordTable(BANK.tokens, [run, run])
    adam, before = RowAdam(table, corrections(3, torch.device("cpu"))), table.start.clone()
    ids = torch.tensor([[words_of(0)[0], words_of(0)[0], EMPTY], [words_of(1)[0], EMPTY, EMPTY]])
    at = table.at(torch.tensor([0, 1]), ids, torch.tensor([0, 1]))
    for _ in range(3):
        adam.move(table.start, at, torch.ones(2, 3, D), torch.tensor([0.1, 0.2]))
    moved = (table.start != before).all(2).nonzero().tolist()
    assert moved == [[0, int(at[0, 0])], [1, int(at[1, 0]) - table.V - 1]]
    # equal gradients: Adam's step is the learning rate, whatever their size or number
    step = (before - table.start)[0, int(at[0, 0])]
    torch.testing.assert_close(step, torch.full((D,), 0.3), atol=1e-5, rtol=0)


def test_what_an_alignment_matrix_multiplies():
    """The mean of a row's word vectors, as they are in the state."""
    rows = np.array([3, 5], np.int64)
    run = Run((), 0, (Slot(0, rows, rows, rows, "s"),), "t")
    np.testing.assert_allclose(inputs(BANK, run, {}, rows), BANK.X[rows], atol=1e-6)
    doubled = {"words": 2 * BANK.tokens.vectors.numpy()}
    found = inputs(BANK, run, doubled, rows)
    np.testing.assert_allclose(found, 2 * BANK.X[rows], atol=1e-6)
    given_ = inputs(BANK, replace(run, initial=doubled), {}, rows)
    np.testing.assert_allclose(given_, found)


def order_task(n=240):
    """Which of two marked words comes first: no bag of words can tell."""
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 2, n)
    texts = []
    for label in labels:
        noise = rng.integers(2, 12, rng.integers(2, 6))
        at = rng.integers(0, len(noise) + 1)
        texts.append(np.concatenate([noise[:at], [1, 0] if label else [0, 1], noise[at:]]))
    return tokenised("order", texts, labels, layer=LAYER)


def test_order_is_learned_by_what_reads_it():
    data = make_training_data([order_task()], "cpu", tokens=True)
    rows = np.arange(240)
    slot = Slot(0, rows[:120], rows[120:160], rows[160:], "s")
    base = Run((), 0, (slot,), "t", r=6, updates=110, batch=24, lr=0.03)
    runs = [replace(base, trunk=trunk) for trunk in ("lstm", "cnn", "mlp-tokens")]
    lstm, cnn, mlp = (o.slots[0].metrics for o in train_words(data, runs, memory=1 << 30))
    assert lstm["accuracy"] > 0.95
    assert cnn["accuracy"] > 0.9
    assert mlp["accuracy"] < 0.7
