"""Questions that a graph can answer, put together from its own relations and names."""

import time
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, zip_longest
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from graphllm.graph import GraphView, Kind, edges_of
from graphllm.graph.folding import fold, humanize
from graphllm.io.wide import singular
from graphllm.query import Entities, FactsOf, Plan, ShortestPath
from graphllm.questions import questions_for
from graphllm.questions.label_questions import PEOPLE, ask_heads, ask_tails
from graphllm.retrieval.labels import LabelForm, label_form

TYPICAL_ANSWERS = 5  # a question with about this many answers shows more than one with hundreds
CODES = frozenset(
    {"id", "key", "code", "number", "no", "zip", "phone", "fax", "column", "index", "row"}
)
LONGEST_NAME = 40  # characters; longer names are texts
_BUILT = 40  # questions of other kinds, where the relations give too few
_OWN_WORDS: Mapping[str, str] = {}


class Suggestion(NamedTuple):
    """A question, and the names that answer it or the plan that finds them."""

    question: str
    expected: frozenset[str] | Plan


def suggestions(
    view: GraphView,
    answers: Callable[[str], tuple[str, ...]],
    run: Callable[[Plan], tuple[str, ...]],
    num_questions: int,
    wording: Mapping[str, str] = _OWN_WORDS,
    *,
    patience_s: float = 4.0,
) -> list[str]:
    """Return up to ``num_questions`` questions over ``view`` that are answered rightly.

    Each is asked, and suggested only when its answer is what the graph itself gives.

    Args:
        answers: Asks a question and returns the answering names.
        run: Returns the names that a plan gives.
        wording: What to call relations and attributes whose labels do not tell, by label.
        patience_s: Once it has worked so long, those that were found are enough.
    """
    chosen: list[str] = []
    started = time.thread_time()
    for question, expected in candidates(view, wording):
        is_late = chosen and time.thread_time() - started > patience_s
        if len(chosen) == num_questions or is_late:
            break
        right = expected if isinstance(expected, frozenset) else run(expected)
        if right and frozenset(answers(question)) == frozenset(right):
            chosen.append(question)
    return chosen


def candidates(view: GraphView, wording: Mapping[str, str] = _OWN_WORDS) -> Iterator[Suggestion]:
    """Yield questions of several kinds, over the most used relations first."""
    counts = np.bincount(view.relation_ids, minlength=len(view.relations))
    relations = np.argsort(-counts, kind="stable").tolist()
    facts = chain.from_iterable(
        zip_longest(
            *(_about_relation(view, r, wording) for r in relations)
        )  # one of each relation, then
    )  # the second of each
    one_of_each = [s for s in facts if s is not None]
    yield from one_of_each[:3]
    yield from _superlatives(view, wording)
    yield from _about_nodes(view)
    yield from one_of_each[3:]
    for built in questions_for(view, np.random.default_rng(0), _BUILT, glossary=wording, dirt=0.0):
        is_new = all(built.question != suggestion.question for suggestion in one_of_each)
        if is_new and built.is_answerable and built.style == "plain":
            yield Suggestion(built.question, frozenset(built.answers))


def _about_relation(
    view: GraphView, relation_id: int, wording: Mapping[str, str]
) -> list[Suggestion]:
    edges = np.flatnonzero(view.relation_ids == relation_id).astype(np.int32)
    label = view.relations[relation_id]
    words = (wording.get(label) or humanize(label)).removeprefix("has ").removeprefix("in ")
    if not words:
        return []
    head, tail = _typical(view, edges, view.heads), _typical(view, edges, view.tails)
    head_ids = view.heads[edges_of(view, np.array([tail]), relation_id, inverse=True)]
    tails = _names(view, view.tails[edges_of(view, np.array([head]), relation_id)])
    head_name, tail_name = view.names[head], view.names[tail]
    backward = ask_heads(
        words, tail_name, of_people=_are_people(view, view.heads[edges]), kind=_kind(view, head_ids)
    )
    forward = ask_tails(
        words,
        head_name,
        min(tails),
        of_people=_are_people(view, view.tails[edges]),
    )
    pairs = [(backward, _names(view, head_ids), tail_name), (forward, tails, head_name)]
    if label_form(words) is LabelForm.NOUN:  # its own question is what it is of something
        pairs.reverse()
    return [Suggestion(q, e) for q, e, name in pairs if q and len(name) <= LONGEST_NAME]


def _superlatives(view: GraphView, wording: Mapping[str, str]) -> Iterator[Suggestion]:
    """Yield a question for the largest value of the best filled attribute that is a number."""
    numbers = [c for c in view.node_columns.values() if c.kind in (Kind.INTEGER, Kind.NUMBER)]
    for column in sorted(numbers, key=lambda column: -len(column.ids)):
        types = view.node_type_ids[column.ids]
        if not len(types) or types.min() < 0:
            continue
        usual = int(np.bincount(types).argmax())
        rows = np.flatnonzero(types == usual)
        values = np.asarray(column.values)[rows]
        if 1000 <= np.median(values) < 2100:  # years: nothing has a large one
            continue
        best = column.ids[rows[values == values.max()]]
        if len(best) > TYPICAL_ANSWERS:
            continue
        kind, attribute = (
            singular(humanize(view.node_types[usual])),
            (wording.get(column.name) or humanize(column.name)),
        )
        if set(attribute.split()) & CODES:  # the largest number of an order says nothing
            continue
        yield Suggestion(f"Which {kind} has the largest {attribute}?", _names(view, best))
        return


def _about_nodes(view: GraphView) -> Iterator[Suggestion]:
    """Yield questions about the two best connected nodes that are not each other's neighbours."""
    degrees = np.diff(view.outgoing.indptr) + np.diff(view.incoming.indptr)
    first, *others = np.argsort(-degrees, kind="stable")[:50].tolist()
    node = Entities((view.keys[first],))
    yield Suggestion(f"Tell me about {view.names[first]}.", FactsOf(node))
    near = set(view.tails[edges_of(view, np.array([first]))].tolist())
    near |= set(view.heads[edges_of(view, np.array([first]), inverse=True)].tolist())
    far = next((node for node in others if node not in near), None)
    if far is not None:
        path = ShortestPath(node, Entities((view.keys[far],)))
        yield Suggestion(f"How is {view.names[first]} connected to {view.names[far]}?", path)


def _typical(
    view: GraphView, edges: Int[np.ndarray, "n"], ends: Int[np.ndarray, "num_edges"]
) -> int:
    """Return the node on that side whose question has about the typical number of answers."""
    nodes, counts = np.unique(ends[edges], return_counts=True)
    return int(nodes[np.argmin(np.abs(counts - TYPICAL_ANSWERS))])


def _names(view: GraphView, nodes: Int[np.ndarray, "n"]) -> frozenset[str]:
    return frozenset(view.names[node] for node in np.unique(nodes).tolist())


def _are_people(view: GraphView, nodes: Int[np.ndarray, "n"]) -> bool:
    """Return whether most of ``nodes`` are people by their type."""
    types = view.node_type_ids[nodes]
    types = types[types >= 0]
    if not len(types):
        return False
    usual = fold(view.node_types[int(np.bincount(types).argmax())])
    return any(singular(word) in PEOPLE for word in usual.split())


def _kind(view: GraphView, nodes: Int[np.ndarray, "n"]) -> str:
    """Return the type of all ``nodes`` in words; empty when they have none in common."""
    types = np.unique(view.node_type_ids[nodes])
    return humanize(view.node_types[int(types[0])]) if len(types) == 1 and types[0] >= 0 else ""
