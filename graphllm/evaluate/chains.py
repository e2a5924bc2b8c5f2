"""Chains of relations: walk them, find them in a plan, cut their last hop."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from graphllm.errors import DataError
from graphllm.evaluate.examples import Chain
from graphllm.graph.view import GraphView, edges_of
from graphllm.query.plan import Entities, Follow, Plan, Step, Subtract


class Walk(NamedTuple):
    """Where a chain ends, and the edges of each of its hops."""

    nodes: Int32[np.ndarray, "num_reached"]
    hops: tuple[Int32[np.ndarray, "num_edges_of_hop"], ...]


class Hop(NamedTuple):
    """The edges of one step, and the node each leads to."""

    edges: Int32[np.ndarray, "num_walked"]
    ends: Int32[np.ndarray, "num_walked"]


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
    start = _node(view, topic)
    nodes = np.array([start], dtype=np.int32)
    hops = []
    for step in chain:
        edges, ends = _hop(view, nodes, step)
        if never_returns:
            edges, ends = edges[ends != start], ends[ends != start]
        nodes = np.unique(ends)
        hops.append(np.unique(edges))
    return Walk(nodes, tuple(hops))


def last_hop_edges(
    view: GraphView, topic: str, chain: Chain, *, never_returns: bool = False
) -> Int32[np.ndarray, "num_last_edges"]:
    """Return the edges that lead the last hop of ``chain`` to its answers.

    Without them the topic and every earlier hop are still there, but the question has no answer.
    With ``never_returns``, an edge that goes back to the topic the way the walk came is no answer
    and stays; another edge into the topic goes: the writer of a film may also have directed it,
    which gold leaves out but the graph says.
    """
    before = walk(view, topic, chain[:-1], never_returns=never_returns)
    edges, ends = _hop(view, before.nodes, chain[-1])
    if never_returns:
        came = np.concatenate([np.zeros(0, dtype=np.int32), *before.hops])
        goes_back = (ends == _node(view, topic)) & np.isin(edges, came)
        edges = edges[~goes_back]
    return np.unique(edges)


def _hop(view: GraphView, nodes: Int32[np.ndarray, "num_nodes"], step: Step) -> Hop:
    relations = list(view.relations)
    if step.relation not in relations:
        raise DataError(f"the graph has no relation {step.relation!r}, only {relations}")
    relation_id = relations.index(step.relation)
    edges = edges_of(view, nodes, relation_id, inverse=step.inverse)
    return Hop(edges, np.asarray((view.heads if step.inverse else view.tails)[edges]))


def _node(view: GraphView, key: str) -> int:
    node = view.find_key(key)
    if node is None:
        raise DataError(f"the graph has no node {key!r}")
    return node


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
