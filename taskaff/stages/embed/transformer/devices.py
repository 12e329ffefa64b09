"""Where a model computes, and in which numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from taskaff.core.errors import UsageError
from taskaff.stages.embed.transformer.plan import Rule

if TYPE_CHECKING:
    from taskaff.core.settings import EncoderOptions

CPU_RULE = Rule(budget=1024, overhead=48)
"""Small enough for the processor's caches; beyond some 50 tokens a batch gains nothing."""
GPU_RULE = Rule(budget=32768, overhead=2048)
"""Enough work that starting the kernels of a batch takes less time than running them."""


def devices(name: str) -> list[torch.device]:
    """The devices of ``--device``; ``auto``: every CUDA GPU, else the Apple GPU, else the CPU.

    Raises
    ------
    UsageError : a device that torch does not know or that this machine does not have.
    """
    if name == "auto":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if count:
            return [torch.device("cuda", i) for i in range(count)]
        return [torch.device("mps" if torch.backends.mps.is_available() else "cpu")]
    try:
        device = torch.device(name)
        torch.empty(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        problem = f"device {name!r} cannot be used: {str(error).splitlines()[0]}"
        raise UsageError(problem, hint="--device cpu") from error
    return [torch.device("cuda", 0) if name == "cuda" else device]


def dtype_for(options: EncoderOptions, placed: list[torch.device]) -> torch.dtype:
    """What was asked for; else bfloat16 where all devices are GPUs that compute in it, or float32.

    Never by itself on a processor, though some compute in it: a signature made on one of them would
    not compare with one from the next machine.
    """
    if options.dtype != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[options.dtype]
    able = (d.type == "cuda" and torch.cuda.get_device_capability(d) >= (8, 0) for d in placed)
    return torch.bfloat16 if all(able) else torch.float32


def rule_for(device: torch.device, batch_size: int | None) -> Rule:
    """How batches are cut for a device; ``batch_size`` fixes their rows."""
    rule = CPU_RULE if device.type == "cpu" else GPU_RULE
    return rule if batch_size is None else Rule(rule.budget, rule.overhead, batch_size)
