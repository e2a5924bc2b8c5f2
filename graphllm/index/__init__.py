"""A graph on disk: built once, opened in milliseconds, searched by name and by meaning."""

from graphllm.index.cache import (
    CacheEntry,
    cache_entries,
    clear_cache,
    index_for,
    is_index,
)
from graphllm.index.folders import cache_dir
from graphllm.index.generations import SourceFile
from graphllm.index.graph_index import GraphIndex, IndexInfo, SourceInfo, check
from graphllm.index.names import NameMatch, Names
from graphllm.index.progress import Progress
from graphllm.index.vectors import Hits, Vectors

__all__ = [
    "CacheEntry",
    "GraphIndex",
    "Hits",
    "IndexInfo",
    "NameMatch",
    "Names",
    "Progress",
    "SourceFile",
    "SourceInfo",
    "Vectors",
    "cache_dir",
    "cache_entries",
    "check",
    "clear_cache",
    "index_for",
    "is_index",
]
