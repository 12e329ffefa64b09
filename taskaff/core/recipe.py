"""Training recipes: how the updates of a run are shared among its tasks.

* ``turns``: the tasks alternate.
* ``concat``: shares as in concatenated data, by the training rows of the files.
* ``share=0.2``: the source (in a mix: the task that is added) has this share of the updates; the
  others take turns.
* ``temperature=2``: shares by training rows to the power 1/2.
* ``together``: every update has one batch with the labels of all tasks, which need the same inputs.

The recipe decides the verdict more than anything else does, so it is part of every result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from taskaff.core.errors import UsageError
from taskaff.core.registry import unknown_name

TURNS, CONCAT, TOGETHER, SHARE, TEMPERATURE = "turns", "concat", "together", "share", "temperature"

EXAMPLES = (TURNS, CONCAT, "share=0.2", "temperature=2", TOGETHER)

RENAMED = {"equal": TURNS, "mixed": CONCAT, "proportional": CONCAT, "joint": TOGETHER}
"""Names of sampling rules in earlier versions."""

RULES = {
    TURNS: "the tasks take turns: each has one update before any has the next",
    CONCAT: "shares of the updates as in concatenated data, by the files' training rows",
    SHARE: "the source (in a mix: the added task) has this share of the updates, the others take "
    "turns",
    TEMPERATURE: "shares of the updates by the files' training rows to the power 1 / temperature",
    TOGETHER: "every update is one batch with the labels of all tasks, their losses summed",
}

CURVE = ("share=0.05", "share=0.1", "share=0.2", "share=0.35")
"""Recipes of a curve over the source's share, beside ``turns`` (one half) and ``concat``."""

BEST = "best share"
"""What the outcome at the best share of a curve has in place of a recipe."""

PREDICTED = "concat"
"""The recipe of the shipped atlas, and so of predictions."""

PREDICTED_RULE = "concat, 1,200 updates in all"
"""The same with its number of updates, of which a target beside a large source got few."""

MOST_UPDATES = 30.0
"""Maximum number of updates of another task for one of a task that is tested."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe by name, with its number where it has one."""

    name: str
    value: float | None = None

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}={self.value:g}"

    @property
    def together(self) -> bool:
        """Whether an update has all tasks."""
        return self.name == TOGETHER

    @property
    def rule(self) -> str:
        """What it does, in words."""
        return RULES[self.name]

    def shares(self, rows: Sequence[float], newcomer: int | None = None) -> tuple[float, ...]:
        """Shares of the updates of ``k`` tasks, which sum to 1.

        Parameters
        ----------
        rows : training rows of each task in its files.
        newcomer : number of the task that ``share`` is about; without one all take turns.
        """
        k = len(rows)
        if self.name == SHARE and newcomer is not None and k > 1:
            assert self.value is not None
            rest = (1.0 - self.value) / (k - 1)
            return tuple(self.value if i == newcomer else rest for i in range(k))
        if self.name not in (CONCAT, TEMPERATURE):
            return (1.0 / k,) * k
        powers = [float(n) ** (1.0 / (self.value or 1.0)) for n in rows]
        return tuple(power / sum(powers) for power in powers)


def parse(text: str) -> Recipe:
    """A recipe from its name.

    Raises
    ------
    UsageError : an unknown name, a name of an earlier version, a number out of range.
    """
    name, equals, number = text.strip().partition("=")
    if name in RENAMED:
        raise UsageError(
            f"{name!r} was a sampling rule, and is the recipe {RENAMED[name]!r} now",
            hint=f"--recipe {RENAMED[name]}",
        )
    if name not in RULES:
        raise unknown_name("recipe", text, EXAMPLES)
    if name not in (SHARE, TEMPERATURE):
        if equals:
            raise UsageError(f"recipe {name} takes no number", hint=f"--recipe {name}")
        return Recipe(name)
    example = EXAMPLES[2] if name == SHARE else EXAMPLES[3]
    try:
        value = float(number)
    except ValueError:
        raise UsageError(f"recipe {text!r} needs a number", hint=f"--recipe {example}") from None
    if name == SHARE and not 0.0 < value < 1.0:
        raise UsageError(f"a share lies between 0 and 1, not {value:g}", hint=f"--recipe {example}")
    if name == TEMPERATURE and not 1.0 <= value < float("inf"):
        raise UsageError(f"a temperature is 1 or more, not {value:g}", hint=f"--recipe {example}")
    return Recipe(name, value)


def rates(shares: Sequence[float], tested: Sequence[bool]) -> tuple[float, ...]:
    """Updates of each task for one of the reference: the tested task with the largest share.

    A tested task gets at least one update for ``MOST_UPDATES`` of any other task, since its run
    would not end otherwise.
    """
    least = max(shares) / MOST_UPDATES
    pairs = list(zip(shares, tested, strict=True))
    lifted = [max(share, least) if own else share for share, own in pairs]
    reference = max(share for share, own in zip(lifted, tested, strict=True) if own)
    return tuple(share / reference for share in lifted)
