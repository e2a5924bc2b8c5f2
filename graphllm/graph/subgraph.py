"""A part of a graph, by the ids of its parent."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32, Int32

from graphllm.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class Subgraph:
    """Nodes and edges of a parent graph, with the score that brought each of them in.

    Attributes:
        nodes: Node ids of the parent, ascending.
        edges: Edge ids of the parent, ascending; both ends of each are among ``nodes``.
        node_scores: Relevance of each node, larger is better.
        edge_scores: Relevance of each edge.
        reasons: Why the part was taken, a sentence each, for people.
        paths: Edge ids in walking order, one tuple per path that led to an answer.
        truncated: Whether something relevant was left out to fit a budget.

    Raises:
        DataError: Lengths disagree.
    """

    nodes: Int32[np.ndarray, "num_nodes"]
    edges: Int32[np.ndarray, "num_edges"]
    node_scores: Float32[np.ndarray, "num_nodes"]
    edge_scores: Float32[np.ndarray, "num_edges"]
    reasons: tuple[str, ...] = ()
    paths: tuple[tuple[int, ...], ...] = field(default=())
    truncated: bool = False

    def __post_init__(self) -> None:
        for what, ids, scores in (
            ("node", self.nodes, self.node_scores),
            ("edge", self.edges, self.edge_scores),
        ):
            if len(ids) != len(scores):
                raise DataError(f"{len(ids)} {what}s and {len(scores)} {what} scores")
