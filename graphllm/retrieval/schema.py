"""What a planner must know of a graph as a whole: its relations, and the kinds of nodes they join.

A *port* is a way to leave a node: relation ``r`` forward is port ``2 r``, against the edge
``2 r + 1``. Walking port ``p`` arrives at a node that has port ``p ^ 1`` (the way back). Typed
attributes of nodes follow the relations as if they were relations to values, forward only.
Everything is estimated from a sample of each relation's edges.
"""

import re
from array import array
from collections import Counter
from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int, Int32

from graphllm.graph.columns import Kind, format_value
from graphllm.graph.folding import fold, humanize
from graphllm.graph.taught import NOTHING_TAUGHT, Meaning, Taught
from graphllm.graph.view import Adjacency, GraphView, edges_by_relation
from graphllm.query.plan import Step
from graphllm.query.values import read_text
from graphllm.retrieval.english import CONTAINMENT, SYMMETRIC
from graphllm.retrieval.labels import turned

_SAMPLE = 256
_MOST_EDGES = 20_000  # of one node that are looked at; hubs repeat themselves
_MOST_VALUES = 200_000  # of a text column, read to see what values it has
_MOST_DISTINCT = 2_000
_REPEATING = 0.9  # a column with more distinct values than this share tells rows apart
_MOST_FLAGS = 2_000  # values of a column, read to see whether it only says yes and no
_LONGEST_VALUE = 60
_MIN_EDGE_SHARE = 0.05
_STAND_FOR_ALL = 16  # nodes of one name
_KEPT = 1_024  # sets of nodes whose ports are remembered: one question asks for them many times
MEASURED = (Kind.INTEGER, Kind.NUMBER, Kind.DATE)
_STATEMENTS = 0.5  # share of nameless nodes from which a step is taken to lead to statements
_ALL_NAMELESS = 0.9  # of the nodes: where (nearly) nothing has a name, identifiers are the names
# a Freebase statement, a blank node, a statement of Wikidata, a UUID
_IDENTIFIER = re.compile(
    r"[mg]\.0?[0-9a-z_]{3,}|_:\w+|(?:[qQ]\d+-)?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
)
_DOTTED = re.compile(r"\w+(?:\.\w+){2,}")
_HEAD_OF_SOMETHING = 0.3  # share of nodes that must have outgoing edges to be told apart by them
_SAME_KIND = 0.75
_KNOWN_BY = 64  # relations of a kind of node that are compared


_YES = frozenset(("true", "1", "y", "yes", "t"))
_NO = frozenset(("false", "0", "n", "no", "f"))


