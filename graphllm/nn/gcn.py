"""Graph convolution: neighbours weighed by their degrees alone."""

from typing import ClassVar

from jaxtyping import Float, Int64
from torch import Tensor
from torch_geometric.nn import GCNConv  # type: ignore[import-untyped]

from graphllm.nn.conv_stack import ConvStack, Norm
from graphllm.nn.encoder import Edges, GraphEncoder


class GCN(GraphEncoder):
    r"""Averages neighbours by degree; it cannot read relations.

    One layer is, with j over the edges that come in to i and one from i to itself, and d_i the
    number of these,

        x'_i = W sum_j x_j / sqrt(d_i d_j) + b

    Source: Kipf and Welling 2017, "Semi-Supervised Classification with Graph Convolutional
    Networks", arXiv 1609.02907, equation 2. Parallel edges count as often as they come.

    Args:
        in_dim: Width of ``tokens.x``.
        hidden_dim: Width of a state.
        num_layers: How many edges away a node still counts.
        edge_dim: Taken so that all encoders are made alike; ``edge_attr`` is not read.
        num_heads: Taken so that all encoders are made alike; there are none.
        dropout: Probability, between the layers.
        norm: See `ConvStack`.
        both_ways: See `GraphEncoder`; the paper's graphs are undirected.

    Shapes: ``(num_nodes, in_dim)`` to ``(num_nodes, hidden_dim)``.
    """

    reads_relations: ClassVar[bool] = False

    def __init__(
        self,
        in_dim: int,
        hidden_dim: int,
        *,
        num_layers: int = 4,
        edge_dim: int | None = None,
        num_heads: int = 4,
        dropout: float = 0.0,
        norm: Norm = "layer",
        both_ways: bool = True,
    ) -> None:
        super().__init__(in_dim, hidden_dim, edge_dim=edge_dim, both_ways=both_ways)
        convs = [
            GCNConv(hidden_dim if layer else in_dim, hidden_dim) for layer in range(num_layers)
        ]
        self.stack = ConvStack(convs, hidden_dim=hidden_dim, norm=norm, dropout=dropout)

    def states(
        self,
        x: Float[Tensor, "num_nodes in_dim"],
        edges: Edges,
        batch: Int64[Tensor, "num_nodes"],
    ) -> Float[Tensor, "num_nodes hidden_dim"]:
        """Return a state for each node."""
        return self.stack(x, edges)
