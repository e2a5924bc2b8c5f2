"""Goemans-Williamson moat growing, compiled; only what the moats reach is touched.

Source: Hegde, Indyk, Schmidt 2014, "A fast, adaptive variant of the Goemans-Williamson scheme for
the prize-collecting Steiner tree problem", sections 2 and 3, unrooted, one cluster.
Differs from the paper: no event per edge. A node that a moat reaches brings one *frontier*, due
when its cheapest edge to a node that no moat has reached is filled; only an edge between two nodes
that moats have reached gets an event of its own. Event times are absolute, because every active
moat grows at the same rate: what a pause makes too early is looked at again when it falls due, and
what the end of a pause makes too late waits in a list of the cluster that paused.

Every node that a moat has reached has a *local* number: first the nodes with a prize, by id; then
the edges that became nodes, by id; then the others as they are reached.

Importing this imports numba. ``no_type_check`` keeps the shape checks of the tests out of what
numba compiles.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, no_type_check

import numpy as np
from numba import njit


class Graph(NamedTuple):
    """Compressed rows both ways, and the ends of each edge."""

    out_indptr: np.ndarray
    out_edges: np.ndarray
    out_neighbors: np.ndarray
    in_indptr: np.ndarray
    in_edges: np.ndarray
    in_neighbors: np.ndarray
    heads: np.ndarray
    tails: np.ndarray


class Costs(NamedTuple):
    """What an edge costs: as an exception, else of its own, else what all edges cost."""

    uniform: float
    each: np.ndarray  # one per edge, or nothing
    slots: np.ndarray  # per edge one more than its place among the exceptions, or 0; or nothing
    exceptions: np.ndarray  # negative: the edge became a node
    virtual: np.ndarray  # per exception the local number of the node it became, or -1


class State(NamedTuple):
    """The tables of a run, which grow by doubling; their columns are named below."""

    nodes: np.ndarray  # int64: PARENT .. ID
    moats: np.ndarray  # float64, as long as nodes: OFFSET .. DEADLINE
    items: np.ndarray  # int64: LEFT .. SIZE
    dues: np.ndarray  # float64, as long as items: COST, DUE
    events: np.ndarray  # float64, a heap: TIME, ORDER, ITEM
    merges: np.ndarray  # int64: LEFT .. PASSIVE
    choices: np.ndarray  # float64, heaps of the same columns as events
    counts: np.ndarray  # how much of each is used, and how many clusters are active


# A reached node. Of roots of the union-find: SIZE, ACTIVE, WAITING (a ticket of a circular list, or
# -1), TREE (the cluster's place in the merge tree), GROWN until STARTED, and the DEADLINE for
# growing. ID is that of the graph, or -1 - edge. OFFSET is that of the moat to the parent's.
PARENT, SIZE, ACTIVE, WAITING, TREE, ID = range(6)
OFFSET, GROWN, STARTED, DEADLINE = range(4)
# An item is an edge between reached nodes; or a frontier: RIGHT is -1, EDGE the place in the row of
# LEFT, and START and LENGTH the heap in choices that holds its other edges, where there are many.
# A ticket is 2 * item + side; NEXT and NEXT + 1 are its followers in waiting lists, or -1.
LEFT, RIGHT, EDGE, NEXT, _, START, LENGTH = range(7)
COST, DUE = range(2)
TIME, ORDER, ITEM = range(3)  # of a choice: its cost, its place in the row, nothing
# A merge joined the clusters A and B by an edge: a node is its local number, what merge m made is
# -1 - m. PASSIVE says which of the two was inactive (0: neither, 1: A, 2: B).
A, B, PASSIVE = range(3, 6)
NODES, ITEMS, EVENTS, MERGES, CHOICES, ACTIVES = range(6)

DEADLINES, EDGES, FRONTIERS = 0, 1 << 33, 1 << 34  # what goes first of what is due together
NONE, ZERO, YES = np.int64(-1), np.int64(0), np.int64(1)  # literals would be types of their own
SHORT_ROW = 32  # so many edges are searched for the next cheapest one faster than queued


WITHOUT_WRAPPERS: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def _inner(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` compiled for calls from compiled functions only."""
    return njit(nogil=True, **WITHOUT_WRAPPERS)(function)


