"""Answers without understanding, so that other numbers mean something."""

from typing import NamedTuple

import numpy as np

from graphllm.errors import ConfigError
from graphllm.evaluate.examples import Predicted
from graphllm.evaluate.runner import Query
from graphllm.graph.folding import fold, humanize
from graphllm.graph.view import GraphView, edges_of
from graphllm.text.encoder import TextEncoder

_NOTHING = Predicted(entities=(), confidence=0.0, abstained=True)


def nearest_node(query: Query, encoder: TextEncoder) -> Predicted:
    """Return the node whose name is nearest to the question by meaning.

    Nodes that the question itself names are passed over. It answers whenever any is left.
    """
    view = _graph(query)
    said = f" {fold(query.question)} "
    left = [n for n in range(view.num_nodes) if f" {fold(view.names[n])} " not in said]
    if not left:
        return _NOTHING
    names = [view.names[node] for node in left]
    cosine = encoder.encode(names) @ encoder.encode([query.question])[0]
    best = int(cosine.argmax())
    return Predicted(entities=(names[best],), confidence=_confidence(float(cosine[best])))


def nearest_relation(query: Query, encoder: TextEncoder) -> Predicted:
    """Return where the relation nearest to the question leads, from the entity that it names.

    The entity is the node with the longest name that stands in the question; the relation is one
    of its own, either way. It answers whenever there is such a node with an edge.
    """
    view = _graph(query)
    topic = _topic(query.question, view)
    if topic is None:
        return _NOTHING
    here = np.array([topic], dtype=np.int64)
    ways = [
        _Way(relation, inverse)
        for inverse in (False, True)
        for relation in np.unique(view.relation_ids[edges_of(view, here, inverse=inverse)]).tolist()
    ]
    if not ways:
        return _NOTHING
    labels = [humanize(view.relations[way.relation]) for way in ways]
    cosine = encoder.encode(labels) @ encoder.encode([query.question])[0]
    best = int(cosine.argmax())
    edges = edges_of(view, here, ways[best].relation, inverse=ways[best].inverse)
    ends = (view.heads if ways[best].inverse else view.tails)[edges]
    return Predicted(
        entities=tuple(dict.fromkeys(view.names[end] for end in ends.tolist())),
        confidence=_confidence(float(cosine[best])),
        linked=(view.keys[topic],),
    )


class _Way(NamedTuple):
    relation: int
    inverse: bool


def _graph(query: Query) -> GraphView:
    if query.view is None:
        raise ConfigError("this baseline is for suites in which each question has its own graph")
    return query.view


def _topic(question: str, view: GraphView) -> int | None:
    said = f" {fold(question)} "
    named = [n for n in range(view.num_nodes) if f" {fold(view.names[n])} " in said]
    degrees = np.diff(view.outgoing.indptr) + np.diff(view.incoming.indptr)
    named = [n for n in named if degrees[n] and fold(view.names[n])]
    return max(named, key=lambda n: len(view.names[n]), default=None)


def _confidence(cosine: float) -> float:
    return min(max((1 + cosine) / 2, 0.0), 1.0)
