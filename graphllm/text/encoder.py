"""What a text encoder is, and the encoders there are by name."""

from collections.abc import Sequence
from typing import Protocol, cast, runtime_checkable

import numpy as np
from jaxtyping import Float32

from graphllm.registry import load

ENCODERS = {
    "minilm": "graphllm.text.minilm:MiniLMEncoder",
    "static": "graphllm.text.static:StaticEncoder",
}


@runtime_checkable
class TextEncoder(Protocol):
    """Turns texts into vectors of length one whose dot product is their similarity.

    ``encode`` may be called from several threads at once.
    """

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def id(self) -> str:
        """Name and hash of the weights: vectors of one id are comparable and may be cached."""

    def encode(self, texts: Sequence[str]) -> Float32[np.ndarray, "num_texts dim"]:
        """Return one vector per text, in the order given."""


def load_encoder(name: str = "minilm") -> TextEncoder:
    """Return the encoder called ``name``: one of `ENCODERS`, or a sentence-transformers model.

    Args:
        name: ``"minilm"``, ``"static"``, or ``"st:MODEL"`` where ``MODEL`` is a folder or a name
            in the local Hugging Face cache.

    Raises:
        ConfigError: There is no encoder or model of that name.

    Examples:
        >>> load_encoder("minilm").dim
        384
    """
    prefix, _, model = name.partition(":")
    if prefix == "st" and model:
        from graphllm.text.sentence_transformer import SentenceTransformerEncoder

        return SentenceTransformerEncoder(model)
    encoder_class = cast("type[TextEncoder]", load("text encoder", ENCODERS, name))
    return encoder_class()
