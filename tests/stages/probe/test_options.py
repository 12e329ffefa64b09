"""Every option of the probe against every mode: it changes the result or is refused by name."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cache

import numpy as np
import pytest
from stages.probe._zoo import task

from taskaff.cli.settings import probe_settings
from taskaff.core.config import Assignment, load
from taskaff.core.errors import UsageError
from taskaff.core.settings import ProbeSettings, declared
from taskaff.stages.probe import probe
from taskaff.stages.probe.checks import check_settings
from taskaff.stages.probe.options import check_options, for_mode

MODES = ("pairs", "mix", "transfer", "capacity")

QUICK = {
    "r": 2,
    "updates": 10,
    "patience": 0.0,
    "batch": 16,
    "recipe": "turns",
    "target_rows": 40,
    "seeds": 2,
    "weight_decay": [0.0],
}
OTHER = {
    "align": True,
    "align_form": "orthogonal",
    "align_rank": 2,
    "align_lr": 0.05,
    "align_train": "joint",
    "weights": "proportional",
    "svd_rank": 1,
    "recipe": "concat",
    "source_until": 0.2,
    "capacities": [1, 3],
    "r": 1,
    "trunk": "relu",
    "max_tokens": 5,
    "transference": True,
    "controls": True,
    "targets": ["b"],
    "each_label": True,
    "budget": 1e-3,
    "seeds": 3,
    "max_seeds": 4,
    "confidence": 0.5,
    "margin": 5.0,
    "target_rows": 50,
    "source_rows": 60,
    "validation_rows": 12,
    "test_rows": 15,
    "updates": 8,
    "patience": 3.0,
    "epochs": 2,
    "batch": 8,
    "lr": 0.1,
    "weight_decay": [0.5],
    "leaks": "keep",
    "splits": "drawn",
    "shares": True,
}
"""A value of every option that makes a difference where it makes one at all."""

CASES = [*OTHER.items(), ("leaks", "both")]

REFUSED = {
    "pairs": {"align_form", "align_rank", "align_lr", "align_train", "svd_rank", "max_tokens"},
    "mix": {
        *("align_form", "align_rank", "align_lr", "align_train", "svd_rank", "max_tokens"),
        *("source_until", "transference", "controls", "targets", "source_rows", "leaks=both"),
        "capacities",
    },
    "transfer": {
        *("align_rank", "align_train", "weights", "svd_rank", "recipe", "source_until"),
        *("max_tokens", "transference", "controls", "leaks=both", "capacities"),
    },
    "capacity": {
        *("align", "align_form", "align_rank", "align_lr", "align_train", "svd_rank"),
        *("source_until", "transference", "controls", "targets", "source_rows", "leaks=both"),
        *("margin", "r", "max_tokens"),
    },
}
for _mode in ("mix", "transfer", "capacity"):
    REFUSED[_mode].add("shares")
for _mode in MODES:
    REFUSED[_mode].add("each_label")  # no task has several labels


@cache
def tasks():
    """Of unlike sizes and kinds, with splits of their own, and rows that two of them share."""
    splits = np.repeat([0, 1, 2], [90, 25, 25])
    first = task("a", 140, splits=splits)
    hashes = np.arange(500, 600, dtype=np.uint64)
    hashes[:30] = first.hashes[60:90]
    return (first, task("b", 100, c=3, seed=1, hashes=hashes), task("c", 120, seed=2))


def settings_of(mode, **given):
    base = {name: value for name, value in QUICK.items() if name not in given}
    if mode == "capacity":
        given = {"capacities": [1, 2]} | given
    if "capacities" in given and "r" in base:
        del base["r"]
    if given.get("epochs"):
        base = {k: v for k, v in base.items() if k not in ("updates", "patience")}
    layers = [Assignment(("probe", k), v, f"--{k}") for k, v in (base | given).items()]
    return probe_settings(load(None, layers))


def run(mode, **given):
    return probe(tasks(), settings_of(mode, **given), mode="pairs" if mode == "capacity" else mode)


def shown(result):
    """All that a result says, but for the settings that it repeats and the time that it took."""
    pairs = [
        (p.source, p.target, p.arm, p.against, p.recipe, p.gain, p.gain_with_leaks, p.verdict)
        for p in result.pairs
    ]
    rows = [(row.source, row.target, row.run, row.z) for row in result.transference]
    held_out = [each.validation for each in result.tasks]
    parts = (held_out, pairs, result.alignment, result.capacity, rows, dict(result.weights))
    return repr((*parts, result.runs, result.finished, result.notes))


@cache
def plain(mode):
    return shown(run(mode))


def word(name, value):
    return f"{name}={value}" if value == "both" else name


def test_every_setting_is_walked():
    assert set(OTHER) == {each.name for each in declared(ProbeSettings)} - {"device"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("name", "value"), CASES, ids=[word(*case) for case in CASES])
def test_an_option_is_used_or_refused(mode, name, value):
    if word(name, value) in REFUSED[mode]:
        with pytest.raises(UsageError) as error:
            run(mode, **{name: value})
        option = {"capacities": "capacity"}.get(name, name).replace("_", "-")
        assert option in error.value.found.replace("_", "-")
        assert error.value.hint
        return
    found = run(mode, **{name: value})
    if (mode, name) == ("transfer", "align"):  # its arm with R is always there
        assert {pair.arm for pair in found.pairs} == {"fine-tuned", "fine-tuned with R"}
    else:
        assert shown(found) != plain(mode)


@pytest.mark.parametrize("mode", ["pairs", "mix"])
@pytest.mark.parametrize(
    "more",
    [
        {"align_form": "low-rank"},
        {"align_form": "low-rank", "align_rank": 2},
        {"align_lr": 0.05},
        {"align_train": "joint"},
    ],
    ids=str,
)
def test_options_of_alignment_are_used(mode, more):
    without = dict(list(more.items())[:-1])
    assert shown(run(mode, align=True, **more)) != shown(run(mode, align=True, **without))


def test_two_that_exclude_each_other_are_refused():
    for name in ("updates", "patience"):
        with pytest.raises(UsageError, match=f"--{name} means nothing here"):
            check_options(settings_of("pairs", epochs=2, **{name: 7}), "pairs")
    settings = ProbeSettings(recipes=("together",), leaks="both")
    with pytest.raises(UsageError, match="--leaks means nothing here"):
        check_options(settings, "pairs")
    with pytest.raises(UsageError, match="several recipes") as error:
        check_options(replace(settings, leaks="remove", recipes=("concat", "turns")), "mix")
    assert error.value.hint == "name one recipe"


def test_what_another_mode_was_set_up_with_can_be_left_out():
    """The gate probes mixes by the settings of a file that may be about pairs."""
    names = set(OTHER) - {"each_label", "capacities", "epochs", "recipe", "max_tokens"}
    wild = settings_of("pairs", **{name: OTHER[name] for name in names})
    found = for_mode(replace(wild, capacities=(1, 2), leaks="both"), "mix")
    assert check_options(found, "mix") == found
    check_settings(found)
    kept = ("trunk", "r", "lr", "updates", "patience", "target_rows", "weights", "margin")
    assert all(asdict(found)[name] == asdict(wild)[name] for name in kept)
    assert (found.targets, found.source_until, found.capacities) == ((), 1.0, ())
