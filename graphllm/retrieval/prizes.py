"""What each node and edge of a graph is worth to a question, as input of the Steiner tree.

Two published ranks, of a graph of three nodes and three edges of which two have one text:

>>> prizes = g_retriever_prizes([0.1, 0.9, 0.4], [0.2, 0.7, 0.7], top_k=2, top_k_edges=1)
>>> dict(zip(prizes.node_ids.tolist(), prizes.node_prizes.tolist()))
{1: 2.0, 2: 1.0}
>>> dict(zip(prizes.edge_ids.tolist(), prizes.edge_prizes.tolist())), prizes.edge_cost
({1: 0.5, 2: 0.5}, 0.4975)
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Float64, Int32
from numpy.typing import ArrayLike

from graphllm.errors import DataError

DECREMENT = 0.01  # c of the published code: keeps the levels of edge prizes apart


def _no_ids() -> Int32[np.ndarray, "0"]:
    return np.empty(0, np.int32)


def _no_prizes() -> Float64[np.ndarray, "0"]:
    return np.empty(0, np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prizes:
    """Prizes of some nodes and edges of a graph, and what an edge costs; the others are worth 0.

    Attributes:
        node_ids: Each at most once, in any order.
        node_prizes: At least 0, one per id.
        edge_ids: Each at most once, in any order.
        edge_prizes: At least 0, one per id; an edge prized above its cost is worth a detour.
        edge_cost: The cost of every edge, in units of prize; or one per edge of the graph, at
            least 0.

    Raises:
        DataError: Lengths disagree, an id comes twice, or a prize or cost is negative, infinite or
            not a number.
    """

    node_ids: Int32[np.ndarray, "num_node_prizes"]
    node_prizes: Float64[np.ndarray, "num_node_prizes"]
    edge_ids: Int32[np.ndarray, "num_edge_prizes"] = field(default_factory=_no_ids)
    edge_prizes: Float64[np.ndarray, "num_edge_prizes"] = field(default_factory=_no_prizes)
    edge_cost: float | Float64[np.ndarray, "num_edges"] = 0.5

    def __post_init__(self) -> None:
        _check("node", self.node_ids, self.node_prizes)
        _check("edge", self.edge_ids, self.edge_prizes)
        costs = np.asarray(self.edge_cost)
        if not (np.isfinite(costs) & (costs >= 0)).all():
            raise DataError("an edge cost is negative or not finite; costs are at least 0")


def _check(what: str, ids: np.ndarray, prizes: np.ndarray) -> None:
    if len(ids) != len(prizes):
        raise DataError(f"{len(ids)} {what} ids and {len(prizes)} {what} prizes; expected as many")
    wrong = np.flatnonzero(~(np.isfinite(prizes) & (prizes >= 0)))
    if len(wrong):
        at = wrong[0]
        raise DataError(f"the prize of {what} {ids[at]} is {prizes[at]}; expected 0 or more")
    if len(np.unique(ids)) < len(ids):
        raise DataError(f"a {what} id comes twice among the prizes; give each once")


def g_retriever_prizes(
    node_scores: ArrayLike,
    edge_scores: ArrayLike,
    *,
    top_k: int = 3,
    top_k_edges: int = 5,
    edge_cost: float = 0.5,
) -> Prizes:
    """Return the prizes and the edge cost of G-Retriever.

    Source: He et al. 2024 (arXiv 2402.07630), section 5.3, as its code has them.
    Differs from the paper: nodes of equal score rank by id; the paper leaves that open.

    Args:
        node_scores: The similarity of each node's text to the question.
        edge_scores: The similarity of each edge's text to the question; edges of one text must
            have exactly one score, for they share one prize.
        top_k: So many nodes get a prize, from ``top_k`` down to 1.
        top_k_edges: So many distinct edge scores get a prize. 3 in SceneGraphs, 5 in WebQSP.
        edge_cost: The largest cost of an edge; lowered where no edge prize exceeds it.
    """
    node_scores = np.asarray(node_scores, np.float64)
    edge_scores = np.asarray(edge_scores, np.float64)
    node_ids = np.argsort(-node_scores, kind="stable")[: max(top_k, 0)].astype(np.int32)
    node_prizes = np.arange(len(node_ids), 0, -1, dtype=np.float64)
    distinct, level_of, num_edges = np.unique(-edge_scores, return_inverse=True, return_counts=True)
    num_levels = min(max(top_k_edges, 0), len(distinct))
    levels = edge_prize_levels(num_edges[:num_levels])
    edge_ids = np.flatnonzero(level_of < num_levels).astype(np.int32)
    if num_levels:
        edge_cost = min(edge_cost, float(levels[0]) * (1 - DECREMENT / 2))
    return Prizes(
        node_ids=node_ids,
        node_prizes=node_prizes,
        edge_ids=edge_ids,
        edge_prizes=levels[level_of[edge_ids]],
        edge_cost=edge_cost,
    )


def edge_prize_levels(num_edges: ArrayLike) -> Float[np.ndarray, "num_levels"]:
    """Return the prize of an edge at each level, best first.

    ``v_j = min((K - j + 1) / n_j, last_{j-1})``, ``last_j = v_j (1 - c)``, ``last_0 = K``: what a
    level is worth is shared by its ``n_j`` edges, and a level is worth less than the one above.

    Args:
        num_edges: How many edges each of the K levels has.
    """
    counts = np.asarray(num_edges, np.float64)
    prizes = np.arange(len(counts), 0, -1) / counts
    last = float(len(counts))
    for level in range(len(prizes)):
        prizes[level] = min(prizes[level], last)
        last = prizes[level] * (1 - DECREMENT)
    return prizes
