"""The published layout of OpenGraph's data, on tiny files; damaged files are named."""

import pickle

import numpy as np
import pytest
from scipy.sparse import csr_array, save_npz

from graphllm.errors import DataError
from graphllm.evaluate.opengraph import load_link_set, load_node_set


def save(path, dense):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_npz(path, csr_array(np.array(dense)))


@pytest.fixture
def cora(tmp_path):
    """Three nodes and two classes; the last node is to be classified."""
    folder = tmp_path / "opengraph" / "cora"
    dense = np.zeros((5, 5), dtype=np.int64)
    for v, w in [(0, 1), (1, 2), (0, 3), (1, 4)]:
        dense[v, w] = dense[w, v] = 1
    save(folder / "adj_-1.npz", dense)
    np.savez(folder / "label.npz", x=np.array([0, 1, 1]))
    masks = {"train": [1, 0, 0], "valid": [0, 1, 0], "test": [0, 0, 1]}
    np.savez(folder / "mask_-1.npz", **{k: np.array(v, dtype=bool) for k, v in masks.items()})
    return tmp_path


def test_a_node_set_has_its_classes_as_last_rows(cora):
    found = load_node_set("cora", cora)
    assert (found.num_classes, found.labels.tolist()) == (2, [0, 1, 1])
    assert found.masks["test"].tolist() == [False, False, True]
    pairs = list(zip(found.edges.rows.tolist(), found.edges.columns.tolist(), strict=True))
    assert (0, 3) in pairs
    assert (len(pairs), found.edges.shape) == (8, (5, 5))


def test_a_link_set_has_three_parts_of_one_size(tmp_path):
    for part, places in {"trn": [(0, 1), (1, 0)], "val": [(0, 2)], "tst": [(1, 2)]}.items():
        dense = np.zeros((3, 3), dtype=np.int64)
        dense[tuple(np.array(places).T)] = 1
        save(tmp_path / "ddi" / f"{part}_mat.npz", dense)
    found = load_link_set("ddi", tmp_path)
    assert (found.train.rows.tolist(), found.test.columns.tolist()) == ([0, 1], [2])
    save(tmp_path / "ddi" / "val_mat.npz", np.zeros((2, 3)))
    with pytest.raises(DataError, match=r"ddi: matrices of sizes \[\(2, 3\), \(3, 3\)\]"):
        load_link_set("ddi", tmp_path)


def test_zeros_that_are_stored_are_no_edges(tmp_path):
    matrix = csr_array((np.array([1, 0]), np.array([1, 2]), np.array([0, 2, 2, 2])), shape=(3, 3))
    for part in ("trn", "val", "tst"):
        (tmp_path / "ddi").mkdir(exist_ok=True)
        save_npz(tmp_path / "ddi" / f"{part}_mat.npz", matrix)
    assert load_link_set("ddi", tmp_path).train.columns.tolist() == [1]


def test_a_pickle_is_refused_and_never_loaded(cora, tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "trapped"), "w"))

    (cora / "opengraph" / "cora" / "adj_-1.pkl").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(DataError, match=r"adj_-1\.pkl: pickles are not read.*save adj_-1\.npz"):
        load_node_set("cora", cora)
    np.savez(cora / "opengraph" / "cora" / "label.npz", x=np.array([Trap()], dtype=object))
    (cora / "opengraph" / "cora" / "adj_-1.pkl").unlink()
    with pytest.raises(DataError, match=r"label\.npz: expected arrays x in a \.npz file"):
        load_node_set("cora", cora)
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize(
    ("file", "arrays", "message"),
    [
        ("label", {"x": np.array([0, 1])}, "mask"),
        ("label", {"x": np.array([0, 1, 7])}, r"expected classes 0\.\.1"),
        ("label", {"x": np.arange(5)}, "5 labels for a matrix"),
        ("label", {"y": np.arange(3)}, "expected arrays x"),
        ("mask_-1", {"train": np.ones(3, bool)}, "expected arrays train, valid, test"),
    ],
    ids=["short", "class", "long", "unnamed", "masks"],
)
def test_files_that_do_not_fit_are_named(cora, file, arrays, message):
    np.savez(cora / "opengraph" / "cora" / f"{file}.npz", **arrays)
    with pytest.raises(DataError, match=message):
        load_node_set("cora", cora)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        ({"format": np.array(b"csc")}, r"compressed sparse rows \('csr'\)"),
        ({"indptr": np.array([0, 9])}, "rows do not fit a matrix of 5 x 5"),
        ({"indices": np.array([1, 3, 0, 2, 4, 1, 0, 9])}, r"a column outside 0\.\.4"),
    ],
    ids=["format", "rows", "columns"],
)
def test_matrices_that_are_none_are_named(cora, harm, message):
    path = cora / "opengraph" / "cora" / "adj_-1.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    np.savez(path, **{**arrays, **harm})
    with pytest.raises(DataError, match=message):
        load_node_set("cora", cora)


def test_a_torn_or_missing_file_is_named(cora):
    path = cora / "opengraph" / "cora" / "label.npz"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match=r"label\.npz: expected arrays x"):
        load_node_set("cora", cora)
    path.unlink()
    with pytest.raises(DataError, match=r"no file .*label\.npz; unpack the OpenGraph data sets"):
        load_node_set("cora", cora)


@pytest.mark.data
def test_the_published_counts(data_dir):
    counts = {"cora": (2708, 7, 640), "citeseer": (3327, 6, 620), "pubmed": (19717, 3, 560)}
    for name, (num_nodes, num_classes, num_labelled) in counts.items():
        found = load_node_set(name, data_dir)
        assert (len(found.labels), found.num_classes) == (num_nodes, num_classes)
        labelled = found.masks["train"] | found.masks["valid"]
        joined = found.edges.rows[found.edges.columns >= num_nodes]
        # all nodes that may be learnt from have an edge to a class, those that are tested none
        assert set(joined[joined < num_nodes].tolist()) == set(np.flatnonzero(labelled).tolist())
        assert labelled.sum() == num_labelled
        assert (found.masks["test"] & ~labelled).sum() == found.masks["test"].sum() == 1000
    assert len(load_link_set("ddi", data_dir).train.rows) == 2_135_822
