"""Graph convolution: neighbours weighed by their degrees alone."""

from typing import ClassVar

from torch import nn
from torch_geometric.nn import GCNConv  # type: ignore[import-untyped]

from graphllm.nn.conv_stack import Norm, StackedEncoder


class GCN(StackedEncoder):
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

    def make_conv(self, in_dim: int, *, num_heads: int, norm: Norm) -> nn.Module:
        """Return one layer."""
        return GCNConv(in_dim, self.hidden_dim)
