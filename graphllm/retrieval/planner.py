"""From a question to plans, ranked by meaning."""

from collections.abc import Sequence
from typing import NamedTuple

from graphllm.graph.view import GraphView
from graphllm.query.plan import Entities, Follow, NodePlan, Plan, Subtract
from graphllm.retrieval.affinity import Affinity
from graphllm.retrieval.linker import Mention, Seeds
from graphllm.retrieval.paths import PathRanker, RankedPath
from graphllm.retrieval.schema import GraphSchema
from graphllm.text.encoder import TextEncoder

_MENTIONS_TRIED = 4


class PlanCandidate(NamedTuple):
    """A plan that may be what the question means, and how well it explains the question."""

    plan: Plan
    score: float


class Planner:
    """Ranks plans for a question by how well their relations explain its words.

    Args:
        view: The graph.
        encoder: Gives meaning to words that no label contains.
    """

    def __init__(self, view: GraphView, encoder: TextEncoder) -> None:
        self.view = view
        self.schema = GraphSchema(view)
        self.affinity = Affinity(self.schema, encoder)
        self.paths = PathRanker(self.schema, self.affinity)

    def rank(self, seeds: Seeds) -> list[PlanCandidate]:
        """Return candidate plans, best first."""
        ranked = [
            path
            for mention in seeds.mentions[:_MENTIONS_TRIED]
            for path in self.paths.rank(seeds.tokens, mention)[:8]
        ]
        ranked.sort(key=lambda path: -path.score)
        return [PlanCandidate(self.chain(path), path.score) for path in ranked]

    def chain(self, path: RankedPath) -> NodePlan:
        """Return the plan that walks ``path``; going back does not return to where it began."""
        start: NodePlan = Entities(tuple(self.view.keys[n] for n in path.mention.nodes))
        plan = start
        for hop, port in enumerate(path.ports):
            plan = Follow(plan, self.schema.step(port))
            if hop == 1 and port == path.ports[0] ^ 1:
                plan = Subtract(plan, start)
        return plan
