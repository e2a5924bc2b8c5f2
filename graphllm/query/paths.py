"""Shortest connections between two sets of nodes, edges walked either way."""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from graphllm.graph.view import GraphView, edges_of
from graphllm.query.measure import among

Nodes = Int32[np.ndarray, "..."]


class Paths(NamedTuple):
    """Shortest paths as edge ids, and the nodes of each side where they begin and end."""

    paths: tuple[tuple[int, ...], ...]
    starts: Nodes
    ends: Nodes


class _Hop(NamedTuple):
    """Edges between two neighbouring layers, in walking direction."""

    sources: Nodes
    edges: Nodes
    targets: Nodes


def shortest_paths(
    view: GraphView, start: Nodes, end: Nodes, *, max_hops: int, max_paths: int
) -> Paths:
    """Return the first ``max_paths`` shortest paths in order of their edge ids.

    Both sides grow in turns, the one with fewer edges ahead first, until they meet. A node on
    both sides is connected by one path without edges.
    """
    both = start[among(start, end)]
    if len(both):
        return Paths(((),), both, both)
    layers = _meeting_layers(view, start, end, max_hops)
    if layers is None:
        return Paths((), start[:0], end[:0])
    hops = _hops(view, layers)
    paths = tuple(islice(_walks(hops, start), max_paths))
    return Paths(paths, *_ends_of(view, hops, paths))


def _meeting_layers(view: GraphView, start: Nodes, end: Nodes, max_hops: int) -> list[Nodes] | None:
    """Return sets that hold, in order, the nodes of every shortest path; ``None`` if too far."""
    sides = ([start], [end])
    visited = [start, end]
    for _ in range(max_hops):
        near = min((0, 1), key=lambda side: _num_edges_at(view, sides[side][-1]))
        layer = _neighbors(view, sides[near][-1])
        layer = layer[~among(layer, visited[near])]
        if not len(layer):
            return None
        visited[near] = np.union1d(visited[near], layer)
        sides[near].append(layer)
        # a node of an earlier layer of the other side would have met one turn before
        meeting = sides[0][-1][among(sides[0][-1], sides[1][-1])]
        if len(meeting):
            return [*sides[0][:-1], meeting, *sides[1][-2::-1]]
    return None


def _num_edges_at(view: GraphView, nodes: Nodes) -> int:
    sides = (view.outgoing.indptr, view.incoming.indptr)
    return sum(int((indptr[nodes + 1] - indptr[nodes]).sum()) for indptr in sides)


def _neighbors(view: GraphView, nodes: Nodes) -> Nodes:
    forward = view.tails[edges_of(view, nodes)]
    backward = view.heads[edges_of(view, nodes, inverse=True)]
    return np.unique(np.concatenate([forward, backward]))


def _hops(view: GraphView, layers: list[Nodes]) -> list[_Hop]:
    """Return the edges between layers, without those that lead to a dead end.

    Every node of a backward layer leads on to the end, but one of a forward layer may lead
    nowhere: so walk back from the meeting first, keeping of each layer only what leads on.
    """
    kept = layers[-1]
    hops: list[_Hop] = []
    for layer in layers[-2::-1]:
        hop = _edges_between(view, layer, kept)
        kept = np.unique(hop.sources)
        hops.append(hop)
    return hops[::-1]


def _edges_between(view: GraphView, sources: Nodes, targets: Nodes) -> _Hop:
    into = edges_of(view, targets, inverse=True)
    out_of = edges_of(view, targets)
    froms = np.concatenate([view.heads[into], view.tails[out_of]])
    tos = np.concatenate([view.tails[into], view.heads[out_of]])
    edges = np.concatenate([into, out_of])
    kept = np.flatnonzero(among(froms, sources))
    kept = kept[np.argsort(edges[kept], kind="stable")]
    return _Hop(froms[kept], edges[kept], tos[kept])


def _walks(hops: list[_Hop], start: Nodes) -> Iterator[tuple[int, ...]]:
    """Yield every path through the hops, in order of edge ids; not recursive, paths may be long.

    An edge joins two different layers, so its id also says which way it is walked.
    """
    path: list[int] = []
    open_rows = [_rows_from(hops[0], start)]
    while open_rows:
        row = next(open_rows[-1], None)
        if row is None:
            open_rows.pop()
            del path[max(len(open_rows) - 1, 0) :]
            continue
        hop = hops[len(open_rows) - 1]
        path.append(int(hop.edges[row]))
        if len(path) == len(hops):
            yield tuple(path)
            path.pop()
        else:
            open_rows.append(_rows_from(hops[len(path)], hop.targets[row : row + 1]))


def _rows_from(hop: _Hop, nodes: Nodes) -> Iterator[int]:
    return iter(np.flatnonzero(among(hop.sources, nodes)).tolist())


def _ends_of(
    view: GraphView, hops: list[_Hop], paths: tuple[tuple[int, ...], ...]
) -> tuple[Nodes, Nodes]:
    first = np.array([path[0] for path in paths], dtype=np.int32)
    last = np.array([path[-1] for path in paths], dtype=np.int32)
    starts = hops[0].sources[np.searchsorted(hops[0].edges, first)]
    ends = hops[-1].targets[np.searchsorted(hops[-1].edges, last)]
    return np.unique(starts), np.unique(ends)
