"""What training on questions over a graph came to: others, asked before it and after."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from graphllm.evaluate.metrics import Mean, mean
from graphllm.questions import BuiltQuestion


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeAfter(ABC):
    """Held-out questions, asked before a training and after it.

    Attributes:
        before: Whether each held-out question was answered right before.
        after: The same afterwards.
        asked: The held-out questions.
        num_train: Questions trained on.
        num_steps: Of training.
        minutes: That all of it took.
        seed: Of everything drawn.
    """

    before: Bool[np.ndarray, "n"]
    after: Bool[np.ndarray, "n"]
    asked: tuple[BuiltQuestion, ...]
    num_train: int
    num_steps: int
    minutes: float
    seed: int

    @property
    def difference(self) -> Mean:
        """How much larger the share right is afterwards, question by question."""
        return mean(self.after.astype(np.float64) - self.before)

    @property
    def by_kind(self) -> dict[str, tuple[Mean, Mean]]:
        """The shares right before and after, by kind of question."""
        kinds = np.array([q.operation if q.is_answerable else "no answer" for q in self.asked])
        return {
            kind: (mean(self.before[kinds == kind]), mean(self.after[kinds == kind]))
            for kind in sorted(set(kinds.tolist()))
        }

    def by_kind_to_dict(self) -> dict[str, dict[str, object]]:
        """Return the shares by kind of question as plain data."""
        return {
            kind: {"before": before.to_dict(), "after": after.to_dict()}
            for kind, (before, after) in self.by_kind.items()
        }

    @abstractmethod
    def to_dict(self) -> dict[str, object]:
        """Return the report as plain data."""
