"""The plan scorer: how near a question lies to a plan, by an encoder trained for that."""

import os
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
from jaxtyping import Float32

from graphllm.errors import ConfigError
from graphllm.text.encoder import TextEncoder

SHIPPED = Path(__file__).parents[1] / "weights" / "planner" / "adapter.safetensors"
TRANSFER = SHIPPED.with_name("transfer.safetensors")
OTHER = "GRAPHLLM_SCORER"  # names other weights: a file, "transfer" or "none"
_KEPT = 20_000  # texts whose vectors are remembered, 1.5 kB each: a graph's plans come again


class PlanScorer:
    """Similarities of questions and plans, both as short texts; safe to share between threads.

    Args:
        encoder: Trained so that a question lies near its own plan.
    """

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._lock = Lock()
        self._vectors: OrderedDict[str, Float32[np.ndarray, dim]] = OrderedDict()

    @property
    def id(self) -> str:
        """Name and hash of the weights."""
        return self._encoder.id

    @classmethod
    def load(cls, weights: Path = SHIPPED) -> "PlanScorer":
        """Return the scorer with these LoRA weights; those that ship by default.

        Raises:
            DataError: The file is not there or damaged.
        """
        return _loaded(weights.resolve())

    def vectors(self, texts: Sequence[str]) -> Float32[np.ndarray, "num_texts dim"]:
        """Return a vector of length one for each text; each text is encoded once."""
        with self._lock:
            new = [t for t in dict.fromkeys(texts) if t not in self._vectors]
            if new:
                self._vectors.update(zip(new, self._encoder.encode(new), strict=True))
            found = np.stack([self._vectors[text] for text in texts])
            for text in texts:
                self._vectors.move_to_end(text)
            while len(self._vectors) > _KEPT:
                self._vectors.popitem(last=False)
        return found

    def similarities(self, pairs: Sequence[tuple[str, str]]) -> Float32[np.ndarray, "num_pairs"]:
        """Return the cosine of the two texts of each pair, between -1 and 1."""
        if not pairs:
            return np.zeros(0, dtype=np.float32)
        vectors = self.vectors([text for pair in pairs for text in pair])
        return np.einsum("nd,nd->n", vectors[0::2], vectors[1::2]).astype(np.float32)


def shipped_scorer() -> PlanScorer | None:
    """Return the scorer that is used when no other is named; ``None`` where there is none.

    Raises:
        ConfigError: ``GRAPHLLM_SCORER`` names a file that is not there.
    """
    path = shipped_weights()
    return None if path is None else PlanScorer.load(path)


def shipped_weights() -> Path | None:
    """Return the weights that ship, or what ``GRAPHLLM_SCORER`` names.

    That is a file, or ``transfer``, the weights that saw no film question. ``None`` where it says
    ``none``, and in a copy of graphllm without its weights.

    Raises:
        ConfigError: There is no such file.
    """
    named = os.environ.get(OTHER, "")
    if named == "none" or not (named or SHIPPED.is_file()):
        return None
    own = {"": SHIPPED, "transfer": TRANSFER}
    path = own.get(named) or Path(named).expanduser()
    if not path.is_file():
        raise ConfigError(f"{OTHER}: expected a file of weights or 'none'; there is no {path}")
    return path


@lru_cache(maxsize=4)
def _loaded(weights: Path) -> PlanScorer:
    from graphllm.text.minilm import MiniLMEncoder

    return PlanScorer(MiniLMEncoder(lora=weights))
