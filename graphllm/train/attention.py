"""Which attention trains fastest: on the CPU not the fused one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


@contextmanager
def plain_attention(module: nn.Module) -> Iterator[None]:
    """Let the transformers models inside a module write attention out as matrix products.

    On the CPU the backward pass of torch's fused attention takes half of a step in bfloat16 (heads
    of 32, 96 tokens: 1.7 times as long a step). Its forward pass alone is the faster one, and on
    other devices both are: there, and afterwards, it stays.

    Args:
        module: What is trained; it keeps its weights and, up to rounding, its outputs.
    """
    # the parts of a composed model have configs of their own
    configs: list[Any] = [getattr(part, "config", None) for part in module.modules()]
    fused = [c for c in configs if getattr(c, "_attn_implementation", None) == "sdpa"]
    if any(p.device.type != "cpu" for p in module.parameters()):
        fused = []
    try:
        for config in fused:
            config._attn_implementation = "eager"
        yield
    finally:
        for config in fused:
            config._attn_implementation = "sdpa"
