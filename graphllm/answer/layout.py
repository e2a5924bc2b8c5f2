"""Where the nodes of a small graph stand on a page: the same graph always stands the same way."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

SWEEPS = 120
SETTLED = 0.3  # pixels a sweep; what moves less will not be seen to move
GAP = 24.0  # between boxes, and around each component, in pixels
CROWD = 14  # leaves of one node; more than these stand on rings around it
WIDE = 1.7  # width over height of what is packed


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """How much room a node needs with its label, in pixels."""

    width: float
    height: float


def layout(
    boxes: Sequence[Box], edges: Sequence[tuple[int, int]], edge_length: float
) -> list[tuple[int, int]]:
    """Return a point for each node, such that distances tell how many edges lie between.

    Source: Gansner, Koren, North 2004, "Graph drawing by stress majorization", eq. 11 (one node
    moved at a time). Differs from the paper: boxes that overlap are pushed apart afterwards,
    and many leaves of one node stand on rings around it.

    Args:
        boxes: The room each node needs.
        edges: Pairs of nodes, in any direction; loops and repeats do no harm.
        edge_length: Pixels between two nodes that an edge joins.
    """
    neighbors: list[list[int]] = [[] for _ in boxes]
    for head, tail in dict.fromkeys((min(pair), max(pair)) for pair in edges if pair[0] != pair[1]):
        neighbors[head].append(tail)
        neighbors[tail].append(head)
    sizes = np.array([(box.width, box.height) for box in boxes], dtype=np.float64).reshape(-1, 2)
    crowds = _crowds(neighbors)
    in_a_crowd = {leaf for leaves in crowds.values() for leaf in leaves}
    rings = {hub: _ringed(sizes[leaves], edge_length) for hub, leaves in crowds.items()}
    for hub, ring in rings.items():
        low, extent = _extent(ring, sizes[crowds[hub]])
        sizes[hub] = 2 * np.maximum(-low, low + extent)
    parts = []
    for nodes in _components(neighbors, in_a_crowd):
        inside = {node: place for place, node in enumerate(nodes)}
        local = [[inside[other] for other in neighbors[node] if other in inside] for node in nodes]
        points = _turned(_stressless(_hops_between(local), _fanned(local), edge_length))
        parts.append((nodes, _apart(points, sizes[nodes])))
    placed = _packed(parts, sizes)
    for hub, ring in rings.items():
        placed[crowds[hub]] = placed[hub] + ring
    return [(round(x), round(y)) for x, y in placed.tolist()]


def _crowds(neighbors: list[list[int]]) -> dict[int, list[int]]:
    """Return, of each node with many neighbours that have no other one, these leaves."""
    leaves: dict[int, list[int]] = {}
    for node, others in enumerate(neighbors):
        if len(others) == 1 and len(neighbors[others[0]]) > 1:
            leaves.setdefault(others[0], []).append(node)
    return {hub: crowd for hub, crowd in leaves.items() if len(crowd) > CROWD}


def _ringed(sizes: Float64[np.ndarray, "n 2"], edge_length: float) -> Float64[np.ndarray, "n 2"]:
    """Return points on rings around 0, each ring as full as its boxes allow.

    Stress cannot place a crowd well: all its nodes want the same distance from each other.
    """
    width, height = sizes.max(axis=0) + GAP
    points: list[tuple[float, float]] = []
    radius = max(edge_length, height, width / 2)
    while len(points) < len(sizes):
        room = max(int(2 * np.pi * radius / width), 1)
        count = min(room, len(sizes) - len(points))
        turns = (np.arange(count) + 0.5 * (len(points) > 0)) * 2 * np.pi / count
        points += zip(
            (radius * np.cos(turns)).tolist(), (radius * np.sin(turns)).tolist(), strict=True
        )
        radius += height
    return np.array(points)


def _components(neighbors: list[list[int]], left_out: set[int]) -> list[list[int]]:
    """Return the nodes of each connected part less those left out, the largest part first."""
    seen: set[int] = set(left_out)
    found = []
    for start in range(len(neighbors)):
        if start not in seen:
            reached = list(_hops(start, neighbors))
            seen.update(reached)
            found.append([node for node in reached if node not in left_out])
    return sorted(found, key=len, reverse=True)


def _hops(start: int, neighbors: list[list[int]]) -> dict[int, int]:
    hops, waiting = {start: 0}, deque([start])
    while waiting:
        node = waiting.popleft()
        for other in neighbors[node]:
            if other not in hops:
                hops[other] = hops[node] + 1
                waiting.append(other)
    return hops


def _hops_between(neighbors: list[list[int]]) -> Float64[np.ndarray, "n n"]:
    count = len(neighbors)
    rows = [_hops(node, neighbors) for node in range(count)]
    return np.array([[row[other] for other in range(count)] for row in rows], dtype=np.float64)


def _fanned(neighbors: list[list[int]]) -> Float64[np.ndarray, "n 2"]:
    """Return points around the most central node, each branch in a sector as wide as its leaves.

    A tree drawn so has no crossings, and moving its nodes towards less stress adds hardly any.
    """
    root = min(range(len(neighbors)), key=lambda node: sum(_hops(node, neighbors).values()))
    depth = _hops(root, neighbors)  # in the order of a breadth-first search
    children: dict[int, list[int]] = {node: [] for node in depth}
    seen = {root}
    for node in depth:
        for other in neighbors[node]:
            if other not in seen:
                seen.add(other)
                children[node].append(other)
    leaves: dict[int, int] = {}
    for node in reversed(depth):
        leaves[node] = sum(leaves[child] for child in children[node]) or 1
    begins = {root: 0.0}
    points = np.zeros((len(neighbors), 2))
    for node in depth:
        angle = begins[node]
        for child in children[node]:
            begins[child] = angle
            angle += 2 * np.pi * leaves[child] / leaves[root]
        middle = begins[node] + np.pi * leaves[node] / leaves[root]
        points[node] = depth[node] * np.cos(middle), depth[node] * np.sin(middle)
    if sum(map(len, neighbors)) < 2 * len(neighbors):
        return points
    # a circle begun exactly in one line would never leave it
    turns = np.arange(len(points)) * np.pi * (3 - np.sqrt(5))
    return points + 0.1 * np.stack([np.cos(turns), np.sin(turns)], axis=1)


def _stressless(
    hops: Float64[np.ndarray, "n n"], points: Float64[np.ndarray, "n 2"], edge_length: float
) -> Float64[np.ndarray, "n 2"]:
    """Return ``points`` moved until their distances come near ``hops`` times ``edge_length``."""
    points = points * edge_length
    wanted = hops * edge_length
    weights = np.zeros_like(wanted)
    np.divide(1.0, wanted**2, out=weights, where=wanted > 0)
    for _ in range(SWEEPS if len(points) > 1 else 0):
        before = points.copy()
        for node in range(len(points)):
            away = points[node] - points
            far = np.maximum(np.sqrt((away**2).sum(axis=1)), 1e-9)
            pulled = points + away * (wanted[node] / far)[:, None]
            points[node] = (weights[node][:, None] * pulled).sum(axis=0) / weights[node].sum()
        if np.abs(points - before).max() < SETTLED:
            break
    return points


def _turned(points: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
    """Return ``points`` around 0, turned so that they spread along x, their first on the left."""
    centred = points - points.mean(axis=0)
    x, y = centred[:, 0], centred[:, 1]
    angle = 0.5 * np.arctan2(2 * (x * y).sum(), (x**2).sum() - (y**2).sum())
    turned = np.stack(
        [x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)], axis=1
    )
    return -turned if turned[0, 0] > 0 else turned


def _apart(
    points: Float64[np.ndarray, "n 2"], sizes: Float64[np.ndarray, "n 2"]
) -> Float64[np.ndarray, "n 2"]:
    """Return ``points`` moved until no two boxes overlap, or a fixed number of times."""
    points = points.copy()
    room = (sizes[:, None] + sizes[None]) / 2 + GAP / 2
    earlier = np.where(np.tri(len(points), k=-1) > 0, 1.0, -1.0)  # ties go by position
    for _ in range(120):
        away = points[:, None] - points[None]
        overlap = room - np.abs(away)
        overlap[np.arange(len(points)), np.arange(len(points))] = 0
        hits = (overlap > 0.5).all(axis=2)
        if not hits.any():
            break
        way = np.where(away == 0, earlier[..., None], np.sign(away))
        along_x = overlap[..., 0] < overlap[..., 1]
        push = np.stack([along_x, ~along_x], axis=2) * hits[..., None] * overlap * way
        points += 0.35 * push.sum(axis=1)
    return points


def _packed(
    parts: list[tuple[list[int], Float64[np.ndarray, "_ 2"]]], sizes: Float64[np.ndarray, "n 2"]
) -> Float64[np.ndarray, "n 2"]:
    """Return all points, the connected parts standing in rows beside each other."""
    placed = np.zeros_like(sizes)
    extents = [_extent(points, sizes[nodes]) for nodes, points in parts]
    area = sum(float(w * h) for _, (w, h) in extents)
    widest = max([np.sqrt(area * WIDE), *(float(w) for _, (w, _) in extents)], default=0.0)
    x = y = row_height = 0.0
    for (nodes, points), (corner, (width, height)) in zip(parts, extents, strict=True):
        if x > 0 and x + width > widest:
            x, y, row_height = 0.0, y + row_height, 0.0
        placed[nodes] = points - corner + (x, y)
        x, row_height = x + float(width), max(row_height, float(height))
    return placed


def _extent(
    points: Float64[np.ndarray, "n 2"], sizes: Float64[np.ndarray, "n 2"]
) -> tuple[Float[np.ndarray, "2"], Float[np.ndarray, "2"]]:
    """Return the upper left corner of all boxes with a gap around them, and their extent."""
    low = (points - sizes / 2).min(axis=0) - GAP
    return low, (points + sizes / 2).max(axis=0) + GAP - low
