"""Put what a plan gave into words, and claim every edge it rests on."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache

import numpy as np

from graphllm.answer.draft import DESCRIPTION, TYPE, Claim, Draft
from graphllm.graph.columns import format_value
from graphllm.graph.folding import humanize
from graphllm.graph.view import GraphView
from graphllm.query.plan import (
    Aggregated,
    Attribute,
    Count,
    CountValues,
    Entities,
    Exists,
    FactsOf,
    GroupCount,
    Grouped,
    OfType,
    Plan,
    ShortestPath,
    TopK,
    children,
)
from graphllm.query.result import PlanResult
from graphllm.readers.grammar import is_phrase

SPOKEN = 30  # names in the sentence of an answer; ``entities`` has all of them
_WORKED_OUT = (Count, CountValues, Exists, Aggregated, Grouped, ShortestPath)
_MOST_COPIES = 64  # edges that say the same which a proof cites
GROUPS_SPOKEN = 200  # groups in the sentence: their numbers stand nowhere else
SPOKEN_PER_FACT = 5  # names per relation where a node is described
_OWN_WORDS: Mapping[str, str] = {}


def draft_of(
    plan: Plan,
    result: PlanResult,
    view: GraphView,
    *,
    confidence: float,
    wording: Mapping[str, str] = _OWN_WORDS,
) -> Draft:
    """Return the draft that says what ``plan`` gave, claiming every edge of its proof.

    Args:
        plan: What was run.
        result: What it gave.
        view: On this graph.
        confidence: In the plan.
        wording: What to call relations and attributes whose labels do not tell, by label.

    Examples:
        >>> from graphllm.graph import TextualGraph
        >>> from graphllm.query import Count, Entities, Follow, Step, execute
        >>> graph = TextualGraph.from_triples([("Ada", "knows", "Bo"), ("Ada", "knows", "Cy")])
        >>> known = Follow(Entities(("Ada",)), Step("knows"))
        >>> draft_of(known, execute(known, graph), graph, confidence=0.9).text
        'Bo and Cy'
        >>> draft_of(Count(known), execute(Count(known), graph), graph, confidence=0.9).entities
        ('2',)
    """
    entities = _asked_about_last(plan, _entities(result, view), view)
    return Draft(
        text=_text(plan, result, entities, view, wording),
        entities=entities,
        claims=tuple(sorted(_claims(plan, result, view), key=_is_aside(result, view))),
        closed_world=result.closed_world,
        derived=isinstance(plan, _WORKED_OUT),
        confidence=confidence,
    )


def listed(names: Sequence[str], shown: int = SPOKEN) -> str:
    """Return names as a person lists them.

    Examples:
        >>> listed(["a"]), listed(["a", "b", "c"]), listed(["a", "b", "c"], shown=2)
        ('a', 'a, b and c', 'a, b and 1 more')
    """
    if len(names) > shown:
        return f"{', '.join(names[:shown])} and {len(names) - shown} more"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _entities(result: PlanResult, view: GraphView) -> tuple[str, ...]:
    """Return the answering names, or values, or what lies on the way of a path."""
    if len(result.nodes):
        return tuple(dict.fromkeys(view.names[node] for node in result.nodes.tolist()))
    if result.groups:
        return tuple(dict.fromkeys(map(format_value, result.groups)))
    if result.paths:
        walked = [_nodes_of(path, view) for path in result.paths]
        between = dict.fromkeys(view.names[node] for nodes in walked for node in nodes[1:-1])
        return tuple(between or dict.fromkeys(view.names[node] for node in walked[0]))
    return tuple(dict.fromkeys(map(format_value, result.values)))


def _asked_about_last(plan: Plan, entities: tuple[str, ...], view: GraphView) -> tuple[str, ...]:
    """Order answers so that a name the question gave itself, which tells least, comes last."""
    if len(entities) < 2 or isinstance(plan, (FactsOf, Grouped, ShortestPath, TopK)):
        return entities
    given = {
        view.names[node] for key in _keys(plan) for node in [view.find_key(key)] if node is not None
    }
    return tuple(sorted(entities, key=given.__contains__))


def _keys(plan: Plan) -> Iterator[str]:
    """Yield the keys of the entities that ``plan`` names."""
    if isinstance(plan, Entities):
        yield from plan.keys
    for part in children(plan):
        yield from _keys(part)


def _text(
    plan: Plan,
    result: PlanResult,
    entities: Sequence[str],
    view: GraphView,
    wording: Mapping[str, str],
) -> str:
    match plan:
        case Exists():
            return "Yes" if result.values == (True,) else "No"
        case GroupCount() | Grouped():
            names = [view.names[node] for node in result.nodes.tolist()]
            names += map(format_value, result.groups)
            pairs = zip(names, result.values, strict=True)
            told = [f"{name} ({format_value(number)})" for name, number in pairs]
            return listed(told, GROUPS_SPOKEN)
        case ShortestPath():
            return _path_text(result.paths, view)
        case FactsOf():
            return ". ".join(
                _described(node, view, wording) for node in result.nodes.tolist()[:SPOKEN]
            )
        case TopK(_, Attribute(name), _, ascending):
            return listed(
                [
                    _with_value(node, name, ascending, view, wording)
                    for node in result.nodes.tolist()
                ]
            )
    return listed(entities)


def _with_value(
    node: int, attribute: str, ascending: bool, view: GraphView, wording: Mapping[str, str]
) -> str:
    """Return the name of ``node`` with the value that put it first."""
    values = sorted(view.node_columns[attribute].of(node))
    best = format_value(values[0 if ascending else -1])
    return f"{view.names[node]} ({wording.get(attribute) or humanize(attribute)} {best})"


def _path_text(paths: Sequence[tuple[int, ...]], view: GraphView) -> str:
    if not paths or not paths[0]:
        return ""
    nodes = _nodes_of(paths[0], view)
    text = view.names[nodes[0]]
    for edge, here, there in zip(paths[0], nodes, nodes[1:], strict=False):
        relation = view.relations[int(view.relation_ids[edge])]
        forward = int(view.heads[edge]) == here
        text += f" --{relation}--> " if forward else f" <--{relation}-- "
        text += view.names[there]
    more = len(paths) - 1
    return f"{text} (and {more} more, as short)" if more else text


def _nodes_of(path: Sequence[int], view: GraphView) -> list[int]:
    """Return the nodes along ``path``, whose edges are walked either way."""
    ends = [(int(view.heads[edge]), int(view.tails[edge])) for edge in path]
    if not ends:
        return []
    here = ends[0][0]
    if len(ends) > 1 and here in ends[1] and ends[0][1] not in ends[1]:
        here = ends[0][1]
    nodes = [here]
    for head, tail in ends:
        here = tail if here == head else head
        nodes.append(here)
    return nodes


def _described(node: int, view: GraphView, wording: Mapping[str, str]) -> str:
    """Return what the graph says of ``node``: its type, text, attributes and neighbours."""
    start, end = (int(view.outgoing.indptr[node + i]) for i in (0, 1))
    out = zip(
        view.outgoing.relation_ids[start:end].tolist(),
        view.outgoing.neighbors[start:end].tolist(),
        strict=True,
    )
    start, end = (int(view.incoming.indptr[node + i]) for i in (0, 1))
    into = zip(
        view.incoming.relation_ids[start:end].tolist(),
        view.incoming.neighbors[start:end].tolist(),
        strict=True,
    )
    said = [view.texts[node]] if view.texts[node] else []
    if view.node_type_ids[node] >= 0:
        said.insert(0, view.node_types[int(view.node_type_ids[node])])
    for name, column in view.node_columns.items():
        if values := [format_value(value) for value in column.of(node)]:
            said.append(f"{wording.get(name) or humanize(name)} {listed(values, SPOKEN_PER_FACT)}")
    said += [f"{words} {names}" for words, names in _by_relation(out, view, wording)]
    said += [
        f"{names} {words} it" if is_phrase(words) else f"{words} of {names}"
        for words, names in _by_relation(into, view, wording)
    ]
    return f"{view.names[node]}: {'; '.join(said)}"


def _by_relation(
    pairs: Iterable[tuple[int, int]], view: GraphView, wording: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    found: dict[int, dict[str, None]] = {}
    for relation, neighbor in dict.fromkeys(pairs):
        found.setdefault(relation, {})[view.names[neighbor]] = None
    for relation, names in found.items():
        label = view.relations[relation]
        yield wording.get(label) or humanize(label), listed(list(names), SPOKEN_PER_FACT)


def _claims(plan: Plan, result: PlanResult, view: GraphView) -> Iterator[Claim]:
    """Yield a claim for each edge of the proof, then for each attribute, then for each type."""
    qualifiers: dict[int, tuple[tuple[str, str], ...]] = {}
    for fact in result.attributes:
        if fact.on_edge:
            said = (fact.attribute, format_value(fact.value))
            qualifiers[fact.owner] = (*qualifiers.get(fact.owner, ()), said)
    name = cache(view.names.__getitem__)
    for edge in _proving(result, view, qualifiers.keys()):
        yield Claim(
            head=name(int(view.heads[edge])),
            relation=view.relations[int(view.relation_ids[edge])],
            tail=name(int(view.tails[edge])),
            edge=edge,
            qualifiers=qualifiers.get(edge, ()),
        )
    for fact in result.attributes:
        if not fact.on_edge:
            yield _node_claim(fact.owner, fact.attribute, format_value(fact.value), view)
    for node in result.nodes.tolist() or _confirmed(plan, result, view):
        if isinstance(plan, FactsOf) and view.texts[node]:
            yield _node_claim(node, DESCRIPTION, view.texts[node], view)
        if view.node_type_ids[node] >= 0 and (isinstance(plan, FactsOf) or _names_type(plan)):
            yield _node_claim(node, TYPE, view.node_types[int(view.node_type_ids[node])], view)


def _proving(result: PlanResult, view: GraphView, qualified: Collection[int]) -> list[int]:
    """Return the edges of a proof, those of its paths first.

    Of edges that all say the same, with no attribute that matters, the first few are cited: a
    graph that holds one fact a million times gives no million reasons.
    """
    in_order = [edge for path in result.paths for edge in path]
    edges = list(dict.fromkeys([*in_order, *result.edges.tolist()]))
    if len(edges) <= _MOST_COPIES:
        return edges
    ids = np.array(edges, dtype=np.int64)
    says = (view.heads[ids].tolist(), view.relation_ids[ids].tolist(), view.tails[ids].tolist())
    copies: Counter[tuple[int, ...]] = Counter()
    kept = []
    for edge, fact in zip(edges, zip(*says, strict=True), strict=True):
        copies[fact] += 1
        if copies[fact] <= _MOST_COPIES or edge in qualified:
            kept.append(edge)
    return kept


def _confirmed(plan: Plan, result: PlanResult, view: GraphView) -> list[int]:
    """Return the nodes that a "yes" is about, where it rests on their type alone."""
    if not isinstance(plan, Exists) or result.values != (True,) or len(result.edges):
        return []
    found = (view.find_key(key) for key in _keys(plan))
    return [node for node in found if node is not None]


def _is_aside(result: PlanResult, view: GraphView) -> Callable[[Claim], bool]:
    """Return what tells the claims that say nothing of an answer; they come last."""
    answers = frozenset(result.nodes.tolist())

    def is_aside(claim: Claim) -> bool:
        if not answers or claim.edge is None:
            return bool(answers) and claim.node not in answers
        return answers.isdisjoint((int(view.heads[claim.edge]), int(view.tails[claim.edge])))

    return is_aside


def _node_claim(node: int, attribute: str, value: str, view: GraphView) -> Claim:
    return Claim(head=view.names[node], relation=attribute, tail=value, node=node)


def _names_type(plan: Plan) -> bool:
    """Whether ``plan`` rests on the type of nodes somewhere."""
    return isinstance(plan, OfType) or any(map(_names_type, children(plan)))
