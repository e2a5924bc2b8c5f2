"""Graphs that other libraries hold in memory: networkx and PyTorch Geometric, both ways."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from graphllm.errors import DataError
from graphllm.graph import Column, GraphBuilder, GraphView, Kind, TextualGraph
from graphllm.io.conventions import (
    LINKED,
    OWN_FIELDS,
    OWN_MARK,
    NodeFields,
    add_node,
    relation_of,
    with_dates,
)

if TYPE_CHECKING:
    import networkx
    from torch_geometric.data import Data, HeteroData  # type: ignore[import-untyped]

_NAME_ATTRIBUTES = ("node_name", "node_names", "name", "names", "node_text", "text")


def from_object(graph: object) -> TextualGraph:
    """Return the graph in an object of networkx or PyTorch Geometric, told by what it can do.

    Raises:
        DataError: It is neither.

    Examples:
        >>> import networkx
        >>> from_object(networkx.Graph([("Ada", "Babbage")])).num_edges
        1
    """
    if hasattr(graph, "nodes") and hasattr(graph, "edges") and hasattr(graph, "is_multigraph"):
        return from_networkx(cast("networkx.Graph[Any]", graph))
    if hasattr(graph, "edge_index") or hasattr(graph, "edge_types"):
        return from_pyg(cast("Data | HeteroData", graph))
    raise DataError(
        f"a {type(graph).__name__} is no graph; expected a TextualGraph, a GraphIndex, or a graph"
        " of networkx or PyTorch Geometric; for a file, give its path to read_graph"
    )


def from_networkx(graph: "networkx.Graph[Any]") -> TextualGraph:
    """Return the graph that networkx holds; an edge of an undirected graph is one edge.

    A node's object, as text, is its key; names, types, texts and relations are guessed from the
    attributes as for a file. The key of a parallel edge is its relation when it is text.

    Raises:
        DataError: Two nodes are the same as text, such as ``1`` and ``"1"``; no edge.
    """
    rows: dict[str, Mapping[str, object]] = {}
    for node, fields in graph.nodes(data=True):
        if str(node) in rows:
            raise DataError(f"networkx graph: two nodes are written {str(node)!r}; rename one")
        rows[str(node)] = _named(fields)
    if graph.number_of_edges() == 0:
        raise DataError(f"networkx graph: {len(rows)} nodes and no edge; add an edge")
    builder = GraphBuilder()
    is_own = OWN_MARK in graph.graph
    fields_of = OWN_FIELDS if is_own else NodeFields.guess(list(rows.values()))
    for key, row in rows.items():
        add_node(builder, key, fields_of.describe(key, row))
    for head, tail, fields in _networkx_edges(graph):
        relation = relation_of(fields)
        builder.edge(
            head, relation.text, tail, weight=relation.weight, attributes=relation.attributes
        )
    return with_dates(builder.build())


def _named(fields: Mapping[Hashable, object]) -> dict[str, object]:
    return {str(name): value for name, value in fields.items()}


def _networkx_edges(
    graph: "networkx.Graph[Any]",
) -> Iterable[tuple[str, str, dict[str, object]]]:
    if graph.is_multigraph():
        for head, tail, key, fields in graph.edges(keys=True, data=True):
            kind = {"key": key} if isinstance(key, str) else {}
            yield str(head), str(tail), {**kind, **_named(fields)}
    else:
        for head, tail, fields in graph.edges(data=True):
            yield str(head), str(tail), _named(fields)


def to_networkx(view: GraphView) -> "networkx.MultiDiGraph[str]":
    """Return the graph for networkx: keys as nodes, the relation of an edge as ``relation``.

    Nodes carry ``name``, ``type``, ``text``, ``aliases`` and their attributes, edges ``weight`` and
    theirs; several values of one attribute are a list, dates are ``datetime`` objects.
    """
    import networkx

    graph: networkx.MultiDiGraph[str] = networkx.MultiDiGraph(**{OWN_MARK: 1})
    keys = list(view.keys)
    for node, (key, name) in enumerate(zip(keys, view.names, strict=True)):
        graph.add_node(key, name=name, **_described(view, node))
    edges = zip(view.heads.tolist(), view.relation_ids.tolist(), view.tails.tolist(), strict=True)
    for edge, (head, relation, tail) in enumerate(edges):
        fields: dict[str, object] = {"relation": view.relations[relation]}
        if view.weights is not None:
            fields["weight"] = float(view.weights[edge])
        fields |= _attributes(view.edge_columns, edge, fields)
        graph.add_edge(keys[head], keys[tail], **fields)
    return graph


def _described(view: GraphView, node: int) -> dict[str, object]:
    fields: dict[str, object] = {}
    if view.node_type_ids[node] >= 0:
        fields["type"] = view.node_types[int(view.node_type_ids[node])]
    if view.texts[node]:
        fields["text"] = view.texts[node]
    if aliases := view.aliases(node):
        fields["aliases"] = list(aliases)
    return fields | _attributes(view.node_columns, node, {"name": "", **fields})


def _attributes(
    columns: Mapping[str, Column], owner: int, taken: Mapping[str, object]
) -> dict[str, object]:
    """Return the attributes of one owner; a name that is taken gets an underscore."""
    found: dict[str, object] = {}
    for name, column in columns.items():
        values = [v.item() if isinstance(v, np.datetime64) else v for v in column.of(owner)]
        if values:
            free = f"{name}_" if name in taken else name
            found[free] = values[0] if len(values) == 1 else values
    return found


def from_pyg(
    data: "Data | HeteroData",
    *,
    names: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
    relations: Sequence[str] | None = None,
) -> TextualGraph:
    """Return the graph that PyTorch Geometric holds.

    Args:
        data: ``HeteroData`` gives node types and relations; ``Data`` gives relations only through
            ``edge_type`` and ``relations``.
        names: The name of each node; for ``HeteroData`` by node type. Else they come from an
            attribute of the data such as ``node_name``, or are the type and the position.
        relations: What each number in ``edge_type`` of a ``Data`` says.

    Raises:
        DataError: There are no edges, an edge names a node that is not there, or there is not one
            name per node.
    """
    if hasattr(data, "edge_types"):
        if relations is not None:
            raise DataError("relations: a HeteroData names its own relations; leave them out")
        if names is not None and not isinstance(names, Mapping):
            raise DataError("names: a HeteroData needs a mapping from node type to names")
        return _from_hetero(data, names or {})
    if isinstance(names, Mapping):
        raise DataError("names: a Data has no node types; expected one list of names")
    return _from_homogeneous(data, names, relations)


def _from_hetero(data: Any, names: Mapping[str, Sequence[str]]) -> TextualGraph:  # noqa: ANN401
    builder = GraphBuilder()
    counts: dict[str, int] = {}
    for kind in data.node_types:
        counts[kind] = int(data[kind].num_nodes or 0)
        listed = _node_names(data[kind], names.get(kind), counts[kind], f"{kind} ")
        for position, name in enumerate(listed):
            builder.node(f"{kind}:{position}", name=name, type=kind)
    for edge_type in data.edge_types:
        head_type, relation, tail_type = edge_type
        ends = _ends(data[edge_type].edge_index, counts[head_type], counts[tail_type])
        weights = _weights(data[edge_type], len(ends))
        for (head, tail), weight in zip(ends, weights, strict=True):
            builder.edge(f"{head_type}:{head}", relation, f"{tail_type}:{tail}", weight=weight)
    return _with_edges(builder)


def _from_homogeneous(
    data: Any,  # noqa: ANN401 - torch_geometric is imported by whoever made the data
    names: Sequence[str] | None,
    relations: Sequence[str] | None,
) -> TextualGraph:
    builder = GraphBuilder()
    count = int(data.num_nodes or 0)
    for position, name in enumerate(_node_names(data, names, count, "node ")):
        builder.node(str(position), name=name)
    if data.edge_index is None:
        raise DataError("PyG data: no edge_index; a graph needs edges")
    ends = _ends(data.edge_index, count, count)
    said = _relation_texts(data, relations, len(ends))
    weights = _weights(data, len(ends))
    for (head, tail), relation, weight in zip(ends, said, weights, strict=True):
        builder.edge(str(head), relation, str(tail), weight=weight)
    return _with_edges(builder)


def _with_edges(builder: GraphBuilder) -> TextualGraph:
    if builder.num_edges == 0:
        raise DataError(f"PyG data: {len(builder)} nodes and no edge; a graph needs edges")
    return builder.build()


def _node_names(
    store: Any,  # noqa: ANN401 - a Data or one of a HeteroData's stores
    given: Sequence[str] | None,
    count: int,
    prefix: str,
) -> list[str]:
    if given is None:
        held = (store[field] for field in _NAME_ATTRIBUTES if field in store)
        given = next((list(names) for names in held if _are_texts(names)), None)
    if given is None:
        return [f"{prefix}{position}" for position in range(count)]
    if len(given) != count:
        raise DataError(f"PyG data: {len(given)} names for {count} nodes; expected one for each")
    return [str(name) for name in given]


def _are_texts(names: object) -> bool:
    return isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)


def _ends(edge_index: Any, num_heads: int, num_tails: int) -> list[tuple[int, int]]:  # noqa: ANN401
    heads, tails = edge_index.tolist()
    for position, (head, tail) in enumerate(zip(heads, tails, strict=True)):
        if not (0 <= head < num_heads and 0 <= tail < num_tails):
            raise DataError(
                f"PyG data: edge {position} ({head}, {tail}) names a node outside"
                f" 0..{num_heads - 1}, 0..{num_tails - 1}"
            )
    return list(zip(heads, tails, strict=True))


def _relation_texts(data: Any, relations: Sequence[str] | None, count: int) -> list[str]:  # noqa: ANN401
    if "edge_type" not in data:
        return [LINKED] * count
    numbers = data.edge_type.tolist()
    listed = relations if relations is not None else data.get("relations")
    if listed is None:
        return [f"relation {number}" for number in numbers]
    if numbers and not 0 <= min(numbers) <= max(numbers) < len(listed):
        raise DataError(
            f"PyG data: edge_type reaches from {min(numbers)} to {max(numbers)}, but there are"
            f" {len(listed)} relations; name each of them"
        )
    return [str(listed[number]) for number in numbers]


def _weights(store: Any, count: int) -> list[float | None]:  # noqa: ANN401 - as _node_names
    if "edge_weight" not in store:
        return [None] * count
    weights: list[float | None] = store.edge_weight.flatten().tolist()
    return weights


def to_pyg(view: GraphView) -> "Data":
    """Return the graph as one PyG ``Data``: ids as in ``view``, relations in ``edge_type``.

    Beside ``edge_index``, ``edge_type`` and, where there are weights, ``edge_weight``, it holds the
    lists ``node_name`` and ``relations``, ``node_type`` (-1 for none) with ``node_types``, and each
    attribute of one number per node as a float column of ``x``, named in ``x_names``
    (``nan`` where a node has none).
    """
    import torch
    from torch_geometric.data import Data

    edge_index = np.stack([view.heads, view.tails]).astype(np.int64)
    data = Data(
        edge_index=torch.from_numpy(edge_index),
        edge_type=torch.from_numpy(np.asarray(view.relation_ids, dtype=np.int64)),
        num_nodes=view.num_nodes,
    )
    if view.weights is not None:
        data.edge_weight = torch.from_numpy(np.array(view.weights, dtype=np.float32))
    if view.node_types:
        data.node_type = torch.from_numpy(np.asarray(view.node_type_ids, dtype=np.int64))
        data.node_types = list(view.node_types)
    data.node_name = list(view.names)
    data.relations = list(view.relations)
    numeric = [column for column in view.node_columns.values() if _is_numeric(column)]
    if numeric:
        data.x = torch.from_numpy(_feature_matrix(numeric, view.num_nodes))
        data.x_names = [column.name for column in numeric]
    return data


def _is_numeric(column: Column) -> bool:
    single = len(column.ids) == len(np.unique(column.ids))
    return single and column.kind in (Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN)


def _feature_matrix(columns: Sequence[Column], num_nodes: int) -> np.ndarray:
    matrix = np.full((num_nodes, len(columns)), np.nan, dtype=np.float32)
    for position, column in enumerate(columns):
        matrix[column.ids, position] = np.asarray(column.values)
    return matrix
