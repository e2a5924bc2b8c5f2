"""The seam between a linked question and the part of the graph that bears on it."""

from typing import Protocol, runtime_checkable

from graphllm.graph.subgraph import Subgraph
from graphllm.retrieval.linker import Seeds

MAX_EDGES = 400  # more than a prompt holds: the textualizer cuts to the token budget


@runtime_checkable
class Retriever(Protocol):
    """Picks the part of a graph that bears on a question; safe to share between threads.

    What is returned repeats from call to call, is a subset of the graph, and ranks: a larger
    ``edge_scores`` is shown to a reader first. Cost depends on the region around the seeds, not on
    the size of the graph.
    """

    def retrieve(self, seeds: Seeds, *, max_edges: int = MAX_EDGES) -> Subgraph:
        """Return at most ``max_edges`` edges for the linked question ``seeds``, and their nodes.

        Nothing relevant gives an empty subgraph. ``truncated`` says that relevant edges were left
        out.
        """
