"""Fine-tuned trunks take the path of frozen vectors: same runs, same reading, same refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stages.probe._zoo import task

from taskaff.core.errors import UsageError
from taskaff.core.records.embedding import TokenLayer, TokenRows
from taskaff.core.registry import load
from taskaff.core.settings import ProbeSettings
from taskaff.core.store import Store
from taskaff.stages.probe import defaults, engines
from taskaff.stages.probe.engine import train
from taskaff.stages.probe.prepare import prepare
from taskaff.stages.probe.run import probe
from taskaff.stages.probe.run_cache import KIND
from taskaff.stages.probe.trunks import TRUNKS, fine_tuned

LAYER = TokenLayer("words", "glove", "print", 4, np.zeros((12, 4), np.float32))
QUICK = ProbeSettings(
    patience=0.0,
    margin=0.0,
    trunk="lstm",
    r=3,
    updates=12,
    weight_decay=(0.0, 0.3),
    seeds=(0, 1),
    target_rows=40,
    scale="none",
    validation_rows=30,
    test_rows=40,
)
WAYS = {
    "pairs": ("pairs", {"leaks": "both", "controls": True}),
    "aligned": ("pairs", {"align": True, "align_form": "orthogonal"}),
    "mix": ("mix", {"weights": "uncertainty"}),
    "transfer": ("transfer", {}),
    "capacity": ("pairs", {"capacities": (1, 3), "r": 16, "margin": 0.01}),
    "budget": ("pairs", {"budget": 1e-6}),
    "joint": ("pairs", {"recipes": ("together",)}),
}


def with_tokens(name, n=170, seed=0, **more):
    plain = task(name, n=n, seed=seed, **more)
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 6, n)
    ids = rng.integers(0, 10, sizes.sum()).astype(np.int32)
    return replace(
        plain, tokens=TokenRows(ids, np.concatenate([[0], np.cumsum(sizes)]), None, LAYER)
    )


def shared_tasks():
    one = with_tokens("a")
    other = replace(with_tokens("b", seed=1), hashes=one.hashes, tokens=one.tokens)
    return [one, other]


class Fake:
    """An engine that trains the same runs on the vectors of the training data."""

    def __init__(self):
        self.trained = []

    def __call__(self, data, runs, *, memory, progress, keep):
        outcomes = train(data, [replace(run, trunk="linear") for run in runs], memory=memory)
        for number, outcome in enumerate(outcomes):
            self.trained.append(runs[number])
            keep(number, outcome)
            progress(number + 1, len(runs))
        return outcomes

    def inputs(self, data, run, state, rows):
        return data.X[rows].double().numpy()


@pytest.fixture
def fake(monkeypatch):
    engine = Fake()
    real = TRUNKS["lstm"].engine
    found = {real.train: engine, real.inputs: engine.inputs}
    monkeypatch.setattr(engines, "load", lambda target: found.get(target) or load(target))
    return engine


def numbers(result):
    return result.pairs, result.alignment, result.capacity, result.runs, result.weights


@pytest.mark.parametrize("way", WAYS)
def test_the_same_runs_are_planned_and_read_as_on_vectors(fake, way):
    mode, change = WAYS[way]
    tasks = shared_tasks() if way == "joint" else [with_tokens("a"), with_tokens("b", seed=1)]
    settings = replace(QUICK, **change)
    found = probe(tasks, settings, mode)
    plain = [replace(one, tokens=None) for one in tasks]
    expected = probe(plain, replace(settings, trunk="linear"), mode)
    assert fake.trained
    assert str(numbers(found)) == str(numbers(expected))
    assert found.settings.trunk == "lstm"


def test_both_arms_have_the_same_streams_rows_and_no_scale(fake):
    probe([with_tokens("a"), with_tokens("b", seed=1)], replace(QUICK, scale="target"))
    arms = {run.key: run for run in fake.trained}
    pairs = [run for run in fake.trained if run.key[0] == "mtl"]
    assert pairs
    for run in pairs:
        alone = arms["stl", -1, *run.key[2:]]
        assert (alone.seed, alone.stream, alone.updates) == (run.seed, run.stream, run.updates)
        assert alone.slots[0].stream == run.slots[0].stream
        assert np.array_equal(alone.slots[0].train, run.slots[0].train)
        assert run.scale == alone.scale == 1.0


def test_progress_counts_runs_kept_ones_at_once(fake, tmp_path):
    tasks = [with_tokens("a"), with_tokens("b", seed=1)]
    prepared = prepare(tasks, QUICK, Store(tmp_path))
    runs = _some_runs(fake, tasks)
    seen = []
    prepared.train(runs[:3], lambda *at: seen.append(at))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    seen.clear()
    prepared.train(runs[:5], lambda *at: seen.append(at))
    assert seen == [(3, 5), (4, 5), (5, 5)]


def _some_runs(fake, tasks):
    probe(tasks, QUICK)
    runs = list(fake.trained)
    fake.trained.clear()
    return runs


# ------------------------------------------------------------------- resuming


def test_finished_runs_are_not_trained_again(fake, tmp_path):
    tasks = [with_tokens("a"), with_tokens("b", seed=1)]
    settings = replace(QUICK, align=True)
    first = probe(tasks, settings, store=Store(tmp_path))
    count = len(fake.trained)
    assert len(list(Store(tmp_path).entries())) == count == first.runs
    again = probe(tasks, settings, store=Store(tmp_path))
    assert len(fake.trained) == count
    assert str(numbers(again)) == str(numbers(first))


@pytest.mark.parametrize(
    "change",
    [
        {"lr": 0.02},
        {"r": 2},
        {"updates": 13},
        {"batch": 16},
        {"weight_decay": (0.1,)},
        {"seeds": (7,)},
        {"target_rows": 41},
        {"recipes": ("share=0.2",)},
        {"weights": "uncertainty"},
    ],
)
def test_a_changed_setting_is_not_served_from_the_cache(fake, tmp_path, change):
    tasks = [with_tokens("a"), with_tokens("b", seed=1)]
    probe(tasks, QUICK, store=Store(tmp_path))
    fake.trained.clear()
    found = probe(tasks, replace(QUICK, **change), store=Store(tmp_path))
    pairs = [run for run in fake.trained if run.key[0] == "mtl"]
    assert pairs  # of a single task, sampling and weights change nothing
    assert len(found.pairs) == 2


@pytest.mark.parametrize("what", ["labels", "words", "layer", "name"])
def test_only_what_a_run_depends_on_counts(fake, tmp_path, what):
    tasks = [with_tokens("a"), with_tokens("b", seed=1)]
    probe(tasks, QUICK, store=Store(tmp_path))
    fake.trained.clear()
    one = tasks[0]
    layer = replace(LAYER, fingerprint="other") if what == "layer" else LAYER
    tasks = [replace(t, tokens=replace(t.tokens, layer=layer)) for t in tasks]
    if what == "labels":
        tasks[0] = replace(one, labels=1 - one.labels)
    if what == "words":
        tasks[0] = replace(one, tokens=replace(one.tokens, ids=(one.tokens.ids + 1) % 10))
    if what == "name":
        tasks[0] = replace(one, name="another")
    probe(tasks, QUICK, store=Store(tmp_path))
    assert bool(fake.trained) == (what != "name")


def test_a_state_is_not_served_to_a_bank_of_other_words(fake, tmp_path):
    tasks = [with_tokens("a"), with_tokens("b", seed=1)]
    prepared = prepare(tasks, QUICK, Store(tmp_path))
    run = _some_runs(fake, tasks)[0]
    for keep_state, again in ((False, 1), (True, 2)):
        chosen = replace(run, keep_state=keep_state)
        fake.trained.clear()
        for data in (prepared.data, _wider(prepared.data)):
            engines.train_tokens(data, [chosen], memory=1 << 30, store=prepared.store)
        assert len(fake.trained) == again


def _wider(data):
    """The training data as they would be beside another task: the same rows, with one word more."""
    tokens = data.tokens
    return replace(data, tokens=replace(tokens, numbers=tokens.numbers + (tokens.numbers > 9)))


def test_large_weights_are_not_kept(fake, tmp_path, monkeypatch):
    monkeypatch.setattr("taskaff.stages.probe.run_cache.MOST_BYTES", 0)
    tasks = [with_tokens("a"), with_tokens("b", seed=1)]
    prepared = prepare(tasks, QUICK, Store(tmp_path))
    run = _some_runs(fake, tasks)[0]
    for keep_state in (True, False):
        prepared.train([replace(run, keep_state=keep_state)])
        kept = [entry.kind for entry in prepared.store.entries()]
        assert kept == ([] if keep_state else [KIND])


# ------------------------------------------------------------------- settings


def test_defaults_go_by_the_trunk():
    assert defaults.settings_for({}) == TRUNKS["linear"].defaults
    for trunk in TRUNKS:
        found = defaults.settings_for({"trunk": trunk, "batch": None, "lr": 0.5})
        assert found.lr == 0.5
        assert found == replace(TRUNKS[trunk].defaults, trunk=trunk, lr=0.5)
    assert {t for t in TRUNKS if not fine_tuned(t)} == {"linear", "relu", "mlp"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"trunk": "gru"}, "unknown trunk 'gru'"),
        ({"trunk": "transformer", "r": 8}, "--r means nothing with --trunk transformer"),
        ({"trunk": "transformer-frozen", "capacities": (2,)}, "--capacity means nothing"),
    ],
)
def test_settings_that_a_trunk_has_not_are_refused(given, words):
    with pytest.raises(UsageError, match=words):
        defaults.settings_for(given)


@pytest.mark.parametrize(
    ("change", "mode", "words"),
    [
        ({"transference": True}, "pairs", "transference is measured on frozen vectors"),
        ({"max_tokens": 0}, "pairs", "max_tokens must be at least 1"),
        ({"r": 0}, "pairs", "r must be at least 1"),
        (
            {"trunk": "transformer", "capacities": (2,), "r": 16, "margin": 0.01},
            "pairs",
            "no capacity to sweep",
        ),
        ({"trunk": "transformer-frozen"}, "transfer", "nothing of a frozen transformer"),
    ],
)
def test_what_a_trunk_cannot_do_is_refused(change, mode, words):
    tasks = [with_tokens("a"), with_tokens("b", seed=1)]
    with pytest.raises(UsageError, match=words):
        probe(tasks, replace(QUICK, **change), mode)
