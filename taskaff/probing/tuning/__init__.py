"""Trunks that are pretrained transformers (W's models for GLUE, appendix B.2 and B.3).

``transformer`` moves the whole body, which all tasks share; ``transformer-frozen`` keeps it as it
is, so that tasks share nothing that moves. A task has a linear head on the pooled vector, and with
alignment ``Z_i = E_i R_i`` between the embedding layer and the first layer (W Figure 4).

Usual for fine-tuning: AdamW, 10 % linear warm-up and then a linear decay to zero, gradients clipped
at norm 1, heads at ``HEAD_RATE`` times the body's learning rate. Dropout is off: its noise would
differ between the arms of a comparison. On CUDA matrix products are in bfloat16, weights and
moments in float32.

One run after the other: a body fills a device by itself. With several devices one worker each.
"""

from __future__ import annotations

HEAD_RATE = 20.0
"""Heads start at random and have to come further than the body."""

WARM_UP = 0.1
"""Share of the updates over which the learning rates rise."""

LOOKS = 10
"""Looks at the validation rows, evenly spaced: one costs as much as many updates here."""

CLIP = 1.0
"""Largest norm of a gradient; a step of heads and body has one, a step of ``R`` its own."""


def rate(t: int, steps: int) -> float:
    """Share of the learning rates at update ``t = 0 .. steps - 1``."""
    warm = max(1, round(WARM_UP * steps))
    return (t + 1) / warm if t < warm else (steps - t) / (steps - warm)


def looks(steps: int, start: bool) -> tuple[int, ...]:
    """Updates after which to look; ``start`` adds a look before the first."""
    return (*([0] * start), *sorted({-(-steps * i // LOOKS) for i in range(1, LOOKS + 1)}))
