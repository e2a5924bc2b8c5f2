"""Retrieval by plans: the ways to what a question probably asks for, then what lies around."""

import sys
from collections import Counter

import numpy as np

from graphllm.graph.subgraph import Subgraph
from graphllm.query import execute, to_words
from graphllm.query.result import PlanResult
from graphllm.retrieval.ground import PlanCandidate
from graphllm.retrieval.linker import Mention, Seeds
from graphllm.retrieval.planner import Planner
from graphllm.retrieval.ppr import PPRRetriever
from graphllm.retrieval.proofs import Proof, shortened
from graphllm.retrieval.region import best_edges
from graphllm.retrieval.relevance import relevance
from graphllm.retrieval.retriever import MAX_EDGES

_TRIED = 12  # plans that are run in vain, at most
_LARGE = 50_000  # edges of a proof after which no other plan is run: each would take its time
_NEAREST = 12  # edges of the context that come before a second reading, which may be long
_NEARLY = 0.05  # how far behind the best a reading is as good
_IN_VAIN = 4  # of those from the same names


class PathRetriever:
    """Runs the best plans and takes the edges that prove their answers; then adds context.

    A language model can then still take another reading than the planner's first, and it sees
    whole paths: first one way to each answer of a reading; then the few edges that a random walk
    from what the question names passes most, the other readings, and more of the walk.

    Args:
        planner: Ranks plans over its graph.
        num_plans: How many readings are shown.
        margin: How much worse than the best that gives anything a reading may score.
    """

    def __init__(self, planner: Planner, *, num_plans: int = 3, margin: float = 0.3) -> None:
        self.planner = planner
        self.num_plans = num_plans
        self.margin = margin
        self._context = PPRRetriever(planner)

    def retrieve(self, seeds: Seeds, *, max_edges: int = MAX_EDGES) -> Subgraph:
        """Return the ways to the answers of the best plans, and what lies around."""
        view = self.planner.view
        run = [
            (plan, result, shortened(plan.plan, result, view, max_edges))
            for plan, result in self._run(seeds)
        ]
        if run:
            surest = run[0][0].score
            run.sort(key=lambda one: _turn(surest - one[0].score, one[2]))
        proofs = [proof for *_, proof in run]
        about = relevance(self.planner.ground, seeds)
        around = self._context.around(about, max_edges)
        by_flow = np.lexsort((around.edges, -around.edge_scores))
        context = around.edges[by_flow].tolist()
        first = [*proofs[0].edges, *context[:_NEAREST]] if proofs else []
        proved = [edge for proof in proofs for edge in proof.edges]
        proved += [edge for proof in proofs for edge in proof.rest]
        ranked = list(dict.fromkeys([*first, *proved, *context]))
        scores = 1 - np.arange(len(ranked), dtype=np.float32) / np.float32(max(len(ranked), 1))
        return best_edges(
            view,
            np.array(ranked, dtype=np.int32),
            scores,
            max_edges,
            nodes=about.starts | _owners([result for _, result, _ in run]),
            reasons=(*(to_words(plan.plan, view) for plan, *_ in run), *around.reasons),
            paths=_paths(proofs),
            truncated=around.truncated or any(len(r.edges) > max_edges for _, r, _ in run),
        )

    def _run(self, seeds: Seeds) -> list[tuple[PlanCandidate, PlanResult]]:
        """Return the best plans that give anything, with what they give.

        Where plans from the same names give nothing again and again, those from other names get
        their turn: a common word was taken for a name.
        """
        found: list[tuple[PlanCandidate, PlanResult]] = []
        in_vain: Counter[frozenset[Mention]] = Counter()
        for candidate in self.planner.rank(seeds):
            names = frozenset(candidate.mentions)
            if found and candidate.score < found[0][0].score - self.margin:
                break
            if in_vain[names] == _IN_VAIN or in_vain.total() == _TRIED:
                continue
            result = execute(candidate.plan, self.planner.view)
            if result.is_empty or not (len(result.edges) or result.attributes):
                in_vain[names] += 1
                continue
            found.append((candidate, result))
            if len(found) == self.num_plans or len(result.edges) > _LARGE:
                break
        return found


def _turn(behind: float, proof: Proof) -> int:
    """Return when a reading has its turn: of those nearly as good as the best, the shortest first.

    A long list would otherwise fill the budget, and a short one beside it costs little.
    """
    if behind > _NEARLY:
        return sys.maxsize
    return len(proof.edges) or len(proof.rest)


def _owners(results: list[PlanResult]) -> dict[int, float]:
    """Return the nodes whose attributes were read, which are worth a line of their own."""
    owners = (fact.owner for result in results for fact in result.attributes if not fact.on_edge)
    return dict.fromkeys(owners, 1.0)


def _paths(proofs: list[Proof]) -> list[tuple[int, ...]]:
    return list(dict.fromkeys(path for proof in proofs for path in proof.paths))
