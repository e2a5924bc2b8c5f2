"""GraphSAGE: what a node says of itself, beside the mean of its neighbours."""

from typing import ClassVar

from torch import nn
from torch_geometric.nn import SAGEConv  # type: ignore[import-untyped]

from graphllm.nn.conv_stack import Norm, StackedEncoder


class GraphSAGE(StackedEncoder):
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

    def make_conv(self, in_dim: int, *, num_heads: int, norm: Norm) -> nn.Module:
        """Return one layer."""
        return SAGEConv(in_dim, self.hidden_dim)
