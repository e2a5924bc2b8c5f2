"""The largest singular values of a sparse matrix and their vectors, without a dense copy of it."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64

from graphllm.tokenizers.adjacency import NormalizedAdjacency, times
from graphllm.tokenizers.rows import each_block

NOISE = 1e-6  # singular values this small beside the largest are rounding errors of float32


class TruncatedSVD(NamedTuple):
    """Left vectors, singular values (descending), right vectors: a matrix is about U S V^T."""

    u: Float32[np.ndarray, "num_rows rank"]
    s: Float32[np.ndarray, "rank"]
    v: Float32[np.ndarray, "num_columns rank"]


def randomized_svd(
    adjacency: NormalizedAdjacency,
    rank: int,
    rng: np.random.Generator,
    *,
    n_iter: int = 2,
    oversampling: int = 16,
) -> TruncatedSVD:
    """Return about the ``rank`` largest singular values and vectors; fewer when there are no more.

    Source: Halko, Martinsson, Tropp 2011 (arXiv 0909.4061), algorithms 4.4 and 5.1.
    Differs from the paper: columns are made orthonormal by the eigenvectors of their Gram matrix,
    twice at the end, and not by Householder reflections; that takes matrix products over blocks
    of rows only, and drops directions that the matrix does not have. They are made so after every
    product with A A^T, not with A and with A^T.

    Args:
        rng: Draws the start; the same state gives the same bits.
        n_iter: How often A A^T is applied to the start: more is nearer to the exact answer.
        oversampling: How many more directions are tried than returned.
    """
    num_rows, num_columns = adjacency.shape
    width = min(rank + oversampling, num_rows, num_columns)
    start = rng.standard_normal((num_columns, width), dtype=np.float32)
    basis = times(adjacency.matrix, start)
    del start
    for _ in range(n_iter):
        basis = times(adjacency.transposed, _orthonormal(basis))
        basis = times(adjacency.matrix, basis)
    basis = _orthonormal(_orthonormal(basis))
    images = times(adjacency.transposed, basis)  # A^T Q = V S W^T, so A is about Q W S V^T
    squares, rotation = _spectrum(images)
    rank = min(rank, len(squares))
    s = np.sqrt(squares[:rank])
    u = _rotated(basis, rotation[:, :rank])
    return TruncatedSVD(u, s.astype(np.float32), _rotated(images, rotation[:, :rank] / s))


class _Spectrum(NamedTuple):
    """The eigenvalues of a Gram matrix that are no noise, descending, and their vectors."""

    squares: Float64[np.ndarray, "rank"]
    vectors: Float64[np.ndarray, "width rank"]


def _spectrum(x: Float32[np.ndarray, "num_rows width"]) -> _Spectrum:
    """Return the squared singular values of ``x``, and its right vectors."""

    def product(block: slice) -> Float64[np.ndarray, "width width"]:
        rows = x[block].astype(np.float64)
        return rows.T @ rows

    width = x.shape[1]
    gram = sum(each_block(len(x), product), start=np.zeros((width, width)))
    squares, vectors = np.linalg.eigh(gram)
    squares, vectors = squares[::-1], vectors[:, ::-1]
    kept = int((squares > NOISE**2 * max(squares[:1], default=0.0)).sum())
    return _Spectrum(squares[:kept], vectors[:, :kept])


def _orthonormal(x: Float32[np.ndarray, "num_rows width"]) -> Float32[np.ndarray, "num_rows rank"]:
    """Return orthonormal columns that span those of ``x``, which is overwritten."""
    squares, vectors = _spectrum(x)
    return _rotated(x, vectors / np.sqrt(squares))


def _rotated(
    x: Float32[np.ndarray, "num_rows width"], rotation: Float64[np.ndarray, "width rank"]
) -> Float32[np.ndarray, "num_rows rank"]:
    """Return ``x @ rotation``, in the memory of ``x``."""
    rank = rotation.shape[1]
    narrow = rotation.astype(np.float32)

    def rotate(block: slice) -> None:
        x[block, :rank] = x[block] @ narrow

    each_block(len(x), rotate)
    return x[:, :rank]
