"""Graph tokens to and from the batches of torch-geometric; for texts, see `graphllm.io`."""

from typing import TYPE_CHECKING

from graphllm.errors import DataError
from graphllm.nn.graph_tokens import GraphTokens

if TYPE_CHECKING:
    from torch_geometric.data import Data  # type: ignore[import-untyped]


def tokens_to_pyg(tokens: GraphTokens) -> "Data":
    """Return a ``Batch`` of one ``Data`` for each graph, with ``x``, ``edge_index``, ``edge_attr``.

    Examples:
        >>> import torch
        >>> tokens = GraphTokens.single(torch.ones(2, 3), torch.tensor([[0], [1]]))
        >>> tokens_to_pyg(GraphTokens.collate([tokens, tokens])).num_graphs
        2
    """
    from torch_geometric.data import Batch, Data

    sizes = tokens.batch.bincount(minlength=tokens.num_graphs).tolist()
    graph_of_edge = tokens.batch[tokens.edge_index[0]]
    parts, first = [], 0
    for graph, size in enumerate(sizes):
        own = graph_of_edge == graph
        attr = None if tokens.edge_attr is None else tokens.edge_attr[own]
        x, edge_index = tokens.x[first : first + size], tokens.edge_index[:, own] - first
        parts.append(Data(x=x, edge_index=edge_index, edge_attr=attr))
        first += size
    return Batch.from_data_list(parts)


def tokens_from_pyg(data: "Data") -> GraphTokens:
    """Return the graphs of a ``Data`` or a ``Batch``.

    Raises:
        DataError: It has no ``x`` or no ``edge_index``, or they do not fit each other.
    """
    for field in ("x", "edge_index"):
        if data.get(field) is None:
            raise DataError(f"PyG data: no {field}; an encoder needs one")
    batch = data.get("batch")
    if batch is None:
        return GraphTokens.single(data.x, data.edge_index, data.edge_attr)
    return GraphTokens(
        x=data.x,
        edge_index=data.edge_index,
        edge_attr=data.edge_attr,
        batch=batch,
        num_graphs=int(data.num_graphs),
    )
