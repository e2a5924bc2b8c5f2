"""Plans over two names: what joins them, what both lead to, whether one leads to the other."""

from collections.abc import Iterator, Sequence
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
    Union,
)
from graphllm.retrieval.english import Token
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
        else:
            yield from _joined(ground, question, left, right)
            yield from _dated(ground, question, left, right)


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
            if ground.leaves_out(question, path, end):
                continue
            for there in _leading_to(ground, path, end):
                plan = Exists(Intersect(there, ground.entities(end.nodes)))
                score = path.score - UNSPOKEN * ground.unspoken(path)
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
    between = [t.folded for t in tokens[left.span.last : right.span.first]]
    link = next((i for i, w in enumerate(between) if w in _JOINING), None)
    theirs = Span(left.span.last + link, len(tokens)) if link is not None else right.span
    left_paths = ground.paths.rank(tokens, left, ignore=[*question.spans, theirs])
    right_paths = ground.paths.rank(tokens, right, ignore=[*question.spans, left.span])
    for first in ground.inside(left_paths[:PATHS_KEPT]):
        for second in ground.inside(right_paths[:PATHS_KEPT]):
            if ground.meet(first, second):
                plan = _combined(between, ground.chain(first), ground.chain(second))
                explained = merged(first.explained, second.explained)
                guess = any(_is_common_word(m, tokens) for m in (left, right))
                score = ground.covered(question, [left, right], explained)
                score += (-1 if guess else 1) * PAIR_BONUS + ground.path_terms(first, second)
                plan = ground.of_asked_kind(question, plan, first.ports[-1])
                done = Count(plan) if question.intent.want is Want.COUNT else plan
                yield PlanCandidate(done, score, (left, right), guess)


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
