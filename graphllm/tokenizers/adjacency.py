"""Normalised adjacency matrices of graphs, and their products with dense columns."""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int

from graphllm.errors import DataError
from graphllm.graph.view import GraphView
from graphllm.tokenizers.rows import side_by_side

BLOCKS = 32  # what a product is cut into, of about as many entries each

Nodes = Int[np.ndarray, "num_edges"]


class NormalizedAdjacency(NamedTuple):
    """D^-1/2 A D^-1/2 and its transpose, as ``scipy.sparse.csr_array`` of float32.

    Rows and columns are the same nodes when the graph is undirected, and two sets of nodes when it
    is bipartite; then the degrees of each side normalise it. There is no added self-loop.

    Attributes:
        matrix: The matrix; ``matrix[v, w]`` is 1 / sqrt(degree of v * degree of w) for an edge.
        transposed: Its transpose: the very same object when the matrix is symmetric.
    """

    matrix: Any  # scipy ships no types
    transposed: Any

    @classmethod
    def undirected(
        cls,
        heads: Nodes,
        tails: Nodes,
        num_nodes: int,
        relation_ids: Nodes | None = None,
    ) -> "NormalizedAdjacency":
        """Return the matrix of edges whose directions do not matter.

        Args:
            heads: The node at one end of each edge; an edge that comes twice counts once.
            tails: The node at the other end.
            relation_ids: Balances relations when given: see ``relation_weights``.

        Raises:
            DataError: An edge names a node outside ``0..num_nodes - 1``.
        """
        _check_ends(heads, num_nodes, "node")
        _check_ends(tails, num_nodes, "node")
        both = None if relation_ids is None else np.concatenate([relation_ids, relation_ids])
        rows, columns = np.concatenate([heads, tails]), np.concatenate([tails, heads])
        matrix = _normalized(_counted(rows, columns, (num_nodes, num_nodes), both))
        return cls(matrix, matrix)

    @classmethod
    def bipartite(
        cls,
        rows: Nodes,
        columns: Nodes,
        num_rows: int,
        num_columns: int,
        relation_ids: Nodes | None = None,
    ) -> "NormalizedAdjacency":
        """Return the matrix of edges from one set of nodes to another.

        A directed graph is one too: its nodes as heads, and the same nodes as tails.

        Raises:
            DataError: An edge names a node that is not there.
        """
        _check_ends(rows, num_rows, "row")
        _check_ends(columns, num_columns, "column")
        matrix = _normalized(_counted(rows, columns, (num_rows, num_columns), relation_ids))
        return cls(matrix, matrix.T.tocsr())

    @classmethod
    def of(cls, view: GraphView, *, directed: bool, balanced: bool) -> "NormalizedAdjacency":
        """Return the matrix of all edges of a graph.

        Args:
            directed: Keep the directions: heads are rows, tails are columns.
            balanced: Let every relation count by its own degrees: see ``relation_weights``.
        """
        heads, tails, count = np.asarray(view.heads), np.asarray(view.tails), view.num_nodes
        relation_ids = np.asarray(view.relation_ids) if balanced else None
        if directed:
            return cls.bipartite(heads, tails, count, count, relation_ids)
        return cls.undirected(heads, tails, count, relation_ids)

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows and columns."""
        return self.matrix.shape[0], self.matrix.shape[1]

    @property
    def is_symmetric(self) -> bool:
        """Whether rows and columns are the same nodes of an undirected graph."""
        return self.matrix is self.transposed

    @property
    def num_nodes(self) -> int:
        """How many nodes: rows and columns together, unless they are the same."""
        return self.shape[0] if self.is_symmetric else sum(self.shape)

    def spread(
        self, x: Float32[np.ndarray, "num_nodes dim"]
    ) -> Float32[np.ndarray, "num_nodes dim"]:
        """Return the normalised sum of each node's neighbours.

        Of a bipartite graph, ``x`` holds the rows' vectors and then the columns'.
        """
        if self.is_symmetric:
            return times(self.matrix, x)
        num_rows = self.shape[0]
        out = np.empty_like(x)
        times(self.matrix, x[num_rows:], out[:num_rows])
        times(self.transposed, x[:num_rows], out[num_rows:])
        return out


def times(
    matrix: Any,  # noqa: ANN401 - scipy ships no types
    x: Float32[np.ndarray, "num_columns dim"],
    out: Float32[np.ndarray, "num_rows dim"] | None = None,
) -> Float32[np.ndarray, "num_rows dim"]:
    """Return a sparse matrix times ``x``, on all cores, equal bit for bit on any number of them."""
    from graphllm.tokenizers._csr_kernel import multiply_rows  # imports numba

    x = np.ascontiguousarray(x)
    if out is None:
        out = np.empty((matrix.shape[0], x.shape[1]), dtype=np.float32)
    marks = np.linspace(0, matrix.nnz, BLOCKS + 1)
    bounds = np.searchsorted(matrix.indptr, marks[1:-1]).tolist()
    ends = sorted({0, *bounds, matrix.shape[0]})
    side_by_side(
        [slice(*pair) for pair in pairwise(ends)],
        lambda block: multiply_rows(
            matrix.indptr, matrix.indices, matrix.data, x, out, block.start, block.stop
        ),
    )
    return out


def _check_ends(ends: Nodes, count: int, what: str) -> None:
    wrong = np.flatnonzero((ends < 0) | (ends >= count))
    if len(wrong):
        raise DataError(
            f"edge {wrong[0]} names {what} {ends[wrong[0]]}, outside 0..{count - 1}; expected ids"
            f" of the {count} {what}s"
        )


def _counted(
    rows: Nodes, columns: Nodes, shape: tuple[int, int], relation_ids: Nodes | None
) -> Any:  # noqa: ANN401 - scipy ships no types
    """Return the adjacency matrix: 1 for a pair with an edge, or the sum of its edges' weights."""
    from scipy.sparse import coo_array, csr_array

    if relation_ids is not None:
        rows, columns, weights = relation_weights(rows, columns, relation_ids)
    else:
        weights = np.ones(len(rows), dtype=np.float32)
    matrix = csr_array(coo_array((weights, (rows, columns)), shape=shape))
    matrix.sum_duplicates()
    if relation_ids is None:
        matrix.data[:] = 1
    # sums in double precision: their order, which is that of the nodes, leaves no trace in single
    return matrix.astype(np.float32, copy=False)


