"""Vectors from the word-piece table alone: thousands of times cheaper, and worse."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from graphllm.text.minilm import MiniLMEncoder

UNKNOWN = 100  # [UNK]


class StaticEncoder:
    """The mean input embedding of the word pieces of a text, with MiniLM's table.

    No layer of the transformer is run, so word order and context count for nothing: near in
    spelling and words is near in vectors, but a paraphrase is not. Meant for graphs whose node
    texts are too many to encode; relations and questions deserve `MiniLMEncoder`. A text without
    any word piece gets the vector of an unknown word.

    Examples:
        >>> film, films, river = StaticEncoder().encode(["a film", "the film", "a river"])
        >>> bool(film @ films > film @ river)
        True
    """

    def __init__(self, minilm: MiniLMEncoder | None = None) -> None:
        self._minilm = minilm or MiniLMEncoder()

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._minilm.dim

    @property
    def id(self) -> str:
        """Name and hash of the weights."""
        return f"static-{self._minilm.id}"

    def encode(self, texts: Sequence[str]) -> Float32[np.ndarray, "num_texts dim"]:
        """Return one vector of length one per text, in the order given."""
        table = self._minilm.word_embeddings
        vectors = np.empty((len(texts), self.dim), np.float32)
        for i, ids in enumerate(self._minilm.token_ids(texts)):
            pieces = ids[1:-1] or (UNKNOWN,)
            vectors[i] = table[list(pieces)].mean(axis=0)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
