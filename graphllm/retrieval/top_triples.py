"""The triples whose words are most like the question's."""

import numpy as np
from jaxtyping import Int32

from graphllm.graph.folding import humanize
from graphllm.graph.subgraph import Subgraph
from graphllm.retrieval.linker import Seeds
from graphllm.retrieval.planner import Planner
from graphllm.retrieval.region import best_edges, region
from graphllm.retrieval.relevance import relevance
from graphllm.retrieval.retriever import MAX_EDGES

_LONGEST_NAME = 200  # characters of a name that are compared


class TopKTriples:
    """Ranks the triples around what the question names by the likeness of their words to it.

    Source: Baek, Aji and Saffari 2023 (KAPING), section 3.
    Differs from the paper: of large surroundings only the triples are compared whose relation
    bears most on the question, for each costs a run of the encoder; the others come after.

    Args:
        planner: Its graph and its encoder.
        max_hops: How far around.
        max_compared: How many triples are compared at most.
    """

    def __init__(self, planner: Planner, *, max_hops: int = 2, max_compared: int = 96) -> None:
        self.ground = planner.ground
        self.encoder = planner.affinity.encoder
        self.max_hops = max_hops
        self.max_compared = max_compared

    def retrieve(self, seeds: Seeds, *, max_edges: int = MAX_EDGES) -> Subgraph:
        """Return the triples most like the question."""
        view, about = self.ground.view, relevance(self.ground, seeds)
        around = region(view, about.starts, about.relations, max_hops=self.max_hops)
        near = -around.hops + about.relations[view.relation_ids[around.edges]]
        order = np.argsort(-near, kind="stable")
        compared = order[: self.max_compared]
        vectors = self.encoder.encode([seeds.question, *self._verbalised(around.edges[compared])])
        scores = np.empty(len(order), dtype=np.float32)
        scores[order] = -1 - np.arange(len(order)) / max(len(order), 1)
        scores[compared] = vectors[1:] @ vectors[0]
        return best_edges(
            view,
            around.edges,
            scores,
            max_edges,
            nodes=about.starts,
            reasons=("like the words of the question",) if len(order) else (),
            truncated=around.sampled,
        )

    def _verbalised(self, edges: Int32[np.ndarray, "num_edges"]) -> list[str]:
        view = self.ground.view
        return [
            f"{view.names[int(view.heads[e])][:_LONGEST_NAME]}"
            f" {humanize(view.relations[int(view.relation_ids[e])])}"
            f" {view.names[int(view.tails[e])][:_LONGEST_NAME]}"
            for e in edges.tolist()
        ]
