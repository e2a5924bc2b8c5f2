"""Graph isomorphism network: sums, which tell apart what means cannot."""

from typing import ClassVar

from torch import nn
from torch_geometric.nn import GINConv, GINEConv  # type: ignore[import-untyped]

from graphllm.nn.conv_stack import Norm, StackedEncoder, make_norm


class GIN(StackedEncoder):
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

    def make_conv(self, in_dim: int, *, num_heads: int, norm: Norm) -> nn.Module:
        """Return one layer."""
        return gin_conv(in_dim, self.hidden_dim, edge_dim=self.edge_dim, norm=norm)


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
