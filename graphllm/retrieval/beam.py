"""Paths that the trained scorer proposes, a step at a time, whatever words their labels use."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from graphllm.query.plan import Entities, Follow, NodePlan, Values
from graphllm.retrieval.schema import GraphSchema
from graphllm.retrieval.scorer import PlanScorer
from graphllm.retrieval.verbalize import LETTERS, Verbalizer

_WIDTH = 6  # beginnings that go on
_WHOLE = 12  # beginnings whose path is compared as a whole
_PROPOSED = 8
_MIN_FOLLOWS = 0.02  # share of nodes that must have a step for a path to go on with it
_MOST_ONWARD = 20  # steps after one, the most usual
_KEPT = 20_000  # texts of paths
_START = "start"  # key of the node that a path begins at, in its text

Ports = tuple[int, ...]


class Beam:
    """Beam search over the relation paths from an entity, guided by the plan scorer.

    Beginnings of paths are compared with the question by the text that the scorer was trained on
    for them, and the best go on; the paths returned are those most similar as a whole.

    Args:
        schema: The graph's relations and how they join.
        verbalizer: Writes paths as texts.
        scorer: Compares texts.
    """

    def __init__(self, schema: GraphSchema, verbalizer: Verbalizer, scorer: PlanScorer) -> None:
        self.schema = schema
        self.verbalizer = verbalizer
        self.scorer = scorer
        self._texts = lru_cache(_KEPT)(self._written)
        self._onward = lru_cache(maxsize=None)(self._usual)

    def paths(self, question: str, first: Sequence[int], max_hops: int) -> list[Ports]:
        """Return the most similar paths, best first.

        Args:
            question: With a letter for the entity.
            first: The ports that the entity has.
            max_hops: Steps of the longest path.
        """
        frontier: list[Ports] = [()]
        whole: dict[Ports, float] = {}
        for hop in range(max_hops):
            longer = (
                [(*path, q) for path in frontier for q in self._onward(path[-1])] if hop else []
            )
            options = longer if hop else [(port,) for port in first]
            if not options:
                break
            ranked = self._ranked(question, options, beginning=True)
            ended = self._ranked(question, [path for path, _ in ranked[:_WHOLE]], beginning=False)
            whole.update(ended)
            goes_on = (path for path, _ in ranked if self.schema.attribute(path[-1]) is None)
            frontier = [path for path, _ in zip(goes_on, range(_WIDTH), strict=False)]
        statements = self.schema.statement_ports
        best = sorted(whole, key=lambda path: -whole[path])
        return [path for path in best if path[-1] not in statements][:_PROPOSED]

    def _ranked(
        self, question: str, paths: Sequence[Ports], *, beginning: bool
    ) -> list[tuple[Ports, float]]:
        texts = [self._texts(path)[0 if beginning else 1] for path in paths]
        vectors = self.scorer.vectors([question, *texts])
        similar = vectors[1:] @ vectors[0]
        order = np.argsort(-similar, kind="stable").tolist()
        return [(paths[i], float(similar[i])) for i in order]

    def _usual(self, port: int) -> list[int]:
        """Return the most usual steps after ``port``."""
        follows = self.schema.follows(port)
        usual = np.flatnonzero(follows > _MIN_FOLLOWS)
        return usual[np.argsort(-follows[usual], kind="stable")[:_MOST_ONWARD]].tolist()

    def _written(self, path: Ports) -> tuple[str, str]:
        """Return the texts of a path as the beginning of a longer one, and as a whole."""
        letters = {_START: LETTERS[0]}
        plan: NodePlan = Entities((_START,))
        for port in path[:-1]:
            plan = Follow(plan, self.schema.step(port))
        attribute = self.schema.attribute(path[-1])
        if attribute is not None:
            text = self.verbalizer.text(Values(plan, attribute), letters)
            return text, text
        ended = Follow(plan, self.schema.step(path[-1]))
        return self.verbalizer.beginning(ended, letters), self.verbalizer.text(ended, letters)
