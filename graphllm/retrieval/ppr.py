"""Personalised PageRank from what a question names, along relations that bear on it."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from graphllm.graph.subgraph import Subgraph
from graphllm.graph.view import GraphView
from graphllm.retrieval.linker import Seeds
from graphllm.retrieval.planner import Planner
from graphllm.retrieval.region import MAX_DEGREE, best_edges, steps_from
from graphllm.retrieval.relevance import Relevance, relevance
from graphllm.retrieval.retriever import MAX_EDGES

_MAX_STEPS = 20_000  # edges looked at; beyond, the mass that is left stays where it is
_MAX_ROUNDS = 100


class Pushed(NamedTuple):
    """Mass that came to rest on nodes and passed over edges.

    Attributes:
        nodes: Ascending.
        mass: Approximate PageRank of each, from below.
        residual: Mass at each that has yet to be followed: much of it waits at hubs.
        edges: Ascending.
        flow: How much of the mass at rest would pass over each edge in one step.
        complete: Whether the error bound holds: nothing was sampled or given up.
    """

    nodes: Int32[np.ndarray, "num_nodes"]
    mass: Float64[np.ndarray, "num_nodes"]
    residual: Float64[np.ndarray, "num_nodes"]
    edges: Int32[np.ndarray, "num_edges"]
    flow: Float64[np.ndarray, "num_edges"]
    complete: bool


def forward_push(
    view: GraphView,
    starts: Mapping[int, float],
    weights: Float32[np.ndarray, "num_relations"],
    *,
    restart: float = 0.2,
    epsilon: float = 3e-4,
    max_degree: int = MAX_DEGREE,
    max_steps: int = _MAX_STEPS,
) -> Pushed:
    """Return the approximate PageRank of the nodes around ``starts``.

    Source: Andersen, Chung and Lang 2006, algorithm ApproximatePageRank, on the undirected graph.
    Differs from the paper: the walk is not lazy; an edge weighs what its relation does; nodes
    push together, in rounds; of a hub only some edges are used.

    Each node keeps at most ``epsilon`` times its weighted degree of residual mass, so the
    PageRank of a node is at most that much above what is returned, and the edges looked at number
    about ``1 / (restart * epsilon)``, whatever the size of the graph.

    Args:
        starts: Where the walk restarts, with shares that sum to 1.
        weights: Of each relation, above 0.
        restart: The chance that the walk goes back to a start, at each step.
    """
    return _Push(view, weights, max_degree, max_steps).run(starts, restart, epsilon)


class _Push:
    """The state of one push: a graph of its own, which grows by the rows of nodes that push."""

    def __init__(
        self,
        view: GraphView,
        weights: Float32[np.ndarray, "num_relations"],
        max_degree: int,
        max_steps: int,
    ) -> None:
        self.view, self.weights = view, weights
        self.max_degree, self.max_steps = max_degree, max_steps
        self.ids = np.zeros(0, dtype=np.int32)  # of the nodes met, in the order of meeting
        # one more than the position in ids; zeros of any size are given out without being touched
        self._place = np.zeros(view.num_nodes, dtype=np.int32)
        self.mass, self.residual = np.zeros(0), np.zeros(0)
        self.first = np.zeros(0, dtype=np.int64)  # where the row of a node begins; -1 if unknown
        self.length = np.zeros(0, dtype=np.int64)
        self.degree = np.zeros(0)
        self.targets = np.zeros(0, dtype=np.int64)
        self.edges = np.zeros(0, dtype=np.int32)
        self.edge_weights = np.zeros(0)
        self.complete = True

    def run(self, starts: Mapping[int, float], restart: float, epsilon: float) -> Pushed:
        at = self._positions(np.array(list(starts), dtype=np.int32))
        self.residual[at] = list(starts.values())
        for _ in range(_MAX_ROUNDS):
            active = self._active(epsilon)
            if not len(active):
                break
            self._push(active, restart)
        else:
            self.complete = False
        return self._pushed()

    def _active(self, epsilon: float) -> Int64[np.ndarray, "num_active"]:
        """Return the nodes with more residual than they may keep, their rows being known."""
        hopeful = np.flatnonzero(self.residual > epsilon * self.weights.min(initial=1.0))
        unknown = hopeful[self.first[hopeful] < 0]
        if len(unknown):
            self._read(unknown)
        known = hopeful[self.first[hopeful] >= 0]
        return known[self.residual[known] > epsilon * self.degree[known]]

    def _read(self, nodes: Int64[np.ndarray, "n"]) -> None:
        """Take in the rows of nodes, those with the most to push first, while there is room."""
        room = self.max_steps - len(self.targets)
        nodes = nodes[np.argsort(-self.residual[nodes], kind="stable")]
        sizes = np.zeros(len(nodes), dtype=np.int64)
        for side in (self.view.outgoing, self.view.incoming):
            ids = self.ids[nodes].astype(np.int64)
            degrees = np.asarray(side.indptr[ids + 1]) - np.asarray(side.indptr[ids])
            sizes += np.minimum(degrees, self.max_degree)
        fit = int(np.searchsorted(np.cumsum(sizes), room, side="right"))
        self.complete &= fit == len(nodes)
        nodes = nodes[:fit]
        if not fit:
            return
        steps = steps_from(self.view, self.ids[nodes], self.weights, self.max_degree)
        self.complete &= not steps.sampled
        owners = self._positions(steps.sources)
        counts = np.bincount(owners, minlength=len(self.ids))[nodes]
        self.first[nodes] = len(self.targets) + np.cumsum(counts) - counts
        self.length[nodes] = counts
        weights = self.weights[self.view.relation_ids[steps.edges]].astype(np.float64)
        self.targets = np.concatenate([self.targets, self._positions(steps.targets)])
        self.edges = np.concatenate([self.edges, steps.edges])
        self.edge_weights = np.concatenate([self.edge_weights, weights])
        degrees = np.bincount(owners, weights, minlength=len(self.ids))
        self.degree[nodes] = degrees[nodes]

    def _positions(self, nodes: Int32[np.ndarray, "n"]) -> Int64[np.ndarray, "n"]:
        """Return where nodes stand among those met; new ones are added."""
        new = nodes[self._place[nodes] == 0]
        if len(new):
            new = np.unique(new)
            count = len(new)
            self._place[new] = np.arange(len(self.ids) + 1, len(self.ids) + 1 + count)
            self.ids = np.concatenate([self.ids, new])
            self.mass = np.concatenate([self.mass, np.zeros(count)])
            self.residual = np.concatenate([self.residual, np.zeros(count)])
            self.first = np.concatenate([self.first, np.full(count, -1)])
            self.length = np.concatenate([self.length, np.zeros(count, dtype=np.int64)])
            self.degree = np.concatenate([self.degree, np.zeros(count)])
        return self._place[nodes].astype(np.int64) - 1

    def _push(self, active: Int64[np.ndarray, "num_active"], restart: float) -> None:
        """Let nodes keep a share of their residual and hand on the rest over their edges."""
        held = self.residual[active]
        self.residual[active] = 0
        alone = self.degree[active] == 0
        self.mass[active] += np.where(alone, held, restart * held)
        rows, owners = self._rows(active)
        each = (1 - restart) * held / np.maximum(self.degree[active], 1e-300)
        given = each[owners] * self.edge_weights[rows]
        self.residual += np.bincount(self.targets[rows], given, minlength=len(self.ids))

    def _rows(
        self, nodes: Int64[np.ndarray, "n"]
    ) -> tuple[Int64[np.ndarray, "num_rows"], Int64[np.ndarray, "num_rows"]]:
        lengths = self.length[nodes]
        starts = np.repeat(self.first[nodes] - np.cumsum(lengths) + lengths, lengths)
        return starts + np.arange(lengths.sum()), np.repeat(np.arange(len(nodes)), lengths)

    def _pushed(self) -> Pushed:
        resting = np.flatnonzero(self.mass > 0)
        rows, owners = self._rows(resting)
        share = self.mass[resting] / np.maximum(self.degree[resting], 1e-300)
        by_edge = np.argsort(self.edges[rows], kind="stable")
        passed = self.edges[rows][by_edge]
        is_first = np.append(True, passed[1:] != passed[:-1])[: len(passed)]
        flows = (share[owners] * self.edge_weights[rows])[by_edge]
        flow = np.bincount(np.cumsum(is_first) - 1, flows)
        edges = passed[is_first]
        order = np.argsort(self.ids)
        return Pushed(
            self.ids[order], self.mass[order], self.residual[order], edges, flow, self.complete
        )


class PPRRetriever:
    """Takes the edges that a random walk from what the question names passes most.

    Args:
        planner: Its graph, and what the graph's words mean.
        restart: The chance that the walk goes back, at each step.
        epsilon: How exactly mass is followed; smaller looks at more of the graph.
        unspoken: Weight of an edge whose relation no word speaks of, where one that is spoken of
            outright weighs 1 more.
    """

    def __init__(
        self,
        planner: Planner,
        *,
        restart: float = 0.2,
        epsilon: float = 3e-4,
        unspoken: float = 0.02,
    ) -> None:
        self.ground = planner.ground
        self.restart = restart
        self.epsilon = epsilon
        self.unspoken = unspoken

    def retrieve(self, seeds: Seeds, *, max_edges: int = MAX_EDGES) -> Subgraph:
        """Return the edges with the most flow, and the nodes named."""
        return self.around(relevance(self.ground, seeds), max_edges)

    def around(self, about: Relevance, max_edges: int) -> Subgraph:
        """Return the same for a question whose relevance is known."""
        view = self.ground.view
        pushed = forward_push(
            view,
            about.starts,
            about.relations + np.float32(self.unspoken),
            restart=self.restart,
            epsilon=self.epsilon,
        )
        reached = "a random walk from what the question names comes by"
        return best_edges(
            view,
            pushed.edges,
            pushed.flow.astype(np.float32),
            max_edges,
            nodes=about.starts,
            reasons=(reached,) if len(pushed.edges) else (),
            truncated=not pushed.complete,
        )
