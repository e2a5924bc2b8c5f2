"""Every other text encoder, through sentence-transformers."""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from graphllm.errors import ConfigError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

log = logging.getLogger(__name__)


class SentenceTransformerEncoder:
    """A sentence-transformers model as a text encoder; loads torch when it is made.

    Args:
        name_or_path: A folder, or a model's name in the local Hugging Face cache (``HF_HOME``).
            Nothing is downloaded unless ``download`` says so.
        batch_size: Texts per forward pass; 64 to 128 is fastest for short texts on a CPU.
        download: Whether a model that is not on this machine may be fetched from its hub.

    Raises:
        ConfigError: There is no such model on this machine, or the folder does not hold one.
    """

    def __init__(
        self, name_or_path: str | Path, *, batch_size: int = 64, download: bool = False
    ) -> None:
        self._name = str(name_or_path)
        self._batch_size = batch_size
        self._model = _open(self._name, download=download)
        self._hash = _weights_hash(self._model)
        self._dim = self._model.encode([""]).shape[1]

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._dim

    @property
    def id(self) -> str:
        """Name and hash of the weights."""
        return f"{Path(self._name).name}-{self._hash[:16]}"

    def encode(self, texts: Sequence[str]) -> Float32[np.ndarray, "num_texts dim"]:
        """Return one vector of length one per text, in the order given."""
        vectors = self._model.encode(
            list(texts),
            batch_size=self._batch_size,
            convert_to_numpy=True,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, np.float32).reshape(len(texts), self._dim)


def _open(name: str, *, download: bool) -> "SentenceTransformer":
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(name, local_files_only=not download)
    except (OSError, ValueError) as error:
        log.debug("opening %s failed", name, exc_info=error)
        raise ConfigError(
            f"no sentence-transformers model {name!r} on this machine; expected a folder with its "
            "files, or the name of a model in the local Hugging Face cache (HF_HOME)"
        ) from error


def _weights_hash(model: "SentenceTransformer") -> str:
    """Return a SHA-256 over names, types and bytes of all weights."""
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()
