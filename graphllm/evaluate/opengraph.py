"""The node and link sets that OpenGraph is measured on, as edges and labels.

    opengraph/cora/adj_-1.npz     sparse matrix; the last rows are nodes that stand for the classes
    opengraph/cora/label.npz      x: the class of each node that is none
    opengraph/cora/mask_-1.npz    train, valid, test
    opengraph/ddi/{trn,val,tst}_mat.npz

They are published as pickles, which can run anything when read. Read here are the same matrices as
``scipy.sparse.save_npz`` writes them.
"""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int64

from graphllm.errors import DataError
from graphllm.evaluate.layout import find_file

NODE_SETS = ("cora", "citeseer", "pubmed")
LINK_SETS = ("ddi",)


class Edges(NamedTuple):
    """The places of a sparse matrix that are not zero."""

    rows: Int64[np.ndarray, "num_edges"]
    columns: Int64[np.ndarray, "num_edges"]
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSet:
    """A graph whose nodes are to be classified.

    Every node of the train and valid parts has an edge to the node of its class: the labels are in
    the graph. Nodes of the test part have none.

    Attributes:
        edges: Between nodes ``0..len(labels) - 1`` and class nodes ``len(labels) + class``.
        labels: The class of each node.
        masks: ``"train"``, ``"valid"`` and ``"test"``: which nodes belong to each part.
    """

    name: str
    edges: Edges
    num_classes: int
    labels: Int64[np.ndarray, "num_nodes"]
    masks: Mapping[str, Bool[np.ndarray, "num_nodes"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSet:
    """A graph whose missing edges are to be found."""

    name: str
    train: Edges
    valid: Edges
    test: Edges


def load_node_set(name: str, data_dir: Path, *, shots: int = -1) -> NodeSet:
    """Read one of ``NODE_SETS``.

    Args:
        shots: How many nodes of each class are joined to its node: 1, 5, or all of the train and
            valid parts when -1.

    Raises:
        DataError: A file is missing, is a pickle, or does not fit the others.
    """
    edges = _edges(_file(data_dir, name, f"adj_{shots}"))
    path = _file(data_dir, name, "label")
    labels = _arrays(path, ["x"])["x"].astype(np.int64)
    num_classes = edges.shape[0] - len(labels)
    if edges.shape[0] != edges.shape[1] or num_classes < 1 or labels.ndim != 1:
        raise DataError(
            f"{path}: {len(labels)} labels for a matrix of {edges.shape}; expected a square one"
            " with a row per node and then one per class"
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < num_classes:
        raise DataError(f"{path}: expected classes 0..{num_classes - 1}")
    masks = _arrays(_file(data_dir, name, f"mask_{shots}"), ["train", "valid", "test"])
    if any(mask.shape != labels.shape for mask in masks.values()):
        raise DataError(f"{path.parent}: masks are not as long as the {len(labels)} labels")
    return NodeSet(
        name=name,
        edges=edges,
        num_classes=num_classes,
        labels=labels,
        masks={part: mask.astype(bool) for part, mask in masks.items()},
    )


def load_link_set(name: str, data_dir: Path) -> LinkSet:
    """Read one of ``LINK_SETS``.

    Raises:
        DataError: A file is missing, is a pickle, or is of another size than the others.
    """
    parts = [_edges(_file(data_dir, name, f"{part}_mat")) for part in ("trn", "val", "tst")]
    shapes = {part.shape for part in parts}
    if len(shapes) > 1:
        raise DataError(f"{name}: matrices of sizes {sorted(shapes)}; expected one size")
    train, valid, test = parts
    return LinkSet(name=name, train=train, valid=valid, test=test)


def _file(data_dir: Path, name: str, stem: str) -> Path:
    folders = [f"opengraph/{name}", name]
    for folder in folders:
        if (data_dir / folder / f"{stem}.pkl").is_file():
            raise DataError(
                f"{data_dir / folder / stem}.pkl: pickles are not read, they can run anything; load"
                f" it where you trust it, and save {stem}.npz with scipy.sparse.save_npz"
            )
    return find_file(data_dir, folders, "the OpenGraph data sets", [f"{stem}.npz"])


def _arrays(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return arrays of a ``.npz`` file by name; never a pickle."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return {name: stored[name] for name in names}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: expected arrays {', '.join(names)} in a .npz file ({error})"
        ) from error


def _edges(path: Path) -> Edges:
    """Return where a matrix in compressed sparse rows is not zero."""
    stored = _arrays(path, ["indptr", "indices", "data", "shape", "format"])
    if stored["format"].item() != b"csr" or stored["shape"].shape != (2,):
        raise DataError(f"{path}: expected a matrix in compressed sparse rows ('csr')")
    num_rows, num_columns = map(int, stored["shape"])
    indptr, columns = stored["indptr"].astype(np.int64), stored["indices"].astype(np.int64)
    lengths = np.diff(indptr)
    fits = len(indptr) == num_rows + 1 and len(columns) == len(stored["data"])
    if not fits or (lengths < 0).any() or indptr[0] != 0 or indptr[-1] != len(columns):
        raise DataError(f"{path}: its rows do not fit a matrix of {num_rows} x {num_columns}")
    if len(columns) and not 0 <= columns.min() <= columns.max() < num_columns:
        raise DataError(f"{path}: names a column outside 0..{num_columns - 1}")
    there = stored["data"] != 0
    rows = np.repeat(np.arange(num_rows), lengths)
    return Edges(rows[there], columns[there], (num_rows, num_columns))
