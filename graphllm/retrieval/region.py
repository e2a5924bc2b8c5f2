"""The part of a graph around some nodes, at a cost that hubs cannot raise."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int, Int32

from graphllm.graph.subgraph import Subgraph
from graphllm.graph.view import Adjacency, GraphView

MAX_DEGREE = 256  # edges of one node, each way, that are looked at
MAX_REGION = 8192  # edges


class Steps(NamedTuple):
    """Edges as they are walked: from a node already reached, to the other end.

    Attributes:
        sources: The node each step leaves.
        targets: The node it reaches.
        edges: The edge it walks, either way.
        sampled: Whether a node had more edges than are looked at.
    """

    sources: Int32[np.ndarray, "num_steps"]
    targets: Int32[np.ndarray, "num_steps"]
    edges: Int32[np.ndarray, "num_steps"]
    sampled: bool


def steps_from(
    view: GraphView,
    nodes: Int32[np.ndarray, "num_nodes"],
    relations: Float32[np.ndarray, "num_relations"],
    max_degree: int = MAX_DEGREE,
) -> Steps:
    """Return the steps out of ``nodes``, along edges and against them.

    Of a node with more than ``max_degree`` edges one way, those of the most relevant relations
    are taken first, and of a relation that has too many some, evenly spaced. A self-loop is two
    steps.

    Args:
        nodes: Distinct; steps come grouped in their order, edges along before edges against.
        relations: How relevant each relation is.
    """
    parts = [
        _rows(side, np.asarray(nodes), relations, max_degree)
        for side in (view.outgoing, view.incoming)
    ]
    sources = np.concatenate([nodes[owners] for owners, *_ in parts])
    targets = np.concatenate([targets for _, targets, *_ in parts])
    edges = np.concatenate([edges for _, _, edges, _ in parts])
    owners = np.concatenate([owners for owners, *_ in parts])
    order = np.argsort(owners, kind="stable")
    return Steps(sources[order], targets[order], edges[order], any(part[3] for part in parts))


def _rows(
    side: Adjacency,
    nodes: Int32[np.ndarray, "num_nodes"],
    relations: Float32[np.ndarray, "num_relations"],
    max_degree: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Return the owner (a position in ``nodes``), neighbour and id of each edge of one side."""
    starts = np.asarray(side.indptr[nodes]).astype(np.int64)
    degrees = np.asarray(side.indptr[nodes.astype(np.int64) + 1]) - starts
    hubs = np.flatnonzero(degrees > max_degree)
    taken = degrees.copy()
    taken[hubs] = 0
    positions = np.repeat(starts - np.cumsum(taken) + taken, taken) + np.arange(taken.sum())
    owners = np.repeat(np.arange(len(nodes)), taken)
    if len(hubs):
        favoured = np.argsort(-relations, kind="stable")
        kept = [
            starts[hub]
            + _of_hub(
                side.relation_ids[starts[hub] : starts[hub] + degrees[hub]], favoured, max_degree
            )
            for hub in hubs.tolist()
        ]
        positions = np.concatenate([positions, *kept])
        owners = np.concatenate([owners, np.repeat(hubs, [len(rows) for rows in kept])])
    edges = np.asarray(side.edge_ids[positions])
    return owners, np.asarray(side.neighbors[positions]), edges, bool(len(hubs))


def _of_hub(
    row: Int32[np.ndarray, "degree"], favoured: Int[np.ndarray, "num_relations"], max_degree: int
) -> Int[np.ndarray, "num_taken"]:
    """Return which edges of a node are looked at, the relations being ranked; no row is read."""
    firsts, lasts = np.searchsorted(row, favoured), np.searchsorted(row, favoured, side="right")
    counts = lasts - firsts
    left = max_degree - (np.cumsum(counts) - counts)
    some = np.flatnonzero((counts > 0) & (left > 0))
    return np.concatenate([firsts[i] + spread(int(counts[i]), int(left[i])) for i in some.tolist()])


def spread(count: int, wanted: int) -> Int[np.ndarray, "num_chosen"]:
    """Return ``wanted`` of ``count`` positions, evenly spaced; all when there are fewer."""
    if count <= wanted:
        return np.arange(count)
    return np.arange(wanted) * count // wanted


class Region(NamedTuple):
    """The surroundings of some nodes.

    Attributes:
        nodes: Ascending.
        distances: Steps from the nearest start, per node.
        edges: Ascending; each was walked, so one of its ends is nearer than ``max_hops``.
        hops: Per edge, the number of steps after which it was first walked, from 1.
        sampled: Whether something in reach was left out.
    """

    nodes: Int32[np.ndarray, "num_nodes"]
    distances: Int32[np.ndarray, "num_nodes"]
    edges: Int32[np.ndarray, "num_edges"]
    hops: Int32[np.ndarray, "num_edges"]
    sampled: bool


