"""The words for what is in one graph: its kinds of node, steps, attributes and edge attributes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int32

from graphllm.query.plan import Measure, Step
from graphllm.questions.schema import AttributeWords, EdgeWords, KindWords, RelationWords


@dataclass(frozen=True, slots=True, kw_only=True)
class Sense:
    """What one step means: a relation, walked from its head or from its tail.

    Attributes:
        words: The relation's words.
        backward: The step leads from the relation's tail to its head. An edge may be stored
            either way, so this is not ``Step.inverse``.
        source: Kind of node it leaves.
        target: Kind of node it reaches.
        twoway: Edges stand in one direction only, but the relation holds both ways.
    """

    words: RelationWords
    backward: bool
    source: str
    target: str
    twoway: bool = False

    @property
    def leads_to_one(self) -> bool:
        """Whether one node leads to one at most."""
        return self.words.one_head if self.backward else self.words.one_tail


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureSense:
    """A measure of nodes and the words for it."""

    measure: Measure
    words: AttributeWords


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """The words for one graph.

    Attributes:
        kinds: The kinds of node, by name.
        kind_ids: The kind of each node, a position in ``kinds``, or -1.
        types: The graph's type label of a kind; only of kinds that have one of their own.
        senses: What a step from each kind means, by relation and direction.
        measures: The attributes of each kind.
        edge_values: The edge attribute of a relation label, and the words for it.
    """

    kinds: Mapping[str, KindWords]
    kind_ids: Int32[np.ndarray, "num_nodes"]
    types: Mapping[str, str] = field(default_factory=dict)
    senses: Mapping[tuple[str, bool], tuple[Sense, ...]] = field(default_factory=dict)
    measures: Mapping[str, tuple[MeasureSense, ...]] = field(default_factory=dict)
    edge_values: Mapping[str, tuple[str, EdgeWords]] = field(default_factory=dict)

    def kind_of(self, node: int) -> str:
        """Return the kind of a node; empty when it has none."""
        kind = int(self.kind_ids[node])
        return list(self.kinds)[kind] if kind >= 0 else ""

    def sense(self, step: Step, source: str) -> Sense | None:
        """Return what a step from a node of kind ``source`` means."""
        senses = self.senses.get((step.relation, step.inverse), ())
        return next((s for s in senses if s.source == source), None)

    def measured(self, kind: str, measure: Measure) -> AttributeWords | None:
        """Return the words for a measure of nodes of one kind."""
        found = (m.words for m in self.measures.get(kind, ()) if m.measure == measure)
        return next(found, None)
