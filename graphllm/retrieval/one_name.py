"""Plans that begin at one name: paths, with the comparisons and the operation asked for."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from graphllm.graph.folding import humanize
from graphllm.query.plan import (
    Aggregate,
    Aggregated,
    Comparison,
    Condition,
    Count,
    Exists,
    FactsOf,
    Filter,
    Intersect,
    NodePlan,
    OfType,
    Plan,
    TopK,
    Values,
)
from graphllm.retrieval.comparisons import ascends, is_age
from graphllm.retrieval.constraints import Constraint, Superlative
from graphllm.retrieval.english import family, is_person_noun, words
from graphllm.retrieval.ground import (
    AGGREGATES,
    CUE_IS_CLEAR,
    MENTIONS_TRIED,
    NAMED_VALUE,
    PAIR_BONUS,
    PATHS_KEPT,
    SAY_WHEN,
    UNSPOKEN,
    Ground,
    PlanCandidate,
    Question,
    merged,
)
from graphllm.retrieval.intents import Want, asks_for_everything, only_tells
from graphllm.retrieval.linker import Match, Mention, weight
from graphllm.retrieval.measures import ScoredMeasure
from graphllm.retrieval.paths import RankedPath

_SLIGHT = 0.15  # what a mention of almost no weight loses to the heaviest one
# What a plan loses for what it supposes, though the question does not say it:
_OTHER_WORDS = 0.1  # what is measured, where its words fit only somewhat,
_SUPPOSED = 0.12  # which attribute is compared or ranked by,
_BACK_WHERE_IT_BEGAN = 0.03  # that what a name shares with others counts it in,
_BACK_TO_ITSELF = 0.2  # even as an answer,
_EITHER_WAY, _EITHER_WAY_NAMED = 0.06, 0.02  # that a relation holds both ways.
_OTHERS = words("other others another else")
_MOST_SUPPOSED = 4
_MOST_PLACES = 6
_SURELY_COUNTED = 0.3  # fit of a word to the step whose ends are counted
_BEGINNINGS = frozenset(map(family, ("since", "from", "start", "begin", "year")))


def from_mentions(ground: Ground, question: Question) -> Iterator[PlanCandidate]:
    """Yield plans that begin at a name the question mentions."""
    tokens, mentions = question.seeds.tokens, question.seeds.mentions[:MENTIONS_TRIED]
    heaviest = max((weight(m.span, tokens) * m.quality for m in mentions), default=1.0)
    for mention in mentions:
        if any(mention.span.overlaps(span) for span in question.spans):
            continue
        ranked = ground.paths.rank(tokens, mention, ignore=question.spans, limit=PATHS_KEPT)
        slight = 1 - weight(mention.span, tokens) * mention.quality / heaviest if heaviest else 0
        ranked = [path._replace(score=path.score - _SLIGHT * slight) for path in ranked]
        for path in ground.inside(ranked):
            for plan, cost in _composed(ground, question, path):
                counted = question.intent.want is Want.COUNT and isinstance(plan, Values)
                score = path.score - cost + (NAMED_VALUE if counted else 0.0)
                if isinstance(plan, Exists):
                    score -= UNSPOKEN * ground.unspoken(path)
                yield PlanCandidate(plan, score, (mention,), unsaid=path.unsaid)
        yield from _both(ground, question, mention, ranked)
        if question.is_plain and question.intent.want is Want.CONFIRM:
            yield from _is_of_type(ground, question, mention)
        if not question.is_plain:
            yield from _about_entity(ground, question, mention)
            yield from _among(ground, question, mention)


def _both(
    ground: Ground, question: Question, mention: Mention, ranked: Sequence[RankedPath]
) -> Iterator[PlanCandidate]:
    """Yield "who wrote and directed X": two steps from one name must both lead there."""
    said = [t.folded for t in question.seeds.tokens]
    single = [p for p in ranked if len(p.ports) == 1 and p.support[0] > CUE_IS_CLEAR]
    for first, second in combinations(single, 2):
        words = [_best_explained(path) for path in (first, second)]
        joined = abs(words[0] - words[1]) == 2 and said[sum(words) // 2] == "and"
        if joined and first.ports != second.ports and ground.meet(first, second):
            explained = merged(first.explained, second.explained)
            score = ground.covered(question, [mention], explained)
            score += ground.path_terms(first, second) + PAIR_BONUS
            both = Intersect(ground.chain(first), ground.chain(second))
            yield PlanCandidate(both, score, (mention,))


def _composed(ground: Ground, question: Question, path: RankedPath) -> Iterator[tuple[Plan, float]]:
    """Yield the plans of a path with the question's comparisons and operation applied.

    Each comes with what it loses for what it supposes.
    """
    yield from _of_values(ground, question, path)
    if ground.schema.attribute(path.ports[-1]) is not None:
        return
    for reached, cost in _compared(ground, question, path):
        plan = ground.of_asked_kind(question, reached, path.ports[-1])
        for ranked, more in _ranked(ground, question, plan, path.ports[-1]):
            done = _finished(ground, question, ranked, path)
            if done is not None:
                yield done, cost + more


def _finished(ground: Ground, question: Question, plan: NodePlan, path: RankedPath) -> Plan | None:
    want = question.intent.want
    if want is Want.COUNT:
        return Count(plan)
    if want is Want.CONFIRM:
        another = _names_another(ground, question, path.mention)
        return None if another or ground.leaves_out(question, path) else Exists(plan)
    if want in AGGREGATES:
        return None
    return ground.edge_value(question, path) or plan


def _names_another(ground: Ground, question: Question, mention: Mention) -> bool:
    """Whether a question to be confirmed names more than one thing, known or not."""
    tokens = question.seeds.tokens
    others = [m for m in question.seeds.mentions if not m.span.overlaps(mention.span)]
    if any(ground.is_name(question, m) for m in others):
        return True
    words = ground.paths.words(tokens, [mention.span, *question.spans])
    return any(w.is_name for w in words)


def _of_values(
    ground: Ground, question: Question, path: RankedPath
) -> Iterator[tuple[Plan, float]]:
    """Yield the values that a path ends in, or what they are together."""
    attribute, want = ground.schema.attribute(path.ports[-1]), question.intent.want
    source = ground.chain(path._replace(ports=path.ports[:-1]))
    aggregate = AGGREGATES.get(want)
    if question.superlative is not None and not question.constraints:
        wanted = question.superlative[0]
        aggregate = Aggregate.MINIMUM if wanted.ascending else Aggregate.MAXIMUM
    elif not question.is_plain:
        return
    if aggregate is not None and ground.measures.is_measure(path.ports[-1]):
        yield Aggregated(source, ground.measures.measure(path.ports[-1]), aggregate), 0.0
    elif attribute is not None and question.is_plain and want is not Want.CONFIRM:
        yield Values(source, attribute), 0.0


def _compared(
    ground: Ground, question: Question, path: RankedPath
) -> Iterator[tuple[NodePlan, float]]:
    """Yield the chain with every comparison placed, as late as its nodes can be measured."""
    if not question.constraints:
        yield from _walked(ground, question, path)
        return
    places = [list(_places(ground, question, path, *one)) for one in question.constraints]
    for number, first in enumerate(places[0][:_MOST_PLACES]):
        chosen = [first, *(found[0] for found in places[1:] if found)]
        if len(chosen) < len(places):
            return
        filters: dict[int, list[tuple[ScoredMeasure, Constraint]]] = {}
        conditions: dict[int, Condition] = {}
        for place in chosen:
            if isinstance(place.test, Condition):
                conditions.setdefault(place.hop - 1, place.test)
            else:
                filters.setdefault(place.hop, []).append(place.test)
        cost = sum(place.cost for place in chosen) + 0.01 * number
        yield ground.chain(path, filters, conditions), cost


def _walked(
    ground: Ground, question: Question, path: RankedPath
) -> Iterator[tuple[NodePlan, float]]:
    """Yield the chain, and what else it may mean: with where it began, or some step either way."""
    plan = ground.chain(path)
    yield plan, 0.0
    again = ground.chain(path, returns=True)
    if again != plan:
        apart = any(t.folded in _OTHERS for t in question.seeds.tokens)
        itself = apart or len(path.ports) == 2  # the answer would be what is asked about
        yield again, _BACK_TO_ITSELF if itself else _BACK_WHERE_IT_BEGAN
    alike = [hop for hop in range(len(path.ports)) if ground.holds_both_ways(path, hop)]
    for hop in alike:
        if hop and path.ports[hop] == path.ports[hop - 1] ^ 1:
            continue
        named = ground.schema.is_symmetric(path.ports[hop] >> 1)
        cost = _EITHER_WAY_NAMED if named else _EITHER_WAY
        yield ground.chain(path, returns=True, both_ways=[hop]), cost


class _Place(NamedTuple):
    """Where a comparison is made: after how many steps, how, and what it supposes."""

    hop: int
    test: Condition | tuple[ScoredMeasure, Constraint]
    cost: float


def _places(
    ground: Ground,
    question: Question,
    path: RankedPath,
    constraint: Constraint,
    fitting: Sequence[ScoredMeasure],
) -> Iterator[_Place]:
    """Yield where on a path a comparison may be made; as said first, then as can be guessed."""
    said = question.seeds.tokens[constraint.span.first].folded
    for hop in range(len(path.ports), 0, -1):
        port = path.ports[hop - 1]
        measure = ground.measures.of_kind(fitting, port)
        name = _edge_attribute(ground, port, constraint)
        if measure is not None and (name is None or measure.score >= CUE_IS_CLEAR):
            yield _Place(hop, (measure, constraint), _unlike(measure))
        if name is not None:
            for comparison in _comparisons(constraint, name, said):
                yield _Place(hop, Condition(name, comparison, constraint.value), 0.0)
    if isinstance(constraint.value, str):
        return
    last = path.ports[-1]
    for name in ground.measured_edges(last):
        condition = Condition(name, constraint.comparison, constraint.value)
        yield _Place(len(path.ports), condition, _SUPPOSED)
    for measure in ground.measures.every(last)[:_MOST_SUPPOSED]:
        if measure.measure not in [m.measure for m in fitting]:
            yield _Place(len(path.ports), (measure, constraint), _SUPPOSED)


def _comparisons(constraint: Constraint, name: str, said: str) -> list[Comparison]:
    """Return how an attribute of edges is compared: "member since 1990" is so since then."""
    begins = {family(w) for w in humanize(name).split()} & _BEGINNINGS
    if said == "since" and begins:
        return [Comparison.EQUALS, constraint.comparison]
    return [constraint.comparison]


def _edge_attribute(ground: Ground, port: int, constraint: Constraint) -> str | None:
    """Return an attribute of the edges walked that the comparison may be about."""
    for name in ground.schema.edge_attributes(port >> 1):
        words = {family(w) for w in humanize(name).split()}
        if words & {family(c) for c in constraint.cues}:
            return name
        if constraint.is_time and words & SAY_WHEN:
            return name
    return None


def _ranked(
    ground: Ground, question: Question, plan: NodePlan, arrived_by: int
) -> Iterator[tuple[NodePlan, float]]:
    """Yield the first of the nodes by what the question ranks them by, or by what it may be."""
    if question.superlative is None:
        yield plan, 0.0
        return
    wanted, fitting = question.superlative
    if wanted.is_time and ground.edge_times(arrived_by):
        return  # the first award somebody won is not the oldest award
    measure = ground.measures.of_kind(fitting, arrived_by)
    if measure is not None:
        yield TopK(plan, measure.measure, wanted.k, wanted.ascending), _unlike(measure)
    for port, fit in _counted_ports(ground, wanted, arrived_by) if wanted.counts else ():
        counted = measure is None and fit > _SURELY_COUNTED
        yield ground.most(plan, port, wanted), 0.0 if counted else _SUPPOSED
    for other in ground.measures.every(arrived_by)[:_MOST_SUPPOSED]:
        if measure is None or other.measure != measure.measure:
            cost = 0.0 if wanted.is_time and is_age(ground, other) else _SUPPOSED
            smallest = ascends(ground, wanted, other)
            yield TopK(plan, other.measure, wanted.k, smallest), cost


def _unlike(measure: ScoredMeasure) -> float:
    """Return what is lost where the question's words do not name the measure outright."""
    return _OTHER_WORDS * (1 - min(measure.score, 1.0))


