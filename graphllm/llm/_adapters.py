"""What of a language model is trained: nothing, low-rank adapters, or all of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.pytorch_utils import Conv1D

from graphllm.errors import ConfigError
from graphllm.graph.plain import plain

SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraSettings:
    """Low-rank adapters beside the frozen weights of linear layers.

    Source: Hu et al. 2021, LoRA; the defaults are those of G-Retriever.

    Attributes:
        rank: Of the two matrices whose product is added to a weight.
        alpha: The product counts alpha / rank times.
        dropout: Share of the inputs of an adapter set to zero while it is trained.
        targets: Names of the layers that get one, such as ``("q_proj", "v_proj")``; the usual ones
            of the model's architecture when empty.

    Raises:
        ConfigError: A value is out of its range.
    """

    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.05
    targets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ConfigError(f"rank must be 1 or more, got {self.rank}")
        if not self.alpha > 0:
            raise ConfigError(f"alpha must be above 0, got {self.alpha}")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout must be at least 0 and below 1, got {self.dropout}")


def add_lora(model: nn.Module, settings: LoraSettings) -> None:
    """Put adapters into ``model``; they change nothing before they are trained.

    Their weights are float32 whatever the model's are, since small steps would be lost in halves.

    Raises:
        ConfigError: The model has no such layers, or none are usual for it and none are named.
    """
    from peft import LoraConfig, inject_adapter_in_model

    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,  # type: ignore[arg-type]  # peft says int, and divides
        lora_dropout=settings.dropout,
        target_modules=list(settings.targets) or _usual_within(model),
        fan_in_fan_out=any(map(_is_transposed, model.modules())),
    )
    try:
        inject_adapter_in_model(config, model)
    except ValueError as error:
        raise ConfigError(
            f"no adapters for the layers {list(settings.targets) or 'usual elsewhere'}: name some "
            f"of {_linear_names(model)} as LoraSettings(targets=...)"
        ) from error
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()


def _usual_within(model: nn.Module) -> list[str] | None:
    """Return the usual layers of the two models that an encoder-decoder is made of.

    peft knows what is usual for each of them; ``None`` leaves the choice to it.
    """
    from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as USUAL

    config = getattr(model, "config", None)
    if getattr(config, "model_type", "") != "encoder-decoder":
        return None
    halves = [getattr(config, side).model_type for side in ("encoder", "decoder")]
    return sorted({name for half in halves for name in USUAL.get(half, ())}) or None


def _linear_names(model: nn.Module) -> list[str]:
    named = {name.rpartition(".")[2] for name, part in model.named_modules() if _is_linear(part)}
    return sorted(named)[:SHOWN]


def _is_linear(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear) or _is_transposed(module)


def _is_transposed(module: nn.Module) -> bool:
    """Whether it is a linear layer of GPT-2, whose weight is (inputs, outputs)."""
    return isinstance(module, Conv1D)


def set_mode(model: nn.Module, *, training: bool, frozen: bool, checkpointing: bool) -> None:
    """Turn on what acts in training only: dropout where weights are trained, and checkpointing.

    Frozen layers stay as they are asked later; their dropout would only add noise. transformers
    checkpoints a layer when it is in training mode, which says nothing about the parts inside.
    """
    model.train(training and not frozen)
    for name, module in model.named_modules():
        if ".lora_dropout" in name:
            module.train(training)
        if isinstance(module, GradientCheckpointingLayer):
            module.training = module.training or checkpointing


def trainable_state(model: nn.Module) -> dict[str, Tensor]:
    """Return a copy of the weights that are trained, on the CPU."""
    return {
        name: parameter.detach().cpu().clone().contiguous()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


def load_state(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Set the weights that are trained to those of ``state``, which has all of them and no more.

    Raises:
        ConfigError: The names or shapes are others.
    """
    own = {name: part for name, part in model.named_parameters() if part.requires_grad}
    if others := sorted(set(own) ^ set(state)):
        where = "is no weight that the model trains" if others[0] in state else "is missing"
        raise ConfigError(
            f"{plain(others[0])!r} {where} ({len(others)} names differ): open the model with the "
            "settings it was trained with (lora, frozen)"
        )
    for name, parameter in own.items():
        if parameter.shape != state[name].shape:
            raise ConfigError(
                f"{name!r} has the shape {tuple(state[name].shape)}, the model's is "
                f"{tuple(parameter.shape)}: open the model with the settings it was trained with"
            )
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(state[name])


def write_state(state: Mapping[str, Tensor], path: Path) -> None:
    """Write ``state`` as safetensors."""
    save_file(dict(state), path)


def read_state(path: Path) -> dict[str, Tensor]:
    """Return what ``write_state`` wrote.

    Raises:
        ConfigError: There is no such file, or it is no safetensors.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ConfigError(
            f"{path} cannot be read as safetensors: {plain(str(error).splitlines()[0])}"
        ) from error


def enable_checkpointing(model: nn.Module) -> None:
    """Let the model compute its layers again on the way back instead of keeping what they gave.

    The non-reentrant kind is used: it also works when no input of a layer asks for a gradient, as
    with frozen embeddings.

    Raises:
        ConfigError: The model has no layers that transformers can checkpoint.
    """
    layers = [part for part in model.modules() if isinstance(part, GradientCheckpointingLayer)]
    if not layers:
        raise ConfigError(f"{type(model).__name__} has no layers to checkpoint; leave it off")
    for layer in layers:
        layer.gradient_checkpointing = True
        vars(layer)["_gradient_checkpointing_func"] = partial(checkpoint, use_reentrant=False)
