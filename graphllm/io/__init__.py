"""Graphs in and out of files: one reader per format, found by suffix and content."""

from graphllm.io.mapping import ColumnMap
from graphllm.io.read import READERS, graph_files, read_graph, sniff
from graphllm.io.source import Source

__all__ = ["READERS", "ColumnMap", "Source", "graph_files", "read_graph", "sniff"]
