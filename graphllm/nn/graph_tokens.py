"""What a graph encoder reads: graphs as tensors."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from graphllm.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GraphTokens:
    """One or more graphs side by side, with a vector for each node and each edge.

    Shapes are always checked; values where they are made, on the CPU, as asking a GPU for them
    would wait for it.

    Attributes:
        x: ``(num_nodes, dim)`` floats, a vector for each node; those of a graph stand together.
        edge_index: ``(2, num_edges)`` int64, head and tail of each edge as positions in ``x``.
        edge_attr: ``(num_edges, edge_dim)`` floats, a vector for each edge, as a rule that of its
            relation; ``None`` for bare edges.
        batch: ``(num_nodes,)`` int64, which graph each node belongs to, ascending.
        num_graphs: How many graphs there are; one without nodes counts.

    Raises:
        DataError: Shapes disagree, an edge names a node that is not there or one of another graph,
            or ``batch`` is not ascending within its range.

    Examples:
        >>> tokens = GraphTokens.single(torch.ones(3, 8), torch.tensor([[0, 1], [1, 2]]))
        >>> both = GraphTokens.collate([tokens, tokens])
        >>> both.num_graphs, both.num_nodes, both.edge_index.tolist()
        (2, 6, [[0, 1, 3, 4], [1, 2, 4, 5]])
    """

    x: Tensor
    edge_index: Tensor
    edge_attr: Tensor | None = None
    batch: Tensor
    num_graphs: int

    def __post_init__(self) -> None:
        self._check_shapes()
        if self.x.device.type == "cpu":
            self._check_batch()
            self._check_edges()

    def _check_shapes(self) -> None:
        if self.x.ndim != 2 or not self.x.is_floating_point():
            raise DataError(f"x: expected (num_nodes, dim) floats, got {_told(self.x)}")
        if self.edge_index.ndim != 2 or len(self.edge_index) != 2 or not _are_ids(self.edge_index):
            raise DataError(
                f"edge_index: expected (2, num_edges) int64, got {_told(self.edge_index)}"
            )
        if self.batch.shape != (self.num_nodes,) or not _are_ids(self.batch):
            raise DataError(f"batch: expected ({self.num_nodes},) int64, got {_told(self.batch)}")
        attr = self.edge_attr
        if attr is not None and (
            attr.ndim != 2 or len(attr) != self.num_edges or not attr.is_floating_point()
        ):
            raise DataError(
                f"edge_attr: expected ({self.num_edges}, dim) floats, got {_told(attr)}"
            )

    def _check_batch(self) -> None:
        if self.num_graphs < 1:
            raise DataError(f"num_graphs must be 1 or more, got {self.num_graphs}")
        if (self.batch[1:] < self.batch[:-1]).any():
            raise DataError("batch: graph numbers must ascend; sort the nodes by graph")
        if len(self.batch) and not 0 <= int(self.batch[0]) <= int(self.batch[-1]) < self.num_graphs:
            reach = f"{int(self.batch[0])}..{int(self.batch[-1])}"
            raise DataError(f"batch: reaches over {reach}, outside 0..{self.num_graphs - 1}")

    def _check_edges(self) -> None:
        outside = (self.edge_index < 0) | (self.edge_index >= self.num_nodes)
        self._refuse_edges(outside.any(dim=0), f"names a node outside 0..{self.num_nodes - 1}")
        graph_of_ends = self.batch[self.edge_index]
        self._refuse_edges(graph_of_ends[0] != graph_of_ends[1], "joins two graphs of the batch")

    def _refuse_edges(self, wrong: Tensor, why: str) -> None:
        if wrong.any():
            edge = int(wrong.nonzero()[0])
            raise DataError(f"edge {edge} {tuple(self.edge_index[:, edge].tolist())} {why}")

    @property
    def num_nodes(self) -> int:
        """How many nodes all graphs have together."""
        return len(self.x)

    @property
    def num_edges(self) -> int:
        """How many edges all graphs have together."""
        return self.edge_index.shape[1]

    @staticmethod
    def single(
        x: Float[Tensor, "num_nodes dim"],
        edge_index: Int64[Tensor, "2 num_edges"],
        edge_attr: Float[Tensor, "num_edges edge_dim"] | None = None,
    ) -> "GraphTokens":
        """Return the tokens of one graph."""
        batch = torch.zeros(len(x), dtype=torch.int64, device=x.device)
        return GraphTokens(
            x=x, edge_index=edge_index, edge_attr=edge_attr, batch=batch, num_graphs=1
        )

    @staticmethod
    def collate(parts: Sequence["GraphTokens"]) -> "GraphTokens":
        """Return the graphs of all parts side by side, in the order given.

        Raises:
            DataError: There are none; their vectors have several lengths; some have ``edge_attr``
                and some do not.
        """
        if not parts:
            raise DataError("collate: no graphs; expected at least one")
        edge_attrs = [part.edge_attr for part in parts if part.edge_attr is not None]
        if 0 < len(edge_attrs) < len(parts):
            told = f"{len(edge_attrs)} of {len(parts)}"
            raise DataError(f"collate: {told} graphs have edge_attr; expected all or none")
        firsts = _running([part.num_nodes for part in parts])
        graphs = _running([part.num_graphs for part in parts])
        indices = [part.edge_index + first for part, first in zip(parts, firsts, strict=False)]
        batches = [part.batch + graph for part, graph in zip(parts, graphs, strict=False)]
        return GraphTokens(
            x=_joined("x", [part.x for part in parts]),
            edge_index=torch.cat(indices, dim=1),
            edge_attr=_joined("edge_attr", edge_attrs) if edge_attrs else None,
            batch=torch.cat(batches),
            num_graphs=graphs[-1],
        )

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> "GraphTokens":
        """Return the tokens on ``device``, the vectors as ``dtype`` if one is given."""
        attr = self.edge_attr
        return GraphTokens(
            x=self.x.to(device, dtype),
            edge_index=self.edge_index.to(device),
            edge_attr=None if attr is None else attr.to(device, dtype),
            batch=self.batch.to(device),
            num_graphs=self.num_graphs,
        )


def _told(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} of {str(tensor.dtype).removeprefix('torch.')}"


def _are_ids(tensor: Tensor) -> bool:
    return tensor.dtype == torch.int64


def _joined(name: str, parts: Sequence[Tensor]) -> Tensor:
    widths = sorted({part.shape[1] for part in parts})
    if len(widths) > 1:
        raise DataError(f"collate: {name} comes in widths {widths}; expected one")
    return torch.cat(list(parts))


def _running(counts: Sequence[int]) -> list[int]:
    """Return the sums before each count, and the whole sum last."""
    sums = [0]
    for count in counts:
        sums.append(sums[-1] + count)
    return sums
