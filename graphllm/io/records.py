"""Put listed nodes and edges together: the last step of every format that lists both."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from graphllm.errors import DataError
from graphllm.graph import GraphBuilder, TextualGraph
from graphllm.io.conventions import NodeFields, add_node, relation_of, with_dates
from graphllm.io.source import Source

Where = int | str  # a line, or words such as "nodes 3"


class NodeRecord(NamedTuple):
    """A node as the file lists it."""

    key: str
    where: Where
    fields: Mapping[str, object]


class EdgeRecord(NamedTuple):
    """An edge as the file lists it."""

    head: str
    tail: str
    where: Where
    fields: Mapping[str, object]


def assemble(
    source: Source,
    nodes: Sequence[NodeRecord],
    edges: Iterable[EdgeRecord],
    node_fields: NodeFields | None = None,
) -> TextualGraph:
    """Return the graph of a file that lists its nodes and its edges.

    Args:
        source: The file.
        nodes: All nodes, in their order.
        edges: All edges, in their order.
        node_fields: What the fields of a node mean; guessed when ``None``.

    Raises:
        DataError: A node's id occurs twice, or an edge names a node that is not listed.
    """
    builder = GraphBuilder()
    add_nodes(builder, source, nodes, node_fields)
    for edge in edges:
        for end in (edge.head, edge.tail):
            if end not in builder:
                raise fault(
                    source,
                    edge.where,
                    f"an edge names the node {end!r}, which is not listed; add the node or"
                    " mend the id",
                )
        add_edge(builder, edge)
    return with_dates(builder.build())


def add_nodes(
    builder: GraphBuilder,
    source: Source,
    nodes: Sequence[NodeRecord],
    node_fields: NodeFields | None = None,
) -> None:
    """Add listed nodes; unless given, what their fields mean is guessed from all of them.

    Raises:
        DataError: An id occurs twice.
    """
    fields = node_fields or NodeFields.guess([node.fields for node in nodes])
    first: dict[str, Where] = {}
    for node in nodes:
        if node.key in first:
            at = first[node.key]
            at = f"line {at}" if isinstance(at, int) else at
            message = f"the id {node.key!r} was already given at {at}; ids must be unique"
            raise fault(source, node.where, message)
        first[node.key] = node.where
        add_node(builder, node.key, fields.describe(node.key, node.fields))


def add_edge(builder: GraphBuilder, edge: EdgeRecord) -> None:
    """Add an edge whose fields say what relation it is."""
    relation = relation_of(edge.fields)
    builder.edge(
        edge.head,
        relation.text,
        edge.tail,
        weight=relation.weight,
        attributes=relation.attributes,
    )


def fault(source: Source, where: Where, message: str) -> DataError:
    """Return (not raise) an error at a line or at a described place of the file."""
    if isinstance(where, int):
        return source.error(message, where)
    return source.error(f"{where}: {message}")
