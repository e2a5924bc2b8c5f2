"""An encoder with a memory, for many small graphs that share their words."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from graphllm.text.encoder import TextEncoder


class Remembering:
    """Encodes no text twice while it lives; a ``TextEncoder``.

    It keeps every vector: for measurements over many graphs, not for serving.
    """

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._known: dict[str, Float32[np.ndarray, dim]] = {}

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._encoder.dim

    @property
    def id(self) -> str:
        """The id of the encoder within."""
        return self._encoder.id

    def encode(self, texts: Sequence[str]) -> Float32[np.ndarray, "num_texts dim"]:
        """Return one vector per text, in the order given."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._encoder.encode(new), strict=True))
        found = [self._known[text] for text in texts]
        return np.stack(found) if found else np.zeros((0, self.dim), dtype=np.float32)
