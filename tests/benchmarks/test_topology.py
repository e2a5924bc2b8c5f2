"""What the zero-shot scores are, against loops over nodes."""

import numpy as np
import pytest

from graphllm.evaluate.opengraph import Edges, LinkSet, NodeSet


def edges(pairs, num_nodes):
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return Edges(rows, columns, (num_nodes, num_nodes))


def test_recall_is_the_share_of_missing_edges_among_the_best_that_are_no_neighbours(script):
    bench = script("topology")
    rng = np.random.default_rng(0)
    pairs = [(v, w) for v in range(60) for w in range(60) if rng.random() < 0.2]
    train, test = pairs[::2], pairs[1::2]
    links = LinkSet(name="x", train=edges(train, 60), valid=edges([], 60), test=edges(test, 60))
    tokens = rng.standard_normal((60, 5)).astype(np.float32)
    expected = []
    for node in range(60):
        missing = {w for v, w in test if v == node}
        known = {w for v, w in train if v == node}
        others = [w for w in range(60) if w not in known]
        best = sorted(others, key=lambda w: -float(tokens[node] @ tokens[w]))[:20]
        if missing:
            expected.append(len(missing & set(best)) / len(missing))
    np.testing.assert_allclose(bench.recall(links, tokens, "test"), expected)


def test_a_class_is_the_most_alike_class_node_and_spreads_from_it(script):
    bench = script("topology")
    # nodes 0-1-2 and 3-4; class nodes 5 (joined to 0) and 6 (joined to 3)
    pairs = [(0, 1), (1, 2), (3, 4), (0, 5), (3, 6)]
    nodes = NodeSet(
        name="x",
        edges=edges(pairs, 7),
        num_classes=2,
        labels=np.array([0, 0, 0, 1, 0]),
        masks={"test": np.array([False, True, True, False, True])},
    )
    arrived = bench.propagated(nodes)
    assert arrived.shape == (7, 2)
    assert arrived[:5].argmax(axis=1).tolist() == [0, 0, 0, 1, 1]
    tokens = np.zeros((7, 2), dtype=np.float32)
    tokens[[0, 1, 3, 4, 5, 6]] = [[1, 0], [1, 0], [0, 1], [0, 1], [1, 0], [0, 1]]
    tokens[2] = [0.1, 0.9]
    assert bench.right_class(nodes, tokens, "test").tolist() == [1.0, 0.0, 0.0]


def test_a_row_tells_spread_over_seeds_apart_from_spread_over_nodes(script):
    told = script("topology").Row("x", [np.array([1.0, 0.0]), np.array([1.0, 1.0])], 1.0).told()
    assert (told["value"], told["n"], told["seeds"]) == (0.75, 2, 2)
    assert told["sd_over_seeds"] == pytest.approx(np.std([0.5, 1.0], ddof=1))
    assert told["standard_error"] == pytest.approx(np.std([1.0, 0.5], ddof=1) / np.sqrt(2))
