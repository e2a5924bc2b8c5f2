"""Graph convolutions one after the other, as most encoders are built."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal

from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch_geometric.nn import BatchNorm  # type: ignore[import-untyped]

from graphllm.errors import ConfigError
from graphllm.nn.encoder import Edges, GraphEncoder, check_at_least_one, check_dropout

Norm = Literal["layer", "batch"]


class ConvStack(nn.Module):
    """Convolutions with a norm, ReLU and dropout after all but the last.

    Args:
        convs: Called with ``x``, ``edge_index`` and, if it is not ``None``, ``edge_attr``.
        hidden_dim: Width of what each returns.
        norm: ``"layer"`` norms each node by itself. ``"batch"`` is G-Retriever's: while training,
            the other graphs of a batch then change a state, and a batch of large graphs drowns the
            statistics of a small one; after training it uses what it has kept.
        dropout: Probability, between convolutions.
    """

    def __init__(
        self, convs: Sequence[nn.Module], *, hidden_dim: int, norm: Norm, dropout: float
    ) -> None:
        super().__init__()
        check_at_least_one(num_layers=len(convs))
        check_dropout(dropout)
        self.convs = nn.ModuleList(convs)
        self.norms = nn.ModuleList(make_norm(norm, hidden_dim) for _ in convs[1:])
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Float[Tensor, "num_nodes in_dim"], edges: Edges
    ) -> Float[Tensor, "num_nodes hidden_dim"]:
        """Return the states after the last convolution."""
        given = edges[:1] if edges.edge_attr is None else edges
        for conv, norm in zip(self.convs, self.norms, strict=False):
            x = self.dropout(norm(conv(x, *given)).relu())
        return self.convs[-1](x, *given)


class StackedEncoder(GraphEncoder):
    """An encoder that is a `ConvStack` of one kind of convolution.

    Args:
        in_dim: Width of ``tokens.x``.
        hidden_dim: Width of a state, and of what each layer returns.
        num_layers: How many edges away a node still counts.
        edge_dim: Width of ``tokens.edge_attr``; ``None`` does not read it.
        num_heads: Attention heads of each layer, where it has any.
        dropout: Probability, between the layers.
        norm: See `ConvStack`.
        both_ways: See `GraphEncoder`.
    """

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
            self.make_conv(hidden_dim if layer else in_dim, num_heads=num_heads, norm=norm)
            for layer in range(num_layers)
        ]
        self.stack = ConvStack(convs, hidden_dim=hidden_dim, norm=norm, dropout=dropout)

    @abstractmethod
    def make_conv(self, in_dim: int, *, num_heads: int, norm: Norm) -> nn.Module:
        """Return one layer, ``hidden_dim`` wide, which reads edges as `ConvStack` gives them.

        Args:
            in_dim: Width of what it reads.
            num_heads: Of attention, where it has any.
            norm: Within the layer, where it has one.
        """

    def states(
        self,
        x: Float[Tensor, "num_nodes in_dim"],
        edges: Edges,
        batch: Int64[Tensor, "num_nodes"],
    ) -> Float[Tensor, "num_nodes hidden_dim"]:
        """Return a state for each node."""
        return self.stack(x, edges)


def make_norm(norm: str, dim: int) -> nn.Module:
    """Return the norm of that name, one of `Norm`.

    Raises:
        ConfigError: There is no such norm.
    """
    if norm == "layer":
        return nn.LayerNorm(dim)
    if norm == "batch":
        # the statistics of a single node would make everything zero
        return BatchNorm(dim, allow_single_element=True)
    raise ConfigError(f"norm must be 'layer' or 'batch', got {norm!r}")
