"""Vectors of a graph's own words, kept between processes: they are asked for at every start."""

import threading
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float16, Float32

from graphllm.errors import DataError
from graphllm.index.folders import cache_dir
from graphllm.index.vector_store import VectorStore, keys_of
from graphllm.index.vectors import slug
from graphllm.text.encoder import TextEncoder


class RememberedEncoder:
    """A text encoder that encodes no text twice, whatever process asks; a ``TextEncoder``.

    For labels of relations and types, some thousands of texts; vectors of nodes have a store of
    their own. Vectors are rounded to float16 the first time too, so that answers do not depend on
    whether a vector was remembered. A cache that cannot be written is done without.

    Args:
        encoder: Encodes what is not remembered.
    """

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._lock = threading.Lock()
        self._store: VectorStore | None = None

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
        unique = list(dict.fromkeys(texts))
        with self._lock:
            vectors = self._vectors(unique)
        rows = {text: row for row, text in enumerate(unique)}
        return vectors[[rows[text] for text in texts]].astype(np.float32)

    def _vectors(self, texts: list[str]) -> Float16[np.ndarray, "num_texts dim"]:
        if self._store is None:
            self._store = VectorStore(cache_dir() / "labels" / slug(self.id), self.dim)
        keys = keys_of(texts)
        known = self._store.holds(keys)
        vectors = np.zeros((len(texts), self.dim), dtype=np.float16)
        if known.any():
            self._store.fill(keys[known], mine := np.zeros_like(vectors[known]))
            vectors[known] = mine
        if not known.all():
            new = np.flatnonzero(~known)
            encoded = self._encoder.encode([texts[i] for i in new]).astype(np.float16)
            vectors[new] = encoded
            self._remember(texts, new, encoded)
        return vectors

    def _remember(
        self, texts: list[str], new: np.ndarray, encoded: Float16[np.ndarray, "num_new dim"]
    ) -> None:
        try:
            if self._store is not None:
                self._store.append(keys_of([texts[i] for i in new]), encoded)
        except DataError:  # a cache is a convenience: a read-only home is no reason to fail
            self._store = None