class GraphSchema:
    """The relations of one graph and how they join; everything lazy, estimated from samples.

    Args:
        view: The graph.
        taught: What its relations were said to mean.

    Attributes:
        labels: The words of each relation, then of each attribute: the first that were taught,
            else those of its own label.
        phrases: All words of each: its label's, and every phrase that was taught.
    """

    def __init__(self, view: GraphView, taught: Taught = NOTHING_TAUGHT) -> None:
        self.view = view
        self.attributes: tuple[str, ...] = tuple(view.node_columns)
        self.phrases = _phrases((*view.relations, *self.attributes), taught)
        self.labels: tuple[str, ...] = tuple(said[0] for said in self.phrases)
        self.arrivals = lru_cache(maxsize=None)(self._arrivals)
        self.follows = lru_cache(maxsize=None)(self._shares)
        self.value_share = lru_cache(maxsize=None)(self._value_share)
        self.time_share = lru_cache(maxsize=None)(self._time_share)
        self.arrival_types = lru_cache(maxsize=None)(self._arrival_types)
        self.edge_attributes = lru_cache(maxsize=None)(self._edge_attributes)
        self._ports_of = lru_cache(_KEPT)(self._read_ports_of)

    @property
    def num_ports(self) -> int:
        """Twice the number of relations and attributes."""
        return 2 * len(self.labels)

    def attribute(self, port: int) -> str | None:
        """Return the attribute that ``port`` reads, or ``None`` when it walks a relation."""
        position = (port >> 1) - len(self.view.relations)
        return self.attributes[position] if position >= 0 else None

    def step(self, port: int) -> Step:
        """Return the plan step that walks ``port``."""
        return Step(self.view.relations[port >> 1], inverse=bool(port & 1))

    @cached_property
    def _edges_by_relation(self) -> list[Int32[np.ndarray, "num_sampled"]]:
        """Up to ``_SAMPLE`` edges of each relation, evenly spaced over the file."""
        indptr, edge_ids = edges_by_relation(self.view)
        return [
            np.asarray(edge_ids[start + _spread(end - start)])
            for start, end in pairwise(indptr.tolist())
        ]

    def _arrivals(self, port: int) -> Int32[np.ndarray, "num_sampled"]:
        if self.attribute(port) is not None:
            return np.zeros(0, dtype=np.int32)
        edges = self._edges_by_relation[port >> 1]
        ends = self.view.heads if port & 1 else self.view.tails
        return np.unique(ends[edges])

    def _shares(self, port: int) -> Float32[np.ndarray, "num_ports"]:
        nodes = self.arrivals(port)
        return self.port_counts(nodes) / np.float32(max(len(nodes), 1))

    def port_counts(self, nodes: Int[np.ndarray, "n"]) -> Float32[np.ndarray, "num_ports"]:
        """Return how many of ``nodes`` have each port."""
        counts = np.zeros(self.num_ports, dtype=np.float32)
        for inverse, side in ((0, self.view.outgoing), (1, self.view.incoming)):
            found = np.bincount(
                _distinct_relations(side, nodes), minlength=len(self.view.relations)
            )
            counts[inverse : 2 * len(self.view.relations) : 2] = found
        for position, name in enumerate(self.attributes, len(self.view.relations)):
            owners = self.view.node_columns[name].ids
            at = np.searchsorted(owners, nodes)
            has = owners[np.minimum(at, len(owners) - 1)] == nodes if len(owners) else at < 0
            counts[2 * position] = has.sum()
        return counts

    def has_ports(self, nodes: Sequence[int]) -> Bool[np.ndarray, "num_ports"]:
        """Return which ports any of ``nodes`` has; of many, the first few stand for all."""
        return self._ports_of(tuple(nodes[:_STAND_FOR_ALL]))

    def _read_ports_of(self, nodes: tuple[int, ...]) -> Bool[np.ndarray, "num_ports"]:
        return self.port_counts(np.array(nodes, dtype=np.int64)) > 0

    @cached_property
    def statement_ports(self) -> frozenset[int]:
        """The ports that arrive at statements: nodes without a name that only join others.

        Freebase says "Ada, spouse, m.04z; m.04z, spouse, Bo": the two steps are one relation, and
        ``m.04z`` is no answer to anything.
        """
        spread = _spread(self.view.num_nodes).tolist()
        nameless = sum(is_identifier(self.view.names[node]) for node in spread)
        if not nameless or nameless > _ALL_NAMELESS * len(spread):
            return frozenset()
        ports = range(2 * len(self.view.relations))
        shares = ((port, [is_identifier(name) for name in self.names(port)]) for port in ports)
        return frozenset(port for port, are in shares if sum(are) > _STATEMENTS * len(are))

    @cached_property
    def containments(self) -> list[int]:
        """The relations that say what lies in what: "located in", "part of"."""
        relations = range(len(self.view.relations))
        return [r for r in relations if not CONTAINMENT.isdisjoint(self.phrases[r])]

    @cached_property
    def wording(self) -> dict[str, str]:
        """What to call the relations and attributes that were taught, by their labels."""
        names = (*self.view.relations, *self.attributes)
        pairs = zip(names, self.labels, strict=True)
        return {name: label for name, label in pairs if label != relation_words(name)}

    def _value_share(self, port: int) -> float:
        """Return the share of arrived-at names that read as a number or a date."""
        attribute = self.attribute(port)
        if attribute is not None:
            return float(self.view.node_columns[attribute].kind in MEASURED)
        names = self.names(port)
        return sum(read_text(name) is not None for name in names) / max(len(names), 1)

    def _time_share(self, port: int) -> float:
        """Return the share of arrived-at values that read as a date or a year."""
        values = [read_text(name) for name in self.names(port)]
        return sum(_is_time(v) for v in values) / max(len(values), 1)

    def names(self, port: int, count: int = 24) -> list[str]:
        """Return names of some nodes that walking ``port`` arrives at, evenly spaced."""
        attribute = self.attribute(port)
        if attribute is not None:
            column = self.view.node_columns[attribute]
            rows = _spread(len(column.ids), count).tolist()
            return [format_value(column.value(row)) for row in rows]
        nodes = self.arrivals(port)
        return [self.view.names[node] for node in nodes[_spread(len(nodes), count)].tolist()]

    @cached_property
    def port_classes(self) -> list[int]:
        """The kind of node each port arrives at, as a number; kinds are told apart by structure.

        Nodes that are heads of the same relations are of one kind; nodes that are the head of
        nothing ("Drama", "1999") are of a kind of their own for each relation.
        """
        kinds = _Kinds()
        classes = []
        for port in range(self.num_ports):
            heads = self._shares(port)[0::2]
            if heads.max(initial=0) < _HEAD_OF_SOMETHING:
                heads = np.zeros_like(heads)
            classes.append(kinds.number(heads))
        return classes

    def is_symmetric(self, relation: int) -> bool:
        """Return whether a relation holds both ways by what it is called: "married to"."""
        own = relation < len(self.view.relations)
        return own and not SYMMETRIC.isdisjoint(" ".join(self.phrases[relation]).split())

    @cached_property
    def text_values(self) -> dict[str, list[tuple[int, str]]]:
        """The folded values of text attributes that repeat, with their port and spelling.

        A country, a status or a title that many rows share can be asked for like a name.
        """
        found: dict[str, list[tuple[int, str]]] = {}
        for position, name in enumerate(self.attributes, len(self.view.relations)):
            column = self.view.node_columns[name]
            if column.kind is not Kind.TEXT or len(column.ids) > _MOST_VALUES:
                continue
            values = Counter(str(v) for v in column.values)
            if len(values) <= min(_MOST_DISTINCT, max(len(column.ids) * _REPEATING, 1)):
                for value in values:
                    if 0 < len(value) <= _LONGEST_VALUE:
                        found.setdefault(fold(value), []).append((2 * position, value))
        return found

    @cached_property
    def flags(self) -> dict[int, bool | int | str]:
        """The ports of attributes that say yes or no, as true or 1, and what says yes."""
        found: dict[int, bool | int | str] = {}
        for position, name in enumerate(self.attributes, len(self.view.relations)):
            column = self.view.node_columns[name]
            rows = range(min(len(column.ids), _MOST_FLAGS))
            values = dict.fromkeys(column.value(row) for row in rows)
            yes: list[bool | int | str] = [
                value
                for value in values
                if isinstance(value, bool | int | str) and str(value).lower() in _YES
            ]
            if yes and all(str(value).lower() in _YES | _NO for value in values):
                found[2 * position] = yes[0]
        return found

    def _edge_attributes(self, relation: int) -> list[str]:
        """Return the attributes that edges of ``relation`` have, in the source's order."""
        edges = self._edges_by_relation[relation]
        return [
            name
            for name, column in self.view.edge_columns.items()
            if np.isin(edges, column.ids).mean() > _MIN_EDGE_SHARE
        ]

    def _arrival_types(self, port: int) -> dict[int, float]:
        """Return the node types that walking ``port`` arrives at, with their shares."""
        types = self.view.node_type_ids[self.arrivals(port)].tolist()
        return {t: n / len(types) for t, n in Counter(types).items() if t >= 0}


