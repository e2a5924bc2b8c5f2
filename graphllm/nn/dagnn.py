"""DAGNN: how far to look, chosen for each node."""

from typing import ClassVar

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch_geometric.nn import SimpleConv  # type: ignore[import-untyped]
from torch_geometric.nn.conv.gcn_conv import gcn_norm  # type: ignore[import-untyped]

from graphllm.nn.conv_stack import Norm
from graphllm.nn.encoder import Edges, GraphEncoder, check_at_least_one, check_dropout


class DAGNN(GraphEncoder):
    r"""Transforms each node, then averages over 0 to k hops and gates them; no relations.

    With A^ the adjacency matrix of `GCN`, normalised by degree and with an edge from each node to
    itself,

        Z = MLP(X),  H_l = A^^l Z for l = 0..k,
        x'_i = sum_l sigmoid(H_l,i . s) H_l,i

    Source: Liu et al. 2020, "Towards Deeper Graph Neural Networks", arXiv 2007.09296, section 4.
    Parameters do not grow with k, and far hops do not wash a node out, since each node gates them.

    Args:
        in_dim: Width of ``tokens.x``.
        hidden_dim: Width of a state, and of the hidden layer of the MLP.
        num_layers: The paper's k, which it sets from 5 to 20.
        edge_dim: Taken so that all encoders are made alike; ``edge_attr`` is not read.
        num_heads: Taken so that all encoders are made alike; there are none.
        dropout: Probability, of the input and within the MLP.
        norm: Taken so that all encoders are made alike; there is none.
        both_ways: See `GraphEncoder`; the paper's graphs are undirected.

    Shapes: ``(num_nodes, in_dim)`` to ``(num_nodes, hidden_dim)``.
    """

    reads_relations: ClassVar[bool] = False

    def __init__(
        self,
        in_dim: int,
        hidden_dim: int,
        *,
        num_layers: int = 10,
        edge_dim: int | None = None,
        num_heads: int = 4,
        dropout: float = 0.0,
        norm: Norm = "layer",
        both_ways: bool = True,
    ) -> None:
        super().__init__(in_dim, hidden_dim, edge_dim=edge_dim, both_ways=both_ways)
        check_at_least_one(num_layers=num_layers)
        check_dropout(dropout)
        self.num_layers = num_layers
        self.mlp = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(in_dim, hidden_dim),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_dim, hidden_dim),
        )
        self.gate = nn.Linear(hidden_dim, 1, bias=False)
        self.propagate = SimpleConv(aggr="sum")

    def states(
        self,
        x: Float[Tensor, "num_nodes in_dim"],
        edges: Edges,
        batch: Int64[Tensor, "num_nodes"],
    ) -> Float[Tensor, "num_nodes hidden_dim"]:
        """Return a state for each node."""
        hops = [self.mlp(x)]
        index, weight = gcn_norm(edges.edge_index, num_nodes=len(x), dtype=hops[0].dtype)
        for _ in range(self.num_layers):
            hops.append(self.propagate(hops[-1], index, weight))
        stacked = torch.stack(hops, dim=1)
        return (self.gate(stacked).sigmoid() * stacked).sum(dim=1)
