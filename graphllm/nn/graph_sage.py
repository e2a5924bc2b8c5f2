"""GraphSAGE: what a node says of itself, beside the mean of its neighbours."""

from typing import ClassVar

from jaxtyping import Float, Int64
from torch import Tensor
from torch_geometric.nn import SAGEConv  # type: ignore[import-untyped]

from graphllm.nn.conv_stack import ConvStack, Norm
from graphllm.nn.encoder import Edges, GraphEncoder


class GraphSAGE(GraphEncoder):
    r"""Keeps a node and the mean of its neighbours apart; it cannot read relations.

    One layer is, with j over the edges that come in to i,

        x'_i = W_self x_i + W_mean mean_j x_j + b

    where the mean of no neighbours is zero.

    Source: Hamilton et al. 2017, "Inductive Representation Learning on Large Graphs", arXiv
    1706.02216, algorithm 1 with its mean aggregator; the two matrices are the halves of W.
    Differs from the paper: a norm with learned scale in the place of dividing by the length, and
    all neighbours in the place of a sample.

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
            SAGEConv(hidden_dim if layer else in_dim, hidden_dim) for layer in range(num_layers)
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
