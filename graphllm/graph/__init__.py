"""The graph itself: what every graph can be asked, and the one held in memory. Needs no torch."""

from graphllm.graph.builder import GraphBuilder
from graphllm.graph.columns import Column, Kind, Value, format_value
from graphllm.graph.layouts import Layout
from graphllm.graph.strings import StringTable
from graphllm.graph.subgraph import Subgraph
from graphllm.graph.textual import TextualGraph
from graphllm.graph.textualize import Textualized, textualize
from graphllm.graph.view import Adjacency, GraphView, adjacency, edges_of

__all__ = [
    "Adjacency",
    "Column",
    "GraphBuilder",
    "GraphView",
    "Kind",
    "Layout",
    "StringTable",
    "Subgraph",
    "TextualGraph",
    "Textualized",
    "Value",
    "adjacency",
    "edges_of",
    "format_value",
    "textualize",
]
