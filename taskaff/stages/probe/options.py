"""Settings that mean nothing beside others: refused by name, never accepted and ignored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from taskaff.core.errors import UsageError
from taskaff.core.recipe import parse
from taskaff.core.settings import ProbeSettings, declared
from taskaff.stages.probe.defaults import settings_for
from taskaff.stages.probe.trunks import TRUNKS, fine_tuned

OPTIONS = {
    **{
        each.field: f"--{each.option}" if each.option else each.name
        for each in declared(ProbeSettings)
    },
    "margin_unit": "--margin",
    "keep_outputs": "--save-predictions",
    "keep_matrices": "-o FILE.safetensors",
}
"""Settings as they are asked for: by an option, or by a key; others by their names in Python."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When some settings mean something, and what to say where they do not."""

    names: tuple[str, ...]
    means: Callable[[ProbeSettings, str], bool]
    """Whether the settings and the mode use the option."""
    why: str
    """``{mode}`` is how the mode is asked for."""
    hint: str


def _pairs(_: ProbeSettings, mode: str) -> bool:
    return mode == "pairs"


def _together(settings: ProbeSettings) -> bool:
    return all(parse(recipe).together for recipe in settings.recipes)


RULES = (
    Rule(
        ("align",),
        lambda _, mode: mode != "capacity",
        "matrices of its own let a task go round the shared module, whose width {mode} is about",
        "--mode mix --align, or leave one out",
    ),
    Rule(
        ("align_form", "align_lr", "align_rank"),
        lambda s, mode: s.align or mode == "transfer",
        "there are no alignment matrices without --align",
        "--align",
    ),
    Rule(
        ("keep_matrices",),
        lambda s, mode: s.align or mode == "transfer",
        "there are no alignment matrices without --align",
        "--align",
    ),
    Rule(
        ("keep_outputs",),
        lambda _, mode: mode != "capacity",
        "a sweep compares no two arms",
        "leave --save-predictions out",
    ),
    Rule(
        ("align_rank",),
        lambda s, _: s.align_form == "low-rank",
        "only the low-rank form has a rank",
        "--align-form low-rank",
    ),
    Rule(
        ("align_train",),
        lambda s, mode: s.align and mode != "transfer",
        "it is about the stage that --align adds to pairs and mixes",
        "--align, with --mode pairs or mix",
    ),
    Rule(
        ("align_train",),
        lambda s, _: TRUNKS[s.trunk].moves,
        "nothing that is shared moves with --trunk transformer-frozen",
        "--trunk transformer",
    ),
    Rule(
        ("weights",),
        lambda _, mode: mode != "transfer",
        "tasks are trained one after the other with {mode}",
        "--mode pairs or mix",
    ),
    Rule(
        ("svd_rank",),
        lambda s, _: s.weights in ("svd", "svd-printed"),
        "only the weights of Algorithm 2 have a rank",
        "--weights svd",
    ),
    Rule(
        ("recipes",),
        lambda _, mode: mode != "transfer",
        "tasks share no updates with {mode}: they are trained one after the other",
        "--mode pairs or mix",
    ),
    Rule(
        ("recipes",),
        lambda s, mode: mode == "pairs" or len(s.recipes) == 1,
        "only pairs are measured by several recipes at once, and {mode} by one",
        "name one recipe",
    ),
    Rule(("source_until",), _pairs, "a source leaves a pair, and {mode} has none", "--mode pairs"),
    Rule(
        ("controls", "transference"),
        _pairs,
        "it is measured between pairs, not with {mode}",
        "--mode pairs",
    ),
    Rule(
        ("shares",),
        _pairs,
        "the source's share is that of a pair, not of {mode}",
        "--recipe share=0.2 trains a mix with one share of the added task",
    ),
    Rule(
        ("transference_every",),
        lambda s, _: s.transference,
        "nothing is measured without --transference",
        "--transference",
    ),
    Rule(
        ("targets",),
        lambda _, mode: mode in ("pairs", "transfer"),
        "every task is a target with {mode}",
        "--mode pairs or transfer",
    ),
    Rule(
        ("source_rows",),
        lambda s, mode: mode == "transfer" or (mode == "pairs" and not _together(s)),
        "every task has the rows of a target here",
        "--target-rows",
    ),
    Rule(
        ("leaks",),
        lambda s, mode: s.leaks != "both" or mode == "pairs",
        "both are measured side by side in pairs only, not with {mode}",
        "--leaks keep, or remove, and compare",
    ),
    Rule(
        ("leaks", "leaks_train"),
        lambda s, mode: mode != "pairs" or not _together(s),
        "with recipe together all tasks are trained on the same rows",
        "--recipe turns",
    ),
    Rule(
        ("leaks_train",),
        lambda s, mode: mode in ("pairs", "transfer") and s.leaks != "keep",
        "only rows that a task is tested on are taken out here",
        "leave it out",
    ),
    Rule(
        ("margin", "margin_unit"),
        lambda _, mode: mode != "capacity",
        "there are no verdicts with {mode}",
        "leave --margin out",
    ),
    Rule(("r",), lambda _, mode: mode != "capacity", "{mode} names the widths", "leave --r out"),
    Rule(
        ("capacities",),
        lambda _, mode: mode == "capacity",
        "a sweep takes the place of {mode}",
        "leave one of the two out",
    ),
    Rule(
        ("updates", "patience"),
        lambda s, _: s.epochs is None,
        "a run ends after its --epochs",
        "leave one of the two out",
    ),
    Rule(
        ("max_tokens",),
        lambda s, _: fine_tuned(s.trunk),
        "trunks on vectors read no tokens",
        "--trunk lstm, cnn, mlp-tokens or transformer",
    ),
)


