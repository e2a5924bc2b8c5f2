"""Graph isomorphism network: sums, which tell apart what means cannot."""

from typing import ClassVar

from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch_geometric.nn import GINConv, GINEConv  # type: ignore[import-untyped]

from graphllm.nn.conv_stack import ConvStack, Norm, make_norm
from graphllm.nn.encoder import Edges, GraphEncoder


class GIN(GraphEncoder):
    r"""Sums neighbours, so that it counts them; the vector of an edge is part of each message.

    One layer is, with j over the edges that come in to i and an MLP of two layers with a norm,

        x'_i = MLP((1 + eps) x_i + sum_j ReLU(x_j + W_edge e_ij + b_edge))

    and without ``edge_dim`` the message is x_j itself.

    Source: Xu et al. 2019, "How Powerful are Graph Neural Networks?", arXiv 1810.00826, equation
    4.1, with a learned eps; the vectors of edges as Hu et al. 2020, "Strategies for Pre-training
    Graph Neural Networks", arXiv 1905.12265. The paper's norm is ``"batch"``.

    Args:
        in_dim: Width of ``tokens.x``.
        hidden_dim: Width of a state.
        num_layers: How many edges away a node still counts.
        edge_dim: Width of ``tokens.edge_attr``; ``None`` does not read it.
        num_heads: Taken so that all encoders are made alike; there are none.
        dropout: Probability, between the layers.
        norm: See `ConvStack`; also the norm inside the MLP.
        both_ways: See `GraphEncoder`; the graphs of the first paper are undirected.

    Shapes: ``(num_nodes, in_dim)`` to ``(num_nodes, hidden_dim)``.
    """

    reads_relations: ClassVar[bool] = True

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
            gin_conv(hidden_dim if layer else in_dim, hidden_dim, edge_dim=edge_dim, norm=norm)
            for layer in range(num_layers)
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


def gin_conv(in_dim: int, hidden_dim: int, *, edge_dim: int | None, norm: Norm) -> nn.Module:
    """Return one layer, which reads the vectors of edges if ``edge_dim`` says how wide they are."""
    mlp = nn.Sequential(
        nn.Linear(in_dim, hidden_dim),
        make_norm(norm, hidden_dim),
        nn.ReLU(),
        nn.Linear(hidden_dim, hidden_dim),
    )
    if edge_dim is None:
        return GINConv(mlp, train_eps=True)
    return GINEConv(mlp, train_eps=True, edge_dim=edge_dim)
