"""The neighbourhood of what a question names."""

import numpy as np

from graphllm.graph.subgraph import Subgraph
from graphllm.retrieval.linker import Seeds
from graphllm.retrieval.planner import Planner
from graphllm.retrieval.region import MAX_DEGREE, best_edges, region
from graphllm.retrieval.relevance import relevance
from graphllm.retrieval.retriever import MAX_EDGES


class KHopRetriever:
    """Takes what lies nearest; of edges equally near, those whose relation the question speaks of.

    Args:
        planner: Its graph, and what the graph's words mean.
        max_hops: How far.
        max_degree: Edges of one node, each way, that are looked at.
    """

    def __init__(
        self, planner: Planner, *, max_hops: int = 3, max_degree: int = MAX_DEGREE
    ) -> None:
        self.ground = planner.ground
        self.max_hops = max_hops
        self.max_degree = max_degree

    def retrieve(self, seeds: Seeds, *, max_edges: int = MAX_EDGES) -> Subgraph:
        """Return the nearest edges; connected where the question names one thing."""
        view, about = self.ground.view, relevance(self.ground, seeds)
        around = region(
            view,
            about.starts,
            about.relations,
            max_hops=self.max_hops,
            max_degree=self.max_degree,
        )
        relevant = about.relations[view.relation_ids[around.edges]]
        scores = (1 / around.hops + 0.49 * relevant / around.hops**2).astype(np.float32)
        return best_edges(
            view,
            around.edges,
            scores,
            max_edges,
            nodes=about.starts,
            reasons=_reasons(len(around.edges), self.max_hops),
            truncated=around.sampled,
        )


def _reasons(num_edges: int, max_hops: int) -> tuple[str, ...]:
    return (f"within {max_hops} steps of what the question names",) if num_edges else ()
