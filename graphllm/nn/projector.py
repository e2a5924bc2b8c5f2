"""From vectors of a graph to soft tokens for a language model."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from graphllm.errors import ConfigError
from graphllm.nn.encoder import check_at_least_one
from graphllm.nn.pooling import Pooled
from graphllm.nn.soft_prompt import SoftPrompt

_START = 0.1  # of what a linear layer is drawn with: tokens differ a little from the start
Activation = Literal["gelu", "sigmoid"]
_ACTIVATIONS: dict[str, type[nn.Module]] = {"gelu": nn.GELU, "sigmoid": nn.Sigmoid}


class Projector(nn.Module):
    """Projects each vector of a graph to one or more soft tokens, by a network of two layers.

    Source: G-Retriever, section 5.4; their settings for Llama-2-7b are ``Projector(1024, 4096,
    embedding_norm=None, hidden_dim=2048, activation="sigmoid")``.
    Differs from the paper: tokens start as long as word embeddings are. A language model adds the
    results of its layers to the vectors it reads, and they were trained on vectors of that length:
    one that is far longer drowns what the layers find in it and draws attention for its length
    alone, one that is far shorter is lost. What comes out of a linear layer depends on its width
    instead. So tokens are normed to a mean square of one, and scaled by a learned vector that
    starts at ``embedding_norm / sqrt(model_dim)``.

    Args:
        in_dim: Width of a pooled vector.
        model_dim: Width of the word embeddings of the language model.
        embedding_norm: Mean length of its word embeddings; ``None`` leaves tokens as they are.
        num_tokens: Soft tokens for each pooled vector.
        hidden_dim: Width between the layers; that of the pooled vector by default.
        activation: Between the layers; the sigmoid, which the paper uses, passes at most a quarter
            of a gradient on.
    """

    def __init__(
        self,
        in_dim: int,
        model_dim: int,
        *,
        embedding_norm: float | None,
        num_tokens: int = 1,
        hidden_dim: int | None = None,
        activation: Activation = "gelu",
    ) -> None:
        super().__init__()
        width = in_dim if hidden_dim is None else hidden_dim
        check_at_least_one(in_dim=in_dim, model_dim=model_dim, num_tokens=num_tokens)
        check_at_least_one(hidden_dim=width)
        self.num_tokens = num_tokens
        self.model_dim = model_dim
        self.inner = nn.Linear(in_dim, width)
        self.activation = make_activation(activation)
        self.outer = nn.Linear(width, num_tokens * model_dim)
        self.norm = nn.Identity() if embedding_norm is None else _norm(model_dim, embedding_norm)

    @torch.no_grad()
    def start_at(self, embedding: Float[Tensor, "model_dim"]) -> None:
        """Let every token begin close to one embedding, so that it says little before it is taught.

        A language model that was never given soft prompts reads tokens drawn at random as noise
        that it has to be taught to ignore first.
        """
        self.outer.bias.copy_(embedding.repeat(self.num_tokens))
        self.outer.weight.mul_(_START)

    def forward(self, pooled: Pooled) -> SoftPrompt:
        """Return the tokens of each graph; those of a vector that is not there are zero."""
        mask = pooled.mask.repeat_interleave(self.num_tokens, dim=1)
        flat = self.outer(self.activation(self.inner(pooled.states)))
        embeds = self.norm(flat.view(*mask.shape, self.model_dim))
        return SoftPrompt(embeds=embeds.masked_fill(~mask[..., None], 0), mask=mask)


def make_activation(name: str) -> nn.Module:
    """Return the activation of that name, one of `Activation`.

    Raises:
        ConfigError: There is no such activation.
    """
    if name not in _ACTIVATIONS:
        raise ConfigError(f"activation must be one of {[*_ACTIVATIONS]}, got {name!r}")
    return _ACTIVATIONS[name]()


def _norm(model_dim: int, length: float) -> nn.RMSNorm:
    if not length > 0:
        raise ConfigError(f"embedding_norm must be more than 0, got {length}")
    norm = nn.RMSNorm(model_dim)
    with torch.no_grad():
        norm.weight.fill_(length / model_dim**0.5)
    return norm
