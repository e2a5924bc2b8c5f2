"""Vectors from the word-piece table alone: some thirty times cheaper, and much worse."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
from jaxtyping import Float32

from graphllm.text.minilm import CHUNK_TEXTS, MiniLMEncoder

UNKNOWN = 100  # [UNK]


class StaticEncoder:
    """The mean input embedding of the word pieces of a text, with MiniLM's table.

    No layer of the transformer is run, so word order and context count for nothing: near in
    spelling and words is near in vectors, a paraphrase is not. Of the ten names nearest by MiniLM
    in a film graph it finds three. Meant for graphs whose node texts are too many to encode;
    relations and questions deserve `MiniLMEncoder`. A text without any word piece gets the vector
    of an unknown word.

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
        vectors = np.empty((len(texts), self.dim), np.float32)
        for start in range(0, len(texts), CHUNK_TEXTS):
            part = texts[start : start + CHUNK_TEXTS]
            vectors[start : start + len(part)] = self._sums(part)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def _sums(self, texts: Sequence[str]) -> Float32[np.ndarray, "num_texts dim"]:
        """Return the sum of the embeddings of each text; a mean differs in its length only."""
        pieces = [ids[1:-1] or (UNKNOWN,) for ids in self._minilm.token_ids(texts)]
        starts = np.cumsum([0, *map(len, pieces[:-1])])
        table = self._minilm.word_embeddings
        return np.add.reduceat(table[list(chain.from_iterable(pieces))], starts, axis=0)
