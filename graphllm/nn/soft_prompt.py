"""What a graph becomes for a language model: vectors in the place of word embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from graphllm.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SoftPrompt:
    """Some soft tokens for each row of a batch, padded to one length.

    Attributes:
        embeds: ``(batch, num_tokens, model_dim)`` floats, what a language model reads in the place
            of word embeddings.
        mask: ``(batch, num_tokens)`` booleans, which of them are tokens; the others are padding,
            and what they hold has no meaning.

    Raises:
        DataError: The shapes disagree.

    Examples:
        >>> prompt = SoftPrompt.from_rows([torch.ones(2, 4), torch.ones(1, 4)])
        >>> prompt.mask.tolist(), [len(row) for row in prompt.rows()]
        ([[True, True], [True, False]], [2, 1])
    """

    embeds: Tensor
    mask: Tensor

    def __post_init__(self) -> None:
        shape = tuple(self.embeds.shape)
        if len(shape) != 3 or self.mask.shape != shape[:2] or self.mask.dtype != torch.bool:
            raise DataError(
                "expected embeds (batch, num_tokens, model_dim) and a boolean mask (batch,"
                f" num_tokens); got {shape} and {tuple(self.mask.shape)} of {self.mask.dtype}"
            )

    def __len__(self) -> int:
        return len(self.embeds)

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> "SoftPrompt":
        """Return the prompt on ``device``, the vectors as ``dtype`` if one is given."""
        return SoftPrompt(embeds=self.embeds.to(device, dtype), mask=self.mask.to(device))

    def rows(self) -> list[Float[Tensor, "_ model_dim"]]:
        """Return the tokens of each row without padding."""
        return [row[kept] for row, kept in zip(self.embeds, self.mask, strict=True)]

    @staticmethod
    def from_rows(rows: Sequence[Float[Tensor, "_ model_dim"]]) -> "SoftPrompt":
        """Return one prompt of several rows, padded with zeros at the end.

        Raises:
            DataError: There is no row, or their vectors have several lengths.
        """
        widths = sorted({row.shape[-1] for row in rows})
        if len(widths) != 1:
            raise DataError(f"expected rows of one width, got {len(rows)} rows of widths {widths}")
        lengths = torch.tensor([len(row) for row in rows], device=rows[0].device)
        places = torch.arange(int(lengths.max()), device=rows[0].device)
        embeds = pad_sequence(list(rows), batch_first=True)
        return SoftPrompt(embeds=embeds, mask=places < lengths[:, None])
