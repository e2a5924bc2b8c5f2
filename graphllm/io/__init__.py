"""Graphs in and out of files: one reader per format, found by suffix and content."""

from graphllm.io.mapping import ColumnMap
from graphllm.io.objects import from_networkx, from_object, from_pyg, to_networkx, to_pyg
from graphllm.io.read import READERS, graph_files, read_graph, sniff
from graphllm.io.source import Source
from graphllm.io.writers import WRITERS, write_graph

__all__ = [
    "READERS",
    "WRITERS",
    "ColumnMap",
    "Source",
    "from_networkx",
    "from_object",
    "from_pyg",
    "graph_files",
    "read_graph",
    "sniff",
    "to_networkx",
    "to_pyg",
    "write_graph",
]
