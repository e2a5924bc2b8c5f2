"""Plans over two names: what joins them, what both lead to, whether one leads to the other."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations

from graphllm.query.plan import (
    Count,
    EdgeValues,
    Exists,
    Follow,
    Intersect,
    NodePlan,
    ShortestPath,
    Subtract,
    TopK,
    Union,
)
from graphllm.retrieval.comparisons import ascends, compared_as_ranked, is_age
from graphllm.retrieval.constraints import superlative
from graphllm.retrieval.english import Token, words
from graphllm.retrieval.ground import (
    EXCLUDING,
    NAMED_VALUE,
    PAIR_BONUS,
    PATHS_KEPT,
    UNSPOKEN,
    Ground,
    PlanCandidate,
    Question,
    common_word,
    merged,
)
from graphllm.retrieval.intents import Want
from graphllm.retrieval.linker import Match, Mention, Span
from graphllm.retrieval.paths import RankedPath

_USUALLY = 0.3
_PAIRS_KEPT = 48
_LEFT_OUT = 0.4  # what a yes or no loses that leaves a word of the question out
_IS_THERE = 0.2  # for edges that are known to join the two names
_COMPARES = 0.3  # for saying which of two names is more of something, where that is asked
_GUESSED = 0.2  # what a comparison loses for guessing by what, and again for guessing which way
_NEGATED = words("not without except excluding never no")
_ASKS_FOR_A_VALUE = words(
    "when since many much year date day amount number percentage percent share"
)
_JOINING = frozenset({"and", "or", "but", *EXCLUDING})


def pairs(ground: Ground, question: Question) -> Iterator[PlanCandidate]:
    """Yield plans over every two names that the question mentions."""
    mentions = [m for m in question.seeds.mentions if ground.is_name(question, m)][:6]
    for left, right in combinations(sorted(mentions, key=lambda m: m.span), 2):
        if left.span.overlaps(right.span):
            continue
        if question.intent.want is Want.CONNECT:
            yield _connection(ground, question, left, right)
        elif question.intent.want is Want.CONFIRM:
            yield from _confirmed(ground, question, left, right)
            yield from _shared(ground, question, left, right)
        else:
            yield from _joined(ground, question, left, right)
            yield from _dated(ground, question, left, right)
            yield from _between(ground, question, left, right)
            yield from _compared(ground, question, left, right)


def _connection(ground: Ground, question: Question, left: Mention, right: Mention) -> PlanCandidate:
    plan = ShortestPath(ground.entities(left.nodes), ground.entities(right.nodes))
    return PlanCandidate(plan, ground.covered(question, [left, right], {}), (left, right))


def _confirmed(
    ground: Ground, question: Question, left: Mention, right: Mention
) -> Iterator[PlanCandidate]:
    """Yield "did A direct B?": B is among what a path from A reaches, or what that lies in."""
    for start, end in ((left, right), (right, left)):
        spans = (*question.spans, end.span)
        paths = ground.paths.rank(question.seeds.tokens, start, ignore=spans, limit=PATHS_KEPT)
        for path in paths:
            left_out = _LEFT_OUT * ground.leaves_out(question, path, end)
            for there in _leading_to(ground, path, end):
                plan = Exists(Intersect(there, ground.entities(end.nodes)))
                score = path.score - UNSPOKEN * ground.unspoken(path) - left_out
                yield PlanCandidate(plan, score, (start, end))
    yield from _contained(ground, question, left, right)


def _leading_to(ground: Ground, path: RankedPath, end: Mention) -> Iterator[NodePlan]:
    """Yield what a path reaches, where ``end`` may be among it, or among what holds it."""
    if _can_reach(ground, path, end):
        yield ground.chain(path)
    if ground.schema.attribute(path.ports[-1]) is not None:
        return
    for relation in ground.schema.containments:
        usual = ground.schema.follows(path.ports[-1])[2 * relation] > _USUALLY
        if usual and 2 * relation + 1 in ground.paths.first_ports(end.nodes):
            holder = Follow(ground.chain(path), ground.schema.step(2 * relation))
            yield Union(holder, Follow(holder, ground.schema.step(2 * relation)))


def _can_reach(ground: Ground, path: RankedPath, end: Mention) -> bool:
    """Whether nodes like ``end`` are among those that a path arrives at."""
    if ground.schema.attribute(path.ports[-1]) is not None:
        return False
    port, ports = path.ports[-1], ground.paths.first_ports(end.nodes)
    return port ^ 1 in ports or (ground.schema.is_symmetric(port >> 1) and port in ports)


def _contained(
    ground: Ground, question: Question, part: Mention, whole: Mention
) -> Iterator[PlanCandidate]:
    """Yield "is Ulm in Germany?", through one or two steps of lying in something."""
    words = ground.paths.words(question.seeds.tokens, [*question.spans, part.span, whole.span])
    if words:
        return
    has = ground.schema.has_ports(part.nodes)
    for relation in ground.schema.containments:
        if has[2 * relation]:
            step = ground.schema.step(2 * relation)
            once: NodePlan = Follow(ground.entities(part.nodes), step)
            for there in (Union(once, Follow(once, step)), once):
                plan = Exists(Intersect(there, ground.entities(whole.nodes)))
                yield PlanCandidate(plan, 1.0, (part, whole))


def _joined(
    ground: Ground, question: Question, left: Mention, right: Mention
) -> Iterator[PlanCandidate]:
    """Yield "films with A and B", "films of A or B", "films of A without B"."""
    tokens = question.seeds.tokens
    guess = any(_is_common_word(m, tokens) for m in (left, right))
    named = [*range(*left.span), *range(*right.span)]
    negated = any(t.folded in _NEGATED for i, t in enumerate(tokens) if i not in named)
    for first, second, score in _meeting(ground, question, left, right):
        between = [t.folded for t in tokens[left.span.last : right.span.first]]
        plan = _combined(between, ground.chain(first), ground.chain(second))
        if negated and not isinstance(plan, Subtract):
            plan = Subtract(ground.chain(first), ground.chain(second))
        plan = ground.of_asked_kind(question, plan, first.ports[-1])
        done = Count(plan) if question.intent.want is Want.COUNT else plan
        denies = isinstance(plan, Subtract)
        score += (-1 if guess else 1) * PAIR_BONUS
        yield PlanCandidate(done, score, (left, right), guess, denies=denies)


def _shared(
    ground: Ground, question: Question, left: Mention, right: Mention
) -> Iterator[PlanCandidate]:
    """Yield "does A show a film by B?", "have A and B a friend?": some node is true of both."""
    for first, second, score in _meeting(ground, question, left, right):
        plan = Exists(Intersect(ground.chain(first), ground.chain(second)))
        score -= UNSPOKEN * max(ground.unspoken(first), ground.unspoken(second))
        explained = merged(first.explained, second.explained)
        both = first._replace(explained=explained)
        score -= _LEFT_OUT * ground.leaves_out(question, both, right)
        yield PlanCandidate(plan, score, (left, right))


def _meeting(
    ground: Ground, question: Question, left: Mention, right: Mention
) -> Iterator[tuple[RankedPath, RankedPath, float]]:
    """Yield the likeliest two paths that can end in the same nodes, and how well they explain.

    The words after what joins the names are about the second of them.
    """
    tokens = question.seeds.tokens
    between = [t.folded for t in tokens[left.span.last : right.span.first]]
    link = next((i for i, w in enumerate(between) if w in _JOINING), None)
    theirs = Span(left.span.last + link, len(tokens)) if link is not None else right.span
    rank = partial(ground.paths.rank, tokens, limit=PATHS_KEPT)
    firsts = rank(left, ignore=[*question.spans, theirs])
    seconds = rank(right, ignore=[*question.spans, left.span])
    both = [
        (first, second)
        for first in ground.inside(firsts)
        for second in ground.inside(seconds)
        if ground.meet(first, second)
    ]
    both.sort(key=lambda pair: -pair[0].score - pair[1].score)
    for first, second in both[:_PAIRS_KEPT]:
        explained = merged(first.explained, second.explained)
        score = ground.covered(question, [left, right], explained)
        yield first, second, score + ground.path_terms(first, second)


def _between(
    ground: Ground, question: Question, left: Mention, right: Mention
) -> Iterator[PlanCandidate]:
    """Yield what the edges between two names say: "what share has A in B?"."""
    tokens = question.seeds.tokens
    unread = ground.paths.words(tokens, [*question.spans, left.span, right.span])
    asks = {t.folded for t in tokens} & _ASKS_FOR_A_VALUE
    for port in ground.joining(left.nodes, right.nodes):
        about = ground.affinity.relations
        explained = {w.position: float(about(w.token.folded)[port >> 1]) for w in unread}
        for name in ground.schema.edge_attributes(port >> 1):
            said = ground.says(unread, name)
            score = ground.covered(question, [left, right], merged(explained, said))
            score += NAMED_VALUE if said or asks else -NAMED_VALUE
            source, target = ground.entities(left.nodes), ground.entities(right.nodes)
            plan = EdgeValues(source, ground.schema.step(port), name, target)
            yield PlanCandidate(plan, score + _IS_THERE, (left, right))


def _compared(
    ground: Ground, question: Question, left: Mention, right: Mention
) -> Iterator[PlanCandidate]:
    """Yield "which is older, A or B?": the one of two with more of something, or less."""
    tokens = question.seeds.tokens
    between = {t.folded for t in tokens[left.span.last : right.span.first]}
    if not {"or", "and"} & between or not between <= {"or", "and", "the"}:
        return
    both = ground.entities(tuple(dict.fromkeys((*left.nodes, *right.nodes))))
    as_ranked = compared_as_ranked(tokens)
    ranking = superlative(as_ranked)
    compares = _COMPARES * (as_ranked != list(tokens))
    fitting = () if ranking is None else ground.measures.find(ranking.cues, is_time=ranking.is_time)
    theirs = {m.measure for m in ground.measures.every_of_nodes(right.nodes)}
    shared = [m for m in ground.measures.every_of_nodes(left.nodes) if m.measure in theirs]
    fit = {m.measure: m.score for m in fitting}
    best = max(shared, key=lambda m: fit.get(m.measure, 0.0), default=None)
    for one in shared:
        for ascending in (False, True):
            sure = ranking is not None and ascending is ascends(ground, ranking, one)
            named = is_age(ground, one) or (one == best and one.measure in fit)
            said = sure and named
            score = ground.covered(question, [left, right], {}, told=said)
            score += compares if said else -_GUESSED if sure else -2 * _GUESSED
            yield PlanCandidate(TopK(both, one.measure, 1, ascending), score, (left, right))


def _dated(
    ground: Ground, question: Question, left: Mention, right: Mention
) -> Iterator[PlanCandidate]:
    """Yield "when did A win B?": an attribute of the edges from A to B."""
    for start, end in ((left, right), (right, left)):
        spans = (*question.spans, end.span)
        for path in ground.paths.rank(question.seeds.tokens, start, ignore=spans, limit=4):
            if ground.schema.attribute(path.ports[-1]) is None:
                value = ground.edge_value(question, path)
                if isinstance(value, EdgeValues):
                    aimed = EdgeValues(
                        value.source, value.step, value.attribute, ground.entities(end.nodes)
                    )
                    yield PlanCandidate(aimed, path.score + NAMED_VALUE, (start, end))


def _is_common_word(mention: Mention, tokens: Sequence[Token]) -> bool:
    """Return whether a mention is one word in small letters, where the name has capitals."""
    small = common_word(tokens[slice(*mention.span)]) is not None
    return small and mention.match is not Match.EXACT


def _combined(between: Sequence[str], left: NodePlan, right: NodePlan) -> NodePlan:
    if EXCLUDING & set(between) - {"but"}:
        return Subtract(left, right)
    if "or" in between:
        return Union(left, right)
    return Intersect(left, right)
