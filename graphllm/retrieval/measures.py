"""What a comparison or a ranking measures: an attribute, or a relation whose ends are values."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from graphllm.query.plan import Attribute, Measure, Reached
from graphllm.retrieval.affinity import Affinity
from graphllm.retrieval.schema import GraphSchema

_MOSTLY = 0.8  # share of names that must read as values
_RELEVANT = 0.3
_MORE_WORDS = 0.15
_HAS = 0.05  # share of a kind of node that must have the measure


class ScoredMeasure(NamedTuple):
    """A measure, the port that reads it, and how well the words fit it."""

    measure: Measure
    port: int
    score: float
    cue: str


class Measures:
    """Finds measures for the words of comparisons and superlatives."""

    def __init__(self, schema: GraphSchema, affinity: Affinity) -> None:
        self.schema = schema
        self.affinity = affinity

    def find(self, cues: Sequence[str], *, is_time: bool) -> list[ScoredMeasure]:
        """Return the measures that ``cues`` may mean, best first.

        Args:
            cues: Words, likeliest first; they need not all fit.
            is_time: Only dates and years will do; with no fitting cue, any of them.
        """
        found = []
        for port in range(0, self.schema.num_ports, 2):
            if self.schema.value_share(port) < _MOSTLY:
                continue
            if is_time and self.schema.time_share(port) < _MOSTLY:
                continue
            score, cue = self._fit(port >> 1, cues)
            if is_time:
                score = max(score, 0.2)
            if score >= (_RELEVANT if not is_time else 0.2):
                found.append(ScoredMeasure(self.measure(port), port, score, cue))
        return sorted(found, key=lambda m: -m.score)

    def of_kind(self, found: Sequence[ScoredMeasure], arrived_by: int) -> ScoredMeasure | None:
        """Return the best of ``found`` that nodes reached by a port have."""
        has = self.schema.follows(arrived_by)
        return next((m for m in found if has[m.port] > _HAS), None)

    def every(self, arrived_by: int) -> list[ScoredMeasure]:
        """Return all measures that nodes reached by a port have, the most usual first."""
        has = self.schema.follows(arrived_by)
        usual = [p for p in np.argsort(-has, kind="stable").tolist() if has[p] > _HAS]
        ports = [p for p in usual if self.is_measure(p)]
        return [ScoredMeasure(self.measure(p), p, 0.0, "") for p in ports]

    def every_of_nodes(self, nodes: Sequence[int]) -> list[ScoredMeasure]:
        """Return all measures that some of ``nodes`` have."""
        has = self.schema.port_counts(np.array(nodes, dtype=np.int64))[::2] > 0
        ports = [p for p in (2 * np.flatnonzero(has)).tolist() if self.is_measure(p)]
        return [ScoredMeasure(self.measure(p), p, 0.0, "") for p in ports]

    def is_measure(self, port: int) -> bool:
        """Whether most of what a port leads to are numbers or dates."""
        return not port & 1 and self.schema.value_share(port) >= _MOSTLY

    def of_nodes(
        self, found: Sequence[ScoredMeasure], nodes: Sequence[int]
    ) -> ScoredMeasure | None:
        """Return the best of ``found`` that some of ``nodes`` have."""
        counts = self.schema.port_counts(np.array(nodes, dtype=np.int64))
        return next((m for m in found if counts[m.port] / max(len(nodes), 1) > _HAS), None)

    def _fit(self, relation: int, cues: Sequence[str]) -> tuple[float, str]:
        best, chosen = 0.0, ""
        matched = set()
        for rank, cue in enumerate(cues):
            score = float(self.affinity.relations(cue)[relation]) * 0.93**rank
            matched.add(self.affinity.label_word(cue, relation))
            if score > best:
                best, chosen = score, cue
        more = max(len(matched - {""}) - 1, 0)  # "units in stock" is not "units on order"
        return best + _MORE_WORDS * more, chosen

    def measure(self, port: int) -> Measure:
        """Return the measure that ``port`` reads."""
        attribute = self.schema.attribute(port)
        return Attribute(attribute) if attribute else Reached(self.schema.step(port))