def _phrases(names: Sequence[str], taught: Taught) -> tuple[tuple[str, ...], ...]:
    """Return the words of each relation, those that were taught first."""
    meant = taught.phrases
    return tuple(
        tuple(dict.fromkeys((*filter(None, map(said_forward, meant.get(name, ()))), own)))
        for name, own in zip(names, map(relation_words, names), strict=True)
    )


def said_forward(meaning: Meaning) -> str:
    """Return the words of a taught phrase as they read from head to tail; "" where none do.

    Examples:
        >>> said_forward(Meaning("R17", "isSuppliedBy", inverse=True))
        'supplied'
    """
    said = humanize(meaning.phrase)
    return turned(said) if meaning.inverse else said


def _spread(count: int, wanted: int = _SAMPLE) -> Int[np.ndarray, "num_chosen"]:
    return np.linspace(0, count - 1, min(count, wanted)).astype(np.int64)


def _is_time(value: object) -> bool:
    is_year = isinstance(value, int) and not isinstance(value, bool) and 1000 <= value <= 2100
    return is_year or isinstance(value, np.datetime64)


class _Kinds:
    """Numbers kinds of nodes by the relations that they are heads of.

    Only the relations that a kind is known by are compared, and only with kinds known by one of
    them, so that thousands of relations take seconds.
    """

    def __init__(self) -> None:
        self._count = 0
        self._kinds: dict[int, array[int]] = {}  # by relation: the kinds known by it,
        self._shares: dict[int, array[float]] = {}  # and their shares, as parts of unit vectors

    def number(self, heads: Float32[np.ndarray, "num_relations"]) -> int:
        """Return the number of the kind most like ``heads``, or a new one where none is."""
        known_by = np.argsort(-heads, kind="stable")[:_KNOWN_BY]
        known_by = known_by[heads[known_by] > 0]
        shares = heads[known_by] / max(float(np.linalg.norm(heads[known_by])), 1e-9)
        pairs = list(zip(known_by.tolist(), shares.tolist(), strict=True))
        alike = self._likeness(pairs)
        if alike.max(initial=0) > _SAME_KIND:
            return int(np.argmax(alike))
        for relation, share in pairs:
            self._kinds.setdefault(relation, array("q")).append(self._count)
            self._shares.setdefault(relation, array("d")).append(share)
        self._count += 1
        return self._count - 1

    def _likeness(self, pairs: Sequence[tuple[int, float]]) -> Float64[np.ndarray, "num_kinds"]:
        """Return the cosine of a unit vector to every kind."""
        shared = [(relation, share) for relation, share in pairs if relation in self._kinds]
        if not shared:
            return np.zeros(self._count)
        kinds = [np.frombuffer(self._kinds[relation], np.int64) for relation, _ in shared]
        parts = [share * np.frombuffer(self._shares[relation]) for relation, share in shared]
        return np.bincount(np.concatenate(kinds), np.concatenate(parts), minlength=self._count)


