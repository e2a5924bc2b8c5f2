"""From states of nodes to a few vectors for each graph."""

from typing import NamedTuple

from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn


class Pooled(NamedTuple):
    """Vectors of each graph, and which of them are there; what is not is zero."""

    states: Float[Tensor, "graphs num_tokens hidden_dim"]
    mask: Bool[Tensor, "graphs num_tokens"]


class MeanPooling(nn.Module):
    """The mean of the states of a graph, as one vector.

    Source: G-Retriever, section 5.4. A graph without nodes has no vector: zero, and masked.
    """

    def forward(
        self,
        states: Float[Tensor, "num_nodes hidden_dim"],
        batch: Int64[Tensor, "num_nodes"],
        num_graphs: int,
    ) -> Pooled:
        """Return one vector for each graph that has nodes."""
        counts = batch.bincount(minlength=num_graphs)
        sums = states.new_zeros(num_graphs, states.shape[1]).index_add(0, batch, states)
        means = sums / counts.clamp(min=1)[:, None]
        return Pooled(means[:, None], (counts > 0)[:, None])
