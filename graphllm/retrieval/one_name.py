"""Plans that begin at one name: paths, with the comparisons and the operation asked for."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from graphllm.graph.folding import humanize
from graphllm.query.plan import (
    Aggregated,
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
from graphllm.retrieval.constraints import Constraint, Superlative
from graphllm.retrieval.english import family, is_person_noun
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
            plan = _composed(ground, question, path)
            if plan is not None:
                counted = question.intent.want is Want.COUNT and isinstance(plan, Values)
                score = path.score + (NAMED_VALUE if counted else 0.0)
                if isinstance(plan, Exists):
                    score -= UNSPOKEN * ground.unspoken(path)
                yield PlanCandidate(plan, score, (mention,))
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


def _composed(ground: Ground, question: Question, path: RankedPath) -> Plan | None:
    """Return the plan of a path with the question's comparisons and operation applied."""
    attribute = ground.schema.attribute(path.ports[-1])
    if attribute is not None:
        return _of_values(ground, question, path, attribute)
    plan = _compared(ground, question, path)
    if plan is None:
        return None
    plan = ground.of_asked_kind(question, plan, path.ports[-1])
    if question.superlative is not None:
        ranked = _ranked(ground, question.superlative, plan, path.ports[-1])
        if ranked is None:
            return None
        plan = ranked
    return _finished(ground, question, plan, path)


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


def _of_values(ground: Ground, question: Question, path: RankedPath, attribute: str) -> Plan | None:
    if not question.is_plain:
        return None
    source = ground.chain(path._replace(ports=path.ports[:-1]))
    aggregate = AGGREGATES.get(question.intent.want)
    if aggregate is not None:
        return Aggregated(source, ground.measures.measure(path.ports[-1]), aggregate)
    return None if question.intent.want is Want.CONFIRM else Values(source, attribute)


def _compared(ground: Ground, question: Question, path: RankedPath) -> NodePlan | None:
    """Return the chain with every comparison placed, as late as its nodes can be measured."""
    filters: dict[int, list[tuple[ScoredMeasure, Constraint]]] = {}
    conditions: dict[int, Condition] = {}
    for constraint, fitting in question.constraints:
        for hop in range(len(path.ports), 0, -1):
            measure = ground.measures.of_kind(fitting, path.ports[hop - 1])
            name = _edge_attribute(ground, path.ports[hop - 1], constraint)
            if measure is not None and (name is None or measure.score >= CUE_IS_CLEAR):
                filters.setdefault(hop, []).append((measure, constraint))
                break
            if name is not None and hop - 1 not in conditions:
                condition = Condition(name, constraint.comparison, constraint.value)
                conditions[hop - 1] = condition
                break
        else:
            return None
    return ground.chain(path, filters, conditions)


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
    ground: Ground,
    ranking: tuple[Superlative, tuple[ScoredMeasure, ...]],
    plan: NodePlan,
    arrived_by: int,
) -> NodePlan | None:
    wanted, fitting = ranking
    if wanted.is_time and ground.edge_times(arrived_by):
        return None  # the first award somebody won is not the oldest award
    measure = ground.measures.of_kind(fitting, arrived_by)
    if measure is not None:
        return TopK(plan, measure.measure, wanted.k, wanted.ascending)
    if not wanted.counts:
        return None
    port = _counted_port(ground, wanted, arrived_by)
    return None if port is None else ground.most(plan, port, wanted)


def _counted_port(ground: Ground, wanted: Superlative, arrived_by: int) -> int | None:
    """Return the step whose ends are counted: "the most films", from persons."""
    scores = ground.port_fit(wanted.cues) * (ground.schema.follows(arrived_by) > 0)
    best = int(scores.argmax()) if len(scores) else 0
    return best if len(scores) and scores[best] > 0.3 else None


def _is_of_type(ground: Ground, question: Question, mention: Mention) -> Iterator[PlanCandidate]:
    """Yield "is Ulm a city?": the entity is of the type that the question names."""
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
