"""Goemans-Williamson moat growing, compiled; only what the moats reach is touched.

Source: Hegde, Indyk, Schmidt 2014, "A fast, adaptive variant of the Goemans-Williamson scheme for
the prize-collecting Steiner tree problem", sections 2 and 3, unrooted, one cluster.
Differs from the paper: no event per edge. A node that a moat reaches brings one *frontier*, due
when its cheapest edge to a node that no moat has reached is filled; only an edge between two nodes
that moats have reached gets an event of its own. Event times are absolute, because every active
moat grows at the same rate: what a pause makes too early is looked at again when it falls due, and
what the end of a pause makes too late waits in a list of the cluster that paused.

Importing this imports numba. ``no_type_check`` keeps the shape checks of the tests out of what
numba compiles.

Every node that a moat has reached has a *local* number: first the nodes with a prize, by id; then
the edges that became nodes, by id; then the others as they are reached. The tables, by column:

* nodes_int: PARENT in the union-find; SIZE, ACTIVE, WAITING (a ticket of a circular list, or -1)
  and TREE (the cluster's place in the merge tree), of roots; NODE, its id in the graph, or for an
  edge that became a node ``-1 - edge``.
* nodes_float: OFFSET of its moat to its parent's; GROWN, STARTED and DEADLINE, of roots.
* items_int: LEFT, RIGHT (local numbers; RIGHT is -1 for a frontier), EDGE (for a frontier the
  place in the row), NEXT and NEXT + 1 (the tickets' followers in waiting lists, -1: in no list).
* items_float: COST, DUE.
* merges: LEFT, RIGHT, EDGE, and the two joined clusters in the merge tree, A and B: a node is its
  local number, the cluster that merge ``m`` made is ``-1 - m``; PASSIVE says which was inactive
  (0: neither, 1: A, 2: B).
"""

from collections.abc import Callable
from typing import Any, no_type_check

import numpy as np
from numba import njit

PARENT, SIZE, ACTIVE, WAITING, TREE, NODE = range(6)
OFFSET, GROWN, STARTED, DEADLINE = range(4)
LEFT, RIGHT, EDGE, NEXT = range(4)
COST, DUE = range(2)
A, B, PASSIVE = range(3, 6)
NODES, ITEMS, HEAP, MERGES, ACTIVES = range(5)

