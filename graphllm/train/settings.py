"""How a module is trained: the numbers of one training, checked once."""

from dataclasses import dataclass

from graphllm.errors import ConfigError
from graphllm.train.schedule import SCHEDULES, Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """How a module is trained.

    Attributes:
        num_steps: Optimizer steps in all.
        learning_rate: The highest.
        schedule: How it rises and falls; a name in ``graphllm.train.schedule``.
        warmup: Share of the steps in which it rises.
        minimum_rate: What it falls to.
        rate_every: Steps after which it is set anew; those of an epoch give a rate per epoch.
        betas: Of AdamW.
        weight_decay: Of AdamW, for matrices.
        decays_vectors: Whether biases and scales of norms decay too.
        max_norm: Gradients longer than this are cut to it.
        accumulate: Parts in which a batch goes through the module, one after the other; their
            gradients sum up to that of the whole batch. More parts need less memory.
        seed: Of everything drawn.
        precision: "bf16" for mixed precision, "no" for float32.
        save_every: Steps between checkpoints.
        validate_every: Steps between validations; 0 validates after each epoch.
        metric: Which of the numbers that validation returns says what is best.
        higher_is_better: Whether a higher one is; a lower one when false.
        patience: Validations in a row without a better one that end training; 0 never ends it.
    """

    num_steps: int
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    warmup: float = 0.06
    minimum_rate: float = 0.0
    rate_every: int = 1
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.01
    decays_vectors: bool = False
    max_norm: float = 1.0
    accumulate: int = 1
    seed: int = 0
    precision: str = "bf16"
    save_every: int = 100
    validate_every: int = 0
    metric: str = "loss"
    higher_is_better: bool = False
    patience: int = 0

    def __post_init__(self) -> None:
        if self.num_steps < 1 or self.save_every < 1:
            raise ConfigError("training needs one step or more, and so does a checkpoint")
        if self.precision not in ("bf16", "no"):
            raise ConfigError(f"precision is 'bf16' or 'no', got {self.precision!r}")
        if self.schedule not in SCHEDULES:
            raise ConfigError(f"schedule is one of {sorted(SCHEDULES)}, got {self.schedule!r}")
        if not 0 <= self.warmup <= 1:
            raise ConfigError(f"warmup is a share of the steps, 0 to 1, got {self.warmup:g}")
        if not 0 <= self.minimum_rate <= self.learning_rate:
            raise ConfigError(
                f"minimum_rate is between 0 and learning_rate ({self.learning_rate:g}),"
                f" got {self.minimum_rate:g}"
            )
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ConfigError(f"betas are two numbers from 0 to below 1, got {self.betas}")
        if self.max_norm <= 0 or self.weight_decay < 0:
            raise ConfigError("max_norm must be above 0, and weight_decay 0 or more")
        for name in ("accumulate", "rate_every"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be 1 or more, got {getattr(self, name)}")
        for name in ("seed", "validate_every", "patience"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} must be 0 or more, got {getattr(self, name)}")

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0.

        Examples:
            >>> settings = TrainSettings(num_steps=100, learning_rate=1.0, warmup=0.1)
            >>> [round(settings.rate_at(step), 2) for step in (0, 9, 55, 99)]
            [0.1, 1.0, 0.5, 0.0]
        """
        rates = Rates(self.num_steps, self.learning_rate, self.minimum_rate, self.warmup)
        return SCHEDULES[self.schedule](step - step % self.rate_every, rates)
