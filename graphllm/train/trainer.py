"""One loop for everything that is trained: cpu and cuda alike, resumable at any step."""

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from graphllm.errors import ConfigError, DataError

_MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """How a module is trained.

    Attributes:
        num_steps: Optimizer steps in all.
        learning_rate: The highest; it rises over the first steps and falls as a cosine to zero.
        warmup: Share of the steps in which it rises.
        weight_decay: Of AdamW.
        max_norm: Gradients longer than this are cut to it.
        seed: Of everything drawn.
        precision: "bf16" for mixed precision, "no" for float32.
        save_every: Steps between checkpoints.
    """

    num_steps: int
    learning_rate: float = 1e-3
    warmup: float = 0.06
    weight_decay: float = 0.01
    max_norm: float = 1.0
    seed: int = 0
    precision: str = "bf16"
    save_every: int = 100

    def __post_init__(self) -> None:
        if self.num_steps < 1 or self.save_every < 1:
            raise ConfigError("training needs one step or more, and so does a checkpoint")
        if self.precision not in ("bf16", "no"):
            raise ConfigError(f"precision is 'bf16' or 'no', got {self.precision!r}")

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0.

        Examples:
            >>> settings = TrainSettings(num_steps=100, learning_rate=1.0, warmup=0.1)
            >>> [round(settings.rate_at(step), 2) for step in (0, 9, 55, 99)]
            [0.1, 1.0, 0.5, 0.0]
        """
        rising = max(round(self.warmup * self.num_steps), 1)
        if step < rising:
            return self.learning_rate * (step + 1) / rising
        done = (step - rising) / max(self.num_steps - rising, 1)
        return self.learning_rate * (1 + math.cos(math.pi * done)) / 2


class Progress(NamedTuple):
    """What is told after each step."""

    step: int  # how many are done
    num_steps: int
    loss: float
    seconds: float  # since this run began


def train(
    module: torch.nn.Module,
    loss_of: Callable[[int], torch.Tensor],
    settings: TrainSettings,
    *,
    checkpoint: Path | None = None,
    on_step: Callable[[Progress], None] | None = None,
) -> None:
    """Train what requires a gradient in ``module``, in place.

    An interrupt ends it with the weights of the last whole step, after writing the checkpoint.

    Args:
        loss_of: Returns the loss of a step's batch. Batches must follow from the step's number
            alone: then a run that was resumed ends where one that was not ends.
        checkpoint: A safetensors file with weights and optimizer, written now and then, and
            resumed from when it is there.
        on_step: Called after each step.

    Raises:
        DataError: The checkpoint is damaged, or of another module.
    """
    from accelerate import Accelerator

    torch.manual_seed(settings.seed)
    accelerator = Accelerator()  # precision is ours: its own holds for the whole process
    mixed = torch.autocast(
        accelerator.device.type, torch.bfloat16, enabled=settings.precision == "bf16"
    )
    named = {name: p for name, p in module.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW(named.values(), weight_decay=settings.weight_decay)
    module.to(accelerator.device)
    done = _resume(checkpoint, named, optimizer) if checkpoint is not None else 0
    module.train()
    started = time.monotonic()
    try:
        while done < settings.num_steps:
            for group in optimizer.param_groups:
                group["lr"] = settings.rate_at(done)
            with mixed:
                loss = loss_of(done)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(named.values(), settings.max_norm)
            optimizer.step()
            optimizer.zero_grad()
            done += 1
            if on_step is not None:
                seconds = time.monotonic() - started
                on_step(Progress(done, settings.num_steps, loss.item(), seconds))
            if checkpoint is not None and done % settings.save_every == 0:
                _save(checkpoint, named, optimizer, done)
    finally:
        module.eval()
        if checkpoint is not None and done:
            _save(checkpoint, named, optimizer, done)


def _save(
    path: Path, named: dict[str, torch.nn.Parameter], optimizer: torch.optim.AdamW, done: int
) -> None:
    """Write weights and moments beside ``path``, then put them in its place at once."""
    tensors = {f"weight.{name}": p.detach().cpu().contiguous() for name, p in named.items()}
    for name, parameter in named.items():
        for moment in _MOMENTS:
            if moment in optimizer.state.get(parameter, {}):
                tensors[f"{moment}.{name}"] = optimizer.state[parameter][moment].cpu().contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    save_file(tensors, unfinished, metadata={"training": json.dumps({"step": done})})
    os.replace(unfinished, path)  # noqa: PTH105  the one call that replaces on every system


def _resume(path: Path, named: dict[str, torch.nn.Parameter], optimizer: torch.optim.AdamW) -> int:
    """Put back what ``_save`` wrote, and return how many steps were done; 0 without a file."""
    if not path.is_file():
        return 0
    try:
        with safe_open(path, framework="pt") as file:
            done = int(json.loads((file.metadata() or {})["training"])["step"])
            for name, parameter in named.items():
                with torch.no_grad():
                    parameter.copy_(file.get_tensor(f"weight.{name}"))
                optimizer.state[parameter] = {
                    "step": torch.tensor(float(done)),
                    **{m: file.get_tensor(f"{m}.{name}").to(parameter.device) for m in _MOMENTS},
                }
    except (SafetensorError, KeyError, ValueError, RuntimeError, OSError) as error:
        raise DataError(f"{path}: not a checkpoint of this training ({error})") from error
    return done
