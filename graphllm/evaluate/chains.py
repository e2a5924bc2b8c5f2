"""Chains of relations: walk them, find them in a plan, cut their last hop."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from graphllm.errors import DataError
from graphllm.evaluate.examples import Chain
from graphllm.graph.view import GraphView, edges_of
from graphllm.query.plan import Entities, Follow, Plan, Subtract


class Walk(NamedTuple):
    """Where a chain ends, and the edges of its last hop."""

    nodes: Int32[np.ndarray, "num_reached"]
    last_edges: Int32[np.ndarray, "num_last_edges"]


class LinkedChain(NamedTuple):
    """The entities a plan starts from, and the relations it follows."""

    keys: tuple[str, ...]
    chain: Chain


def walk(view: GraphView, topic: str, chain: Chain, *, never_returns: bool = False) -> Walk:
    """Follow ``chain`` from the node with key ``topic``; conditions on edges are not read.

    Args:
        never_returns: Leave the topic out wherever a hop reaches it. MetaQA's gold answers do.

    Raises:
        DataError: The topic or a relation is not in the graph.
    """
    start = view.find_key(topic)
    if start is None:
        raise DataError(f"the graph has no node {topic!r}")
    relations = list(view.relations)
    nodes = np.array([start], dtype=np.int32)
    edges = np.zeros(0, dtype=np.int32)
    for step in chain:
        if step.relation not in relations:
            raise DataError(f"the graph has no relation {step.relation!r}, only {relations}")
        relation_id = relations.index(step.relation)
        edges = edges_of(view, nodes, relation_id, inverse=step.inverse)
        ends = np.asarray((view.heads if step.inverse else view.tails)[edges])
        if never_returns:
            edges, ends = edges[ends != start], ends[ends != start]
        nodes = np.unique(ends)
    return Walk(nodes, np.unique(edges))


def last_hop_edges(
    view: GraphView, topic: str, chain: Chain, *, never_returns: bool = False
) -> Int32[np.ndarray, "num_last_edges"]:
    """Return the edges that lead the last hop of ``chain`` to its answers.

    Without them the topic and every earlier hop are still there, but the question has no answer.
    """
    return walk(view, topic, chain, never_returns=never_returns).last_edges


def chain_of(plan: Plan) -> LinkedChain | None:
    """Return the chain that ``plan`` walks, or ``None`` when it does something else.

    What is taken away from the nodes reached does not change the chain ("*other* films by ...").
    """
    match plan:
        case Entities(keys):
            return LinkedChain(keys, ())
        case Follow(source, step):
            before = chain_of(source)
            return before and LinkedChain(before.keys, (*before.chain, step))
        case Subtract(left, _):
            return chain_of(left)
    return None