def _distinct_relations(
    side: Adjacency, nodes: Int[np.ndarray, "n"]
) -> Int32[np.ndarray, "num_pairs"]:
    """Return the relations of each node's edges, every relation once per node."""
    starts = side.indptr[nodes]
    degrees = np.minimum(side.indptr[np.asarray(nodes) + 1] - starts, _MOST_EDGES)
    total = int(degrees.sum())
    within = np.arange(total) - np.repeat(np.cumsum(degrees) - degrees, degrees)
    relations = np.asarray(side.relation_ids[np.repeat(starts, degrees) + within])
    first = np.ones(total, dtype=np.bool_)  # a node's edges stand in the order of their relations
    first[1:] = (relations[1:] != relations[:-1]) | (within[1:] == 0)
    return relations[first]


def is_identifier(name: str) -> bool:
    """Return whether a name is a number that a database gave, and no name.

    Examples:
        >>> [is_identifier(name) for name in ("m.075rt74", "_:b0", "M. Ward", "m.a.s.h")]
        [True, True, False, False]
    """
    return _IDENTIFIER.fullmatch(name) is not None


def relation_words(relation: str) -> str:
    """Return the telling words of a relation's label: the last part of a path-like one.

    Examples:
        >>> relation_words("/people/person/place_of_birth"), relation_words("has_imdb_rating")
        ('place of birth', 'has imdb rating')
        >>> relation_words("__music__album__releases"), relation_words("doctoral advisor")
        ('releases', 'doctoral advisor')
    """
    last = relation.rstrip("/_")
    for separator in ("/", "__", "."):
        last = last.rsplit(separator, 1)[-1] or last
    return humanize(last) or humanize(relation) or relation


def context_words(relation: str) -> str:
    """Return the words before the last part of a path-like label: what the relation is about.

    Examples:
        >>> context_words("/film/director/film"), context_words("people.person.languages")
        ('film director', 'people person')
        >>> context_words("has_imdb_rating")
        ''
    """
    parts = [p for p in re.split(r"__+|[/.]", relation) if p]
    is_path = relation.startswith(("/", "__")) or _DOTTED.fullmatch(relation)
    return humanize(" ".join(parts[:-1])) if is_path else ""
