"""The kinds of node that a graph's types tell apart: what is said of each, and how they join."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32

from graphllm.graph.columns import Kind as ColumnKind
from graphllm.graph.folding import fold, humanize
from graphllm.graph.view import edges_by_relation
from graphllm.query.plan import Follow, Intersect, NodePlan, OfType, Step
from graphllm.retrieval.affinity import Affinity
from graphllm.retrieval.directions import Direction, of_label
from graphllm.retrieval.english import (
    FUNCTION_WORDS,
    Token,
    family,
    is_person_noun,
    synonyms,
    words,
)
from graphllm.retrieval.linker import Span
from graphllm.retrieval.schema import GraphSchema

_SAMPLE = 256  # nodes of a kind that are looked at
_RARE = 0.01  # share of a step's ends below which it does not lead to a kind
_ALL = 0.99
_MOSTLY_TYPED = 0.8  # share of a step's ends whose kind is known, from which the rest are alike
_NAMELESS = 0.9  # share of a kind's nodes that only go by a number
_MAX_STEPS = 3
_MAX_WAYS = 8
_SAYS = 0.4  # affinity from which a word speaks of a relation or attribute
_MOST_EDGES = 100_000  # of one relation, looked at to see which kinds it joins
_MOST_VALUES = 20_000  # of a text attribute whose values do not repeat
_LONGEST_VALUE = 60
_KEPT = 65_536  # words and ports that are remembered
_PEOPLE = words("employee customer student staff patient client user owner guest visitor friend")
_SURNAMES = words("lastname lname surname familyname")
_SYNONYM, _PART = 0.8, 0.75


class NamedKind(NamedTuple):
    """Words of a question that name a kind of node."""

    span: Span
    kind: int
    quality: float


class Way(NamedTuple):
    """Steps from one kind to another, and the kinds that they pass, the last included."""

    ports: tuple[int, ...]
    kinds: tuple[int, ...]


class Kinds:
    """The types of a graph as kinds that people ask for.

    Args:
        schema: The graph's relations.
        affinity: Words against them.
    """

    def __init__(self, schema: GraphSchema, affinity: Affinity) -> None:
        self.schema = schema
        self.affinity = affinity
        self.view = schema.view
        self.has = lru_cache(maxsize=None)(self._has)
        self.ways = lru_cache(maxsize=None)(self._ways)
        self.reached = lru_cache(maxsize=None)(self._reached)
        self.is_single = lru_cache(maxsize=None)(self._is_single)
        self.says = lru_cache(_KEPT)(self._says)
        self._parts = [humanize(name).split() for name in self.view.node_types]
        self.relation_ids = {name: number for number, name in enumerate(self.view.relations)}

    def all_of(self, kind: int) -> NodePlan:
        """Return the plan of all nodes of a kind."""
        return OfType(self.view.node_types[kind])

    def _has(self, kind: int) -> Float32[np.ndarray, "num_ports"]:
        """Return the share of a kind's nodes that has each port."""
        nodes = np.flatnonzero(np.asarray(self.view.node_type_ids) == kind)
        chosen = np.linspace(0, len(nodes) - 1, min(len(nodes), _SAMPLE)).astype(np.int64)
        counts = self.schema.port_counts(nodes[chosen])
        return np.asarray(counts / max(len(chosen), 1), dtype=np.float32)

    # What is named

    def named(self, tokens: Sequence[Token]) -> list[NamedKind]:
        """Return the kinds that a question's words name, in their order, the longest at a place."""
        found: list[NamedKind] = []
        position = 0
        while position < len(tokens):
            here = [n for kind in range(len(self._parts)) for n in self._at(tokens, position, kind)]
            best = max(here, key=lambda n: (n.span.last, n.quality), default=None)
            found += [n for n in here if best and n.span == best.span and n.quality == best.quality]
            position = best.span.last if best else position + 1
        return found

    def _at(self, tokens: Sequence[Token], position: int, kind: int) -> list[NamedKind]:
        parts = self._parts[kind]
        words = [t.folded for t in tokens[position : position + len(parts)]]
        if parts and list(map(family, words)) == list(map(family, parts)):
            return [NamedKind(Span(position, position + len(parts)), kind, 1.0)]
        word = tokens[position].folded
        if not parts or word in FUNCTION_WORDS or word.isdigit():
            return []
        quality = max((self._likeness(part, word) for part in parts[-1:]), default=0.0)
        return [NamedKind(Span(position, position + 1), kind, quality)] if quality else []

    def _likeness(self, part: str, word: str) -> float:
        if family(part) == family(word):
            return _PART
        return _SYNONYM - 0.1 if synonyms(part, word) else 0.0

    def speaks_of(self, kind: int, word: str) -> bool:
        """Return whether a word is part of a kind's name, or a form of it: "ordered" of orders."""
        return any(family(part) == family(word) for part in self._parts[kind])

    def spoken_of(self, word: str) -> list[int]:
        """Return the kinds whose names have a form of a word."""
        return [kind for kind in range(len(self._parts)) if self.speaks_of(kind, word)]

    # What is said of a kind

    def is_only(self, kind: int, port: int) -> bool:
        """Return whether nodes of one kind alone have an attribute."""
        column = self.view.node_columns[self.schema.attribute(port) or ""]
        types = np.asarray(self.view.node_type_ids)[np.asarray(column.ids)]
        return bool((types == kind).all())

    def is_person(self, kind: int) -> bool:
        """Return whether nodes of a kind are people: by what it is called, or by their names."""
        if any(
            is_person_noun(word) or word.removesuffix("s") in _PEOPLE for word in self._parts[kind]
        ):
            return True
        labels = [self.schema.labels[port >> 1] for port in self.attributes(kind)]
        return any(label.replace(" ", "") in _SURNAMES for label in labels)

    def measured(self, kind: int) -> list[int]:
        """Return the ports of a kind's attributes that are numbers and no times."""
        return [p for p in self.attributes(kind) if self._is_number(p)]

    def attributes(self, kind: int) -> list[int]:
        """Return the ports of the attributes that nodes of a kind have."""
        first = 2 * len(self.view.relations)
        return [p for p in range(first, self.schema.num_ports, 2) if self.has(kind)[p] > 0]

    def _is_number(self, port: int) -> bool:
        name = self.schema.attribute(port) or ""
        numbers = (ColumnKind.INTEGER, ColumnKind.NUMBER)
        return self.view.node_columns[name].kind in numbers and not self.is_time(port)

    def is_time(self, port: int) -> bool:
        """Return whether an attribute's values are dates or years."""
        return self.schema.time_share(port) > 1 - _PART / 2

    def is_year(self, port: int) -> bool:
        """Return whether an attribute's values are whole numbers that read as years."""
        column = self.view.node_columns[self.schema.attribute(port) or ""]
        return column.kind is ColumnKind.INTEGER and self.is_time(port)

    def _says(self, word: str, port: int) -> float:
        """Return how far a word speaks of what a port reads or walks; 0 where it hardly does."""
        if word in FUNCTION_WORDS or word.isdigit():
            return 0.0
        said = float(self.affinity.relations(word)[port >> 1])
        return said if said >= _SAYS else 0.0

    def attribute_said(
        self, kind: int, words: Sequence[tuple[int, str]]
    ) -> tuple[int, dict[int, float]] | None:
        """Return the attribute of a kind that words speak of best, and which of them do."""
        best: tuple[tuple[int, float], int, dict[int, float]] | None = None
        for port in self.attributes(kind):
            said = {at: self.says(word, port) for at, word in words}
            said = {at: score for at, score in said.items() if score}
            labels = {self.affinity.label_word(word, port >> 1) for at, word in words if at in said}
            rank = (len(labels - {""}), max(said.values(), default=0.0))
            if said and (best is None or rank > best[0]):
                best = (rank, port, said)
        return None if best is None else (best[1], best[2])

    # How kinds join

    @cached_property
    def values(self) -> dict[str, list[tuple[int, str]]]:
        """The folded values of all text attributes, with their port and spelling.

        Also of those that hardly repeat: of thirty makers each may well be in a city of its own.
        """
        found = {said: list(values) for said, values in self.schema.text_values.items()}
        known = {port for values in found.values() for port, _ in values}
        for position, name in enumerate(self.schema.attributes, len(self.view.relations)):
            column = self.view.node_columns[name]
            is_text = column.kind is ColumnKind.TEXT and len(column.ids) <= _MOST_VALUES
            if not is_text or 2 * position in known:
                continue
            for value in dict.fromkeys(map(str, column.values)):
                if 0 < len(value) <= _LONGEST_VALUE:
                    found.setdefault(fold(value), []).append((2 * position, value))
        return found

    @cached_property
    def joins(self) -> dict[int, list[tuple[int, int]]]:
        """For each kind the steps from it, each with a kind that it leads to."""
        found: dict[int, list[tuple[int, int]]] = {}
        for port in range(2 * len(self.view.relations)):
            sources = self.schema.arrival_types(port ^ 1)
            targets = self.schema.arrival_types(port)
            for kind, share in sources.items():
                if share > _RARE:
                    reached = self.reached(kind, port) if len(sources) > 1 else targets
                    ends = [end for end, part in reached.items() if part > _RARE]
                    found.setdefault(kind, []).extend((port, end) for end in ends)
        return found

    def _reached(self, kind: int, port: int) -> dict[int, float]:
        """Return the kinds that one of several kinds reaches by a step, with their shares."""
        types = np.asarray(self.view.node_type_ids)
        edges = self._edges_of(port >> 1)
        heads, tails = types[self.view.heads[edges]], types[self.view.tails[edges]]
        sources, targets = (tails, heads) if port & 1 else (heads, tails)
        ends, counts = np.unique(targets[sources == kind], return_counts=True)
        typed = int(counts[ends >= 0].sum())
        total = max(int(counts.sum()), 1)
        total = typed if typed >= _MOSTLY_TYPED * total else total  # a few that nothing describes
        pairs = zip(ends.tolist(), counts.tolist(), strict=True)
        return {end: count / total for end, count in pairs if end >= 0}

    def is_event(self, kind: int) -> bool:
        """Return whether nodes of a kind have no names, and say how several others go together.

        Such are flights, orders and appointments: people ask about those, and hardly mention them.
        """
        return self._events[kind]

    @cached_property
    def _events(self) -> list[bool]:
        types = np.asarray(self.view.node_type_ids)
        found = []
        for kind in range(len(self.view.node_types)):
            onward = {port for port, _ in self.joins.get(kind, ()) if self.is_single(kind, port)}
            nodes = np.flatnonzero(types == kind)
            chosen = nodes[:: max(len(nodes) // _SAMPLE, 1)].tolist()
            names = (humanize(self.view.names[node]).split() for node in chosen)
            numbered = sum(any(word[:1].isdigit() for word in name[-1:]) for name in names)
            found.append(len(onward) > 1 and numbered >= _NAMELESS * len(chosen) > 0)
        return found

    def _is_single(self, kind: int, port: int) -> bool:
        """Return whether each node of a kind has at most one node at a step."""
        edges = self._edges_of(port >> 1)
        starts = np.asarray((self.view.tails if port & 1 else self.view.heads)[edges])
        starts = starts[np.asarray(self.view.node_type_ids)[starts] == kind]
        return len(np.unique(starts)) == len(starts)

    def _edges_of(self, relation: int) -> Int32[np.ndarray, "num_edges"]:
        """Return the edges of a relation; of very many some, evenly spaced."""
        indptr, edge_ids = self._by_relation
        start, end = int(indptr[relation]), int(indptr[relation + 1])
        chosen = np.linspace(start, end - 1, min(end - start, _MOST_EDGES)).astype(np.int64)
        return np.asarray(edge_ids[chosen])

    @cached_property
    def _by_relation(self) -> tuple[np.ndarray, np.ndarray]:
        return edges_by_relation(self.view)

    def _ways(self, start: int, end: int) -> list[Way]:
        """Return the ways from one kind to another that pass no kind twice, the shortest first."""
        found: list[Way] = []
        frontier = [Way((), ())]
        for _ in range(_MAX_STEPS):
            longer = []
            for way in frontier:
                here = way.kinds[-1] if way.kinds else start
                for port, kind in self.joins.get(here, ()):
                    onward = Way((*way.ports, port), (*way.kinds, kind))
                    if kind == end:
                        found.append(onward)
                    elif kind != start and kind not in way.kinds:
                        longer.append(onward)
            frontier = longer
        found.sort(key=lambda way: (len(way.ports), self.is_hub(start, way)))
        return found[:_MAX_WAYS]

    def is_hub(self, start: int, way: Way) -> bool:
        """Return whether a way goes to the one thing that many share, and from there to many.

        A student and a course of one department need not know each other.
        """
        kinds = (start, *way.kinds)
        single = [self.is_single(k, port) for k, port in zip(kinds, way.ports, strict=False)]
        return any(one and not other for one, other in pairwise(single))

    def is_pure(self, start: int, way: Way) -> bool:
        """Return whether the steps of a way lead to nothing but the kinds that it passes."""
        here = start
        for port, kind in zip(way.ports, way.kinds, strict=True):
            if self.reached(here, port).get(kind, 0.0) < _ALL:
                return False
            here = kind
        return True

    def direction(self, way: Way) -> Direction | None:
        """Return the end of an event that a way leads to or from, where a label says one."""
        ends = (of_label(self.schema.labels[port >> 1]) for port in way.ports)
        return next((end for end in ends if end is not None), None)

    def has_ends(self, kind: int) -> bool:
        """Return whether nodes of a kind come from somewhere, or go there, as labels say."""
        onward = (port for port, _ in self.joins.get(kind, ()) if not port & 1)
        return any(of_label(self.schema.labels[port >> 1]) is not None for port in onward)

    def steps(self, way: Way) -> tuple[Step, ...]:
        """Return the plan steps of a way."""
        return tuple(map(self.schema.step, way.ports))

    def walked(self, plan: NodePlan, start: int, way: Way) -> NodePlan:
        """Return the plan that goes from nodes of a kind along a way, and stays with its kinds."""
        here = start
        for port, kind in zip(way.ports, way.kinds, strict=True):
            plan = Follow(plan, self.schema.step(port))
            if self.reached(here, port).get(kind, 0.0) < _ALL:
                plan = Intersect(plan, self.all_of(kind))
            here = kind
        return plan

    def back(self, start: int, way: Way) -> Way:
        """Return a way walked from its end to its start."""
        kinds = (*way.kinds[:-1][::-1], start)
        return Way(tuple(port ^ 1 for port in way.ports[::-1]), kinds)
