"""The prize-collecting Steiner tree: a connected part of a graph, worth more than it costs.

>>> import numpy as np
>>> from graphllm.retrieval.prizes import Prizes
>>> rows = EdgeRows.from_edges([(0, 1), (1, 2), (2, 3)], num_nodes=4)
>>> prizes = Prizes(node_ids=np.array([0, 2], np.int32), node_prizes=np.array([2.0, 2.0]))
>>> pcst(rows, prizes)
SteinerTree(nodes=array([0, 1, 2], dtype=int32), edges=array([0, 1], dtype=int32), value=3.0)
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64, Int, Int32
from numpy.typing import ArrayLike

from graphllm.errors import ConfigError, DataError, MissingExtraError
from graphllm.graph.view import Adjacency, adjacency
from graphllm.retrieval.prizes import Prizes

PRUNINGS = ("gw", "strong")
SOLVERS = ("graphllm", "pcst_fast")
PcstFast = Callable[..., tuple[np.ndarray, np.ndarray]]


@runtime_checkable
class HasEdges(Protocol):
    """What the solver reads of a graph; every ``GraphView`` has it."""

    @property
    def num_nodes(self) -> int:
        """How many nodes."""

    @property
    def heads(self) -> Int32[np.ndarray, "num_edges"]:
        """The node each edge leaves."""

    @property
    def tails(self) -> Int32[np.ndarray, "num_edges"]:
        """The node each edge enters."""

    @property
    def outgoing(self) -> Adjacency:
        """Edges by the node they leave."""

    @property
    def incoming(self) -> Adjacency:
        """Edges by the node they enter."""


class EdgeRows(NamedTuple):
    """A graph that has nothing but edges."""

    num_nodes: int
    heads: Int32[np.ndarray, "num_edges"]
    tails: Int32[np.ndarray, "num_edges"]
    outgoing: Adjacency
    incoming: Adjacency

    @classmethod
    def from_edges(cls, edges: ArrayLike, *, num_nodes: int) -> "EdgeRows":
        """Return the rows of an array of edges, two node ids each.

        Raises:
            DataError: An edge names a node outside the graph, or has not two ends.
        """
        pairs = np.asarray(edges, np.int64).reshape(-1, 2)
        wrong = np.flatnonzero(((pairs < 0) | (pairs >= num_nodes)).any(axis=1))
        if len(wrong):
            at = wrong[0]
            ends = tuple(pairs[at].tolist())
            raise DataError(f"edge {at} {ends} names a node outside 0..{num_nodes - 1}")
        heads, tails = np.ascontiguousarray(pairs.T.astype(np.int32))
        relation_ids = np.zeros(len(heads), np.int32)
        return cls(
            num_nodes,
            heads,
            tails,
            adjacency(heads, tails, relation_ids, num_nodes),
            adjacency(tails, heads, relation_ids, num_nodes),
        )


class SteinerTree(NamedTuple):
    """A connected part of a graph, by ids of the graph, ascending; ``value``: prizes less costs."""

    nodes: Int32[np.ndarray, "num_nodes"]
    edges: Int32[np.ndarray, "num_edges"]
    value: float


def pcst(
    graph: HasEdges,
    prizes: Prizes,
    *,
    pruning: str = "gw",
    solver: str = "graphllm",
) -> SteinerTree:
    """Return a connected part of a graph that approximately maximises prizes less edge costs.

    Directions of edges do not matter. Time and memory grow with the region that the moats around
    the prized nodes reach before they meet, not with the graph.

    Source: Hegde, Indyk, Schmidt 2014, Goemans-Williamson growth (unrooted, one cluster) and
    pruning; G-Retriever (arXiv 2402.07630), section 5.3, for edges with prizes.
    Differs from the paper: explored lazily; ties are broken by kind of event and then by the lower
    id, so results repeat and do not depend on the order of the prizes. Where no prize is positive
    the result is empty.

    Args:
        graph: Any ``GraphView``, or ``EdgeRows``.
        prizes: What nodes and edges are worth, and what edges cost. An edge prized at most at its
            cost becomes that much cheaper; one prized above it becomes a node with the difference
            as its prize, which two free edges join to its ends.
        pruning: ``"gw"`` drops parts that stopped growing and that nothing needs; ``"strong"``
            keeps the best connected part of the tree, which is never worth less.
        solver: ``"pcst_fast"`` is the reference implementation, an optional package under the GPL,
            which looks at every edge of the graph.

    Raises:
        DataError: A prize names a node or edge that the graph does not have, or there is not one
            cost for each edge.
        ConfigError: No such pruning or solver, or the installed ``pcst_fast`` gives wrong answers.
        MissingExtraError: ``pcst_fast`` is asked for and not installed.
    """
    for what, name, names in (("pruning", pruning, PRUNINGS), ("solver", solver, SOLVERS)):
        if name not in names:
            raise ConfigError(f"unknown {what} {name!r}; there are {', '.join(names)}")
    problem = _problem(graph, prizes)
    if not len(problem.nodes):
        return SteinerTree(np.empty(0, np.int32), np.empty(0, np.int32), 0.0)
    solve = _solve if solver == "graphllm" else _solve_with_pcst_fast
    kept, edges = solve(graph, problem, pruning)
    virtual = -1 - kept[kept < 0]
    edges = np.union1d(edges, virtual).astype(np.int32)
    ends = (graph.heads[virtual], graph.tails[virtual])
    nodes = np.unique(np.concatenate([kept[kept >= 0], *ends])).astype(np.int32)
    return SteinerTree(nodes, edges, _value(prizes, nodes, edges))


class _Problem(NamedTuple):
    """Prizes and costs after edges prized above their cost became nodes, ``-1 - edge``."""

    nodes: Int[np.ndarray, "num_prized"]
    prizes: Float64[np.ndarray, "num_prized"]
    exceptions: Int32[np.ndarray, "num_exceptions"]  # edges whose cost is not the common one
    exception_costs: Float64[np.ndarray, "num_exceptions"]  # -1: became a node
    edge_cost: float | Float64[np.ndarray, "num_edges"]


def _problem(graph: HasEdges, prizes: Prizes) -> _Problem:
    num_edges = len(graph.heads)
    _check_ids("node", prizes.node_ids, graph.num_nodes)
    _check_ids("edge", prizes.edge_ids, num_edges)
    cost = prizes.edge_cost
    if isinstance(cost, np.ndarray) and len(cost) != num_edges:
        raise DataError(f"{len(cost)} edge costs for {num_edges} edges; expected one for each")
    nodes, node_prizes = _positive(prizes.node_ids, prizes.node_prizes)
    edges, edge_prizes = _positive(prizes.edge_ids, prizes.edge_prizes)
    rest = (cost[edges] if isinstance(cost, np.ndarray) else cost) - edge_prizes
    is_node = rest < 0
    return _Problem(
        np.concatenate([nodes.astype(np.int64), -1 - edges[is_node].astype(np.int64)]),
        np.concatenate([node_prizes, -rest[is_node]]),
        edges,
        np.where(is_node, -1.0, rest),
        cost,
    )


def _check_ids(what: str, ids: Int32[np.ndarray, "num_ids"], num: int) -> None:
    wrong = ids[(ids < 0) | (ids >= num)]
    if len(wrong):
        raise DataError(f"a prize is for {what} {wrong[0]}; the graph has {what}s 0..{num - 1}")


def _positive(
    ids: Int32[np.ndarray, "num_ids"], prizes: Float64[np.ndarray, "num_ids"]
) -> tuple[Int32[np.ndarray, "num_positive"], Float64[np.ndarray, "num_positive"]]:
    """Return the ids of positive prizes, ascending, and these prizes."""
    order = np.argsort(ids, kind="stable")
    order = order[prizes[order] > 0]
    return ids[order], prizes[order]


class _Kept(NamedTuple):
    """What a solver keeps: nodes, and edges that became nodes as ``-1 - edge``; ordinary edges."""

    nodes: Int[np.ndarray, "num_kept"]
    edges: Int[np.ndarray, "num_kept_edges"]


def _solve(graph: HasEdges, problem: _Problem, pruning: str) -> _Kept:
    from graphllm.retrieval import _pcst_kernel as kernel  # imports numba

    num_edges = len(graph.heads)
    each = problem.edge_cost if isinstance(problem.edge_cost, np.ndarray) else np.empty(0)
    uniform = 0.0 if isinstance(problem.edge_cost, np.ndarray) else problem.edge_cost
    num_exceptions = len(problem.exceptions)
    # zeros of this size are given out by the system without being touched
    slots = np.zeros(num_edges if num_exceptions else 0, np.int32)
    slots[problem.exceptions] = np.arange(1, num_exceptions + 1)
    is_node = problem.exception_costs < 0
    virtual = np.full(num_exceptions, -1)
    virtual[is_node] = np.flatnonzero(problem.nodes < 0)
    out, into = graph.outgoing, graph.incoming
    rows = [out.indptr, out.edge_ids, out.neighbors, into.indptr, into.edge_ids, into.neighbors]
    arrays = map(_read_only, [*rows, graph.heads, graph.tails])
    costs = kernel.Costs(float(uniform), _read_only(each), slots, problem.exception_costs, virtual)
    local_of = np.zeros(graph.num_nodes, np.int32)
    grown = kernel.grow(kernel.Graph(*arrays), costs, local_of, problem.nodes, problem.prizes)
    return _Kept(*kernel.prune(grown, costs, problem.prizes, is_strong=pruning == "strong"))


def _read_only(array: np.ndarray) -> np.ndarray:
    """Return a plain read-only array, so that one compiled kernel serves files and memory alike."""
    view = np.ascontiguousarray(array).view(np.ndarray)
    view.flags.writeable = False
    return view


def _value(
    prizes: Prizes, nodes: Int32[np.ndarray, "num_nodes"], edges: Int32[np.ndarray, "num_edges"]
) -> float:
    cost = prizes.edge_cost
    spent = cost[edges].sum() if isinstance(cost, np.ndarray) else cost * len(edges)
    won = prizes.node_prizes[np.isin(prizes.node_ids, nodes)].sum()
    won += prizes.edge_prizes[np.isin(prizes.edge_ids, edges)].sum()
    return float(won - spent)


def _solve_with_pcst_fast(graph: HasEdges, problem: _Problem, pruning: str) -> _Kept:
    """Solve with the reference implementation, on the whole graph."""
    run = _pcst_fast()
    num_nodes, num_edges = graph.num_nodes, len(graph.heads)
    costs = np.full(num_edges, 0.0) + problem.edge_cost
    costs[problem.exceptions] = problem.exception_costs
    virtual = np.flatnonzero(costs < 0)
    ordinary = np.flatnonzero(costs >= 0)
    ids = num_nodes + np.arange(len(virtual))
    edges = np.concatenate(
        [
            np.stack([graph.heads[ordinary], graph.tails[ordinary]], axis=1),
            np.stack([graph.heads[virtual], ids], axis=1),
            np.stack([ids, graph.tails[virtual]], axis=1),
        ]
    ).astype(np.int64)
    all_costs = np.concatenate([costs[ordinary], np.zeros(2 * len(virtual))])
    all_prizes = np.zeros(num_nodes + len(virtual))
    is_real = problem.nodes >= 0
    all_prizes[problem.nodes[is_real]] = problem.prizes[is_real]
    all_prizes[ids] = problem.prizes[~is_real]
    nodes, kept = run(edges, all_prizes, all_costs, -1, 1, pruning, 0)
    nodes = np.asarray(nodes, np.int64)
    kept = np.asarray(kept, np.int64)
    kept_virtual = virtual[nodes[nodes >= num_nodes] - num_nodes]
    return _Kept(
        np.concatenate([nodes[nodes < num_nodes], -1 - kept_virtual]),
        ordinary[kept[kept < len(ordinary)]],
    )


_INSTALL = "pip install --no-binary pcst_fast pcst_fast"


def _pcst_fast() -> PcstFast:
    """Return the reference implementation, after it has solved a problem with a known answer."""
    try:
        from pcst_fast import pcst_fast
    except ImportError as error:
        raise MissingExtraError(
            f"solver 'pcst_fast' needs an optional package; build it from source: {_INSTALL}"
        ) from error
    check_pcst_fast(pcst_fast)
    return pcst_fast


def check_pcst_fast(run: PcstFast) -> None:
    """Solve a path of four nodes, of which the last does not pay for itself.

    Raises:
        ConfigError: The answer is wrong, as it is from the published wheel with NumPy 2: arrays of
            the right length in which every entry is the first.
    """
    edges = np.array([[0, 1], [1, 2], [2, 3]])
    nodes, kept = run(edges, np.array([3.0, 0, 3, 0.1]), np.array([1.0, 1, 1]), -1, 1, "gw", 0)
    if sorted(map(int, nodes)) != [0, 1, 2] or sorted(map(int, kept)) != [0, 1]:
        raise ConfigError(
            "the installed pcst_fast gives wrong answers (the published wheel does so with "
            f"NumPy 2); build it from source: {_INSTALL}"
        )
