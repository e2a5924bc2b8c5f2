"""The OpenGraph tokenizer: a vector for each node from how the graph is wired, and nothing else.

Vectors of nodes of different graphs have the same length and the same statistics, whatever the
size of the graph, so that a model trained on some graphs can be used on others. No torch.

>>> from graphllm.graph import TextualGraph
>>> graph = TextualGraph.from_triples([("a", "r", "b"), ("b", "r", "c"), ("c", "r", "d")])
>>> graph_topology(graph, TopologySettings(dim=8)).shape
(4, 8)
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256

import numpy as np
from jaxtyping import Float, Float32, Float64

from graphllm.errors import ConfigError
from graphllm.graph.view import GraphView
from graphllm.index.graph_index import GraphIndex
from graphllm.tokenizers.adjacency import NormalizedAdjacency
from graphllm.tokenizers.rows import each_block
from graphllm.tokenizers.svd import NOISE, randomized_svd

VERSION = 1  # raised when the same settings give other tokens: what is kept is then made again
EXACT_BYTES = 64 << 20  # dense matrices that are decomposed together
SETTLED = 1e-4  # a column less lopsided than this has no sign of its own
VARIANCE_FLOOR = 1e-5  # of the mean variance of all nodes

RELATIONS = ("merged", "balanced")


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologySettings:
    """How a graph is made into tokens; the same graph and settings always give the same tokens.

    Attributes:
        dim: Length of a token. The paper has 1024; where the graph has less rank, zeros follow.
        order: How many hops are mixed in; 0 leaves tokens as decomposed, the paper has 3.
        n_iter: Power iterations of the randomised decomposition.
        oversampling: Directions it tries beside those it keeps.
        directed: Half of each token describes the node as a head, half as a tail.
        relations: ``"merged"``: an edge is an edge. ``"balanced"``: an edge counts by the degrees
            of its ends in its own relation, so that none drowns the others.
        exact_up_to: Graphs of at most so many nodes are decomposed exactly.
        seed: Start of the randomised decomposition.

    Raises:
        ConfigError: A number is out of range, or ``relations`` is neither word.
    """

    dim: int = 128
    order: int = 3
    n_iter: int = 2
    oversampling: int = 16
    directed: bool = False
    relations: str = "merged"
    exact_up_to: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        if self.relations not in RELATIONS:
            raise ConfigError(f"relations is {self.relations!r}, expected one of {RELATIONS}")
        for name in ("dim", "order", "n_iter", "oversampling", "exact_up_to", "seed"):
            least = 1 if name == "dim" else 0
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected at least {least}")
        if self.directed and self.dim % 2:
            raise ConfigError(
                f"dim is {self.dim}; directed tokens have two halves, use an even one"
            )

    @property
    def name(self) -> str:
        """A name for the tokens these settings make: different for different settings."""
        told = repr((VERSION, sorted(asdict(self).items())))
        return f"topology-{sha256(told.encode()).hexdigest()[:16]}"


def graph_topology(
    view: GraphView, settings: TopologySettings
) -> Float32[np.ndarray, "num_nodes dim"]:
    """Return the topology tokens of all nodes of a graph.

    Those of an index are computed once, kept beside it and memory-mapped.

    Raises:
        BusyError: Another process is computing them, and has not finished in a long while.
        DataError: They cannot be written beside the index.
    """
    if isinstance(view, GraphIndex):
        return view.derived(settings.name, lambda: _of_view(view, settings))
    return _of_view(view, settings)


def _of_view(view: GraphView, settings: TopologySettings) -> Float32[np.ndarray, "num_nodes dim"]:
    balanced = settings.relations == "balanced"
    adjacency = NormalizedAdjacency.of(view, directed=settings.directed, balanced=balanced)
    return _node_tokens(adjacency, settings)


def _node_tokens(
    adjacency: NormalizedAdjacency, settings: TopologySettings
) -> Float32[np.ndarray, "num_nodes dim"]:
    """Return a token per node of a graph; of a directed one, head and tail halves joined."""
    if not settings.directed:
        return topology_tokens(adjacency, settings)
    halves = topology_tokens(adjacency, settings, dim=settings.dim // 2)
    return np.concatenate(np.split(halves, 2), axis=1)


def topology_tokens(
    adjacency: NormalizedAdjacency,
    settings: TopologySettings,
    rng: np.random.Generator | None = None,
    *,
    dim: int | None = None,
) -> Float32[np.ndarray, "num_nodes dim"]:
    """Return a token per row of a symmetric matrix, else per row and then per column.

    With U, S, V the largest singular values and vectors of the normalised adjacency A:

        P = U sqrt(S) + V sqrt(S)      of a symmetric matrix
        P = [U sqrt(S); V sqrt(S)]     of a bipartite one, rows above columns
        E = LayerNorm(P)               over each row, without weights
        tokens = A E + A^2 E + ... + A^L E

    Source: Xia, Kao, Huang 2024, "OpenGraph" (arXiv 2403.01121), section 3.1.
    Differs from the paper, as its code does: the paper states the decomposition of the smoothed
    adjacency, the code decomposes A and then smooths.
    Differs from its code: signs are settled by the graph (see ``_signed``); the floor under the
    variance is relative, for entries of U shrink with the number of nodes and an absolute one
    would drown them in a large graph; small graphs are decomposed exactly.

    On an undirected graph the negative eigenvalues of A have v = -u and leave columns of zeros,
    about half of them. The vectors of equal singular values may be turned into each other; nothing
    says which are meant, and tokens then depend on the order of the nodes. Each connected part of
    a graph has the value 1 (of a directed graph: each part of its heads and tails as two sets).

    Args:
        rng: Draws the start of the randomised decomposition, to vary it while training; by
            ``settings.seed`` when ``None``.
        dim: Length of a token, when not ``settings.dim``.
    """
    dim = dim or settings.dim
    if adjacency.num_nodes <= settings.exact_up_to:
        dense = adjacency.matrix.toarray().astype(np.float64)[None]
        return _exact_tokens(dense, adjacency.is_symmetric, settings.order, dim)[0]
    return _randomized_tokens(adjacency, settings, rng or np.random.default_rng(settings.seed), dim)


def topology_of_many(
    views: Sequence[GraphView], settings: TopologySettings
) -> list[Float32[np.ndarray, "num_nodes dim"]]:
    """Return the tokens of each of many small graphs: what ``graph_topology`` gives, sooner.

    Graphs of one size are decomposed together.
    """
    tokens: dict[int, Float32[np.ndarray, "num_nodes dim"]] = {}
    twice = 2 if settings.directed else 1
    for group in _of_one_size(views, settings.exact_up_to // twice):
        dense = _dense_side_by_side([views[i] for i in group], settings)
        found = _exact_tokens(dense, not settings.directed, settings.order, settings.dim // twice)
        if settings.directed:
            found = np.concatenate(np.split(found, 2, axis=1), axis=2)
        tokens.update(zip(group, found, strict=True))
    return [tokens[i] if i in tokens else _of_view(view, settings) for i, view in enumerate(views)]


def _of_one_size(views: Sequence[GraphView], most_nodes: int) -> Iterator[list[int]]:
    """Group graphs by their number of nodes, as many together as fit in ``EXACT_BYTES``."""
    by_size: dict[int, list[int]] = {}
    for i, view in enumerate(views):
        by_size.setdefault(view.num_nodes, []).append(i)
    for size, group in by_size.items():
        if size <= most_nodes:
            together = max(1, EXACT_BYTES // (8 * max(size, 1) ** 2))
            yield from (group[at : at + together] for at in range(0, len(group), together))


def _dense_side_by_side(
    views: Sequence[GraphView], settings: TopologySettings
) -> Float64[np.ndarray, "num_graphs size size"]:
    """Return the normalised matrices of graphs of one size, as parts of one graph's matrix."""
    count, size = len(views), views[0].num_nodes
    starts = size * np.arange(count)
    heads, tails = (
        np.concatenate([getattr(v, side) + s for v, s in zip(views, starts, strict=True)])
        for side in ("heads", "tails")
    )
    relation_ids = None
    if settings.relations == "balanced":  # those of several graphs never meet at a node
        relation_ids = np.concatenate([view.relation_ids for view in views])
    if settings.directed:
        joined = NormalizedAdjacency.bipartite(
            heads, tails, count * size, count * size, relation_ids
        )
    else:
        joined = NormalizedAdjacency.undirected(heads, tails, count * size, relation_ids)
    places = joined.matrix.tocoo()
    dense = np.zeros((count, size, size))
    if size:
        dense[places.row // size, places.row % size, places.col % size] = places.data
    return dense


def _exact_tokens(
    dense: Float64[np.ndarray, "num_graphs num_rows num_columns"],
    is_symmetric: bool,
    order: int,
    dim: int,
) -> Float32[np.ndarray, "num_graphs num_nodes dim"]:
    """Return the tokens of dense normalised adjacency matrices."""
    factors = _symmetric_factors(dense) if is_symmetric else _two_sided_factors(dense)
    p = np.zeros((*factors.shape[:2], dim))
    kept = min(dim, factors.shape[2])
    p[..., :kept] = factors[..., :kept]
    tokens = _normalized(p)
    if order:
        hop, tokens = tokens, np.zeros_like(tokens)
        for _ in range(order):
            hop = _dense_spread(dense, hop, is_symmetric)
            tokens += hop
    return tokens.astype(np.float32)


def _symmetric_factors(
    dense: Float64[np.ndarray, "num_graphs num_nodes num_nodes"],
) -> Float64[np.ndarray, "num_graphs num_nodes num_nodes"]:
    """Return U sqrt(S) + V sqrt(S): of eigenvectors, twice the positive and none of the negative.

    Columns are in the order of their singular values, the positive first of two that are equal, as
    all are in a graph without odd cycles.
    """
    values, vectors = np.linalg.eigh(dense)
    order = np.argsort(-np.abs(values) - 1e-9 * np.sign(values), axis=1, kind="stable")
    values = np.take_along_axis(values, order, axis=1)
    vectors = np.take_along_axis(vectors, order[:, None], axis=2)
    values[values < NOISE] = 0
    return 2 * vectors * np.sqrt(values)[:, None]


def _two_sided_factors(
    dense: Float64[np.ndarray, "num_graphs num_rows num_columns"],
) -> Float64[np.ndarray, "num_graphs num_nodes rank"]:
    """Return U sqrt(S) above V sqrt(S)."""
    u, s, vt = np.linalg.svd(dense, full_matrices=False)
    s[s < NOISE] = 0
    return np.concatenate([u, vt.swapaxes(1, 2)], axis=1) * np.sqrt(s)[:, None]


def _dense_spread(
    dense: Float64[np.ndarray, "num_graphs num_rows num_columns"],
    x: Float64[np.ndarray, "num_graphs num_nodes dim"],
    is_symmetric: bool,
) -> Float64[np.ndarray, "num_graphs num_nodes dim"]:
    if is_symmetric:
        return dense @ x
    num_rows = dense.shape[1]
    ahead, back = dense @ x[:, num_rows:], dense.swapaxes(1, 2) @ x[:, :num_rows]
    return np.concatenate([ahead, back], axis=1)


def _randomized_tokens(
    adjacency: NormalizedAdjacency, settings: TopologySettings, rng: np.random.Generator, dim: int
) -> Float32[np.ndarray, "num_nodes dim"]:
    u, s, v = randomized_svd(
        adjacency, dim, rng, n_iter=settings.n_iter, oversampling=settings.oversampling
    )
    p = np.zeros((adjacency.num_nodes, dim), dtype=np.float32)
    roots, rank = np.sqrt(s), len(s)
    if adjacency.is_symmetric:

        def add(block: slice) -> None:
            p[block, :rank] = (u[block] + v[block]) * roots

        each_block(len(u), add)
    else:
        p[: len(u), :rank], p[len(u) :, :rank] = u * roots, v * roots
    del u, v
    return _smoothed(adjacency, _normalized(p[None])[0], settings.order)


def _smoothed(
    adjacency: NormalizedAdjacency, x: Float32[np.ndarray, "num_nodes dim"], order: int
) -> Float32[np.ndarray, "num_nodes dim"]:
    """Return A x + A^2 x + ... + A^order x."""
    if not order:
        return x
    x = adjacency.spread(x)
    tokens = x.copy()
    for _ in range(order - 1):
        x = adjacency.spread(x)
        tokens += x
    return tokens


def _normalized(
    p: Float[np.ndarray, "num_graphs num_nodes dim"],
) -> Float[np.ndarray, "num_graphs num_nodes dim"]:
    """Return LayerNorm of each row, in the memory of ``p``.

    The sign of a singular vector is arbitrary; here each column is turned so that its third moment
    is positive, a rule that does not depend on the order of the nodes. A column that a symmetry of
    the graph maps to its negative cannot be turned by any such rule. It would enter the means of
    rows with an arbitrary sign; so means are taken over the others, and it is left uncentred, which
    is the same on average over both signs.
    """
    _, num_nodes, dim = p.shape
    lopsided = _lopsidedness(p)
    signs = np.where(lopsided < 0, -1, 1).astype(p.dtype)[:, None]
    is_settled = (np.abs(lopsided) >= SETTLED).astype(p.dtype)[:, None]

    def center(block: slice) -> Float[np.ndarray, "num_graphs"]:
        rows = p[:, block]
        rows *= signs
        rows -= (rows @ is_settled.swapaxes(1, 2) / dim) * is_settled
        return np.einsum("gnd,gnd->g", rows, rows)

    energy = sum(each_block(num_nodes, center), start=np.zeros(len(p)))
    floor = VARIANCE_FLOOR * energy / max(num_nodes * dim, 1)
    floor[floor == 0] = 1  # a graph without edges: all is zero, and stays so

    def scale(block: slice) -> None:
        rows = p[:, block]
        variance = np.einsum("gnd,gnd->gn", rows, rows) / dim
        rows /= np.sqrt(variance + floor[:, None])[:, :, None].astype(p.dtype)

    each_block(num_nodes, scale)
    return p


def _lopsidedness(
    p: Float[np.ndarray, "num_graphs num_nodes dim"],
) -> Float64[np.ndarray, "num_graphs dim"]:
    """Return of each column its sum of cubes over that of their absolutes; 1 of a zero column."""

    def moments(block: slice) -> Float64[np.ndarray, "2 num_graphs dim"]:
        cubes = p[:, block].astype(np.float64) ** 3
        return np.stack([cubes.sum(axis=1), np.abs(cubes).sum(axis=1)])

    nothing = np.zeros((2, len(p), p.shape[2]))
    cubes, absolutes = sum(each_block(p.shape[1], moments), start=nothing)
    return np.divide(cubes, absolutes, out=np.ones_like(cubes), where=absolutes > 1e-300)
