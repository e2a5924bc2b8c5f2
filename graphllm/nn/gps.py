"""GPS: neighbours and the whole graph at once."""

from typing import ClassVar

from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch_geometric.nn import GPSConv  # type: ignore[import-untyped]

from graphllm.nn.conv_stack import Norm
from graphllm.nn.encoder import (
    Edges,
    GraphEncoder,
    check_at_least_one,
    check_dropout,
    head_dim,
)
from graphllm.nn.gin import gin_conv

_NORMS: dict[Norm, dict[str, object]] = {
    "layer": {"norm": "layer_norm", "norm_kwargs": {"mode": "node"}},
    "batch": {"norm": "batch_norm", "norm_kwargs": {"allow_single_element": True}},
}


class GPS(GraphEncoder):
    r"""Reads neighbours by messages and all nodes of the graph by attention, and adds the two.

    After a linear layer to ``hidden_dim``, one layer is

        M = norm(X + GIN(X, E)),  T = norm(X + MultiHeadAttention(X, X, X)),
        X' = norm((M + T) + MLP(M + T))

    where the attention is within each graph, and the messages are those of `GIN`.

    Source: Rampasek et al. 2022, "Recipe for a General, Powerful, Scalable Graph Transformer",
    arXiv 2205.12454, equations 1 to 4, with the norms of appendix A. Attention knows no positions:
    as the paper adds encodings of position and structure to ``x``, have the topology tokens in it.
    Time and memory of the attention grow with the square of the largest graph of a batch.

    Args:
        in_dim: Width of ``tokens.x``.
        hidden_dim: Width of a state; the heads share it.
        num_layers: How many times both are read.
        edge_dim: Width of ``tokens.edge_attr``; ``None`` does not read it.
        num_heads: Attention heads of each layer.
        dropout: Probability: after messages, attention and in the MLP, and of attention weights.
        norm: ``"batch"`` is the paper's; see `ConvStack` for what it costs.
        both_ways: See `GraphEncoder`; the paper's graphs are undirected.

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
        check_at_least_one(num_layers=num_layers)
        check_dropout(dropout)
        head_dim(hidden_dim, num_heads)
        self.enter = nn.Linear(in_dim, hidden_dim)
        self.layers = nn.ModuleList(
            GPSConv(
                hidden_dim,
                gin_conv(hidden_dim, hidden_dim, edge_dim=edge_dim, norm=norm),
                heads=num_heads,
                dropout=dropout,
                attn_kwargs={"dropout": dropout},
                **_NORMS[norm],
            )
            for _ in range(num_layers)
        )

    def states(
        self,
        x: Float[Tensor, "num_nodes in_dim"],
        edges: Edges,
        batch: Int64[Tensor, "num_nodes"],
    ) -> Float[Tensor, "num_nodes hidden_dim"]:
        """Return a state for each node."""
        # a graph without nodes would be attention over nothing, whose gradient is no number
        present = batch.unique_consecutive(return_inverse=True)[1]
        given = {} if edges.edge_attr is None else {"edge_attr": edges.edge_attr}
        x = self.enter(x)
        for layer in self.layers:
            x = layer(x, edges.edge_index, present, **given)
        return x
