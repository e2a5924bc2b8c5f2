"""A graph on disk: built once, opened in milliseconds, searched by name and by meaning."""

from graphllm.index.generations import SourceFile
from graphllm.index.graph_index import GraphIndex, IndexInfo, SourceInfo, check
from graphllm.index.names import NameMatch, Names
from graphllm.index.progress import Progress

__all__ = [
    "GraphIndex",
    "IndexInfo",
    "NameMatch",
    "Names",
    "Progress",
    "SourceFile",
    "SourceInfo",
    "check",
]