class WeightedEdges(NamedTuple):
    """Distinct edges and what each counts."""

    rows: Nodes
    columns: Nodes
    weights: Float64[np.ndarray, "num_edges"]


def relation_weights(rows: Nodes, columns: Nodes, relation_ids: Nodes) -> WeightedEdges:
    """Return each distinct edge, weighted by the degrees of its ends in its own relation.

    An edge of relation r counts 1 / sqrt(degree_r(row) * degree_r(column)): a relation that gives
    a node thousands of edges ("has genre") outweighs none that gives it one ("directed by").
    """
    order = np.lexsort((columns, rows, relation_ids))
    rows, columns, relation_ids = rows[order], columns[order], relation_ids[order]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (np.diff(rows) != 0) | (np.diff(columns) != 0) | (np.diff(relation_ids) != 0)
    rows, columns, relation_ids = rows[first], columns[first], relation_ids[first]
    degrees = _degrees_within(relation_ids, rows) * _degrees_within(relation_ids, columns)
    return WeightedEdges(rows, columns, degrees**-0.5)


def _degrees_within(relation_ids: Nodes, nodes: Nodes) -> Float64[np.ndarray, "num_edges"]:
    """Return for each edge how many edges of its relation its node has."""
    if not len(nodes):
        return np.zeros(0)
    keys = relation_ids.astype(np.int64) * (int(nodes.max()) + 1) + nodes
    _, which, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return counts[which].astype(np.float64)


def _normalized(matrix: Any) -> Any:  # noqa: ANN401 - scipy ships no types
    """Return the matrix with each entry over the square roots of its row's and column's sums."""
    num_rows, num_columns = matrix.shape
    rows = np.repeat(np.arange(num_rows, dtype=np.int32), np.diff(matrix.indptr))
    by_row = _inverse_root(_sums(rows, matrix.data, num_rows))
    by_column = _inverse_root(_sums(matrix.indices, matrix.data, num_columns))
    scale = by_row[rows]
    scale *= by_column[matrix.indices]  # first among themselves: an edge and its turn get the same
    matrix.data *= scale
    return matrix


def _sums(
    places: Nodes, values: Float32[np.ndarray, "num_edges"], count: int
) -> Float64[np.ndarray, "count"]:
    # without any values bincount forgets that they are floats
    return np.bincount(places, values, count).astype(np.float64, copy=False)


def _inverse_root(sums: Float64[np.ndarray, "num_nodes"]) -> Float32[np.ndarray, "num_nodes"]:
    has_edges = sums > 0
    roots = np.zeros(len(sums), dtype=np.float32)
    roots[has_edges] = sums[has_edges] ** -0.5
    return roots