def _outer(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` compiled at its first call, and kept on disk where that is possible."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no folder that may be written: neither beside this file nor the user's
        return njit(nogil=True)(function)


@_inner
@no_type_check
def _set(heap, i, time, order, item):
    heap[i, TIME], heap[i, ORDER], heap[i, ITEM] = time, order, item


@_inner
@no_type_check
def _push(heap, size, time, order, item):
    """Put an event into a heap of ``size`` events."""
    i = size
    while i > 0:
        up = (i - 1) >> 1
        if heap[up, TIME] < time or (heap[up, TIME] == time and heap[up, ORDER] <= order):
            break
        _set(heap, i, heap[up, TIME], heap[up, ORDER], heap[up, ITEM])
        i = up
    _set(heap, i, time, order, item)


@_inner
@no_type_check
def _sink(heap, start, size, i, time, order, item):
    """Put an entry into the hole at the ``i``-th place of a heap, which begins at ``start``."""
    end = start + size
    while 2 * i + 1 < size:
        low = start + 2 * i + 1
        if low + 1 < end:
            step = heap[low + 1, TIME] - heap[low, TIME]
            if step < 0.0 or (step == 0.0 and heap[low + 1, ORDER] < heap[low, ORDER]):
                low += 1
        if time < heap[low, TIME] or (time == heap[low, TIME] and order <= heap[low, ORDER]):
            break
        _set(heap, start + i, heap[low, TIME], heap[low, ORDER], heap[low, ITEM])
        i = low - start
    _set(heap, start + i, time, order, item)


@_inner
@no_type_check
def _drop_first(heap, start, size):
    """Take the first entry off a heap of ``size`` entries."""
    last = start + size - 1
    _sink(heap, start, size - 1, ZERO, heap[last, TIME], heap[last, ORDER], heap[last, ITEM])


@_inner
@no_type_check
def _find(nodes, moats, v):
    """Return the root of the cluster of ``v``, shortening the way to it."""
    parent = nodes[v, PARENT]
    while parent != v:
        above = nodes[parent, PARENT]
        if above != parent:
            moats[v, OFFSET] += moats[parent, OFFSET]
            nodes[v, PARENT] = above
        v, parent = parent, above
    return v


@_inner
@no_type_check
def _growth(nodes, moats, root, now):
    if nodes[root, ACTIVE]:
        return moats[root, GROWN] + (now - moats[root, STARTED])
    return moats[root, GROWN]


@_inner
@no_type_check
def _moat(nodes, moats, v, now):
    """Return the total width of the moats around ``v``."""
    width = 0.0
    while nodes[v, PARENT] != v:
        width += moats[v, OFFSET]
        v = nodes[v, PARENT]
    return width + _growth(nodes, moats, v, now)


@_inner
@no_type_check
def _wait(nodes, items, root, ticket):
    """Put a ticket into the list of an inactive cluster, unless it is in one."""
    item, side = ticket >> 1, NEXT + (ticket & 1)
    if items[item, side] >= 0:
        return
    first = nodes[root, WAITING]
    if first < 0:
        items[item, side] = ticket
        nodes[root, WAITING] = ticket
    else:
        items[item, side] = items[first >> 1, NEXT + (first & 1)]
        items[first >> 1, NEXT + (first & 1)] = ticket


@_inner
@no_type_check
def _schedule(state, item, now):
    """Find out when an item falls due as things stand, and which clusters can make that earlier."""
    nodes, moats, items, dues = state.nodes, state.moats, state.items, state.dues
    left, right = items[item, LEFT], items[item, RIGHT]
    root = _find(nodes, moats, left)
    rest = dues[item, COST] - _moat(nodes, moats, left, now)
    rate = nodes[root, ACTIVE]
    order = FRONTIERS + nodes[left, ID]
    dues[item, DUE] = np.inf
    if right >= 0:
        other = _find(nodes, moats, right)
        if other == root:
            return
        order = EDGES + items[item, EDGE]
        rest -= _moat(nodes, moats, right, now)
        rate += nodes[other, ACTIVE]
        if nodes[other, ACTIVE] == 0:
            _wait(nodes, items, other, 2 * item + 1)
    if nodes[root, ACTIVE] == 0:
        _wait(nodes, items, root, 2 * item)
    if rate:
        dues[item, DUE] = now + max(rest, 0.0) / rate
        _push(state.events, state.counts[EVENTS], dues[item, DUE], float(order), float(item))
        state.counts[EVENTS] += 1


@_inner
@no_type_check
def _add_item(state, left, right, edge, cost, now):
    item = state.counts[ITEMS]
    state.counts[ITEMS] += 1
    items = state.items
    items[item, LEFT], items[item, RIGHT], items[item, EDGE] = left, right, edge
    items[item, NEXT], items[item, NEXT + 1], items[item, START] = -1, -1, -1
    state.dues[item, COST] = cost
    _schedule(state, item, now)


@_inner
@no_type_check
def _add_node(state, node, is_active, deadline):
    local = state.counts[NODES]
    state.counts[NODES] += 1
    nodes, moats = state.nodes, state.moats
    nodes[local, PARENT], nodes[local, SIZE], nodes[local, ACTIVE] = local, 1, is_active
    nodes[local, WAITING], nodes[local, TREE], nodes[local, ID] = -1, local, node
    moats[local, OFFSET], moats[local, GROWN] = 0.0, 0.0
    moats[local, STARTED], moats[local, DEADLINE] = 0.0, deadline
    return local


@_inner
@no_type_check
def _cost(uniform, each, slots, exceptions, edge):
    if len(slots) and slots[edge]:
        return exceptions[slots[edge] - 1]
    return each[edge] if len(each) else uniform


@_inner
@no_type_check
def _degree(graph, node):
    """Return how many edges there are at a node; at an edge that became a node, -1 - edge, two."""
    if node < 0:
        return np.int64(2)
    return (
        graph.out_indptr[node + 1]
        - graph.out_indptr[node]
        + graph.in_indptr[node + 1]
        - graph.in_indptr[node]
    )


@_inner
@no_type_check
def _neighbor(graph, node, place):
    """Return an edge at ``node`` and its other end: first those that go out, then those that come.

    An edge that became a node has its two ends as its row.
    """
    if node < 0:
        edge = -1 - node
        return edge, np.int64(graph.tails[edge] if place else graph.heads[edge])
    at = graph.out_indptr[node] + place
    if at < graph.out_indptr[node + 1]:
        return np.int64(graph.out_edges[at]), np.int64(graph.out_neighbors[at])
    at += graph.in_indptr[node] - graph.out_indptr[node + 1]
    return np.int64(graph.in_edges[at]), np.int64(graph.in_neighbors[at])


@_inner
@no_type_check
def _is_apart(nodes, moats, local, other):
    """Whether two reached nodes are in different clusters, ``local`` being the later one."""
    return other < local and _find(nodes, moats, other) != _find(nodes, moats, local)


@_inner
@no_type_check
def _scan(costs, local_of, state, local, now, edges, neighbors, start, end):
    """Add the edges of half a row that end at reached nodes; return where the cheapest other is."""
    uniform, each, slots, exceptions = costs.uniform, costs.each, costs.slots, costs.exceptions
    is_uniform = len(each) + len(slots) == 0
    nodes, moats = state.nodes, state.moats
    best_at, best = NONE, np.inf
    for at in range(start, end):
        other = np.int64(local_of[neighbors[at]]) - 1
        cost = uniform if is_uniform else _cost(uniform, each, slots, exceptions, edges[at])
        if cost < 0.0:
            other, cost = costs.virtual[slots[edges[at]] - 1], 0.0
        if other < 0:
            if cost < best:
                best_at, best = at, cost
        elif _is_apart(nodes, moats, local, other):
            _add_item(state, local, other, np.int64(edges[at]), cost, now)
    return best_at, best


@_inner
@no_type_check
def _reach(graph, costs, local_of, state, local, now):
    """Give a node that a moat has just reached its events: a frontier, and its edges to others.

    An edge is added when the later of its ends is reached, which has the larger local number.
    """
    node = state.nodes[local, ID]
    place, cost = NONE, np.inf
    if node < 0:
        for i in range(2):
            edge, neighbor = _neighbor(graph, node, 1 - i)
            other = np.int64(local_of[neighbor]) - 1
            if other < 0:
                place, cost = 1 - i, 0.0
            elif _is_apart(state.nodes, state.moats, local, other):
                _add_item(state, local, other, edge, 0.0, now)
    else:
        start, end = graph.out_indptr[node], graph.out_indptr[node + 1]
        place, cost = _scan(
            costs, local_of, state, local, now, graph.out_edges, graph.out_neighbors, start, end
        )
        shift = graph.in_indptr[node] - (end - start)
        at, other_cost = _scan(
            costs, local_of, state, local, now, graph.in_edges, graph.in_neighbors,
            graph.in_indptr[node], graph.in_indptr[node + 1],
        )  # fmt: skip
        place -= start if place >= 0 else 0
        if other_cost < cost:
            place, cost = at - shift, other_cost
    if place >= 0:
        _add_item(state, local, NONE, place, cost, now)


@_inner
@no_type_check
def _queue_half(costs, local_of, choices, first, length, edges, neighbors, start, end, shift):
    """Add the edges of half a row to unreached nodes to a queue; return its new length."""
    uniform, each, slots, exceptions = costs.uniform, costs.each, costs.slots, costs.exceptions
    for at in range(start, end):
        if local_of[neighbors[at]] == 0:
            cost = _cost(uniform, each, slots, exceptions, edges[at])
            if cost >= 0.0:
                _set(choices, first + length, cost, float(at - shift), 0.0)
                length += 1
    return length


@_inner
@no_type_check
def _queue(graph, costs, local_of, state, item):
    """Queue the edges of a frontier to nodes that no moat has reached."""
    choices, first = state.choices, state.counts[CHOICES]
    node = state.nodes[state.items[item, LEFT], ID]
    start, end = graph.out_indptr[node], graph.out_indptr[node + 1]
    length = _queue_half(
        costs, local_of, choices, first, ZERO, graph.out_edges, graph.out_neighbors,
        start, end, start,
    )  # fmt: skip
    shift = graph.in_indptr[node] - (end - start)
    length = _queue_half(
        costs, local_of, choices, first, length, graph.in_edges, graph.in_neighbors,
        graph.in_indptr[node], graph.in_indptr[node + 1], shift,
    )  # fmt: skip
    for i in range(length // 2 - 1, -1, -1):
        _sink(choices, first, length, i, choices[first + i, TIME], choices[first + i, ORDER], 0.0)
    state.items[item, START], state.items[item, LENGTH] = first, length
    state.counts[CHOICES] += length


@_inner
@no_type_check
def _cheapest(costs, local_of, edges, neighbors, start, end):
    """Return where in half a row the first cheapest edge to an unreached node is."""
    uniform, each, slots, exceptions = costs.uniform, costs.each, costs.slots, costs.exceptions
    is_uniform = len(each) + len(slots) == 0
    best_at, best = NONE, np.inf
    for at in range(start, end):
        if local_of[neighbors[at]] == 0:
            if is_uniform:
                return at, uniform
            cost = _cost(uniform, each, slots, exceptions, edges[at])
            if 0.0 <= cost < best:
                best_at, best = at, cost
    return best_at, best


@_inner
@no_type_check
def _next_queued(graph, local_of, state, item):
    items, choices = state.items, state.choices
    node, first = state.nodes[items[item, LEFT], ID], items[item, START]
    while items[item, LENGTH] > 0:
        cost, place = choices[first, TIME], int(choices[first, ORDER])
        _drop_first(choices, first, items[item, LENGTH])
        items[item, LENGTH] -= 1
        if local_of[_neighbor(graph, node, place)[1]] == 0:
            return place, cost
    return NONE, np.inf


@_inner
@no_type_check
def _next_choice(graph, costs, local_of, state, item):
    """Return place and cost of the cheapest edge of a frontier to an unreached node; or -1."""
    items = state.items
    if items[item, START] >= 0:
        return _next_queued(graph, local_of, state, item)
    node, place = state.nodes[items[item, LEFT], ID], items[item, EDGE]
    if node < 0:
        is_next = place == 0 and local_of[graph.tails[-1 - node]] == 0
        return (YES, 0.0) if is_next else (NONE, np.inf)
    start, end = graph.out_indptr[node], graph.out_indptr[node + 1]
    passed = place + 1 if len(costs.each) + len(costs.slots) == 0 else ZERO  # all seen before
    at, cost = _cheapest(costs, local_of, graph.out_edges, graph.out_neighbors, start + passed, end)
    best_place = at - start if at >= 0 else NONE
    shift = graph.in_indptr[node] - (end - start)
    if best_place < 0 or passed == 0:
        first = max(graph.in_indptr[node], passed + shift)
        at, other_cost = _cheapest(
            costs, local_of, graph.in_edges, graph.in_neighbors, first, graph.in_indptr[node + 1]
        )
        if other_cost < cost:
            best_place, cost = at - shift, other_cost
    return best_place, cost


@_inner
@no_type_check
def _advance(graph, costs, local_of, state, item, now, tolerance):
    """Move a frontier to its next edge; return it if that is due now as well, else -1.

    Edges between reached nodes that are due now go first.
    """
    events = state.events
    place, cost = _next_choice(graph, costs, local_of, state, item)
    if place < 0:
        state.dues[item, DUE] = np.inf
        return NONE
    left = state.items[item, LEFT]
    state.items[item, EDGE], state.dues[item, COST] = place, cost
    if cost - _moat(state.nodes, state.moats, left, now) <= tolerance and not (
        events[0, TIME] <= now and events[0, ORDER] < FRONTIERS - len(graph.heads)
    ):
        return item
    _schedule(state, item, now)
    return NONE


@_inner
@no_type_check
def _next_due(state, now, tolerance):
    """Return the next item that is due, or -1, and when; clusters that must stop do so before."""
    nodes, moats, items, dues = state.nodes, state.moats, state.items, state.dues
    events, counts = state.events, state.counts
    while counts[ACTIVES] > 1 and counts[EVENTS] > 0:
        now, item = events[0, TIME], int(events[0, ITEM])
        _drop_first(events, ZERO, counts[EVENTS])
        counts[EVENTS] -= 1
        if item < 0:
            root = -1 - item
            is_root = nodes[root, PARENT] == root
            if is_root and nodes[root, ACTIVE] and moats[root, DEADLINE] == now:
                moats[root, GROWN] += now - moats[root, STARTED]
                nodes[root, ACTIVE] = 0
                counts[ACTIVES] -= 1
            continue
        if dues[item, DUE] != now:
            continue
        left, right = items[item, LEFT], items[item, RIGHT]
        root = _find(nodes, moats, left)
        rest = dues[item, COST] - _moat(nodes, moats, left, now)
        is_growing = nodes[root, ACTIVE]
        if right >= 0:
            other = _find(nodes, moats, right)
            if other == root:
                continue
            rest -= _moat(nodes, moats, right, now)
            is_growing += nodes[other, ACTIVE]
        if is_growing and rest <= tolerance:
            return item, now
        _schedule(state, item, now)
    return NONE, now


@_inner
@no_type_check
def _join(state, left, right, edge, now):
    """Join the clusters of two nodes by an edge; the result is active."""
    nodes, moats, items = state.nodes, state.moats, state.items
    merges, counts = state.merges, state.counts
    a, b = _find(nodes, moats, left), _find(nodes, moats, right)
    merge = counts[MERGES]
    counts[MERGES] += 1
    merges[merge, LEFT], merges[merge, RIGHT], merges[merge, EDGE] = left, right, edge
    merges[merge, A], merges[merge, B] = nodes[a, TREE], nodes[b, TREE]
    merges[merge, PASSIVE] = 0
    waiting = NONE
    if nodes[a, ACTIVE] and nodes[b, ACTIVE]:
        deadline = moats[a, DEADLINE] + moats[b, DEADLINE] - now
        counts[ACTIVES] -= 1
    else:
        merges[merge, PASSIVE] = 2 if nodes[a, ACTIVE] else 1
        active, inactive = (a, b) if nodes[a, ACTIVE] else (b, a)
        deadline, waiting = moats[active, DEADLINE], nodes[inactive, WAITING]
        nodes[inactive, WAITING] = -1
    if nodes[a, SIZE] < nodes[b, SIZE]:
        a, b = b, a
    moats[b, OFFSET] = _growth(nodes, moats, b, now) - _growth(nodes, moats, a, now)
    nodes[b, PARENT] = a
    nodes[a, SIZE] += nodes[b, SIZE]
    nodes[a, TREE] = -1 - merge
    if not nodes[a, ACTIVE] or moats[a, DEADLINE] != deadline:
        if not nodes[a, ACTIVE]:
            nodes[a, ACTIVE], moats[a, STARTED] = 1, now
        moats[a, DEADLINE] = deadline
        _push(state.events, counts[EVENTS], deadline, float(DEADLINES + a), float(-1 - a))
        counts[EVENTS] += 1
    while waiting >= 0:
        following = items[waiting >> 1, NEXT + (waiting & 1)]
        items[waiting >> 1, NEXT + (waiting & 1)] = -1
        _schedule(state, waiting >> 1, now)
        waiting = following if items[following >> 1, NEXT + (following & 1)] >= 0 else NONE


@_inner
@no_type_check
def _grown(table, used, extra):
    if used + extra <= len(table):
        return table
    larger = np.empty((max(2 * len(table), used + extra), table.shape[1]), table.dtype)
    for i in range(used):
        for column in range(table.shape[1]):
            larger[i, column] = table[i, column]
    return larger


@_inner
@no_type_check
def _is_full(state, extra_items, extra_choices):
    counts = state.counts
    return (
        counts[NODES] + 1 > len(state.nodes)
        or counts[MERGES] + 1 > len(state.merges)
        or counts[ITEMS] + extra_items > len(state.items)
        or counts[EVENTS] + counts[ITEMS] + extra_items + 1 > len(state.events)
        or counts[CHOICES] + extra_choices > len(state.choices)
    )


@_inner
@no_type_check
def _reserve(state, extra_items, extra_choices):
    """Return the tables with room for one more node and merge, and so many more of the others."""
    counts = state.counts
    return State(
        _grown(state.nodes, counts[NODES], 1),
        _grown(state.moats, counts[NODES], 1),
        _grown(state.items, counts[ITEMS], extra_items),
        _grown(state.dues, counts[ITEMS], extra_items),
        _grown(state.events, counts[EVENTS], counts[ITEMS] + extra_items + 1),
        _grown(state.merges, counts[MERGES], 1),
        _grown(state.choices, counts[CHOICES], extra_choices),
        counts,
    )


@_inner
@no_type_check
def _active_root(state, num_prized):
    for local in range(num_prized):
        root = _find(state.nodes, state.moats, local)
        if state.nodes[root, ACTIVE]:
            return root
    return NONE


@_outer
@no_type_check
def grow(graph, costs, local_of, ids, prizes):
    """Grow moats around prized nodes until one cluster is active; return what they joined.

    Args:
        graph: A ``Graph``.
        costs: A ``Costs``.
        local_of: Zeros, one per node of the graph; becomes one more than its local number.
        ids: The prized nodes, by id, and then the edges that became nodes, ``-1 - edge``, by edge.
        prizes: Their prizes, all positive.

    Returns:
        The merges; the cost of the edge of each; the ids of the reached nodes; the place of the
        final cluster in the merge tree.
    """
    room = len(ids) + 64
    state = State(
        np.empty((room, 6), np.int64),
        np.empty((room, 4), np.float64),
        np.empty((room, 7), np.int64),
        np.empty((room, 2), np.float64),
        np.empty((room, 3), np.float64),
        np.empty((room, 6), np.int64),
        np.empty((0, 3), np.float64),
        np.zeros(6, np.int64),
    )
    for i in range(len(ids)):
        _add_node(state, ids[i], YES, prizes[i])
    state.counts[ACTIVES] = len(ids)
    counts = state.counts
    tolerance = 0.0
    for local in range(counts[NODES]):
        node, deadline = state.nodes[local, ID], state.moats[local, DEADLINE]
        tolerance += 1e-13 * deadline
        if node >= 0:
            local_of[node] = local + 1
        _push(state.events, local, deadline, float(DEADLINES + local), float(-1 - local))
    counts[EVENTS] = counts[NODES]
    has_queues = len(costs.each) + len(costs.slots) > 0
    num_reached, now, item = ZERO, 0.0, NONE
    while counts[ACTIVES] > 1:
        extra_items, extra_choices = YES, ZERO
        if num_reached < counts[NODES]:
            extra_items += _degree(graph, state.nodes[num_reached, ID])
        elif item >= 0 and has_queues and state.items[item, START] < 0:
            degree = _degree(graph, state.nodes[state.items[item, LEFT], ID])
            extra_choices = degree if degree > SHORT_ROW else ZERO
        if _is_full(state, extra_items, extra_choices):
            state = _reserve(state, extra_items, extra_choices)
        if num_reached < counts[NODES]:
            _reach(graph, costs, local_of, state, num_reached, now)
            num_reached += 1
            continue
        if extra_choices > 0:
            _queue(graph, costs, local_of, state, item)
        if item >= 0:
            item = _advance(graph, costs, local_of, state, item, now, tolerance)
        if item < 0:
            item, now = _next_due(state, now, tolerance)
        if item < 0:
            break
        left, right, edge = (
            state.items[item, LEFT],
            state.items[item, RIGHT],
            state.items[item, EDGE],
        )
        if right < 0:
            edge, neighbor = _neighbor(graph, state.nodes[left, ID], edge)
            if local_of[neighbor]:
                continue
            right = _add_node(state, neighbor, ZERO, 0.0)
            local_of[neighbor] = right + 1
        else:
            item = NONE
        _join(state, left, right, edge, now)
    nodes, merges = state.nodes, state.merges
    tree = nodes[_active_root(state, len(ids)), TREE]
    merge_costs = np.zeros(counts[MERGES])
    for merge in range(counts[MERGES]):
        left, right = nodes[merges[merge, LEFT], ID], nodes[merges[merge, RIGHT], ID]
        if left >= 0 and right >= 0:
            merge_costs[merge] = _cost(
                costs.uniform, costs.each, costs.slots, costs.exceptions, merges[merge, EDGE]
            )
    return merges[: counts[MERGES]], merge_costs, nodes[: counts[NODES], ID].copy(), tree


@_inner
@no_type_check
def _mark_needed(node_above, merge_above, node_needed, merge_needed, v):
    """Mark a node and every cluster it is in as needed."""
    if node_needed[v]:
        return
    node_needed[v] = True
    merge = node_above[v]
    while merge >= 0 and not merge_needed[merge]:
        merge_needed[merge] = True
        merge = merge_above[merge]


@_inner
@no_type_check
def _prune_gw(merges, num_nodes, tree, kept_nodes, kept_merges):
    """Drop, last merge first, each cluster that was inactive when joined and that nothing needs."""
    num_merges = len(merges)
    node_above, merge_above = np.full(num_nodes, -1), np.full(num_merges, -1)
    for merge in range(num_merges):
        for part in merges[merge, A : B + 1]:
            if part >= 0:
                node_above[part] = merge
            else:
                merge_above[-1 - part] = merge
    node_needed = np.zeros(num_nodes, np.bool_)
    merge_needed = np.zeros(num_merges, np.bool_)
    inside = np.zeros(num_merges, np.bool_)
    inside[-1 - tree] = True
    for merge in range(num_merges - 1, -1, -1):
        if not inside[merge]:
            continue
        passive = merges[merge, PASSIVE]
        is_kept = passive == 0
        if not is_kept:
            part = merges[merge, A + passive - 1]
            is_kept = node_needed[part] if part >= 0 else merge_needed[-1 - part]
        kept_merges[merge] = is_kept
        if is_kept:
            for end in merges[merge, LEFT : RIGHT + 1]:
                _mark_needed(node_above, merge_above, node_needed, merge_needed, end)
        for side in range(2):
            part = merges[merge, A + side]
            if is_kept or passive != side + 1:
                if part >= 0:
                    kept_nodes[part] = True
                else:
                    inside[-1 - part] = True


@_inner
@no_type_check
def _prune_strong(merges, costs, num_nodes, tree, worth, kept_nodes, kept_merges):
    """Keep the connected part of the final cluster's tree whose prizes less costs are largest.

    ``worth``, the prizes by local number, becomes what each node and the branches below it that pay
    for themselves bring. Leaves are peeled one after the other; where the last is, is the root.
    """
    num_merges = len(merges)
    inside = np.zeros(num_merges, np.bool_)
    inside[-1 - tree] = True
    degree, incident = np.zeros(num_nodes, np.int64), np.zeros(num_nodes, np.int64)
    num_inside = 1
    for merge in range(num_merges - 1, -1, -1):
        if inside[merge]:
            num_inside += 1
            for part in merges[merge, A : B + 1]:
                if part < 0:
                    inside[-1 - part] = True
            for end in merges[merge, LEFT : RIGHT + 1]:
                degree[end] += 1
                incident[end] ^= merge
    peeled = np.empty(num_inside, np.int64)
    num_peeled = 0
    for v in range(num_nodes):
        if degree[v] == 1:
            peeled[num_peeled] = v
            num_peeled += 1
    above = np.full(num_nodes, -1)
    for i in range(num_inside - 1):
        v = peeled[i]
        merge = incident[v]
        up = merges[merge, LEFT] + merges[merge, RIGHT] - v
        gain = worth[v] - costs[merge]
        if gain > 0.0:
            above[v] = up
            worth[up] += gain
        incident[up] ^= merge
        degree[up] -= 1
        if degree[up] == 1:
            peeled[num_peeled] = up
            num_peeled += 1
    best = peeled[0]
    for v in peeled:
        if worth[v] > worth[best]:
            best = v
    kept_nodes[best] = True
    for i in range(num_inside - 1, -1, -1):
        v = peeled[i]
        if above[v] >= 0 and kept_nodes[above[v]]:
            kept_nodes[v] = True
    for merge in range(num_merges):
        left, right = merges[merge, LEFT], merges[merge, RIGHT]
        is_chosen = above[left] == right or above[right] == left
        kept_merges[merge] = inside[merge] and is_chosen and kept_nodes[left] and kept_nodes[right]


@_outer
@no_type_check
def prune(merges, costs, ids, prizes, tree, is_strong):
    """Return what of the final cluster is kept: nodes, and edges that became nodes; and edges.

    Args:
        merges: What ``grow`` returns, and so the next three.
        costs: Of the edge of each merge.
        ids: Of the reached nodes.
        tree: The final cluster in the merge tree.
        prizes: Of the first of the reached nodes; the others are worth nothing.
        is_strong: Which pruning.
    """
    kept_nodes, kept_merges = np.zeros(len(ids), np.bool_), np.zeros(len(merges), np.bool_)
    if tree >= 0:
        kept_nodes[tree] = True
    elif is_strong:
        worth = np.zeros(len(ids))
        for local in range(len(prizes)):
            worth[local] = prizes[local]
        _prune_strong(merges, costs, len(ids), tree, worth, kept_nodes, kept_merges)
    else:
        _prune_gw(merges, len(ids), tree, kept_nodes, kept_merges)
    for merge in range(len(merges)):
        is_free = ids[merges[merge, LEFT]] < 0 or ids[merges[merge, RIGHT]] < 0
        kept_merges[merge] = kept_merges[merge] and not is_free
    return ids[kept_nodes], merges[:, EDGE][kept_merges]