def region(
    view: GraphView,
    starts: Iterable[int],
    relations: Float32[np.ndarray, "num_relations"],
    *,
    max_hops: int = 3,
    max_degree: int = MAX_DEGREE,
    max_edges: int = MAX_REGION,
) -> Region:
    """Return what lies within ``max_hops`` of ``starts``, edges walked either way.

    When a hop would bring more than ``max_edges`` in all, its edges of the most relevant relations
    are kept, and there are no further hops.
    """
    reached = np.unique(np.array(list(starts), dtype=np.int32))
    distances = [np.zeros(len(reached), dtype=np.int32)]
    nodes, frontier = [reached], reached
    edges: list[Int32[np.ndarray, n]] = []
    hops: list[Int32[np.ndarray, n]] = []
    known = np.zeros(0, dtype=np.int32)
    sampled = False
    for hop in range(1, max_hops + 1):
        frontier, many = _affordable(view, frontier, max_degree, max_edges)
        steps = steps_from(view, frontier, relations, max_degree)
        new = np.setdiff1d(steps.edges, known)
        sampled |= steps.sampled or many
        full = len(known) + len(new) > max_edges
        if full:
            order = np.argsort(-relations[view.relation_ids[new]], kind="stable")
            new = np.sort(new[order[: max_edges - len(known)]])
            sampled = True
        edges.append(new)
        hops.append(np.full(len(new), hop, dtype=np.int32))
        known = np.union1d(known, new)
        ends = np.union1d(view.heads[new], view.tails[new]).astype(np.int32)
        frontier = np.setdiff1d(ends, reached).astype(np.int32)
        reached = np.union1d(reached, frontier).astype(np.int32)
        nodes.append(frontier)
        distances.append(np.full(len(frontier), hop, dtype=np.int32))
        if full or not len(frontier):
            break
    all_nodes, all_edges = np.concatenate(nodes), np.concatenate([known[:0], *edges])
    by_node, by_edge = np.argsort(all_nodes), np.argsort(all_edges)
    return Region(
        all_nodes[by_node],
        np.concatenate(distances)[by_node],
        all_edges[by_edge],
        np.concatenate([known[:0], *hops])[by_edge],
        sampled,
    )


def _affordable(
    view: GraphView, nodes: Int32[np.ndarray, "n"], max_degree: int, max_edges: int
) -> tuple[Int32[np.ndarray, "m"], bool]:
    """Return the first nodes whose steps are not far more than a region may have."""
    degrees = np.zeros(len(nodes), dtype=np.int64)
    for side in (view.outgoing, view.incoming):
        degrees += np.minimum(
            np.diff(np.stack([side.indptr[nodes], side.indptr[nodes + 1]]), axis=0)[0], max_degree
        )
    enough = int(np.searchsorted(np.cumsum(degrees), 4 * max_edges)) + 1
    return nodes[:enough], enough < len(nodes)


def best_edges(
    view: GraphView,
    edges: Int32[np.ndarray, "num_edges"],
    scores: Float32[np.ndarray, "num_edges"],
    max_edges: int,
    *,
    nodes: Mapping[int, float] | None = None,
    reasons: Sequence[str] = (),
    paths: Sequence[tuple[int, ...]] = (),
    truncated: bool = False,
) -> Subgraph:
    """Return the subgraph of the ``max_edges`` best of distinct edges; ties go to the lower id.

    A node is worth what its best edge is.

    Args:
        nodes: Nodes that belong there whatever their edges, with their scores.
        paths: Kept where all their edges are.
    """
    order = np.lexsort((edges, -scores))[:max_edges]
    order = order[np.argsort(edges[order])]
    kept, worth = edges[order].astype(np.int32), scores[order].astype(np.float32)
    given = nodes or {}
    ends = np.concatenate([view.heads[kept], view.tails[kept]])
    listed = np.unique(np.concatenate([ends, np.array(list(given), dtype=np.int32)]))
    node_scores = np.zeros(len(listed), dtype=np.float32)
    np.maximum.at(node_scores, np.searchsorted(listed, ends), np.concatenate([worth, worth]))
    own = np.array(list(given.values()), dtype=np.float32)
    np.maximum.at(node_scores, np.searchsorted(listed, np.array(list(given), dtype=np.int32)), own)
    there = set(kept.tolist())
    return Subgraph(
        nodes=listed.astype(np.int32),
        edges=kept,
        node_scores=node_scores,
        edge_scores=worth,
        reasons=tuple(reasons),
        paths=tuple(path for path in paths if there.issuperset(path)),
        truncated=truncated or len(edges) > max_edges,
    )
