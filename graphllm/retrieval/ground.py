"""What every way of planning stands on: a graph, how words fit it, and how plans are scored."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from graphllm.graph.folding import humanize
from graphllm.graph.taught import NOTHING_TAUGHT, Taught
from graphllm.graph.view import GraphView
from graphllm.query.measure import walk
from graphllm.query.plan import (
    Aggregate,
    Condition,
    Degree,
    EdgeValues,
    Entities,
    Filter,
    Follow,
    Intersect,
    NodePlan,
    OfType,
    Plan,
    Step,
    Subtract,
    TopK,
    Union,
)
from graphllm.retrieval.affinity import Affinity
from graphllm.retrieval.constraints import Constraint, Superlative
from graphllm.retrieval.english import (
    FUNCTION_WORDS,
    PERSON_TYPES,
    Token,
    family,
    is_person_noun,
    synonyms,
)
from graphllm.retrieval.intents import Intent, Want
from graphllm.retrieval.kinds import Kinds
from graphllm.retrieval.linker import Match, Mention, Seeds, Span, weight
from graphllm.retrieval.measures import Measures, ScoredMeasure
from graphllm.retrieval.paths import MAX_HOPS, PathRanker, RankedPath, Word, name_weight
from graphllm.retrieval.schema import MEASURED, GraphSchema
from graphllm.text.encoder import TextEncoder

MENTIONS_TRIED = 4
PATHS_KEPT = 20
PAIR_BONUS = 0.03  # a reading that uses two names is preferred to one that leaves words over
NAMED_VALUE = 0.2  # for reading the attribute of an edge between two names
CUE_IS_CLEAR = 0.5
AGGREGATES = {Want.AVERAGE: Aggregate.AVERAGE, Want.TOTAL: Aggregate.SUM}
UNSPOKEN = 0.2  # what a yes or no loses for each step that no word speaks of
EXCLUDING = frozenset(["not", "without", "except", "excluding", "but", "never"])
SAY_WHEN = frozenset(map(family, ("year", "date", "time", "since")))  # of attributes
_LEFT_OVER = 0.12  # a word explained less than this is not explained
_ALL_OF_KIND = 0.9
_MANY = 0.1  # share of a step's ends that can be its beginnings
_KEPT = 256  # sets of nodes whose keys are remembered, and words: every path asks for them


class PlanCandidate(NamedTuple):
    """A plan that may be what the question means.

    Attributes:
        plan: The plan.
        score: How well it explains the question, about 0 to 1.3.
        mentions: The names it begins with.
        is_guess: It takes a common word in small letters for a name ("horror" for Horror), which
            only an answer can justify.
        similarity: What the trained scorer thinks of it, a cosine; ``None`` when it was not asked.
        denies: It takes away what a "not" of the question says.
        unsaid: A first step that no word speaks of: from a country to its cities.
    """

    plan: Plan
    score: float
    mentions: tuple[Mention, ...] = ()
    is_guess: bool = False
    similarity: float | None = None
    denies: bool = False
    unsaid: Step | None = None


@dataclass(frozen=True)
class Question:
    """A linked question with its intent and its comparisons read."""

    seeds: Seeds
    intent: Intent
    constraints: tuple[tuple[Constraint, tuple[ScoredMeasure, ...]], ...]
    superlative: tuple[Superlative, tuple[ScoredMeasure, ...]] | None
    spans: tuple[Span, ...] = field(default=())

    @property
    def is_plain(self) -> bool:
        """Whether nothing is compared or ranked."""
        return not self.constraints and self.superlative is None


class Ground:
    """A graph made ready for planning, and how plans over it are scored; shared by all planners.

    Args:
        view: The graph.
        encoder: Gives meaning to words that no label contains.
        label_encoder: Encodes the graph's own words, where they are remembered.
        taught: What its relations were said to mean.
    """

    def __init__(
        self,
        view: GraphView,
        encoder: TextEncoder,
        label_encoder: TextEncoder | None = None,
        taught: Taught = NOTHING_TAUGHT,
    ) -> None:
        self.view = view
        self.schema = GraphSchema(view, taught)
        self.affinity = Affinity(self.schema, encoder, label_encoder)
        self.paths = PathRanker(self.schema, self.affinity)
        self.measures = Measures(self.schema, self.affinity)
        self.kinds = Kinds(self.schema, self.affinity)
        self._keys_of = lru_cache(_KEPT)(self._read_keys_of)
        self.type_named = lru_cache(_KEPT)(self._type_named)

    def entities(self, nodes: Sequence[int]) -> Entities:
        """Return the plan that is just these nodes."""
        return Entities(self._keys_of(tuple(nodes)))

    def _read_keys_of(self, nodes: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(self.view.keys[n] for n in nodes)

    def chain(
        self,
        path: RankedPath,
        filters: dict[int, list[tuple[ScoredMeasure, Constraint]]] | None = None,
        conditions: dict[int, Condition] | None = None,
        *,
        returns: bool = False,
        both_ways: Collection[int] = (),
    ) -> NodePlan:
        """Return the plan that walks ``path``; going back does not return to where it began.

        Args:
            filters: Comparisons of the nodes after so many steps.
            conditions: Tests of the edges of a step, by its place.
            returns: Going back may return to where it began.
            both_ways: Places of steps that are walked either way.
        """
        start: NodePlan = self.entities(path.mention.nodes)
        plan = start
        for hop, port in enumerate(path.ports):
            step = self.schema.step(port)
            if conditions and hop in conditions:
                step = Step(step.relation, step.inverse, conditions[hop])
            ways = [Follow(plan, replace(step, inverse=inverse)) for inverse in (False, True)]
            plan = Union(*ways) if hop in both_ways else ways[step.inverse]
            through = path.ports[0] in self.schema.statement_ports
            if hop == 1 and (port == path.ports[0] ^ 1 or through) and not returns:
                plan = Subtract(plan, start)
            for measure, constraint in (filters or {}).get(hop + 1, ()):
                plan = Filter(plan, measure.measure, constraint.comparison, constraint.value)
        return plan

    def inside(self, ranked: Sequence[RankedPath]) -> list[RankedPath]:
        """Return the paths, beginning in a part of the entity where the whole has no such step.

        "Born in Germany" means in its cities, where only cities are birthplaces.
        """
        options = []
        for path in ranked:
            has = self.schema.has_ports(path.mention.nodes)
            parts = [
                path._replace(
                    ports=(part, *path.ports),
                    support=(path.support[0], *path.support),
                    unsaid=self.schema.step(part),
                )
                for part in self._parts(path)
                if has[part] and not has[path.ports[0]]
            ]
            options += parts or [path]
        return options

    def _parts(self, path: RankedPath) -> list[int]:
        """Return the steps to what lies in the entity, and from where the path can begin."""
        if len(path.ports) >= MAX_HOPS or self.schema.attribute(path.ports[0]) is not None:
            return []
        return [
            2 * relation + 1
            for relation in self.schema.containments
            if self.schema.follows(2 * relation + 1)[path.ports[0]] > 0
        ]

    def edge_value(self, question: Question, path: RankedPath) -> Plan | None:
        """Return the reading of "when" as an attribute of the last edge, where edges have one.

        The attribute may also be named: "what rating did Ada give Alien?".
        """
        if self.schema.attribute(path.ports[-1]) is not None:
            return None
        said = {t.folded for t in question.seeds.tokens}
        families = {family(word) for word in said - FUNCTION_WORDS}
        when = said & {"when", "year", "date"} and self.schema.time_share(path.ports[-1]) <= 0.5
        timed = self.edge_times(path.ports[-1]) if when else []
        names = self.schema.edge_attributes(path.ports[-1] >> 1)
        named = [n for n in names if {family(w) for w in humanize(n).split()} <= families]
        for name in [*timed, *named]:
            source = self.chain(path._replace(ports=path.ports[:-1]))
            return EdgeValues(source, self.schema.step(path.ports[-1]), name)
        return None

    def joining(self, nodes: Sequence[int], others: Sequence[int]) -> list[int]:
        """Return the steps that lead from some of ``nodes`` right to some of ``others``."""
        ends = np.sort(np.array(others, dtype=np.int32))
        ports = []
        for port in np.flatnonzero(self.schema.has_ports(nodes)).tolist():
            if self.schema.attribute(port) is None:
                step, start = self.schema.step(port), np.sort(np.array(nodes, dtype=np.int32))
                if np.isin(walk(self.view, step, start).targets, ends).any():
                    ports.append(port)
        return ports

    def says(self, words: Sequence[Word], label: str) -> dict[int, float]:
        """Return which words say what a label says, by position: 1 each."""
        label_words = humanize(label).split()
        return {
            w.position: 1.0
            for w in words
            if any(
                family(p) == family(w.token.folded) or synonyms(p, w.token.folded)
                for p in label_words
            )
        }

    def measured_edges(self, port: int) -> list[str]:
        """Return the attributes of a relation's edges that are numbers or dates."""
        kinds = self.view.edge_columns
        names = self.schema.edge_attributes(port >> 1)
        return [name for name in names if kinds[name].kind in MEASURED]

    def holds_both_ways(self, path: RankedPath, hop: int) -> bool:
        """Whether a step may be meant either way: what it joins is of one kind, or it says so."""
        port = path.ports[hop]
        if self.schema.attribute(port) is not None:
            return False
        if self.schema.is_symmetric(port >> 1):
            return True
        return bool(self.schema.follows(port)[port] > _MANY and self.schema.follows(port)[port ^ 1])

    def edge_times(self, port: int) -> list[str]:
        """Return the attributes of a relation's edges that say when."""
        named = (
            (n, {family(w) for w in humanize(n).split()})
            for n in self.schema.edge_attributes(port >> 1)
        )
        return [name for name, words in named if words & SAY_WHEN]

    def port_fit(self, words: Sequence[str]) -> np.ndarray:
        """Return, per port, how well ``words`` name what it leads to, for counting its ends."""
        fit = np.zeros(self.schema.num_ports, dtype=np.float32)
        for word in words:
            relations = np.repeat(self.affinity.relations(word), 2)
            kinds = self.affinity.classes(word)
            kind = self.type_named(word)
            if kind is not None:  # all that is counted must be of that type
                shares = [self.schema.arrival_types(p).get(kind, 0.0) for p in range(len(fit))]
                relations = relations * (np.array(shares) > _ALL_OF_KIND)
                kinds = kinds * (np.array(shares) > _ALL_OF_KIND)
            fit += np.maximum(relations, 0.6 * kinds)
        fit[2 * len(self.view.relations) :] = 0
        return fit

    def of_asked_kind(self, question: Question, plan: NodePlan, arrived_by: int) -> NodePlan:
        """Keep only nodes of the type that the question names, where a step reaches several."""
        shares = self.schema.arrival_types(arrived_by)
        if len(shares) < 2:
            return plan
        for word in self.paths.words(question.seeds.tokens, ()):
            if word.asks or word.position <= 2:
                kind = self.type_named(word.token.folded)
                if kind is not None and 0 < shares.get(kind, 0) < 1:
                    return Intersect(plan, OfType(self.view.node_types[kind]))
        return plan

    def _type_named(self, word: str) -> int | None:
        """Return the node type that a folded noun names; people by what they do, too."""
        for kind, name in enumerate(self.view.node_types):
            parts = humanize(name).split()
            if parts and family(parts[-1]) == family(word):
                return kind
        people = [k for k, n in enumerate(self.view.node_types) if humanize(n) in PERSON_TYPES]
        return people[0] if people and is_person_noun(word) else None

    def is_of_kind(self, word: Word, kind_word: Word) -> bool:
        """Return whether a word is part of the kind's name: "chemical" beside "elements"."""
        kind = self.type_named(kind_word.token.folded)
        if word.position == kind_word.position or kind is None:
            return word.position == kind_word.position
        parts = {family(w) for w in humanize(self.view.node_types[kind]).split()}
        return family(word.token.folded) in parts

    def is_name(self, question: Question, mention: Mention) -> bool:
        """Whether a mention is worth pairing: common words in small letters are not."""
        tokens = question.seeds.tokens
        if mention.match is Match.HISTORY:
            return mention.span.first < len(tokens)
        if any(mention.span.overlaps(s) for s in question.spans):
            return False
        if any(_inside_of(mention, other) for other in question.seeds.mentions):
            return False
        word = common_word(tokens[slice(*mention.span)])
        if word is not None:  # perhaps a word like any other
            written = mention.match in (Match.EXACT, Match.FOLDED)
            known = self.affinity.knows(word) or self.affinity.is_kind(word)
            return written and not known and word not in FUNCTION_WORDS
        return weight(mention.span, tokens) >= 1.0

    def meet(self, first: RankedPath, second: RankedPath) -> bool:
        """Whether two paths can end in the same nodes."""
        a, b = first.ports[-1], second.ports[-1]
        if self.schema.attribute(a) is not None or self.schema.attribute(b) is not None:
            return False
        return a == b or bool(self.schema.follows(a)[b ^ 1] > 0)

    def path_terms(self, first: RankedPath, second: RankedPath) -> float:
        """Return the part of the paths' scores that is not coverage: support and length."""
        weights = self.paths.weights
        terms = [
            weights.support * sum(p.support) / len(p.support)
            - weights.length * len(p.ports)
            - weights.unsupported * self.unspoken(p)
            for p in (first, second)
        ]
        return sum(terms) / 2

    def leaves_out(self, question: Question, path: RankedPath, *others: Mention) -> bool:
        """Whether a word is left unexplained: a yes or no must be about all that is asked."""
        spans = [path.mention.span, *question.spans, *(m.span for m in others)]
        words = self.paths.words(question.seeds.tokens, spans)
        return any(
            w.weight >= 1 and path.explained.get(w.position, 0.0) < _LEFT_OVER for w in words
        )

    def unspoken(self, path: RankedPath) -> int:
        """Return how many steps no word speaks of."""
        return sum(support < _LEFT_OVER for support in path.support)

    def covered(
        self,
        question: Question,
        mentions: Sequence[Mention],
        explained: dict[int, float],
        *,
        told: bool = False,
    ) -> float:
        """Return the share of a question's weight that is explained."""
        tokens = question.seeds.tokens
        named = sum(name_weight(weight(m.span, tokens)) * m.quality for m in mentions)
        total = sum(name_weight(weight(m.span, tokens)) for m in mentions)
        steering = sum(weight(s, tokens) for s in question.spans)
        cost = 0.0
        if not told:
            spans = [*(m.span for m in mentions), *question.spans]
            words = self.paths.words(tokens, spans)
            named += sum(w.weight * explained.get(w.position, 0.0) for w in words)
            total += sum(w.weight for w in words)
            left = [w for w in words if explained.get(w.position, 0.0) < _LEFT_OVER]
            cost = sum(self.paths.cost_of_leaving(w) for w in left)
        return (named + steering) / max(total + steering, 1e-6) - cost

    def most(self, plan: NodePlan, port: int, wanted: Superlative) -> NodePlan:
        """Return the nodes from which ``port`` leads to the most others, or the fewest."""
        return TopK(plan, Degree(self.schema.step(port)), wanted.k, wanted.ascending)


def common_word(words: Sequence[Token]) -> str | None:
    """Return the one word that a stretch in small letters says: "movies" in "of the movies".

    ``None`` for names as they are usually written, and for more than one telling word.

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> [common_word(tokenize(text)) for text in ("the movies", "of", "It", "green mile")]
        ['movies', 'of', None, None]
    """
    telling = [word for word in words if word.folded not in FUNCTION_WORDS] or list(words)
    if len(telling) > 1 or any(word.text[:1].isupper() for word in words):
        return None
    return telling[0].folded


def _inside_of(mention: Mention, other: Mention) -> bool:
    """Return whether a mention is part of a longer one that fits as well: "Desire" in a title."""
    longer = other.span.last - other.span.first > mention.span.last - mention.span.first
    return longer and mention.span.overlaps(other.span) and other.quality >= mention.quality


def merged(left: dict[int, float], right: dict[int, float]) -> dict[int, float]:
    """Return how well two readings together explain each word."""
    return {p: max(left.get(p, 0.0), right.get(p, 0.0)) for p in {**left, **right}}
