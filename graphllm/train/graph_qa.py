"""Training of a model that answers questions over graphs, as published or by our own defaults."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from graphllm.errors import ConfigError, DataError
from graphllm.llm import Generation
from graphllm.models.g_retriever import Told
from graphllm.train.batches import BucketedBatches
from graphllm.train.settings import TrainSettings
from graphllm.train.trainer import Batches, Progress, Trained, train

E = TypeVar("E")


@runtime_checkable
class Answering(Protocol):
    """What is trained and asked: a ``torch.nn.Module`` of one's own with two methods."""

    def __call__(self, questions: Sequence[Told]) -> Float[Tensor, ""]:
        """Return the mean loss of the labels of some questions."""

    def generate(self, questions: Sequence[Told]) -> list[Generation]:
        """Return the reply to each question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochSettings:
    """How long and how fast a model is trained.

    Attributes:
        paper_mode: The published optimizer, schedule and batches; else our trainer's usual ones.
        epochs: Times that all questions are trained on; 0 trains nothing.
        batch_size: Questions a step.
        learning_rate: The highest; the published one is 1e-5.
        patience: Epochs without a lower validation loss that end training; 0 never does.
        precision: "bf16" or "no".

    Raises:
        ConfigError: A number is out of range.
    """

    paper_mode: bool = False
    epochs: int = 10
    batch_size: int = 8
    learning_rate: float = 5e-4
    patience: int = 2
    precision: str = "no"

    def __post_init__(self) -> None:
        if self.epochs < 0 or self.batch_size < 1:
            raise ConfigError("epochs must be 0 or more, and batch_size 1 or more")

    def settings(self, per_epoch: int, seed: int) -> TrainSettings:
        """Return the numbers of a training.

        Source, in paper mode: G-Retriever, appendix and code: AdamW with betas .9 and .95, weight
        decay .05 of all weights, gradients cut to .1; the rate rises for an epoch and falls to
        5e-6 by a half cosine.

        Args:
            per_epoch: Steps.
            seed: Of everything drawn.
        """
        usual = TrainSettings(
            num_steps=self.epochs * per_epoch,
            learning_rate=self.learning_rate,
            weight_decay=0.05,
            patience=self.patience,
            precision=self.precision,
            save_every=per_epoch,
            seed=seed,
        )
        if not self.paper_mode:
            return usual
        return replace(
            usual,
            schedule="every_second_step",
            warmup=1 / self.epochs,
            minimum_rate=min(5e-6, self.learning_rate),
            betas=(0.9, 0.95),
            decays_vectors=True,
            max_norm=0.1,
        )


class ShuffledBatches(Generic[E]):
    """All examples in another order each epoch, in batches of one size; what is left over waits.

    Source: the published loaders: ``shuffle=True, drop_last=True``.

    Raises:
        DataError: There are fewer examples than a batch has.

    Examples:
        >>> batches = ShuffledBatches("abcdefg", size=3, seed=0)
        >>> batches.per_epoch, len(batches[0]), len(set(batches[0] + batches[1]))
        (2, 3, 6)
    """

    def __init__(self, examples: Sequence[E], *, size: int, seed: int) -> None:
        if len(examples) < size:
            raise DataError(f"{len(examples)} examples make no batch of {size}; lower batch_size")
        self._examples, self._size, self._seed = examples, size, seed

    @property
    def per_epoch(self) -> int:
        """How many whole batches there are."""
        return len(self._examples) // self._size

    def __getitem__(self, step: int) -> list[E]:
        """Return the examples of a step, counted from 0."""
        epoch, place = divmod(step, self.per_epoch)
        order = np.random.default_rng((self._seed, epoch)).permutation(len(self._examples))
        chosen = order[place * self._size : (place + 1) * self._size]
        return [self._examples[i] for i in chosen.tolist()]


def batches_of(
    questions: Sequence[Told], how: EpochSettings, seed: int
) -> ShuffledBatches[Told] | BucketedBatches[Told]:
    """Return the batches: drawn as published, or of questions of about one length."""
    if how.paper_mode:
        return ShuffledBatches(questions, size=how.batch_size, seed=seed)
    lengths = [len(told.text) + len(told.question) for told in questions]
    return BucketedBatches(questions, lengths, size=how.batch_size, seed=seed)


def train_on_questions(
    model: torch.nn.Module,
    questions: Sequence[Told],
    held_back: Sequence[Told],
    how: EpochSettings,
    *,
    seed: int = 0,
    checkpoint: Path | None = None,
    on_step: Callable[[Progress], None] | None = None,
) -> Trained:
    """Train ``model``, and end with the weights whose loss on ``held_back`` is the lowest.

    Args:
        model: `Answering`.
        questions: To train on.
        held_back: That tell when to stop; without them training lasts all epochs.
        how: Settings.
        seed: Of everything drawn.
        checkpoint: Resumed from when it is there; see ``train``.
        on_step: Called after each step.

    Raises:
        TrainingError: A loss or a gradient is not finite.
    """
    batches: Batches[Told] = batches_of(questions, how, seed)
    return train(
        model,
        lambda module, batch: module(batch),
        batches,
        how.settings(batches.per_epoch, seed),
        collate=list,
        measure=(lambda module: measured(module, held_back, how.batch_size)) if held_back else None,
        checkpoint=checkpoint,
        on_step=on_step,
    )


def measured(
    model: torch.nn.Module, questions: Sequence[Told], batch_size: int
) -> Mapping[str, float]:
    """Return the mean over batches of their losses, in the order of the questions.

    Source: the published validation, in which the last batch counts as much as any.
    """
    starts = range(0, len(questions), batch_size)
    losses = [model(questions[start : start + batch_size]).item() for start in starts]
    return {"loss": sum(losses) / len(losses)}
