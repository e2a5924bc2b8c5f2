"""Retrieval by a prize-collecting Steiner tree."""

import heapq
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32, Int64

from graphllm.errors import ConfigError
from graphllm.graph.folding import humanize
from graphllm.graph.subgraph import Subgraph
from graphllm.graph.view import GraphView
from graphllm.index.graph_index import GraphIndex
from graphllm.retrieval.linker import Seeds
from graphllm.retrieval.pcst import EdgeRows, pcst
from graphllm.retrieval.planner import Planner
from graphllm.retrieval.ppr import Pushed, forward_push
from graphllm.retrieval.prizes import Prizes, g_retriever_prizes
from graphllm.retrieval.region import best_edges
from graphllm.retrieval.relevance import relevance
from graphllm.retrieval.retriever import MAX_EDGES
from graphllm.text.encoder import TextEncoder

_EDGES_PER_WORTHY = 4  # edges asked for, per node that is worth one by itself
_MOST_NAMES = 512  # embedded for one question where the graph has no vectors
_LONGEST_NAME = 200  # characters of a name that are embedded

PRIZES = ("walk", "g_retriever")


class _Around(NamedTuple):
    """The part of a graph that the tree is sought in, with ids of its own."""

    nodes: Int32[np.ndarray, "num_nodes"]
    edges: Int32[np.ndarray, "num_edges"]
    rows: EdgeRows
    mass: Float32[np.ndarray, "num_nodes"]
    flow: Float32[np.ndarray, "num_edges"]


