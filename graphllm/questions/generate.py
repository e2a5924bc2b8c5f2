"""Invented graphs: from a schema, with labels in one of many styles."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from graphllm.graph.builder import GraphBuilder, Loose
from graphllm.graph.textual import TextualGraph
from graphllm.query.plan import Attribute, Measure, Reached, Step
from graphllm.questions.clauses import Clause
from graphllm.questions.inflect import Noun
from graphllm.questions.lexicon import Lexicon, MeasureSense, Sense
from graphllm.questions.names import invent, word_list
from graphllm.questions.schema import (
    AttributeSchema,
    AttributeWords,
    EdgeWords,
    KindSchema,
    RelationSchema,
    RelationWords,
    Schema,
    ValueRange,
)

FEWEST_NODES, MOST_NODES = 50, 2000
_SAME_NAME = 0.02  # share of nodes that take the name of another
_ALIASED = 0.12  # share of nodes with another name
_FILLED = (0.8, 1.0)  # share of nodes that have an attribute
_LITERAL = (0.2, 0.6)  # graphs that keep attribute values as nodes: with types, and bare triples
_NUMBERS_ASKED = 0.15  # numbers kept as nodes that are walked from: "the race of 400 metres"
_FLIPPED = 0.3  # relations stored from tail to head
_UNTYPED = 0.3  # graphs whose nodes have no types
_DROPPED = 0.12  # relations of the schema that the graph does not have
_LEFT_OUT = 0.2  # attributes that it does not have
_ONE_WAY = 0.4  # relations that hold both ways, of which only one direction is stored


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltGraph:
    """An invented graph and the words for it.

    Attributes:
        absent: Relations of the schema that this graph does not have.
        untold: Attributes that it does not have, with the kind that would have them.
        glossary: What opaque labels mean; empty where labels speak for themselves.
        style: How its labels are written.
    """

    graph: TextualGraph
    lexicon: Lexicon
    schema: Schema
    style: str
    absent: tuple[RelationSchema, ...] = ()
    untold: tuple[tuple[str, AttributeWords], ...] = ()
    glossary: Mapping[str, str] = field(default_factory=dict)


LabelStyle = Callable[[str, str, str], str]  # words, kind of the source, domain


def _camel(words: str) -> str:
    first, *rest = words.split()
    return first.lower() + "".join(word.capitalize() for word in rest)


def _has(words: str) -> str:
    return f"has{_camel(words)[:1].upper()}{_camel(words)[1:]}"


def _snake(words: str) -> str:
    return words.lower().replace(" ", "_").replace("-", "_")


STYLES: Mapping[str, LabelStyle] = {
    "snake": lambda words, kind, domain: _snake(words),
    "camel": lambda words, kind, domain: _camel(words),
    "upper": lambda words, kind, domain: _snake(words).upper(),
    "spaced": lambda words, kind, domain: words,
    "title": lambda words, kind, domain: words.title(),
    "sentence": lambda words, kind, domain: words.capitalize(),
    "kebab": lambda words, kind, domain: _snake(words).replace("_", "-"),
    "dotted": lambda words, kind, domain: f"{_snake(domain)}.{_snake(kind)}.{_snake(words)}",
    "slashed": lambda words, kind, domain: f"/{_snake(domain)}/{_snake(kind)}/{_snake(words)}",
    "kind": lambda words, kind, domain: f"{_snake(kind)}_{_snake(words)}",
    "iri": lambda words, kind, domain: f"http://example.org/{_snake(domain)}#{_camel(words)}",
}
_USUAL = (
    "snake",
    "snake",
    "snake",
    "camel",
    "camel",
    "upper",
    "upper",
    "spaced",
    "spaced",
    *STYLES,
)
_OPAQUE = 0.06  # graphs whose labels say nothing


def generate(
    schema: Schema, rng: np.random.Generator, *, num_nodes: int | None = None
) -> BuiltGraph:
    """Return an invented graph of ``schema``; the same generator state gives the same graph.

    Args:
        num_nodes: About how many nodes; drawn between 50 and 2,000 when ``None``.
    """
    if num_nodes is None:
        num_nodes = round(math.exp(rng.uniform(math.log(FEWEST_NODES), math.log(MOST_NODES))))
    return _Maker(schema, rng, num_nodes).make()


class _Maker:
    """Grows one graph; every choice of writing is made once, in the constructor."""

    def __init__(self, schema: Schema, rng: np.random.Generator, num_nodes: int) -> None:
        self.schema, self.rng, self.num_nodes = schema, rng, num_nodes
        self.builder = GraphBuilder()
        self.style = "opaque" if rng.random() < _OPAQUE else self.pick(_USUAL)
        self.is_typed = rng.random() >= _UNTYPED
        self.type_style = self.pick(("title", "snake", "spaced", "upper", "camel"))
        self.key_style = self.pick(("name", "name", "slug", "number", "wikidata", "kind"))
        self.has_literals = rng.random() < _LITERAL[not self.is_typed]
        self.says_has = rng.random() < 0.3
        self.glossary: dict[str, str] = {}
        self.labels: dict[str, str] = {}  # label -> what it was given to
        self.members: dict[str, list[str]] = {}
        self.taken: list[str] = []
        self.names: set[str] = set()
        self.kind_of_key: dict[str, str] = {}
        self.senses: dict[tuple[str, bool], tuple[Sense, ...]] = {}
        self.measures: dict[str, tuple[MeasureSense, ...]] = {}
        self.edge_values: dict[str, tuple[str, EdgeWords]] = {}
        self.untold: list[tuple[str, AttributeWords]] = []
        self.read_as_nodes: dict[str, list[tuple[str, AttributeWords]]] = {}

    def pick(self, options: Sequence[str]) -> str:
        return options[int(self.rng.integers(len(options)))]

    def make(self) -> BuiltGraph:
        kept, absent = self.choose_relations()
        used = {r.head for r in kept} | {r.tail for r in kept}
        kinds = [kind for kind in self.schema.kinds.values() if kind.name in used]
        total = sum(kind.num for kind in kinds)
        for kind in kinds:
            self.add_nodes(kind, max(2, round(kind.num * self.num_nodes / total)))
        for relation in kept:
            self.add_edges(relation)
        for kind in kinds:
            self.add_attributes(kind)
        self.add_value_senses()
        graph = self.builder.build()
        return BuiltGraph(
            graph=graph,
            lexicon=self.lexicon(graph, kinds),
            schema=self.schema,
            style=self.style,
            absent=tuple(absent),
            untold=tuple(self.untold),
            glossary=self.glossary,
        )

    def lexicon(self, graph: TextualGraph, kinds: Sequence[KindSchema]) -> Lexicon:
        numbers = {kind: number for number, kind in enumerate(self.schema.kinds)}
        kind_ids = [numbers.get(self.kind_of_key.get(key, ""), -1) for key in graph.keys]
        types = {k.name: self.type_label(k) for k in kinds} if self.is_typed else {}
        return Lexicon(
            kinds={kind.name: kind.words for kind in self.schema.kinds.values()},
            kind_ids=np.array(kind_ids, dtype=np.int32),
            types=types,
            senses=self.senses,
            measures=self.measures,
            edge_values=self.edge_values,
        )

    def choose_relations(self) -> tuple[list[RelationSchema], list[RelationSchema]]:
        """Return the relations the graph has, at least four, and those it does not have."""
        kept: list[RelationSchema] = []
        absent: list[RelationSchema] = []
        for relation in self.schema.relations:
            spare = len(self.schema.relations) - len(absent) > 4
            dropped = spare and self.rng.random() < _DROPPED
            (absent if dropped else kept).append(relation)
        return kept, absent

    def type_label(self, kind: KindSchema) -> str:
        return STYLES[self.type_style](kind.words.nouns[0].singular, "", "")

    # Nodes

    def add_nodes(self, kind: KindSchema, count: int) -> None:
        keys = []
        for number in range(count):
            name = self.new_name(kind)
            key = self.new_key(kind, name, number)
            self.builder.node(
                key,
                name=name,
                type=self.type_label(kind) if self.is_typed else None,
                aliases=self.aliases(kind, name),
            )
            self.kind_of_key[key] = kind.name
            keys.append(key)
        self.members[kind.name] = keys

    def new_name(self, kind: KindSchema) -> str:
        if self.taken and self.rng.random() < _SAME_NAME:
            return self.pick(self.taken)
        for _ in range(20):
            name = invent(kind.names, self.rng)
            if name not in self.names:
                break
        else:
            name = f"{name} {self.pick(('II', 'III', 'B', 'North', 'Minor', '2', 'New'))}"
        self.names.add(name)
        self.taken.append(name)
        return name

    def new_key(self, kind: KindSchema, name: str, number: int) -> str:
        match self.key_style:
            case "name":
                key = name
            case "slug":
                key = _snake(name)
            case "wikidata":
                key = f"Q{int(self.rng.integers(10_000, 9_999_999))}"
            case "kind":
                key = f"{kind.name}_{number + 1}"
            case _:
                key = str(len(self.builder))
        suffix = 2
        unique = key
        while unique in self.builder:
            unique, suffix = f"{key} ({suffix})", suffix + 1
        return unique

    def aliases(self, kind: KindSchema, name: str) -> tuple[str, ...]:
        words = name.split()
        if len(words) < 2 or self.rng.random() >= _ALIASED:
            return ()
        short: tuple[str, ...]
        if kind.words.is_person:
            short = (words[-1], f"{words[0][0]}. {words[-1]}", f"{words[-1]}, {words[0]}")
        elif words[-1] in word_list("generic_end"):
            short = (" ".join(words[:-1]), " ".join(words[:-1]), _initials(words))
        elif words[0] in ("The", "Mount", "Lake", "Port", "River", "Hotel"):
            short = (" ".join(words[1:]),)
        else:
            short = (_initials(words),)
        alias = self.pick(short)
        return (alias,) if len(alias) > 2 and alias not in self.names else ()

    # Edges

    def add_edges(self, relation: RelationSchema) -> None:
        flipped = bool(relation.back) and self.rng.random() < _FLIPPED
        label = self.label(relation, flipped=flipped)
        pairs = self.pairs(relation)
        both = relation.words.symmetric and self.rng.random() >= _ONE_WAY
        column = self.edge_column(relation, label)
        for head, tail in pairs:
            values = self.edge_attributes(relation, column)
            source, target = (tail, head) if flipped else (head, tail)
            self.builder.edge(source, label, target, attributes=values)
            if both:
                self.builder.edge(target, label, source, attributes=values)
        twoway = relation.words.symmetric and not both
        for backward in (False, True):
            ends = (relation.tail, relation.head) if backward else (relation.head, relation.tail)
            symmetric = relation.words.symmetric
            self.add_sense(
                label,
                backward != flipped,
                Sense(
                    words=relation.words,
                    backward=backward and not symmetric,
                    source=ends[0],
                    target=ends[1],
                    twoway=twoway,
                ),
            )

    def add_sense(self, label: str, inverse: bool, sense: Sense) -> None:
        known = self.senses.get((label, inverse), ())
        self.senses[label, inverse] = (*known, sense)

    def pairs(self, relation: RelationSchema) -> list[tuple[str, str]]:
        heads, tails = self.members[relation.head], self.members[relation.tail]
        only_earlier = relation.head == relation.tail and not relation.words.symmetric
        weights = self.popularity(len(tails))
        free = self.rng.permutation(len(tails)).tolist() if relation.words.one_head else None
        pairs: dict[tuple[str, str], None] = {}
        for position, head in enumerate(heads):
            if self.rng.random() >= relation.sparse:
                continue
            wanted = int(self.rng.integers(relation.fewest, relation.most + 1))
            wanted = max(wanted, 1) if relation.sparse < 1 else wanted
            limit = position if only_earlier else len(tails)
            for tail in self.tails(wanted, limit, weights, free):
                pair = (head, tails[tail])
                if head != tails[tail] and pair[::-1] not in pairs:
                    pairs[pair] = None
        return list(pairs)

    def tails(
        self,
        wanted: int,
        limit: int,
        weights: Float[np.ndarray, "num_tails"],
        free: list[int] | None,
    ) -> list[int]:
        """Return positions of tails below ``limit``, each tail once where ``free`` is kept."""
        if free is not None:
            found = [tail for tail in free if tail < limit][:wanted]
            for tail in found:
                free.remove(tail)
            return found
        wanted = min(wanted, limit)
        if not wanted:
            return []
        chances = weights[:limit] / weights[:limit].sum()
        return [int(t) for t in self.rng.choice(limit, size=wanted, replace=False, p=chances)]

    def popularity(self, count: int) -> Float[np.ndarray, "num_tails"]:
        """Return weights that make few nodes popular and most not."""
        ranks = self.rng.permutation(count) + 1.0
        return ranks ** -float(self.rng.uniform(0.2, 0.9))

    def edge_column(self, relation: RelationSchema, label: str) -> str | None:
        if relation.edge_range is None or relation.words.edge is None or self.rng.random() < 0.2:
            return None
        name = self.attribute_label(relation.edge_range.labels, "")
        self.edge_values[label] = (name, relation.words.edge)
        return name

    def edge_attributes(self, relation: RelationSchema, column: str | None) -> dict[str, Loose]:
        if column is None or relation.edge_range is None or self.rng.random() > 0.95:
            return {}
        return {column: self.value(relation.edge_range)}

    # Labels

    def label(self, relation: RelationSchema, *, flipped: bool) -> str:
        options = relation.back if flipped else relation.labels
        words = self.pick(options)
        if self.style == "opaque":
            label = f"{self.pick(('R', 'P', 'rel_', 'edge'))}{int(self.rng.integers(1, 400))}"
            while label in self.labels:
                label = f"R{int(self.rng.integers(400, 9000))}"
            self.glossary[label] = words
        else:
            label = self.unique_label(relation, options, words, flipped=flipped)
        self.labels[label] = relation.name
        return label

    def unique_label(
        self, relation: RelationSchema, options: Sequence[str], words: str, *, flipped: bool
    ) -> str:
        """Return a label; one that is taken may be shared when types tell its uses apart."""
        source = relation.tail if flipped else relation.head
        domain = self.schema.domain
        order = [words, *(option for option in options if option != words)]
        for option in order:
            label = self.written(relation, option, source, domain, flipped=flipped)
            ends = {(s.source, s.target) for s in self.senses.get((label, False), ())}
            target = relation.head if flipped else relation.tail
            clash = {(source, target)} & ends or self.clashes(label, source, target)
            if label not in self.labels or (self.is_typed and not clash):
                return label
        return f"{self.written(relation, words, source, domain, flipped=flipped)}_{source}"

    def clashes(self, label: str, source: str, target: str) -> bool:
        """Whether sharing a label would leave a step from some kind with two meanings."""
        forward = {s.source for s in self.senses.get((label, False), ())}
        return source in forward or target in {s.source for s in self.senses.get((label, True), ())}

    def written(
        self, relation: RelationSchema, words: str, source: str, domain: str, *, flipped: bool
    ) -> str:
        nouns = relation.words.head_nouns if flipped else relation.words.tail_nouns
        if self.says_has and self.style in ("camel", "snake") and _is_noun(words, nouns):
            return _has(words) if self.style == "camel" else f"has_{_snake(words)}"
        return STYLES[self.style](words, source, domain)

    def attribute_label(self, options: Sequence[str], kind: str) -> str:
        style = (
            self.style
            if self.style in ("camel", "upper", "spaced", "title", "sentence")
            else "snake"
        )
        return STYLES[style](self.pick(options), kind, self.schema.domain)

    # Attributes

    def add_attributes(self, kind: KindSchema) -> None:
        measures = []
        names: set[str] = set()
        for attribute in kind.attributes:
            name = self.attribute_label(attribute.range.labels, kind.name)
            if self.rng.random() < _LEFT_OUT or name in names or name in self.labels:
                self.untold.append((kind.name, attribute.words))
                continue
            names.add(name)
            measure = self.fill(kind, attribute, name)
            measures.append(MeasureSense(measure=measure, words=attribute.words))
        self.measures[kind.name] = tuple(measures)

    def fill(self, kind: KindSchema, attribute: AttributeSchema, name: str) -> Measure:
        share = self.rng.uniform(*_FILLED)
        as_nodes = self.has_literals and attribute.range.kind in ("year", "int", "text")
        for key in self.members[kind.name]:
            if self.rng.random() >= share:
                continue
            value = self.value(attribute.range)
            if as_nodes:
                self.builder.edge(key, name, self.value_node(value))
            else:
                self.builder.node(key, attributes={name: value})
        if not as_nodes:
            return Attribute(name)
        is_named = attribute.range.kind != "int" or self.rng.random() < _NUMBERS_ASKED
        if is_named or name in self.read_as_nodes:
            self.read_as_nodes.setdefault(name, []).append((kind.name, attribute.words))
        return Reached(Step(name))

    def value_node(self, value: Loose) -> str:
        """Return the key of the node that stands for a value; values have no kind."""
        key = str(value)
        if key in self.kind_of_key:
            key = f"value {key}"
        self.builder.node(key, name=str(value))
        return key

    def add_value_senses(self) -> None:
        """Let values be walked to and from, where a label belongs to one kind of node."""
        for label, users in self.read_as_nodes.items():
            if len(users) > 1:
                continue
            [(kind, attribute)] = users
            words = _words_of_value(attribute)
            for backward in (False, True):
                source, target = ("", kind) if backward else (kind, "")
                sense = Sense(words=words, backward=backward, source=source, target=target)
                self.add_sense(label, backward, sense)

    def value(self, values: ValueRange) -> Loose:
        """Return a value in range; wide ranges are drawn by their logarithm."""
        low, high = values.low, values.high
        match values.kind:
            case "text":
                return self.pick(values.values)
            case "flag":
                return bool(self.rng.random() < 0.5)
            case "date":
                days = int(self.rng.integers((int(high) - int(low) + 1) * 365))
                return np.datetime64(f"{int(low)}-01-01") + np.timedelta64(days, "D")
            case "year":
                return int(self.rng.integers(int(low), int(high) + 1))
            case _:
                wide = low > 0 and high / low > 40
                drawn = (
                    math.exp(self.rng.uniform(math.log(low), math.log(high)))
                    if wide
                    else self.rng.uniform(low, high)
                )
                return _rounded(drawn) if values.kind == "int" else round(float(drawn), 1)


def _initials(words: Sequence[str]) -> str:
    return "".join(word[0] for word in words if word[0].isalnum()).upper()


def _words_of_value(words: AttributeWords) -> RelationWords:
    """Return an attribute as a relation from a node to the value: "was founded in t"."""
    clauses = [Clause.read(f"h {said.format(v='t')}") for said in words.same]
    clauses.append(Clause.read(f"h has t as its {words.nouns[0]}"))
    return RelationWords(
        clauses=tuple(clauses),
        tail_nouns=tuple(map(Noun.read, words.nouns)),
        one_tail=True,
        is_noun=True,
    )


def _rounded(number: float) -> int:
    """Return a whole number; large ones to three digits, as people state them."""
    digits = max(0, len(str(abs(int(number)))) - 3)
    return int(round(number, -digits))


def _is_noun(words: str, nouns: Sequence[object]) -> bool:
    return any(words == getattr(noun, "singular", None) for noun in nouns)


def absent_senses(built: BuiltGraph) -> list[Sense]:
    """Return what people might ask for and this graph does not have."""
    return [
        Sense(words=relation.words, backward=backward, source=ends[0], target=ends[1])
        for relation in built.absent
        for backward, ends in (
            (False, (relation.head, relation.tail)),
            (True, (relation.tail, relation.head)),
        )
    ]