def _counted_ports(ground: Ground, wanted: Superlative, arrived_by: int) -> list[tuple[int, float]]:
    """Return the steps whose ends may be counted: "the most films", from persons."""
    scores = ground.port_fit(wanted.cues) * (ground.schema.follows(arrived_by) > 0)
    best = np.argsort(-scores, kind="stable")[:_MOST_SUPPOSED]
    return [(p, float(scores[p])) for p in best.tolist() if scores[p] > 0]


def _is_of_type(ground: Ground, question: Question, mention: Mention) -> Iterator[PlanCandidate]:
    """Yield "is Ulm a city?": the entity is of the type that the question names."""
    if "there" in [token.folded for token in question.seeds.tokens[:3]]:  # "are there any in Ulm"
        return
    words = ground.paths.words(question.seeds.tokens, [mention.span, *question.spans])
    for word in words:
        kind = ground.type_named(word.token.folded)
        if kind is not None and not is_person_noun(word.token.folded):
            there = Intersect(ground.entities(mention.nodes), OfType(ground.view.node_types[kind]))
            explained = {w.position: 1.0 for w in words if ground.is_of_kind(w, word)}
            score = ground.covered(question, [mention], explained) + 0.3
            yield PlanCandidate(Exists(there), score, (mention,))


def _passing(ground: Ground, question: Question, mention: Mention) -> NodePlan | None:
    """Return those of the mentioned nodes that pass the question's comparisons."""
    plan: NodePlan = ground.entities(mention.nodes)
    for constraint, fitting in question.constraints:
        measure = ground.measures.of_nodes(fitting, mention.nodes)
        if measure is None:
            return None
        plan = Filter(plan, measure.measure, constraint.comparison, constraint.value)
    return plan


