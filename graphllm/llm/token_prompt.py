"""A prompt that is tokens already: what a published system reads, position by position."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from graphllm.errors import ConfigError
from graphllm.llm.language_model import SoftPart

TokenPart: TypeAlias = tuple[int, ...] | SoftPart


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenPrompt:
    """Runs of token ids and soft parts in turn, read as they stand: nothing is put around them.

    For language models of this machine. Where nothing depends on the positions, give a `Prompt`:
    it takes the model's own template, and text in it stays text.

    Attributes:
        parts: Token ids of the model's vocabulary, or vectors in the place of words.

    Raises:
        ConfigError: A soft part is no matrix.

    Examples:
        >>> len(TokenPrompt(parts=((1, 2), (3,))))
        3
    """

    parts: tuple[TokenPart, ...]

    def __post_init__(self) -> None:
        for part in self.soft_parts:
            if len(part.shape) != 2:
                raise ConfigError(
                    f"a soft part has the shape (num_tokens, model_dim), got {tuple(part.shape)}"
                )

    def __len__(self) -> int:
        return sum(len(part) if isinstance(part, tuple) else part.shape[0] for part in self.parts)

    @property
    def soft_parts(self) -> tuple[SoftPart, ...]:
        """The parts that are vectors, in their order."""
        return tuple(part for part in self.parts if not isinstance(part, tuple))

    def ids(self, soft: int) -> Iterator[int]:
        """Yield an id for each position, ``soft`` where a vector stands."""
        for part in self.parts:
            yield from part if isinstance(part, tuple) else (soft,) * part.shape[0]