class PCSTRetriever:
    """Takes the connected part of the graph that is worth most to the question, less what it costs.

    The tree is sought in what a random walk from the named nodes reaches, so its cost does not
    grow with the graph.

    Args:
        planner: Its graph, and what the graph's words mean.
        prizes: ``"walk"``: nodes the walk visits often are worth more, and edges it passes often
            cost less (``walk_prizes``). ``"g_retriever"``: the published formula, by the likeness
            of the texts of nodes and relations to the question.
        pruning: See ``pcst``.
        unspoken: See ``PPRRetriever``.

    Raises:
        ConfigError: No such prizes.
    """

    is_connected = True

    def __init__(
        self,
        planner: Planner,
        *,
        prizes: str = "walk",
        pruning: str = "gw",
        unspoken: float = 0.02,
    ) -> None:
        if prizes not in PRIZES:
            raise ConfigError(f"unknown prizes {prizes!r}; there are {', '.join(PRIZES)}")
        self.ground = planner.ground
        self.encoder = planner.affinity.encoder
        self.prizes = prizes
        self.pruning = pruning
        self.unspoken = unspoken

    def retrieve(self, seeds: Seeds, *, max_edges: int = MAX_EDGES) -> Subgraph:
        """Return the tree; where it is too large, what is left of it when leaves are taken off."""
        view, about = self.ground.view, relevance(self.ground, seeds)
        pushed = forward_push(view, about.starts, about.relations + np.float32(self.unspoken))
        around = _around(view, pushed)
        if self.prizes == "walk":
            prizes = walk_prizes(
                around.mass,
                np.searchsorted(around.nodes, np.array(list(about.starts), dtype=np.int32)),
                around.flow,
                max(max_edges // _EDGES_PER_WORTHY, 1),
            )
        else:
            prizes = self._published(seeds.question, around)
        tree = pcst(around.rows, prizes, pruning=self.pruning)
        return _cut(view, around, tree.nodes, tree.edges, max_edges, complete=pushed.complete)

    def _published(self, question: str, around: _Around) -> Prizes:
        """Return G-Retriever's prizes from the likeness of names and relations to the question."""
        view = self.ground.view
        query = self.encoder.encode([question])[0]
        labels = self.encoder.encode([humanize(relation) for relation in view.relations])
        likeness = (labels @ query)[view.relation_ids[around.edges]]
        return g_retriever_prizes(_likeness(view, self.encoder, query, around), likeness)


def walk_prizes(
    mass: Float32[np.ndarray, "num_nodes"],
    starts: Int64[np.ndarray, "num_starts"],
    flow: Float32[np.ndarray, "num_edges"],
    num_worthy: int,
    *,
    most: float = 2.0,
    discount: float = 0.95,
) -> Prizes:
    """Return prizes that follow where a random walk comes by, in units of the cost of an edge.

    The node of rank ``num_worthy`` is worth one edge, and others in proportion to their mass,
    ``most`` at most, which the starts are worth too. An edge is cheaper by the square root of its
    share of the largest flow; without that, trees reach near nodes by detours.

    Args:
        mass: How much of the walk is at each node.
        starts: Positions of the nodes where it began.
        flow: How much of the walk passes over each edge.
        discount: How much cheaper the edge with the largest flow is.
    """
    level = float(np.partition(mass, -num_worthy)[-num_worthy]) if len(mass) > num_worthy else 0.0
    prizes = np.minimum(mass.astype(np.float64) / max(level, 1e-12), most)
    prizes[starts] = most
    share = flow.astype(np.float64) / max(float(flow.max(initial=0.0)), 1e-12)
    return Prizes(
        node_ids=np.arange(len(mass), dtype=np.int32),
        node_prizes=prizes,
        edge_ids=np.arange(len(flow), dtype=np.int32),
        edge_prizes=discount * np.sqrt(share),
        edge_cost=1.0,
    )


def _around(view: GraphView, pushed: Pushed) -> _Around:
    heads, tails = np.asarray(view.heads[pushed.edges]), np.asarray(view.tails[pushed.edges])
    nodes = np.union1d(np.concatenate([heads, tails]), pushed.nodes[pushed.mass > 0])
    ends = np.searchsorted(nodes, np.stack([heads, tails], axis=1))
    at = np.minimum(np.searchsorted(pushed.nodes, nodes), len(pushed.nodes) - 1)
    rows = EdgeRows.from_edges(ends, num_nodes=len(nodes))
    mass = (pushed.mass + pushed.residual)[at].astype(np.float32)
    flow = pushed.flow.astype(np.float32)
    return _Around(nodes.astype(np.int32), pushed.edges, rows, mass, flow)


def _likeness(
    view: GraphView, encoder: TextEncoder, query: Float32[np.ndarray, "dim"], around: _Around
) -> Float32[np.ndarray, "num_nodes"]:
    """Return how like the question each name is; of many without vectors, the most visited."""
    vectors = view.vectors(encoder.id) if isinstance(view, GraphIndex) else None
    if vectors is not None:
        return np.asarray(vectors.of(around.nodes) @ query, dtype=np.float32)
    visited = np.argsort(-around.mass, kind="stable")[:_MOST_NAMES]
    names = [view.names[int(node)][:_LONGEST_NAME] for node in around.nodes[visited].tolist()]
    likeness = np.full(len(around.nodes), -1, dtype=np.float32)
    likeness[visited] = encoder.encode(names) @ query
    return likeness


def _cut(
    view: GraphView,
    around: _Around,
    nodes: Int32[np.ndarray, "num_kept"],
    edges: Int32[np.ndarray, "num_kept_edges"],
    max_edges: int,
    *,
    complete: bool,
) -> Subgraph:
    """Return the tree in the order in which it grows from its most visited node.

    The edge with the most flow that touches what is there comes next, so that the first few edges
    are connected, however many are taken.
    """
    grown = _grown(around, nodes, edges)
    kept = np.array(grown[:max_edges], dtype=np.int64)
    scores = 1 - np.arange(len(kept), dtype=np.float32) / np.float32(max(len(grown), 1))
    root = nodes[np.argmax(around.mass[nodes])] if len(nodes) else None
    return best_edges(
        view,
        around.edges[kept],
        scores,
        max_edges,
        nodes={} if root is None else {int(around.nodes[root]): 1.0},
        reasons=("connects what is worth most to the question",) if len(kept) else (),
        truncated=not complete or len(grown) > max_edges,
    )


def _grown(
    around: _Around,
    nodes: Int32[np.ndarray, "num_kept"],
    edges: Int32[np.ndarray, "num_kept_edges"],
) -> list[int]:
    if not len(nodes):
        return []
    touching: dict[int, list[int]] = {}
    for edge in edges.tolist():
        for end in (int(around.rows.heads[edge]), int(around.rows.tails[edge])):
            touching.setdefault(end, []).append(edge)
    root = int(nodes[np.argmax(around.mass[nodes])])
    there, grown, taken = {root}, [], set()
    queue = [(-float(around.flow[edge]), edge) for edge in touching.get(root, ())]
    heapq.heapify(queue)
    while queue:
        _, edge = heapq.heappop(queue)
        if edge in taken:
            continue
        taken.add(edge)
        grown.append(edge)
        for end in (int(around.rows.heads[edge]), int(around.rows.tails[edge])):
            if end not in there:
                there.add(end)
                for other in touching[end]:
                    if other not in taken:
                        heapq.heappush(queue, (-float(around.flow[other]), other))
    return grown
