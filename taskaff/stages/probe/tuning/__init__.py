"""Trunks that are pretrained transformers (W's models for GLUE, appendix B.2 and B.3).

``transformer`` moves the whole body, which all tasks share; ``transformer-frozen`` keeps it as it
is, so that tasks share nothing that moves. A task has a linear head on the pooled vector, and with
alignment ``Z_i = E_i R_i`` between the embedding layer and the first layer (W Figure 4).

Usual for fine-tuning: AdamW, 10 % linear warm-up (and a linear decay to zero where the number of
updates is fixed), gradients clipped at norm 1, heads at ``HEAD_RATE`` times the body's learning
rate. Dropout is off: its noise would differ between the arms of a comparison. On CUDA matrix
products are in bfloat16, weights and moments in float32.

One run after the other: a body fills a device by itself. With several devices one worker each.
"""

from __future__ import annotations

HEAD_RATE = 20.0
"""Heads start at random and have to come further than the body."""

WARM_UP = 0.1
"""Share of the updates over which the learning rates rise."""

CLIP = 1.0
"""Largest norm of a gradient; a step of heads and body has one, a step of ``R`` its own."""


def rate(t: int, updates: int, *, falls: bool) -> float:
    """Share of the learning rates at update ``t = 0, 1, ...`` of a run with so many at its cap.

    It ``falls`` to zero where the number of updates is fixed. A run that ends when it stops
    improving keeps the full rate: a falling one would make every run end at its cap.
    """
    warm = max(1, round(WARM_UP * updates))
    if t < warm:
        return (t + 1) / warm
    return max(updates - t, 0) / max(updates - warm, 1) if falls else 1.0