VIRTUAL = -1.0  # the cost of an edge that became a node
DEADLINES, EDGES, FRONTIERS = 0, 1 << 60, 1 << 61  # what goes first of what is due together


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` compiled at its first call, and kept on disk where that is possible."""
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:  # no folder that may be written: neither beside this file nor the user's
        return njit(nogil=True)(function)


@_compiled
@no_type_check
def _before(keys, orders, i, j):
    return keys[i] < keys[j] or (keys[i] == keys[j] and orders[i, 0] < orders[j, 0])


@_compiled
@no_type_check
def _swap(keys, orders, i, j):
    keys[i], keys[j] = keys[j], keys[i]
    for k in range(2):
        orders[i, k], orders[j, k] = orders[j, k], orders[i, k]


@_compiled
@no_type_check
def _push(keys, orders, counts, key, order, item):
    i = counts[HEAP]
    counts[HEAP] += 1
    keys[i], orders[i, 0], orders[i, 1] = key, order, item
    while i > 0 and _before(keys, orders, i, (i - 1) >> 1):
        _swap(keys, orders, i, (i - 1) >> 1)
        i = (i - 1) >> 1


@_compiled
@no_type_check
def _drop_first(keys, orders, counts):
    counts[HEAP] -= 1
    size = counts[HEAP]
    _swap(keys, orders, 0, size)
    i = 0
    while True:
        child = 2 * i + 1
        if child >= size:
            return
        if child + 1 < size and _before(keys, orders, child + 1, child):
            child += 1
        if not _before(keys, orders, child, i):
            return
        _swap(keys, orders, child, i)
        i = child


@_compiled
@no_type_check
def _find(nodes_int, nodes_float, v):
    """Return the root of the cluster of ``v``, shortening the way to it."""
    parent = nodes_int[v, PARENT]
    while parent != v:
        above = nodes_int[parent, PARENT]
        if above != parent:
            nodes_float[v, OFFSET] += nodes_float[parent, OFFSET]
            nodes_int[v, PARENT] = above
        v, parent = parent, above
    return v


@_compiled
@no_type_check
def _growth(nodes_int, nodes_float, root, now):
    grown = nodes_float[root, GROWN]
    if nodes_int[root, ACTIVE]:
        grown += now - nodes_float[root, STARTED]
    return grown


@_compiled
@no_type_check
def _moat(nodes_int, nodes_float, v, now):
    """Return the total width of the moats around ``v``."""
    width = 0.0
    while nodes_int[v, PARENT] != v:
        width += nodes_float[v, OFFSET]
        v = nodes_int[v, PARENT]
    return width + _growth(nodes_int, nodes_float, v, now)


@_compiled
@no_type_check
def _wait(nodes_int, items_int, root, ticket):
    """Put a ticket (item and side) into the list of an inactive cluster, unless it is in one."""
    item, side = ticket >> 1, NEXT + (ticket & 1)
    if items_int[item, side] >= 0:
        return
    first = nodes_int[root, WAITING]
    if first < 0:
        items_int[item, side] = ticket
        nodes_int[root, WAITING] = ticket
    else:
        items_int[item, side] = items_int[first >> 1, NEXT + (first & 1)]
        items_int[first >> 1, NEXT + (first & 1)] = ticket


@_compiled
@no_type_check
def _schedule(nodes_int, nodes_float, items_int, items_float, keys, orders, counts, item, now):
    """Find out when an item falls due as things stand, and which clusters can make that earlier."""
    left, right = items_int[item, LEFT], items_int[item, RIGHT]
    root = _find(nodes_int, nodes_float, left)
    rest = items_float[item, COST] - _moat(nodes_int, nodes_float, left, now)
    rate = nodes_int[root, ACTIVE]
    if rate == 0:
        _wait(nodes_int, items_int, root, 2 * item)
    if right < 0:
        order = FRONTIERS + nodes_int[left, NODE]
    else:
        other = _find(nodes_int, nodes_float, right)
        if other == root:
            items_float[item, DUE] = np.inf
            return
        order = EDGES + items_int[item, EDGE]
        rest -= _moat(nodes_int, nodes_float, right, now)
        rate += nodes_int[other, ACTIVE]
        if nodes_int[other, ACTIVE] == 0:
            _wait(nodes_int, items_int, other, 2 * item + 1)
    if rate == 0:
        items_float[item, DUE] = np.inf
        return
    due = now + max(rest, 0.0) / rate
    items_float[item, DUE] = due
    _push(keys, orders, counts, due, order, item)


@_compiled
@no_type_check
def _add_item(items_int, items_float, counts, left, right, edge, cost):
    item = counts[ITEMS]
    counts[ITEMS] += 1
    items_int[item, LEFT], items_int[item, RIGHT], items_int[item, EDGE] = left, right, edge
    items_int[item, NEXT], items_int[item, NEXT + 1] = -1, -1
    items_float[item, COST], items_float[item, DUE] = cost, np.inf
    return item


@_compiled
@no_type_check
def _cost(costs, edge):
    """Return the cost of an edge: its own if it has one, else the common one; VIRTUAL or >= 0."""
    uniform, each, slots, slot_costs = costs[0], costs[1], costs[2], costs[3]
    if len(slots) and slots[edge]:
        return slot_costs[slots[edge] - 1]
    return each[edge] if len(each) else uniform


@_compiled
@no_type_check
def _row(graph, node, place):
    """Return position and side of the ``place``-th edge at ``node``: first out, then in."""
    out_indptr, in_indptr = graph[0], graph[3]
    start = out_indptr[node]
    degree = out_indptr[node + 1] - start
    if place < degree:
        return start + place, True
    return in_indptr[node] + place - degree, False


@_compiled
@no_type_check
def _degree(graph, node):
    return graph[0][node + 1] - graph[0][node] + graph[3][node + 1] - graph[3][node]


@_compiled
@no_type_check
def _neighbor(graph, node, place):
    """Return the edge at a place of the row of ``node``, and its other end.

    An edge that became a node, ``-1 - edge``, has its two ends as its row.
    """
    if node < 0:
        edge = -1 - node
        return edge, graph[6][edge] if place == 0 else graph[7][edge]
    at, is_out = _row(graph, node, place)
    if is_out:
        return graph[1][at], graph[2][at]
    return graph[4][at], graph[5][at]


@_compiled
@no_type_check
def _cheapest(graph, costs, local_of, node, start):
    """Return place and cost of the first cheapest edge from ``node`` to an unreached node."""
    best_place, best = -1, np.inf
    size = 2 if node < 0 else _degree(graph, node)
    all_equal = node < 0 or (len(costs[1]) == 0 and len(costs[2]) == 0)
    for place in range(start if all_equal else 0, size):
        edge, neighbor = _neighbor(graph, node, place)
        if local_of[neighbor]:
            continue
        cost = 0.0 if node < 0 else _cost(costs, edge)
        if cost < best and cost >= 0.0:
            best_place, best = place, cost
            if all_equal:
                break
    return best_place, best


@_compiled
@no_type_check
def _reach(
    graph, costs, local_of, first_virtual,
    nodes_int, nodes_float, items_int, items_float, keys, orders, counts, local, now,
):  # fmt: skip
    """Give a node that a moat has just reached its events: a frontier, and its edges to others.

    An edge is added when the later of its ends is reached, which has the larger local number.
    """
    node = nodes_int[local, NODE]
    size = 2 if node < 0 else _degree(graph, node)
    slots = costs[2]
    best_place, best = -1, np.inf
    for place in range(size):
        edge, neighbor = _neighbor(graph, node, place)
        cost = 0.0 if node < 0 else _cost(costs, edge)
        other = local_of[neighbor] - 1
        if cost < 0.0:
            other, cost = first_virtual[slots[edge] - 1], 0.0
        elif other < 0:
            if cost < best:
                best_place, best = place, cost
            continue
        if other >= local:
            continue
        root = _find(nodes_int, nodes_float, local)
        if _find(nodes_int, nodes_float, other) != root:
            item = _add_item(items_int, items_float, counts, local, other, edge, cost)
            _schedule(
                nodes_int, nodes_float, items_int, items_float, keys, orders, counts, item, now
            )
    if best_place >= 0:
        item = _add_item(items_int, items_float, counts, local, -1, best_place, best)
        _schedule(nodes_int, nodes_float, items_int, items_float, keys, orders, counts, item, now)


@_compiled
@no_type_check
def _add_node(nodes_int, nodes_float, counts, node):
    local = counts[NODES]
    counts[NODES] += 1
    nodes_int[local, PARENT], nodes_int[local, SIZE] = local, 1
    nodes_int[local, ACTIVE], nodes_int[local, WAITING] = 0, -1
    nodes_int[local, TREE], nodes_int[local, NODE] = local, node
    nodes_float[local, :] = 0.0
    return local


@_compiled
@no_type_check
def _join(
    nodes_int, nodes_float, items_int, items_float, merges, keys, orders, counts,
    left, right, edge, now,
):  # fmt: skip
    """Join the clusters of two nodes by an edge; the result is active."""
    a, b = _find(nodes_int, nodes_float, left), _find(nodes_int, nodes_float, right)
    passive = 0 if nodes_int[a, ACTIVE] and nodes_int[b, ACTIVE] else 2 - nodes_int[b, ACTIVE]
    merge = counts[MERGES]
    counts[MERGES] += 1
    merges[merge, LEFT], merges[merge, RIGHT], merges[merge, EDGE] = left, right, edge
    merges[merge, A], merges[merge, B] = nodes_int[a, TREE], nodes_int[b, TREE]
    merges[merge, PASSIVE] = passive
    if passive == 0:
        deadline = nodes_float[a, DEADLINE] + nodes_float[b, DEADLINE] - now
        waiting = -1
    else:
        active, inactive = (b, a) if passive == 1 else (a, b)
        deadline = nodes_float[active, DEADLINE]
        waiting = nodes_int[inactive, WAITING]
        nodes_int[inactive, WAITING] = -1
    counts[ACTIVES] -= passive == 0
    if nodes_int[a, SIZE] < nodes_int[b, SIZE]:
        a, b = b, a
    shift = _growth(nodes_int, nodes_float, b, now) - _growth(nodes_int, nodes_float, a, now)
    nodes_float[b, OFFSET] = shift
    nodes_int[b, PARENT] = a
    nodes_int[a, SIZE] += nodes_int[b, SIZE]
    nodes_int[a, TREE] = -1 - merge
    is_due_as_before = nodes_int[a, ACTIVE] and nodes_float[a, DEADLINE] == deadline
    if not nodes_int[a, ACTIVE]:
        nodes_int[a, ACTIVE] = 1
        nodes_float[a, STARTED] = now
    if not is_due_as_before:
        nodes_float[a, DEADLINE] = deadline
        _push(keys, orders, counts, deadline, DEADLINES + a, -1 - a)
    while waiting >= 0:
        following = items_int[waiting >> 1, NEXT + (waiting & 1)]
        items_int[waiting >> 1, NEXT + (waiting & 1)] = -1
        _schedule(
            nodes_int, nodes_float, items_int, items_float, keys, orders, counts, waiting >> 1, now
        )
        if items_int[following >> 1, NEXT + (following & 1)] < 0:
            break
        waiting = following


@_compiled
@no_type_check
def _grown_2d(table, used, extra):
    if used + extra <= len(table):
        return table
    larger = np.empty((max(2 * len(table), used + extra), table.shape[1]), table.dtype)
    larger[:used] = table[:used]
    return larger


@_compiled
@no_type_check
def _grown_1d(table, used, extra):
    if used + extra <= len(table):
        return table
    larger = np.empty(max(2 * len(table), used + extra), table.dtype)
    larger[:used] = table[:used]
    return larger


@_compiled
@no_type_check
def _final_root(nodes_int, num_prized):
    for local in range(num_prized):
        root = local
        while nodes_int[root, PARENT] != root:
            root = nodes_int[root, PARENT]
        if nodes_int[root, ACTIVE]:
            return root
    return -1


@_compiled
@no_type_check
def grow(graph, costs, local_of, first_virtual, nodes, prizes):
    """Grow moats around the prized nodes until one cluster is active.

    Args:
        graph: Row starts, edges and neighbours of outgoing rows, the same of incoming rows, heads
            and tails of edges.
        costs: The common cost; a cost for each edge, or nothing; for each edge one more than its
            place among the exceptions, or 0, or nothing; the costs of the exceptions.
        local_of: Zeros, one per node of the graph; filled with one more than the local number.
        first_virtual: The local number of each exception that became a node, else -1.
        nodes: The prized nodes, by id, and then the edges that became nodes, ``-1 - edge``.
        prizes: Their prizes, all positive.

    Returns:
        The merges; the graph's ids of the reached nodes; the final cluster in the merge tree.
    """
    num_prized = len(nodes)
    tolerance = 1e-13 * prizes.sum()
    nodes_int = np.empty((num_prized + 64, 6), np.int64)
    nodes_float = np.empty((num_prized + 64, 4), np.float64)
    items_int, items_float = np.empty((64, 5), np.int64), np.empty((64, 2), np.float64)
    keys, orders = np.empty(num_prized + 64, np.float64), np.empty((num_prized + 64, 2), np.int64)
    merges = np.empty((num_prized + 64, 6), np.int64)
    counts = np.zeros(5, np.int64)
    counts[ACTIVES] = num_prized
    for i in range(num_prized):
        local = _add_node(nodes_int, nodes_float, counts, nodes[i])
        nodes_int[local, ACTIVE] = 1
        nodes_float[local, DEADLINE] = prizes[i]
        _push(keys, orders, counts, prizes[i], DEADLINES + local, -1 - local)
        if nodes[i] >= 0:
            local_of[nodes[i]] = local + 1
    for local in range(num_prized if num_prized > 1 else 0):
        extra = 3 + (0 if nodes[local] < 0 else _degree(graph, nodes[local]))
        items_int = _grown_2d(items_int, counts[ITEMS], extra)
        items_float = _grown_2d(items_float, counts[ITEMS], extra)
        keys = _grown_1d(keys, counts[HEAP], extra)
        orders = _grown_2d(orders, counts[HEAP], extra)
        _reach(
            graph, costs, local_of, first_virtual,
            nodes_int, nodes_float, items_int, items_float, keys, orders, counts, local, 0.0,
        )  # fmt: skip
    while counts[ACTIVES] > 1 and counts[HEAP] > 0:
        now, item = keys[0], orders[0, 1]
        _drop_first(keys, orders, counts)
        if item < 0:
            root = -1 - item
            if (
                nodes_int[root, PARENT] == root
                and nodes_int[root, ACTIVE]
                and nodes_float[root, DEADLINE] == now
            ):
                nodes_float[root, GROWN] += now - nodes_float[root, STARTED]
                nodes_int[root, ACTIVE] = 0
                counts[ACTIVES] -= 1
            continue
        if items_float[item, DUE] != now:
            continue
        left, right = items_int[item, LEFT], items_int[item, RIGHT]
        root = _find(nodes_int, nodes_float, left)
        rest = items_float[item, COST] - _moat(nodes_int, nodes_float, left, now)
        is_growing = nodes_int[root, ACTIVE] == 1
        if right >= 0:
            other = _find(nodes_int, nodes_float, right)
            if other == root:
                continue
            rest -= _moat(nodes_int, nodes_float, right, now)
            is_growing = is_growing or nodes_int[other, ACTIVE] == 1
        extra = 4 + counts[ITEMS]
        keys = _grown_1d(keys, counts[HEAP], extra)
        orders = _grown_2d(orders, counts[HEAP], extra)
        if not is_growing or rest > tolerance:
            _schedule(
                nodes_int, nodes_float, items_int, items_float, keys, orders, counts, item, now
            )
            continue
        merges = _grown_2d(merges, counts[MERGES], 1)
        if right >= 0:
            _join(
                nodes_int, nodes_float, items_int, items_float, merges, keys, orders, counts,
                left, right, items_int[item, EDGE], now,
            )  # fmt: skip
            continue
        node = nodes_int[left, NODE]
        place = items_int[item, EDGE]
        while True:
            edge, neighbor = _neighbor(graph, node, place)
            if local_of[neighbor] == 0:
                extra = 4 + _degree(graph, neighbor)
                nodes_int = _grown_2d(nodes_int, counts[NODES], 1)
                nodes_float = _grown_2d(nodes_float, counts[NODES], 1)
                items_int = _grown_2d(items_int, counts[ITEMS], extra)
                items_float = _grown_2d(items_float, counts[ITEMS], extra)
                keys = _grown_1d(keys, counts[HEAP], extra)
                orders = _grown_2d(orders, counts[HEAP], extra)
                merges = _grown_2d(merges, counts[MERGES], 1)
                local = _add_node(nodes_int, nodes_float, counts, neighbor)
                local_of[neighbor] = local + 1
                _join(
                    nodes_int, nodes_float, items_int, items_float, merges, keys, orders, counts,
                    left, local, edge, now,
                )  # fmt: skip
                _reach(
                    graph, costs, local_of, first_virtual,
                    nodes_int, nodes_float, items_int, items_float, keys, orders, counts,
                    local, now,
                )  # fmt: skip
            place, cost = _cheapest(graph, costs, local_of, node, place + 1)
            if place < 0:
                break
            items_int[item, EDGE], items_float[item, COST] = place, cost
            rest = cost - _moat(nodes_int, nodes_float, left, now)
            if rest > tolerance or (
                counts[HEAP] > 0 and keys[0] <= now and orders[0, 0] < FRONTIERS
            ):
                _schedule(
                    nodes_int, nodes_float, items_int, items_float, keys, orders, counts, item, now
                )
                break
    root = _final_root(nodes_int, num_prized)
    return (
        merges[: counts[MERGES]],
        nodes_int[: counts[NODES], NODE].copy(),
        nodes_int[root, TREE],
    )


@_compiled
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


@_compiled
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
        kept_merges[merge] = True
        passive = merges[merge, PASSIVE]
        if passive:
            part = merges[merge, A + passive - 1]
            kept_merges[merge] = node_needed[part] if part >= 0 else merge_needed[-1 - part]
        for side in range(2):
            part = merges[merge, A + side]
            if kept_merges[merge]:
                _mark_needed(
                    node_above, merge_above, node_needed, merge_needed, merges[merge, LEFT + side]
                )
            elif passive == side + 1:
                continue
            if part >= 0:
                kept_nodes[part] = True
            else:
                inside[-1 - part] = True


@_compiled
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
            for side in range(2):
                part = merges[merge, A + side]
                if part < 0:
                    inside[-1 - part] = True
                end = merges[merge, LEFT + side]
                degree[end] += 1
                incident[end] ^= merge
    peeled = np.empty(num_inside, np.int64)
    num_peeled, next_peeled = 0, 0
    for v in range(num_nodes):
        if degree[v] == 1:
            peeled[num_peeled] = v
            num_peeled += 1
    above = np.full(num_nodes, -1)
    while next_peeled < num_inside - 1:
        v = peeled[next_peeled]
        next_peeled += 1
        merge = incident[v]
        up = merges[merge, LEFT] + merges[merge, RIGHT] - v
        gain = worth[v] - costs[merge]
        if gain > 0.0:
            above[v] = up
            worth[up] += gain
        incident[up] ^= merge
        degree[up] -= 1
        if degree[up] == 1 and num_peeled < num_inside:
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
        kept_merges[merge] = (
            inside[merge]
            and kept_nodes[left]
            and kept_nodes[right]
            and (above[left] == right or above[right] == left)
        )


@_compiled
@no_type_check
def solve(graph, costs, local_of, first_virtual, nodes, prizes, is_strong):
    """Return the kept nodes, then edges that became nodes as ``-1 - edge``; and the kept edges."""
    merges, reached, tree = grow(graph, costs, local_of, first_virtual, nodes, prizes)
    kept_nodes = np.zeros(len(reached), np.bool_)
    kept_merges = np.zeros(len(merges), np.bool_)
    is_free = np.zeros(len(merges), np.bool_)
    for merge in range(len(merges)):
        is_free[merge] = reached[merges[merge, LEFT]] < 0 or reached[merges[merge, RIGHT]] < 0
    if tree >= 0:
        kept_nodes[tree] = True
    elif is_strong:
        merge_costs, worth = np.zeros(len(merges)), np.zeros(len(reached))
        worth[: len(prizes)] = prizes
        for merge in range(len(merges)):
            if not is_free[merge]:
                merge_costs[merge] = _cost(costs, merges[merge, EDGE])
        _prune_strong(merges, merge_costs, len(reached), tree, worth, kept_nodes, kept_merges)
    else:
        _prune_gw(merges, len(reached), tree, kept_nodes, kept_merges)
    return reached[kept_nodes], merges[kept_merges & ~is_free, EDGE]
