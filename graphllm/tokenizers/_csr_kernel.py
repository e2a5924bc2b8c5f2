"""A sparse matrix times a few dense columns, compiled.

Importing this imports numba. ``no_type_check`` keeps the shape checks of the tests out of what
numba compiles.
"""

from typing import no_type_check

import numpy as np
from numba import njit


@no_type_check
def _multiply_rows(
    indptr: np.ndarray,
    columns: np.ndarray,
    values: np.ndarray,
    x: np.ndarray,
    out: np.ndarray,
    start: int,
    stop: int,
) -> None:
    """Write rows ``start`` to ``stop`` of the product of compressed sparse rows and ``x``."""
    dim = x.shape[1]
    for row in range(start, stop):
        into = out[row]
        into[:] = 0
        for place in range(indptr[row], indptr[row + 1]):
            value = values[place]
            source = x[columns[place]]
            for j in range(dim):
                into[j] += value * source[j]


try:
    multiply_rows = njit(nogil=True, cache=True)(_multiply_rows)
except RuntimeError:  # no folder that may be written: neither beside this file nor the user's
    multiply_rows = njit(nogil=True)(_multiply_rows)
