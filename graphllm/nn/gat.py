"""Graph attention, in the form whose ranking of neighbours depends on who asks."""

from typing import ClassVar

from torch import nn
from torch_geometric.nn import GATv2Conv  # type: ignore[import-untyped]

from graphllm.nn.conv_stack import Norm, StackedEncoder
from graphllm.nn.encoder import head_dim


class GAT(StackedEncoder):
    r"""Weighs neighbours by a small network; the vector of an edge counts in the weight alone.

    One layer is, for each head, with j over the edges that come in to i and i itself,

        x'_i = W_res x_i + sum_j a_ij W_source x_j + b
        a_ij = softmax_j(a . LeakyReLU(W_source x_j + W_target x_i + W_edge e_ij))

    with slope 0.2, where the edge of i to itself has the mean vector of those that come in.

    Source: Brody et al. 2022, "How Attentive are Graph Attention Networks?", arXiv 2105.14491,
    equation 7; the first of its kind is Velickovic et al. 2018, arXiv 1710.10903.
    Differs from the paper: the term ``W_res x_i`` keeps what a node says of itself. Edges from a
    node to itself count as the one that is added, as in torch-geometric.

    Args:
        in_dim: Width of ``tokens.x``.
        hidden_dim: Width of a state; the heads share it.
        num_layers: How many edges away a node still counts.
        edge_dim: Width of ``tokens.edge_attr``; ``None`` leaves out the term of ``e_ij``.
        num_heads: Attention heads of each layer.
        dropout: Probability, between the layers.
        norm: See `ConvStack`.
        both_ways: See `GraphEncoder`.

    Shapes: ``(num_nodes, in_dim)`` to ``(num_nodes, hidden_dim)``.
    """

    reads_relations: ClassVar[bool] = True

    def make_conv(self, in_dim: int, *, num_heads: int, norm: Norm) -> nn.Module:
        """Return one layer."""
        return GATv2Conv(
            in_dim,
            head_dim(self.hidden_dim, num_heads),
            num_heads,
            edge_dim=self.edge_dim,
            residual=True,
        )
