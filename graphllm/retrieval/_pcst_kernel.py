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
    items: np.ndarray  # int64: LEFT .. LENGTH
    dues: np.ndarray  # float64, as long as items: COST, DUE
    events: np.ndarray  # float64, a heap: TIME, ORDER, ITEM
    merges: np.ndarray  # int64: LEFT .. PASSIVE
    choices: np.ndarray  # float64, heaps of the same columns as events
    counts: np.ndarray  # int64: NODES .. MORE_CHOICES
    clock: np.ndarray  # float64: NOW, TOLERANCE


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
# How much of each table is used, how many clusters are active and nodes reached, which frontier is
# being walked, and for how much more there is to be room.
NODES, ITEMS, EVENTS, MERGES, CHOICES, ACTIVES, REACHED, WALKED, MORE_ITEMS = range(9)
MORE_CHOICES = 9
NOW, TOLERANCE = range(2)

DEADLINES, EDGES, FRONTIERS = 0, 1 << 33, 1 << 34  # what goes first of what is due together
NONE, ZERO, YES = np.int64(-1), np.int64(0), np.int64(1)  # literals would be types of their own
SHORT_ROW = 32  # so many edges are searched for the next cheapest one faster than queued


# Nothing that is compiled allocates, so that nothing needs to count references, which is slow.
NO_COUNTING: dict[str, Any] = {"_nrt": False, "nogil": True}
NO_WRAPPERS: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def _inner(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` compiled for calls from compiled functions only."""
    return njit(**NO_COUNTING, **NO_WRAPPERS)(function)


def _inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` for calls from compiled functions, of which its code becomes a part."""
    return njit(inline="always", **NO_COUNTING, **NO_WRAPPERS)(function)


def _outer(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` compiled at its first call, and kept on disk where that is possible."""
    try:
        return njit(cache=True, **NO_COUNTING)(function)
    except RuntimeError:  # no folder that may be written: neither beside this file nor the user's
        return njit(**NO_COUNTING)(function)


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
def _add_node(state, node):
    """Return the local number of a node that a moat is about to reach."""
    nodes, moats, local = state.nodes, state.moats, state.counts[NODES]
    state.counts[NODES] += 1
    nodes[local, PARENT], nodes[local, SIZE], nodes[local, ACTIVE] = local, 1, 0
    nodes[local, WAITING], nodes[local, TREE], nodes[local, ID] = -1, local, node
    moats[local, OFFSET], moats[local, GROWN] = 0.0, 0.0
    moats[local, STARTED], moats[local, DEADLINE] = 0.0, 0.0
    return local


@_inlined
@no_type_check
def _cost(uniform, each, slots, exceptions, edge):
    cost = uniform
    if len(slots) and slots[edge]:
        cost = exceptions[slots[edge] - 1]
    elif len(each):
        cost = each[edge]
    return cost


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
def _is_full(state, extra_items, extra_choices):
    counts = state.counts
    return (
        counts[NODES] + 1 > len(state.nodes)
        or counts[MERGES] + 1 > len(state.merges)
        or counts[ITEMS] + extra_items > len(state.items)
        or counts[EVENTS] + counts[ITEMS] + extra_items + 1 > len(state.events)
        or counts[CHOICES] + extra_choices > len(state.choices)
    )


@_outer
@no_type_check
def _grow(graph, costs, local_of, state):
    """Grow moats until one cluster is active; stop early, to be called again, at a full table.

    Returns:
        Whether it is done. Otherwise the counts say for how many items and choices there is to be
        room; one more node and merge, and as many more events as items, may be needed as well.
    """
    counts, clock = state.counts, state.clock
    has_queues = len(costs.each) + len(costs.slots) > 0
    while counts[ACTIVES] > 1:
        item = counts[WALKED]
        is_new = counts[REACHED] < counts[NODES]
        extra_items, extra_choices = YES, ZERO
        if is_new:
            extra_items += _degree(graph, state.nodes[counts[REACHED], ID])
        elif item >= 0 and has_queues and state.items[item, START] < 0:
            degree = _degree(graph, state.nodes[state.items[item, LEFT], ID])
            extra_choices = degree if degree > SHORT_ROW else ZERO
        if _is_full(state, extra_items, extra_choices):
            counts[MORE_ITEMS], counts[MORE_CHOICES] = extra_items, extra_choices
            return False
        if is_new:
            _reach(graph, costs, local_of, state, counts[REACHED], clock[NOW])
            counts[REACHED] += 1
            continue
        if extra_choices > 0:
            _queue(graph, costs, local_of, state, item)
        if item >= 0:
            item = _advance(graph, costs, local_of, state, item, clock[NOW], clock[TOLERANCE])
        if item < 0:
            item, clock[NOW] = _next_due(state, clock[NOW], clock[TOLERANCE])
        counts[WALKED] = item
        if item < 0:
            break
        left, right = state.items[item, LEFT], state.items[item, RIGHT]
        edge = state.items[item, EDGE]
        if right < 0:
            edge, neighbor = _neighbor(graph, state.nodes[left, ID], edge)
            if local_of[neighbor]:
                continue
            right = _add_node(state, neighbor)
            local_of[neighbor] = right + 1
        else:
            counts[WALKED] = NONE
        _join(state, left, right, edge, clock[NOW])
    return True


class Kept(NamedTuple):
    """What a pruning keeps: nodes, and edges that became nodes as ``-1 - edge``; other edges."""

    nodes: np.ndarray
    edges: np.ndarray


class Grown(NamedTuple):
    """What moats joined before one cluster was left."""

    merges: np.ndarray
    ids: np.ndarray  # of the reached nodes, by local number
    tree: int  # the final cluster in the merge tree


def grow(
    graph: Graph, costs: Costs, local_of: np.ndarray, ids: np.ndarray, prizes: np.ndarray
) -> Grown:
    """Grow moats around prized nodes until one cluster is active.

    Args:
        graph: All of it; little of it is read.
        costs: Of its edges.
        local_of: Zeros, one per node of the graph; becomes one more than its local number.
        ids: The prized nodes, by id, and then the edges that became nodes, ``-1 - edge``, by edge.
        prizes: Their prizes, all positive.
    """
    state = _start(ids, prizes)
    local_of[ids[ids >= 0]] = np.flatnonzero(ids >= 0) + 1
    while not _grow(graph, costs, local_of, state):
        state = _larger(state)
    num_nodes, num_merges = state.counts[NODES], state.counts[MERGES]
    nodes = state.nodes[:num_nodes]
    is_root = nodes[:, PARENT] == np.arange(num_nodes)
    final = np.flatnonzero(is_root & (nodes[:, ACTIVE] == 1))[0]
    return Grown(state.merges[:num_merges], nodes[:, ID].copy(), int(nodes[final, TREE]))


def _start(ids: np.ndarray, prizes: np.ndarray) -> State:
    """Return tables in which every prized node is a cluster of its own that grows."""
    num = len(ids)
    room = num + 256
    counts = np.zeros(10, np.int64)
    counts[[NODES, EVENTS, ACTIVES, WALKED]] = num, num, num, -1
    state = State(
        nodes=np.empty((room, 6), np.int64),
        moats=np.empty((room, 4), np.float64),
        items=np.empty((room, 7), np.int64),
        dues=np.empty((room, 2), np.float64),
        events=np.empty((2 * room, 3), np.float64),
        merges=np.empty((room, 6), np.int64),
        choices=np.empty((0, 3), np.float64),
        counts=counts,
        clock=np.array([0.0, 1e-13 * prizes.sum()]),
    )
    locals_ = np.arange(num)
    for column, value in ((PARENT, locals_), (SIZE, 1), (ACTIVE, 1), (WAITING, -1)):
        state.nodes[:num, column] = value
    state.nodes[:num, TREE], state.nodes[:num, ID] = locals_, ids
    state.moats[:num, :], state.moats[:num, DEADLINE] = 0.0, prizes
    order = np.argsort(prizes, kind="stable")  # what is sorted is a heap
    state.events[:num, TIME], state.events[:num, ITEM] = prizes[order], -1 - order
    state.events[:num, ORDER] = DEADLINES + order
    return state


def _larger(state: State) -> State:
    """Return the tables with room for what ``_grow`` wants."""
    counts = state.counts.tolist()
    nodes, merges = counts[NODES] + 1, counts[MERGES] + 1
    items = counts[ITEMS] + counts[MORE_ITEMS]
    return state._replace(
        nodes=_with_room(state.nodes, nodes),
        moats=_with_room(state.moats, nodes),
        items=_with_room(state.items, items),
        dues=_with_room(state.dues, items),
        events=_with_room(state.events, counts[EVENTS] + items + 1),
        merges=_with_room(state.merges, merges),
        choices=_with_room(state.choices, counts[CHOICES] + counts[MORE_CHOICES]),
    )


def _with_room(table: np.ndarray, size: int) -> np.ndarray:
    if size <= len(table):
        return table
    larger = np.empty((max(2 * len(table), size), table.shape[1]), table.dtype)
    larger[: len(table)] = table
    return larger


@_inner
@no_type_check
def _mark_needed(above, is_needed, part):
    """Mark a node and every cluster it is in as needed."""
    while part >= 0 and not is_needed[part]:
        is_needed[part] = True
        part = above[part]


@_outer
@no_type_check
def _prune_gw(merges, tree, above, is_needed, inside, kept_nodes, kept_merges):
    """Drop, last merge first, each cluster that was inactive when joined and that nothing needs.

    ``above`` and ``is_needed`` are of nodes and, behind them, of what the merges made.
    """
    num_nodes, num_merges = len(kept_nodes), len(merges)
    above[:] = -1
    for merge in range(num_merges):
        for part in merges[merge, A : B + 1]:
            above[part if part >= 0 else num_nodes - 1 - part] = num_nodes + merge
    inside[-1 - tree] = True
    for merge in range(num_merges - 1, -1, -1):
        if not inside[merge]:
            continue
        passive = merges[merge, PASSIVE]
        kept_merges[merge] = True
        if passive > 0:
            part = merges[merge, A + passive - 1]
            kept_merges[merge] = is_needed[part if part >= 0 else num_nodes - 1 - part]
        for side in range(2):
            if kept_merges[merge]:
                _mark_needed(above, is_needed, merges[merge, LEFT + side])
            elif passive == side + 1:
                continue
            part = merges[merge, A + side]
            if part >= 0:
                kept_nodes[part] = True
            else:
                inside[-1 - part] = True


@_outer
@no_type_check
def _prune_strong(merges, costs, tree, worth, inside, work, kept_nodes, kept_merges):
    """Keep the connected part of the final cluster's tree whose prizes less costs are largest.

    ``worth``, the prizes by local number, becomes what each node and the branches below it that pay
    for themselves bring. Leaves are peeled one after the other; where the last is, is the root.
    ``incident`` is of all merges at a node that are left, exclusive or: the last one in the end.
    """
    degree, incident, peeled, above = work[0], work[1], work[2], work[3]
    num_nodes, num_merges = len(worth), len(merges)
    inside[-1 - tree] = True
    num_inside = 1
    for merge in range(num_merges - 1, -1, -1):
        if inside[merge]:
            num_inside += 1
            for side in range(2):
                part, end = merges[merge, A + side], merges[merge, LEFT + side]
                if part < 0:
                    inside[-1 - part] = True
                degree[end] += 1
                incident[end] ^= merge
    num_peeled = 0
    for v in range(num_nodes):
        above[v] = -1
        if degree[v] == 1:
            peeled[num_peeled] = v
            num_peeled += 1
    for i in range(num_inside - 1):
        v = peeled[i]
        merge = incident[v]
        up = merges[merge, LEFT] + merges[merge, RIGHT] - v
        if worth[v] > costs[merge]:
            above[v] = up
            worth[up] += worth[v] - costs[merge]
        incident[up] ^= merge
        degree[up] -= 1
        if degree[up] == 1:
            peeled[num_peeled] = up
            num_peeled += 1
    best = peeled[0]
    for i in range(num_inside):
        if worth[peeled[i]] > worth[best]:
            best = peeled[i]
    kept_nodes[best] = True
    for i in range(num_inside - 1, -1, -1):
        v = peeled[i]
        if above[v] >= 0 and kept_nodes[above[v]]:
            kept_nodes[v] = True
    for merge in range(num_merges):
        left, right = merges[merge, LEFT], merges[merge, RIGHT]
        is_chosen = above[left] == right or above[right] == left
        kept_merges[merge] = inside[merge] and is_chosen and kept_nodes[left] and kept_nodes[right]


def prune(grown: Grown, costs: Costs, prizes: np.ndarray, *, is_strong: bool) -> Kept:
    """Return what of the final cluster is worth keeping.

    Args:
        grown: What ``grow`` returned.
        costs: Of the edges of the graph.
        prizes: Of the first of the reached nodes; the others are worth nothing.
        is_strong: Which pruning.
    """
    merges, ids, tree = grown
    kept_nodes, kept_merges = np.zeros(len(ids), np.bool_), np.zeros(len(merges), np.bool_)
    inside = np.zeros(len(merges), np.bool_)
    is_free = (ids[merges[:, LEFT]] < 0) | (ids[merges[:, RIGHT]] < 0)
    if tree >= 0:
        kept_nodes[tree] = True
    elif is_strong:
        worth = np.zeros(len(ids))
        worth[: len(prizes)] = prizes
        merge_costs = np.where(is_free, 0.0, edge_costs(costs, merges[:, EDGE]))
        work = np.zeros((4, len(ids)), np.int64)
        _prune_strong(merges, merge_costs, tree, worth, inside, work, kept_nodes, kept_merges)
    else:
        above = np.empty(len(ids) + len(merges), np.int64)
        is_needed = np.zeros(len(ids) + len(merges), np.bool_)
        _prune_gw(merges, tree, above, is_needed, inside, kept_nodes, kept_merges)
    return Kept(ids[kept_nodes], merges[kept_merges & ~is_free, EDGE])


def edge_costs(costs: Costs, edges: np.ndarray) -> np.ndarray:
    """Return the cost of each edge; negative for one that became a node."""
    found = costs.each[edges] if len(costs.each) else np.full(len(edges), costs.uniform)
    if len(costs.slots):
        slots = costs.slots[edges]
        found = np.where(slots > 0, costs.exceptions[slots - 1], found)
    return found