def mode_of(settings: ProbeSettings, mode: str) -> str:
    """``capacity`` where capacities are given in place of pairs."""
    return "capacity" if settings.capacities and mode == "pairs" else mode


def check_options(settings: ProbeSettings, mode: str) -> ProbeSettings:
    """The settings as the mode takes them: where it measures one recipe, the first of the trunk's.

    Raises
    ------
    UsageError : a setting that differs from its default and would be ignored.
    """
    settings = _one_recipe(settings, mode)
    for rule, name in _meaningless(settings, mode):
        asked = "--capacity" if mode == "capacity" else f"--mode {mode}"
        word = OPTIONS.get(name, name)
        raise UsageError(
            f"{word} means nothing here: {rule.why.format(mode=asked)}", hint=rule.hint
        )
    return settings


def for_mode(settings: ProbeSettings, mode: str) -> ProbeSettings:
    """The settings without those that mean nothing with the mode, for callers that chose it."""
    defaults = _defaults(settings)
    settings = _one_recipe(replace(settings, recipes=settings.recipes[:1]), mode)
    while names := {name for _, name in _meaningless(settings, mode)}:
        settings = replace(settings, **{name: defaults[name][0] for name in names})
    return settings


def _one_recipe(settings: ProbeSettings, mode: str) -> ProbeSettings:
    if mode != "pairs" and settings.recipes in _defaults(settings)["recipes"]:
        return replace(settings, recipes=settings.recipes[:1])
    return settings


def _meaningless(settings: ProbeSettings, mode: str) -> Iterator[tuple[Rule, str]]:
    defaults = _defaults(settings)
    for rule in RULES:
        if not rule.means(settings, mode):
            for name in rule.names:
                if getattr(settings, name) not in defaults[name]:
                    yield rule, name


def _defaults(settings: ProbeSettings) -> dict[str, tuple[Any, ...]]:
    """What each setting is when it is not given: as the trunk has it, or as the record has it."""
    both = settings_for({"trunk": settings.trunk}), ProbeSettings()
    names = {name for rule in RULES for name in rule.names}
    defaults: dict[str, tuple[Any, ...]] = {
        name: tuple(getattr(each, name) for each in both) for name in names
    }
    defaults["recipes"] += tuple(recipes[:1] for recipes in defaults["recipes"])
    return defaults
