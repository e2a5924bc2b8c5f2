"""The graph transformer that G-Retriever reads a subgraph with."""

from typing import ClassVar

from torch import nn
from torch_geometric.nn import TransformerConv  # type: ignore[import-untyped]

from graphllm.nn.conv_stack import Norm, StackedEncoder
from graphllm.nn.encoder import head_dim


class GraphTransformer(StackedEncoder):
    r"""Attends over neighbours; the vector of an edge is part of its key and its value.

    One layer is, for each head of width d, with j over the edges that come in to i,

        x'_i = W_skip x_i + sum_j a_ij (W_value x_j + W_edge e_ij)
        a_ij = softmax_j((W_query x_i) . (W_key x_j + W_edge e_ij) / sqrt(d))

    Source: Shi et al. 2021, "Masked Label Prediction", arXiv 2009.03509, its graph transformer
    without the gate; four layers of it in G-Retriever, He et al. 2024, arXiv 2402.07630.
    Differs from G-Retriever: messages pass both ways, and the norm is of each node by itself. Their
    settings are ``num_layers=4, num_heads=4, hidden_dim=1024, norm="batch", both_ways=False``.

    Args:
        in_dim: Width of ``tokens.x``.
        hidden_dim: Width of a state; the heads share it.
        num_layers: How many edges away a node still counts.
        edge_dim: Width of ``tokens.edge_attr``; ``None`` leaves out the terms of ``e_ij``.
        num_heads: Attention heads of each layer.
        dropout: Probability, between the layers.
        norm: See `ConvStack`.
        both_ways: See `GraphEncoder`.

    Shapes: ``(num_nodes, in_dim)`` to ``(num_nodes, hidden_dim)``.
    """

    reads_relations: ClassVar[bool] = True

    def make_conv(self, in_dim: int, *, num_heads: int, norm: Norm) -> nn.Module:
        """Return one layer."""
        return TransformerConv(
            in_dim, head_dim(self.hidden_dim, num_heads), num_heads, edge_dim=self.edge_dim
        )
