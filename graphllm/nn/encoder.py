"""What a graph encoder is, and the encoders there are by name."""

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple, cast

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from graphllm.errors import ConfigError, DataError
from graphllm.nn.graph_tokens import GraphTokens
from graphllm.registry import load

ENCODERS = {
    "graph_transformer": "graphllm.nn.graph_transformer:GraphTransformer",
    "gat": "graphllm.nn.gat:GAT",
    "gcn": "graphllm.nn.gcn:GCN",
    "gin": "graphllm.nn.gin:GIN",
    "graphsage": "graphllm.nn.graph_sage:GraphSAGE",
    "gps": "graphllm.nn.gps:GPS",
    "dagnn": "graphllm.nn.dagnn:DAGNN",
}


class Edges(NamedTuple):
    """The edges that messages pass along, from the first row of ``edge_index`` to the second."""

    edge_index: Int64[Tensor, "2 num_edges"]
    edge_attr: Float[Tensor, "num_edges edge_dim"] | None


class GraphEncoder(nn.Module, ABC):
    """Turns graph tokens into a state for each node, which has read what is around the node.

    Args:
        in_dim: Width of ``tokens.x``.
        hidden_dim: Width of a state.
        edge_dim: Width of ``tokens.edge_attr``; ``None`` reads edges without their vectors.
        both_ways: Whether messages also pass from tail to head. The copy of an edge that does so
            carries its vector plus a learned one that says "reversed"; without ``edge_dim`` the two
            directions look alike, and the graph is undirected. Published systems for undirected
            graphs hold each edge twice, which is the same; G-Retriever passes from head to tail
            only, so that the head of an edge never learns of its tail.

    Attributes:
        reads_relations: Whether the operator can use ``edge_attr`` at all.
    """

    reads_relations: ClassVar[bool]

    def __init__(
        self, in_dim: int, hidden_dim: int, *, edge_dim: int | None, both_ways: bool
    ) -> None:
        super().__init__()
        check_at_least_one(in_dim=in_dim, hidden_dim=hidden_dim, edge_dim=edge_dim or 1)
        self.in_dim = in_dim
        self.hidden_dim = hidden_dim
        self.edge_dim = edge_dim if self.reads_relations else None
        self.both_ways = both_ways
        self.reverse: nn.Parameter | None = None
        if both_ways and self.edge_dim is not None:
            # of length one on average, as the vector of a text is
            self.reverse = nn.Parameter(torch.randn(self.edge_dim) / self.edge_dim**0.5)

    def forward(self, tokens: GraphTokens) -> Float[Tensor, "num_nodes hidden_dim"]:
        """Return a state for each node, in the order of ``tokens.x``.

        Raises:
            DataError: The vectors are not as wide as the encoder was made for.
        """
        self._check(tokens)
        if tokens.num_nodes == 0:
            return tokens.x.new_zeros(0, self.hidden_dim)
        return self.states(tokens.x, self._edges(tokens), tokens.batch)

    @abstractmethod
    def states(
        self,
        x: Float[Tensor, "num_nodes in_dim"],
        edges: Edges,
        batch: Int64[Tensor, "num_nodes"],
    ) -> Float[Tensor, "num_nodes hidden_dim"]:
        """Return a state for each of at least one node."""

    def _check(self, tokens: GraphTokens) -> None:
        dim = tokens.x.shape[1]
        if dim != self.in_dim:
            raise DataError(f"x is {dim} wide; this encoder reads {self.in_dim}")
        if self.edge_dim is None:
            return
        if tokens.edge_attr is None:
            raise DataError("edge_attr is None; this encoder has an edge_dim and needs it")
        if tokens.edge_attr.shape[1] != self.edge_dim:
            found = tokens.edge_attr.shape[1]
            raise DataError(f"edge_attr is {found} wide; this encoder reads {self.edge_dim}")

    def _edges(self, tokens: GraphTokens) -> Edges:
        attr = tokens.edge_attr if self.edge_dim is not None else None
        if not self.both_ways:
            return Edges(tokens.edge_index, attr)
        edge_index = torch.cat([tokens.edge_index, tokens.edge_index.flip(0)], dim=1)
        if attr is None or self.reverse is None:
            return Edges(edge_index, None)
        return Edges(edge_index, torch.cat([attr, attr + self.reverse]))


def check_at_least_one(**counts: int) -> None:
    """Check that every named count is one or more.

    Raises:
        ConfigError: One is not; the message names it.
    """
    for name, count in counts.items():
        if count < 1:
            raise ConfigError(f"{name} must be 1 or more, got {count}")


def check_dropout(dropout: float) -> None:
    """Check that ``dropout`` is a probability below one.

    Raises:
        ConfigError: It is not.
    """
    if not 0 <= dropout < 1:
        raise ConfigError(f"dropout must be at least 0 and below 1, got {dropout}")


def head_dim(hidden_dim: int, num_heads: int) -> int:
    """Return the width of one attention head.

    Raises:
        ConfigError: The heads do not share ``hidden_dim`` evenly.
    """
    check_at_least_one(num_heads=num_heads)
    if hidden_dim % num_heads:
        raise ConfigError(f"hidden_dim {hidden_dim} is no multiple of num_heads {num_heads}")
    return hidden_dim // num_heads


def encoder_class(name: str) -> type[GraphEncoder]:
    """Return the class of the encoder called ``name``, one of `ENCODERS`.

    Raises:
        ConfigError: There is no encoder of that name.
    """
    return cast("type[GraphEncoder]", load("graph encoder", ENCODERS, name))
