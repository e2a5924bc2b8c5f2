"""Which attention trains fastest: on the CPU not the fused one."""

from torch import nn


def train_with_plain_attention(module: nn.Module) -> None:
    """Let the transformers models inside a module write attention out as matrix products.

    On the CPU the backward pass of torch's fused attention takes half of a step in bfloat16 (heads
    of 32, 96 tokens: 1.7 times as long a step); elsewhere the fused one is the better, and stays.

    Args:
        module: What is trained; it keeps its weights and, up to rounding, its outputs.
    """
    if any(p.device.type != "cpu" for p in module.parameters()):
        return
    for part in module.modules():
        # the parts of a composed model have configs of their own
        config = getattr(part, "config", None)
        if config is not None and getattr(config, "_attn_implementation", None) == "sdpa":
            config._attn_implementation = "eager"
