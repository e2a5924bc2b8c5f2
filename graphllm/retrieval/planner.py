"""From a question to plans, ranked by how well they explain its words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import NamedTuple

import numpy as np

from graphllm.answer.history import Turn
from graphllm.graph.folding import humanize
from graphllm.graph.view import GraphView
from graphllm.query.plan import (
    Aggregate,
    Aggregated,
    Comparison,
    Condition,
    Count,
    Degree,
    EdgeValues,
    Entities,
    Exists,
    FactsOf,
    Filter,
    Follow,
    HavingStep,
    Intersect,
    NodePlan,
    OfType,
    Plan,
    ShortestPath,
    Step,
    Subtract,
    TopK,
    Union,
    Values,
)
from graphllm.retrieval.affinity import Affinity
from graphllm.retrieval.constraints import Constraint, Superlative, constraints, superlative
from graphllm.retrieval.english import (
    CONTAINMENT,
    FUNCTION_WORDS,
    PERSON_TYPES,
    Token,
    family,
    is_person_noun,
)
from graphllm.retrieval.follow_ups import (
    about,
    asks_how_many,
    asks_the_same,
    counted,
    earlier_plan,
)
from graphllm.retrieval.intents import Intent, Want, asks_for_everything, intent, only_tells
from graphllm.retrieval.labels import LabelForm, label_form
from graphllm.retrieval.linker import Match, Mention, Seeds, Span, weight
from graphllm.retrieval.measures import Measures, ScoredMeasure
from graphllm.retrieval.paths import MAX_HOPS, PathRanker, RankedPath, Word, name_weight
from graphllm.retrieval.schema import GraphSchema
from graphllm.text.encoder import TextEncoder

_MENTIONS_TRIED = 4
_PATHS_KEPT = 8
_EXCLUDING = frozenset(["not", "without", "except", "excluding", "but", "never"])
_PAIR_BONUS = 0.03  # a reading that uses two names is preferred to one that leaves words over
_GOES_ON = 1.3  # as good as a question that is wholly explained
_NEAR = 4  # words between a comparison and what names its measure
_LONGEST_SAID = 4  # words of an attribute's value
_LEFT_OVER = 0.12  # a word explained less than this is not explained
_SLIGHT = 0.15  # what a mention of almost no weight loses to the heaviest one
_NAMED_VALUE = 0.2  # for reading the attribute of an edge between two names
_ALL_OF_KIND = 0.9
_USUALLY = 0.3
_SOMEBODY = 0.2  # likeness to persons below which "who" is not answered with a kind of node
_CUE_IS_CLEAR = 0.5
_KIND_IS_CLEAR = 0.75
_AGGREGATES = {Want.AVERAGE: Aggregate.AVERAGE, Want.TOTAL: Aggregate.SUM}


class PlanCandidate(NamedTuple):
    """A plan that may be what the question means.

    Attributes:
        plan: The plan.
        score: How well it explains the question, about 0 to 1.3.
        mentions: The names it begins with.
        is_guess: It takes a common word in small letters for a name ("horror" for Horror), which
            only an answer can justify.
    """

    plan: Plan
    score: float
    mentions: tuple[Mention, ...] = ()
    is_guess: bool = False


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


class Planner:
    """Ranks plans for a question: relation paths, and the operations that its words ask for.

    Args:
        view: The graph.
        encoder: Gives meaning to words that no label contains.
        label_encoder: Encodes the graph's own words, where they are remembered.
    """

    def __init__(
        self, view: GraphView, encoder: TextEncoder, label_encoder: TextEncoder | None = None
    ) -> None:
        self.view = view
        self.schema = GraphSchema(view)
        self.affinity = Affinity(self.schema, encoder, label_encoder)
        self.paths = PathRanker(self.schema, self.affinity)
        self.measures = Measures(self.schema, self.affinity)

    def rank(self, seeds: Seeds, history: Sequence[Turn] = ()) -> list[PlanCandidate]:
        """Return candidate plans, best first.

        Args:
            history: Earlier turns, for questions that go on from the last of them.
        """
        wanted = intent(seeds.tokens)
        seeds = self._with_the_unsaid(_longest(self._without_vocabulary(seeds)), history)
        found = list(self._going_on(seeds, history))
        plain = Question(seeds, wanted, (), None, wanted.spans)
        for question in self._readings(seeds, wanted, plain):
            found += self._from_mentions(question)
            found += self._from_kinds(question)
        found += self._pairs(plain)
        if wanted.want not in (Want.LIST, Want.CONFIRM):
            literal = Question(seeds, Intent(Want.LIST), (), None)
            found += [c._replace(score=c.score - 0.1) for c in self._from_mentions(literal)]
        found += self._told(plain)
        found = [c for c in found if _minds_negation(c, seeds) and self._minds_than(c, seeds)]
        found.sort(key=lambda c: -c.score)
        return list({c.plan: c for c in reversed(found)}.values())[::-1]

    def _minds_than(self, candidate: PlanCandidate, seeds: Seeds) -> bool:
        """Whether a plan compares where the question does: "older than Ada" is not a path."""
        positions = [i for i, t in enumerate(seeds.tokens) if t.folded == "than"]
        read = [c.span for c in constraints(seeds.tokens)]
        read += [m.span for m in candidate.mentions]
        return all(any(s.first <= i < s.last for s in read) for i in positions)

    def _going_on(self, seeds: Seeds, history: Sequence[Turn]) -> Iterator[PlanCandidate]:
        """Yield the earlier plan about somebody else, or counted, where no more is asked."""
        earlier = earlier_plan(history)
        if earlier is None:
            return
        if asks_how_many(seeds.tokens) and (plan := counted(earlier)) is not None:
            yield PlanCandidate(plan, _GOES_ON)
        for mention in seeds.mentions[:_MENTIONS_TRIED]:
            if mention.match is not Match.HISTORY and asks_the_same(seeds.tokens, [mention.span]):
                keys = self.entities(mention.nodes).keys
                yield PlanCandidate(about(earlier, keys), _GOES_ON, (mention,))

    def _with_the_unsaid(self, seeds: Seeds, history: Sequence[Turn]) -> Seeds:
        """Let a question without a name be about what the last one was about."""
        if seeds.mentions or not history:
            return seeds
        focus = tuple(
            n for k in history[-1].focus for n in [self.view.find_key(k)] if n is not None
        )
        if not focus:
            return seeds
        end = len(seeds.tokens)
        unsaid = Mention(Span(end, end), "", focus, Match.HISTORY, 1.0)
        return replace(seeds, mentions=(unsaid,))

    def _without_vocabulary(self, seeds: Seeds) -> Seeds:
        """Drop misspelt mentions whose words are the graph's own words for relations and types."""
        vocabulary = {family(w) for label in self.schema.labels for w in label.split()}
        vocabulary |= {family(w) for t in self.view.node_types for w in humanize(t).split()}
        kept = tuple(
            m
            for m in seeds.mentions
            if m.match not in (Match.FUZZY, Match.PARTIAL)
            or any(family(t.folded) not in vocabulary for t in seeds.tokens[slice(*m.span)])
        )
        return replace(seeds, mentions=kept)

    def _readings(self, seeds: Seeds, wanted: Intent, plain: Question) -> Iterator[Question]:
        """Yield the question without its comparisons, and with those that the graph can make."""
        yield plain
        compared = []
        for constraint in constraints(seeds.tokens):
            fitting = self.measures.find(constraint.cues, is_time=constraint.is_time)
            compared.append((constraint, tuple(fitting)))
        for valued in self._valued(seeds):
            yield Question(
                seeds,
                wanted,
                (*compared, valued),
                None,
                tuple(dict.fromkeys([*wanted.spans, *(c.span for c, _ in (*compared, valued))])),
            )
        ranking = superlative(seeds.tokens)
        if not compared and ranking is None:
            return
        ranked = None
        if ranking is not None:
            fitting = self.measures.find(ranking.cues, is_time=ranking.is_time)
            ranked = (ranking, tuple(fitting))
        spans = [*wanted.spans, *(c.span for c, _ in compared)]
        spans += [ranking.span] if ranking else []
        cues = self._cue_spans(seeds, [*compared, *([ranked] if ranked else [])])
        for consumed in (
            ([*spans, *cues], spans) if ranking and ranking.counts else ([*spans, *cues],)
        ):
            yield Question(seeds, wanted, tuple(compared), ranked, tuple(dict.fromkeys(consumed)))

    def _valued(self, seeds: Seeds) -> Iterator[tuple[Constraint, tuple[ScoredMeasure, ...]]]:
        """Yield values of text attributes that the question says: "customers in Germany"."""
        tokens, values = seeds.tokens, self.schema.text_values
        named = {m.span for m in seeds.mentions if m.match is Match.EXACT}
        for length in range(min(_LONGEST_SAID, len(tokens)), 0, -1):
            for first in range(len(tokens) - length + 1):
                said = " ".join(t.folded for t in tokens[first : first + length])
                if said in FUNCTION_WORDS or Span(first, first + length) in named:
                    continue
                for port, value in values.get(said, ()):
                    span = Span(first, first + length)
                    constraint = Constraint(span, Comparison.EQUALS, value, (), is_time=False)
                    measure = ScoredMeasure(self.measures.measure(port), port, 1.0, "")
                    yield constraint, (measure,)
        yield from self._flagged(seeds)

    def _flagged(self, seeds: Seeds) -> Iterator[tuple[Constraint, tuple[ScoredMeasure, ...]]]:
        """Yield yes-or-no attributes that the question says: "products that are discontinued"."""
        for position, token in enumerate(seeds.tokens):
            for port, yes in self.schema.flags.items():
                if self.affinity.label_word(token.folded, port >> 1):
                    span = Span(position, position + 1)
                    constraint = Constraint(span, Comparison.EQUALS, yes, (), is_time=False)
                    yield constraint, (ScoredMeasure(self.measures.measure(port), port, 1.0, ""),)

    def _cue_spans(
        self,
        seeds: Seeds,
        read: Sequence[tuple[Constraint | Superlative, tuple[ScoredMeasure, ...]]],
    ) -> list[Span]:
        """Return where the words stand that name the measures, near their comparisons."""
        spans = []
        for item, fitting in read:
            relation = fitting[0].port >> 1 if fitting else -1
            for position, token in enumerate(seeds.tokens):
                near = fitting and abs(position - item.span.first) <= _NEAR
                if not near or token.folded not in item.cues:
                    continue
                if self.affinity.relations(token.folded)[relation] >= _CUE_IS_CLEAR:
                    spans.append(Span(position, position + 1))
        return spans

    # One name

    def _from_mentions(self, question: Question) -> Iterator[PlanCandidate]:
        tokens, mentions = question.seeds.tokens, question.seeds.mentions[:_MENTIONS_TRIED]
        heaviest = max((weight(m.span, tokens) * m.quality for m in mentions), default=1.0)
        for mention in mentions:
            if any(mention.span.overlaps(span) for span in question.spans):
                continue
            ranked = self.paths.rank(tokens, mention, ignore=question.spans, limit=_PATHS_KEPT)
            slight = (
                1 - weight(mention.span, tokens) * mention.quality / heaviest if heaviest else 0
            )
            ranked = [path._replace(score=path.score - _SLIGHT * slight) for path in ranked]
            for path in self._inside(ranked):
                plan = self._composed(question, path)
                if plan is not None:
                    counted = question.intent.want is Want.COUNT and isinstance(plan, Values)
                    score = path.score + (_NAMED_VALUE if counted else 0.0)
                    yield PlanCandidate(plan, score, (mention,))
            yield from self._both(question, mention, ranked)
            if question.is_plain and question.intent.want is Want.CONFIRM:
                yield from self._is_of_type(question, mention)
            if not question.is_plain:
                yield from self._about_entity(question, mention)
                yield from self._among(question, mention)

    def _both(
        self, question: Question, mention: Mention, ranked: Sequence[RankedPath]
    ) -> Iterator[PlanCandidate]:
        """Yield "who wrote and directed X": two steps from one name must both lead there."""
        said = [t.folded for t in question.seeds.tokens]
        single = [p for p in ranked if len(p.ports) == 1 and p.support[0] > _CUE_IS_CLEAR]
        for first, second in combinations(single, 2):
            words = [_best_explained(path) for path in (first, second)]
            joined = abs(words[0] - words[1]) == 2 and said[sum(words) // 2] == "and"
            if joined and first.ports != second.ports and self._meet(first, second):
                explained = _merged(first.explained, second.explained)
                score = self._covered(question, [mention], explained)
                score += self._path_terms(first, second) + _PAIR_BONUS
                both = Intersect(self.chain(first), self.chain(second))
                yield PlanCandidate(both, score, (mention,))

    def _inside(self, ranked: Sequence[RankedPath]) -> list[RankedPath]:
        """Return the paths, beginning in a part of the entity where the whole has no such step.

        "Born in Germany" means in its cities, where only cities are birthplaces.
        """
        options = []
        for path in ranked:
            has = self.schema.port_counts(np.array(path.mention.nodes[:16])) > 0
            parts = [
                path._replace(ports=(part, *path.ports), support=(path.support[0], *path.support))
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
            for relation, label in enumerate(self.schema.labels[: len(self.view.relations)])
            if label in CONTAINMENT and self.schema.follows(2 * relation + 1)[path.ports[0]] > 0
        ]

    def _composed(self, question: Question, path: RankedPath) -> Plan | None:
        """Return the plan of a path with the question's comparisons and operation applied."""
        attribute = self.schema.attribute(path.ports[-1])
        if attribute is not None:
            return self._of_values(question, path, attribute)
        plan = self._compared(question, path)
        if plan is None:
            return None
        plan = self._of_asked_kind(question, plan, path.ports[-1])
        if question.superlative is not None:
            ranked = self._ranked(question.superlative, plan, path.ports[-1])
            if ranked is None:
                return None
            plan = ranked
        return self._finished(question, plan, path)

    def _finished(self, question: Question, plan: NodePlan, path: RankedPath) -> Plan | None:
        want = question.intent.want
        if want is Want.COUNT:
            return Count(plan)
        if want is Want.CONFIRM:
            another = self._names_another(question, path.mention)
            return None if another or self._leaves_out(question, path) else Exists(plan)
        if want in _AGGREGATES:
            return None
        return self._edge_value(question, path) or plan

    def _names_another(self, question: Question, mention: Mention) -> bool:
        """Whether a question to be confirmed names more than one thing, known or not."""
        tokens = question.seeds.tokens
        others = [m for m in question.seeds.mentions if not m.span.overlaps(mention.span)]
        if any(self._is_name(question, m) for m in others):
            return True
        words = self.paths.words(tokens, [mention.span, *question.spans])
        return any(w.is_name for w in words)

    def _of_values(self, question: Question, path: RankedPath, attribute: str) -> Plan | None:
        if not question.is_plain:
            return None
        source = self.chain(path._replace(ports=path.ports[:-1]))
        aggregate = _AGGREGATES.get(question.intent.want)
        if aggregate is not None:
            return Aggregated(source, self.measures.measure(path.ports[-1]), aggregate)
        return None if question.intent.want is Want.CONFIRM else Values(source, attribute)

    def chain(
        self,
        path: RankedPath,
        filters: dict[int, list[tuple[ScoredMeasure, Constraint]]] | None = None,
        conditions: dict[int, Condition] | None = None,
    ) -> NodePlan:
        """Return the plan that walks ``path``; going back does not return to where it began.

        Args:
            filters: Comparisons of the nodes after so many steps.
            conditions: Tests of the edges of a step, by its place.
        """
        start: NodePlan = self.entities(path.mention.nodes)
        plan = start
        for hop, port in enumerate(path.ports):
            step = self.schema.step(port)
            if conditions and hop in conditions:
                step = Step(step.relation, step.inverse, conditions[hop])
            plan = Follow(plan, step)
            if hop == 1 and port == path.ports[0] ^ 1:
                plan = Subtract(plan, start)
            for measure, constraint in (filters or {}).get(hop + 1, ()):
                plan = Filter(plan, measure.measure, constraint.comparison, constraint.value)
        return plan

    def entities(self, nodes: Sequence[int]) -> Entities:
        """Return the plan that is just these nodes."""
        return Entities(tuple(self.view.keys[n] for n in nodes))

    def _compared(self, question: Question, path: RankedPath) -> NodePlan | None:
        """Return the chain with every comparison placed, as late as its nodes can be measured."""
        filters: dict[int, list[tuple[ScoredMeasure, Constraint]]] = {}
        conditions: dict[int, Condition] = {}
        for constraint, fitting in question.constraints:
            for hop in range(len(path.ports), 0, -1):
                measure = self.measures.of_kind(fitting, path.ports[hop - 1])
                name = self._edge_attribute(path.ports[hop - 1], constraint)
                if measure is not None and (name is None or measure.score >= _CUE_IS_CLEAR):
                    filters.setdefault(hop, []).append((measure, constraint))
                    break
                if name is not None and hop - 1 not in conditions:
                    condition = Condition(name, constraint.comparison, constraint.value)
                    conditions[hop - 1] = condition
                    break
            else:
                return None
        return self.chain(path, filters, conditions)

    def _edge_attribute(self, port: int, constraint: Constraint) -> str | None:
        """Return an attribute of the edges walked that the comparison may be about."""
        for name in self.schema.edge_attributes(port >> 1):
            words = {family(w) for w in humanize(name).split()}
            if words & {family(c) for c in constraint.cues}:
                return name
            if constraint.is_time and words & {"year", "dat", "tim", "sinc"}:
                return name
        return None

    def _edge_value(self, question: Question, path: RankedPath) -> Plan | None:
        """Return the reading of "when" as an attribute of the last edge, where edges have one.

        The attribute may also be named: "what rating did Ada give Alien?".
        """
        if self.schema.attribute(path.ports[-1]) is not None:
            return None
        said = {t.folded for t in question.seeds.tokens}
        families = {family(word) for word in said - FUNCTION_WORDS}
        when = said & {"when", "year", "date"} and self.schema.time_share(path.ports[-1]) <= 0.5
        timed = self._edge_times(path.ports[-1]) if when else []
        names = self.schema.edge_attributes(path.ports[-1] >> 1)
        named = [n for n in names if {family(w) for w in humanize(n).split()} <= families]
        for name in [*timed, *named]:
            source = self.chain(path._replace(ports=path.ports[:-1]))
            return EdgeValues(source, self.schema.step(path.ports[-1]), name)
        return None

    def _edge_times(self, port: int) -> list[str]:
        """Return the attributes of a relation's edges that say when."""
        named = (
            (n, {family(w) for w in humanize(n).split()})
            for n in self.schema.edge_attributes(port >> 1)
        )
        return [name for name, words in named if words & {"year", "dat", "tim", "sinc"}]

    def _ranked(
        self,
        ranking: tuple[Superlative, tuple[ScoredMeasure, ...]],
        plan: NodePlan,
        arrived_by: int,
    ) -> NodePlan | None:
        wanted, fitting = ranking
        if wanted.is_time and self._edge_times(arrived_by):
            return None  # the first award somebody won is not the oldest award
        measure = self.measures.of_kind(fitting, arrived_by)
        if measure is not None:
            return TopK(plan, measure.measure, wanted.k, wanted.ascending)
        if not wanted.counts:
            return None
        port = self._counted_port(wanted, arrived_by)
        return None if port is None else self._most(plan, port, wanted)

    def _most(self, plan: NodePlan, port: int, wanted: Superlative) -> NodePlan:
        return TopK(plan, Degree(self.schema.step(port)), wanted.k, wanted.ascending)

    def _counted_port(self, wanted: Superlative, arrived_by: int) -> int | None:
        """Return the step whose ends are counted: "the most films", from persons."""
        scores = self._port_fit(wanted.cues) * (self.schema.follows(arrived_by) > 0)
        best = int(scores.argmax()) if len(scores) else 0
        return best if len(scores) and scores[best] > 0.3 else None

    def _port_fit(self, words: Sequence[str]) -> np.ndarray:
        fit = np.zeros(self.schema.num_ports, dtype=np.float32)
        for word in words:
            relations = np.repeat(self.affinity.relations(word), 2)
            kinds = self.affinity.classes(word)
            kind = self._type_named(word)
            if kind is not None:  # all that is counted must be of that type
                shares = [self.schema.arrival_types(p).get(kind, 0.0) for p in range(len(fit))]
                relations = relations * (np.array(shares) > _ALL_OF_KIND)
                kinds = kinds * (np.array(shares) > _ALL_OF_KIND)
            fit += np.maximum(relations, 0.6 * kinds)
        fit[2 * len(self.view.relations) :] = 0
        return fit

    def _of_asked_kind(self, question: Question, plan: NodePlan, arrived_by: int) -> NodePlan:
        """Keep only nodes of the type that the question names, where a step reaches several."""
        shares = self.schema.arrival_types(arrived_by)
        if len(shares) < 2:
            return plan
        for word in self.paths.words(question.seeds.tokens, ()):
            if word.asks or word.position <= 2:
                kind = self._type_named(word.token.folded)
                if kind is not None and 0 < shares.get(kind, 0) < 1:
                    return Intersect(plan, OfType(self.view.node_types[kind]))
        return plan

    def _type_named(self, word: str) -> int | None:
        for kind, name in enumerate(self.view.node_types):
            parts = humanize(name).split()
            if parts and family(parts[-1]) == family(word):
                return kind
        people = [k for k, n in enumerate(self.view.node_types) if humanize(n) in PERSON_TYPES]
        return people[0] if people and is_person_noun(word) else None

    def _is_of_type(self, question: Question, mention: Mention) -> Iterator[PlanCandidate]:
        """Yield "is Ulm a city?": the entity is of the type that the question names."""
        words = self.paths.words(question.seeds.tokens, [mention.span, *question.spans])
        for word in words:
            kind = self._type_named(word.token.folded)
            if kind is not None and not is_person_noun(word.token.folded):
                there = Intersect(self.entities(mention.nodes), OfType(self.view.node_types[kind]))
                explained = {w.position: 1.0 for w in words if self._is_of_kind(w, word)}
                score = self._covered(question, [mention], explained) + 0.3
                yield PlanCandidate(Exists(there), score, (mention,))

    def _about_entity(self, question: Question, mention: Mention) -> Iterator[PlanCandidate]:
        """Yield "was Ada born before 1850?": the comparison is about the entity itself."""
        if question.intent.want is not Want.CONFIRM or not question.constraints:
            return
        plan: NodePlan = self.entities(mention.nodes)
        for constraint, fitting in question.constraints:
            measure = self.measures.of_nodes(fitting, mention.nodes)
            if measure is None:
                return
            plan = Filter(plan, measure.measure, constraint.comparison, constraint.value)
        yield PlanCandidate(Exists(plan), self._covered(question, [mention], {}), (mention,))

    def _among(self, question: Question, mention: Mention) -> Iterator[PlanCandidate]:
        """Yield "which of them was born first?": the earlier answers themselves are compared."""
        if mention.match is not Match.HISTORY or question.intent.want is Want.CONFIRM:
            return
        plan: NodePlan = self.entities(mention.nodes)
        for constraint, fitting in question.constraints:
            measure = self.measures.of_nodes(fitting, mention.nodes)
            if measure is None:
                return
            plan = Filter(plan, measure.measure, constraint.comparison, constraint.value)
        if question.superlative is not None:
            wanted, fitting = question.superlative
            measure = self.measures.of_nodes(fitting, mention.nodes)
            if measure is None:
                return
            plan = TopK(plan, measure.measure, wanted.k, wanted.ascending)
        done = Count(plan) if question.intent.want is Want.COUNT else plan
        yield PlanCandidate(done, self._covered(question, [mention], {}) + 0.1, (mention,))

    # Two names

    def _pairs(self, question: Question) -> Iterator[PlanCandidate]:
        mentions = [m for m in question.seeds.mentions if self._is_name(question, m)][:6]
        for left, right in combinations(sorted(mentions, key=lambda m: m.span), 2):
            if left.span.overlaps(right.span):
                continue
            if question.intent.want is Want.CONNECT:
                yield self._connection(question, left, right)
            elif question.intent.want is Want.CONFIRM:
                yield from self._confirmed(question, left, right)
            else:
                yield from self._joined(question, left, right)
                yield from self._dated(question, left, right)

    def _is_name(self, question: Question, mention: Mention) -> bool:
        """Whether a mention is worth pairing: common words in small letters are not."""
        tokens = question.seeds.tokens
        if mention.match is Match.HISTORY:
            return mention.span.first < len(tokens)
        if any(mention.span.overlaps(s) for s in question.spans):
            return False
        if any(_inside_of(mention, other) for other in question.seeds.mentions):
            return False
        span = tokens[slice(*mention.span)]
        if len(span) == 1 and not span[0].text[:1].isupper():  # perhaps a word like any other
            word = span[0].folded
            written = mention.match in (Match.EXACT, Match.FOLDED)
            return written and not self.affinity.knows(word) and word not in FUNCTION_WORDS
        return weight(mention.span, tokens) >= 1.0

    def _connection(self, question: Question, left: Mention, right: Mention) -> PlanCandidate:
        plan = ShortestPath(self.entities(left.nodes), self.entities(right.nodes))
        return PlanCandidate(plan, self._covered(question, [left, right], {}), (left, right))

    def _confirmed(
        self, question: Question, left: Mention, right: Mention
    ) -> Iterator[PlanCandidate]:
        """Yield "did A direct B?": B is among what a path from A reaches, or what that lies in."""
        for start, end in ((left, right), (right, left)):
            spans = (*question.spans, end.span)
            paths = self.paths.rank(question.seeds.tokens, start, ignore=spans, limit=_PATHS_KEPT)
            for path in paths:
                if self._leaves_out(question, path, end):
                    continue
                for there in self._leading_to(path, end):
                    plan = Exists(Intersect(there, self.entities(end.nodes)))
                    yield PlanCandidate(plan, path.score, (start, end))
        yield from self._contained(question, left, right)

    def _leaves_out(self, question: Question, path: RankedPath, *others: Mention) -> bool:
        """Whether a word is left unexplained: a yes or no must be about all that is asked."""
        spans = [path.mention.span, *question.spans, *(m.span for m in others)]
        words = self.paths.words(question.seeds.tokens, spans)
        return any(
            w.weight >= 1 and path.explained.get(w.position, 0.0) < _LEFT_OVER for w in words
        )

    def _leading_to(self, path: RankedPath, end: Mention) -> Iterator[NodePlan]:
        """Yield what a path reaches, where ``end`` may be among it, or among what holds it."""
        if self._can_reach(path, end):
            yield self.chain(path)
        if self.schema.attribute(path.ports[-1]) is not None:
            return
        for relation, label in enumerate(self.schema.labels[: len(self.view.relations)]):
            usual = self.schema.follows(path.ports[-1])[2 * relation] > _USUALLY
            if (
                label in CONTAINMENT
                and usual
                and 2 * relation + 1 in self.paths.first_ports(end.nodes)
            ):
                holder = Follow(self.chain(path), self.schema.step(2 * relation))
                yield Union(holder, Follow(holder, self.schema.step(2 * relation)))

    def _can_reach(self, path: RankedPath, end: Mention) -> bool:
        """Whether nodes like ``end`` are among those that a path arrives at."""
        if self.schema.attribute(path.ports[-1]) is not None:
            return False
        back = path.ports[-1] ^ 1
        return back in self.paths.first_ports(end.nodes)

    def _contained(
        self, question: Question, part: Mention, whole: Mention
    ) -> Iterator[PlanCandidate]:
        """Yield "is Ulm in Germany?", through one or two steps of lying in something."""
        words = self.paths.words(question.seeds.tokens, [*question.spans, part.span, whole.span])
        if words:
            return
        for relation, label in enumerate(self.schema.labels[: len(self.view.relations)]):
            if (
                label in CONTAINMENT
                and self.schema.port_counts(np.array(part.nodes[:16]))[2 * relation]
            ):
                step = self.schema.step(2 * relation)
                once: NodePlan = Follow(self.entities(part.nodes), step)
                for there in (Union(once, Follow(once, step)), once):
                    plan = Exists(Intersect(there, self.entities(whole.nodes)))
                    yield PlanCandidate(plan, 1.0, (part, whole))

    def _joined(self, question: Question, left: Mention, right: Mention) -> Iterator[PlanCandidate]:
        """Yield "films with A and B", "films of A or B", "films of A without B"."""
        tokens = question.seeds.tokens
        between = [t.folded for t in tokens[left.span.last : right.span.first]]
        link = next((i for i, w in enumerate(between) if w in _JOINING), None)
        theirs = Span(left.span.last + link, len(tokens)) if link is not None else right.span
        left_paths = self.paths.rank(tokens, left, ignore=[*question.spans, theirs])
        right_paths = self.paths.rank(tokens, right, ignore=[*question.spans, left.span])
        for first in self._inside(left_paths[:_PATHS_KEPT]):
            for second in self._inside(right_paths[:_PATHS_KEPT]):
                if self._meet(first, second):
                    plan = _combined(between, self.chain(first), self.chain(second))
                    explained = _merged(first.explained, second.explained)
                    score = self._covered(question, [left, right], explained)
                    score += _PAIR_BONUS + self._path_terms(first, second)
                    plan = self._of_asked_kind(question, plan, first.ports[-1])
                    done = Count(plan) if question.intent.want is Want.COUNT else plan
                    guess = any(_is_common_word(m, tokens) for m in (left, right))
                    yield PlanCandidate(done, score, (left, right), guess)

    def _meet(self, first: RankedPath, second: RankedPath) -> bool:
        """Whether two paths can end in the same nodes."""
        a, b = first.ports[-1], second.ports[-1]
        if self.schema.attribute(a) is not None or self.schema.attribute(b) is not None:
            return False
        return a == b or bool(self.schema.follows(a)[b ^ 1] > 0)

    def _path_terms(self, first: RankedPath, second: RankedPath) -> float:
        """Return the part of the paths' scores that is not coverage: support and length."""
        weights = self.paths.weights
        terms = [
            weights.support * sum(p.support) / len(p.support)
            - weights.length * len(p.ports)
            - weights.unsupported * sum(s < 0.12 for s in p.support)
            for p in (first, second)
        ]
        return sum(terms) / 2

    def _dated(self, question: Question, left: Mention, right: Mention) -> Iterator[PlanCandidate]:
        """Yield "when did A win B?": an attribute of the edges from A to B."""
        for start, end in ((left, right), (right, left)):
            spans = (*question.spans, end.span)
            for path in self.paths.rank(question.seeds.tokens, start, ignore=spans, limit=4):
                if self.schema.attribute(path.ports[-1]) is None:
                    value = self._edge_value(question, path)
                    if isinstance(value, EdgeValues):
                        aimed = EdgeValues(
                            value.source, value.step, value.attribute, self.entities(end.nodes)
                        )
                        yield PlanCandidate(aimed, path.score + _NAMED_VALUE, (start, end))

    # No name

    def _from_kinds(self, question: Question) -> Iterator[PlanCandidate]:
        """Yield plans that begin with every node of a kind: "the oldest universities"."""
        operated = not question.is_plain or question.intent.want is not Want.LIST
        unused = any(
            m.match is Match.HISTORY or self._is_name(question, m) for m in question.seeds.mentions
        )
        words = self.paths.words(question.seeds.tokens, question.spans)
        self.affinity.prepare([w.token.folded for w in words])
        asks_who = any(w.token.folded == "who" for w in words)
        for word in words[:4]:
            for base, port in self._kinds_named(word):
                if asks_who and self.affinity.classes("who")[port] < _SOMEBODY:
                    continue
                plan, explained = self._operated(question, base, port, words, word)
                if plan is not None and (operated or len(words) == 1):
                    score = self._covered(question, [], explained) + (-0.1 if unused else 0.25)
                    yield PlanCandidate(plan, score)

    def _kinds_named(self, word: Word) -> list[tuple[NodePlan, int]]:
        """Return the kinds of node that a word names, each with a port that arrives at it."""
        folded = word.token.folded
        kind = self._type_named(folded)
        if kind is not None:
            ports = [
                p
                for p in range(2 * len(self.view.relations))
                if self.schema.arrival_types(p).get(kind, 0) > 0.5
            ]
            return [(OfType(self.view.node_types[kind]), ports[0])] if ports else []
        found: list[tuple[NodePlan, int]] = []
        relations = self.affinity.relations(folded)[: len(self.view.relations)]
        best = int(relations.argmax()) if len(relations) else 0
        if len(relations) and relations[best] >= _KIND_IS_CLEAR:
            label = self.schema.labels[best]
            says_who = family(folded) in map(family, label.split()) or is_person_noun(folded)
            doers = says_who and label_form(label) is LabelForm.ACTIVE  # "actors" acted in
            arrives = 2 * best + doers
            found.append((HavingStep(self.schema.step(arrives ^ 1)), arrives))
        kinds = self.affinity.classes(folded)[: 2 * len(self.view.relations)]
        if len(kinds) and kinds.max() >= _KIND_IS_CLEAR:
            port = int(kinds.argmax())
            usual = self.schema.follows(port)[: 2 * len(self.view.relations)]
            if usual.any():
                found.append((HavingStep(self.schema.step(int(usual.argmax()))), port))
        return found

    def _is_of_kind(self, word: Word, kind_word: Word) -> bool:
        """Return whether a word is part of the kind's name: "chemical" beside "elements"."""
        kind = self._type_named(kind_word.token.folded)
        if word.position == kind_word.position or kind is None:
            return word.position == kind_word.position
        parts = {family(w) for w in humanize(self.view.node_types[kind]).split()}
        return family(word.token.folded) in parts

    def _operated(
        self,
        question: Question,
        base: NodePlan,
        port: int,
        words: Sequence[Word],
        kind_word: Word,
    ) -> tuple[Plan | None, dict[int, float]]:
        """Apply the question's comparisons and operation to every node of a kind."""
        explained = {w.position: 1.0 for w in words if self._is_of_kind(w, kind_word)}
        plan = base
        for constraint, fitting in question.constraints:
            measure = self.measures.of_kind(fitting, port)
            if measure is None:
                return None, {}
            plan = Filter(plan, measure.measure, constraint.comparison, constraint.value)
        others = [w for w in words if w.position not in explained]
        if question.superlative is not None:
            ranked = self._ranked_kind(question.superlative, plan, port, others, explained)
            if ranked is None:
                return None, {}
            plan = ranked
        want = question.intent.want
        if want in _AGGREGATES:
            fitting = tuple(self.measures.find([w.token.folded for w in others], is_time=False))
            measure = self.measures.of_kind(fitting, port)
            if measure is None:
                return None, {}
            explained.update({w.position: 1.0 for w in others if w.token.folded == measure.cue})
            return Aggregated(plan, measure.measure, _AGGREGATES[want]), explained
        return (Count(plan) if want is Want.COUNT else plan), explained

    def _ranked_kind(
        self,
        ranking: tuple[Superlative, tuple[ScoredMeasure, ...]],
        plan: NodePlan,
        port: int,
        others: Sequence[Word],
        explained: dict[int, float],
    ) -> NodePlan | None:
        wanted, fitting = ranking
        measure = self.measures.of_kind(fitting, port)
        if measure is not None:
            return TopK(plan, measure.measure, wanted.k, wanted.ascending)
        if not wanted.counts or not others:
            return None
        fit = self._port_fit([w.token.folded for w in others])
        fit = fit * (self.schema.follows(port) > 0)
        best = int(fit.argmax())
        if fit[best] <= 0.3:
            return None
        for word in others:
            about = self._port_fit([word.token.folded])[best]
            explained[word.position] = min(1.0, float(about) / 0.6)
        return self._most(plan, best, wanted)

    # Everything about a name

    def _told(self, question: Question) -> Iterator[PlanCandidate]:
        for mention in question.seeds.mentions[:_MENTIONS_TRIED]:
            if self._is_name(question, mention) and only_tells(
                question.seeds.tokens, [mention.span]
            ):
                score = self._covered(question, [mention], {}, told=True)
                score += 0.4 if asks_for_everything(question.seeds.tokens) else -0.15
                yield PlanCandidate(FactsOf(self.entities(mention.nodes)), score, (mention,))

    # Score

    def _covered(
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


def _is_common_word(mention: Mention, tokens: Sequence[Token]) -> bool:
    """Return whether a mention is one word in small letters, where the name has capitals."""
    words = tokens[slice(*mention.span)]
    small = len(words) == 1 and not words[0].text[:1].isupper()
    return small and mention.match is not Match.EXACT


def _longest(seeds: Seeds) -> Seeds:
    """Drop mentions inside a longer one that fits as well, even one that has no edges."""
    kept = tuple(
        m
        for m in seeds.mentions
        if not any(
            o.span.first <= m.span.first
            and m.span.last <= o.span.last
            and o.span != m.span
            and o.quality >= m.quality
            for o in seeds.mentions
        )
    )
    return replace(seeds, mentions=kept)


def _inside_of(mention: Mention, other: Mention) -> bool:
    """Return whether a mention is part of a longer one that fits as well: "Desire" in a title."""
    longer = other.span.last - other.span.first > mention.span.last - mention.span.first
    return longer and mention.span.overlaps(other.span) and other.quality >= mention.quality


_NEGATIONS = _EXCLUDING | {"didn t", "don t", "doesn t", "isn t", "wasn t", "aren t", "weren t"}


def _minds_negation(candidate: PlanCandidate, seeds: Seeds) -> bool:
    """Return whether a plan does what a "not" asks: only "A but not B" is understood."""
    denied = any(
        token.folded in _NEGATIONS
        and not any(m.span.first <= i < m.span.last for m in candidate.mentions)
        for i, token in enumerate(seeds.tokens)
    )
    excludes = isinstance(candidate.plan, Subtract) and len(candidate.mentions) > 1
    return excludes or not denied


_JOINING = frozenset({"and", "or", "but", *_EXCLUDING})


def _combined(between: Sequence[str], left: NodePlan, right: NodePlan) -> NodePlan:
    if _EXCLUDING & set(between) - {"but"}:
        return Subtract(left, right)
    if "or" in between:
        return Union(left, right)
    return Intersect(left, right)


def _best_explained(path: RankedPath) -> int:
    """Return the position of the word that a path explains best."""
    return max(path.explained, key=path.explained.__getitem__, default=-1)


def _merged(left: dict[int, float], right: dict[int, float]) -> dict[int, float]:
    return {p: max(left.get(p, 0.0), right.get(p, 0.0)) for p in {**left, **right}}