def _about_entity(ground: Ground, question: Question, mention: Mention) -> Iterator[PlanCandidate]:
    """Yield "was Ada born before 1850?": the comparison is about the entity itself."""
    if question.intent.want is not Want.CONFIRM or not question.constraints:
        return
    plan = _passing(ground, question, mention)
    if plan is None:
        return
    yield PlanCandidate(Exists(plan), ground.covered(question, [mention], {}), (mention,))


def _among(ground: Ground, question: Question, mention: Mention) -> Iterator[PlanCandidate]:
    """Yield "which of them was born first?": the earlier answers themselves are compared."""
    if mention.match is not Match.HISTORY or question.intent.want is Want.CONFIRM:
        return
    plan = _passing(ground, question, mention)
    if plan is None:
        return
    if question.superlative is not None:
        wanted, fitting = question.superlative
        measure = ground.measures.of_nodes(fitting, mention.nodes)
        if measure is None:
            return
        plan = TopK(plan, measure.measure, wanted.k, wanted.ascending)
    done = Count(plan) if question.intent.want is Want.COUNT else plan
    yield PlanCandidate(done, ground.covered(question, [mention], {}) + 0.1, (mention,))


def told(ground: Ground, question: Question) -> Iterator[PlanCandidate]:
    """Yield "tell me about X": everything the graph says of a name."""
    for mention in question.seeds.mentions[:MENTIONS_TRIED]:
        if ground.is_name(question, mention) and only_tells(question.seeds.tokens, [mention.span]):
            score = ground.covered(question, [mention], {}, told=True)
            score += 0.4 if asks_for_everything(question.seeds.tokens) else -0.15
            yield PlanCandidate(FactsOf(ground.entities(mention.nodes)), score, (mention,))


def _best_explained(path: RankedPath) -> int:
    """Return the position of the word that a path explains best."""
    return max(path.explained, key=path.explained.__getitem__, default=-1)
