"""How much do topology tokens tell without any training? OpenGraph's zero-shot tasks.

    python benchmarks/topology.py --data DIR [--set cora ...] [--dim 1024] [--seeds 0 1 2]
        [--split test] [--out DIR]

Node sets: a class is a node with edges to the labelled nodes (no node that is tested has one), and
a node's class is the class node whose token is most like its own, by dot product and by cosine.
Beside it: label propagation on the same matrix (Zhou et al. 2004: F <- .9 A F + .1 Y, 50 times),
which shows how much of it is the labels in the graph. Link set: the 20 most alike nodes that are
not yet neighbours, recall of a node's missing edges, mean over nodes that have some.

Nothing is trained and nothing is chosen by these numbers: settings are the paper's (1,024
dimensions, three hops). Labels and test edges are read to score. Rows: the mean over seeds of the
start of the decomposition, its standard deviation over seeds, and the standard error over nodes.
Published: OpenGraph (arXiv 2403.01121), trained.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from graphllm.evaluate.opengraph import (
    LINK_SETS,
    NODE_SETS,
    Edges,
    LinkSet,
    NodeSet,
    load_link_set,
    load_node_set,
)
from graphllm.evaluate.provenance import Provenance
from graphllm.tokenizers.adjacency import NormalizedAdjacency
from graphllm.tokenizers.topology import TopologySettings, topology_tokens

PUBLISHED = {"cora": 0.7504, "citeseer": 0.6097, "pubmed": 0.6869, "ddi": 0.0921}
TOP = 20


class Row(NamedTuple):
    """A score of each node, for each seed."""

    name: str
    scores: list[np.ndarray]
    seconds: float

    def told(self) -> dict[str, object]:
        means = [float(score.mean()) for score in self.scores]
        spread = float(np.std(means, ddof=1)) if len(means) > 1 else 0.0
        by_node = np.mean(self.scores, axis=0)
        return {
            "value": float(np.mean(means)),
            "standard_error": float(by_node.std(ddof=1) / np.sqrt(len(by_node))),
            "sd_over_seeds": spread,
            "seeds": len(means),
            "n": len(by_node),
            "seconds": self.seconds,
        }


def adjacency_of(edges: Edges) -> NormalizedAdjacency:
    return NormalizedAdjacency.undirected(edges.rows, edges.columns, edges.shape[0])


def cosine(tokens: np.ndarray) -> np.ndarray:
    return tokens / np.maximum(np.linalg.norm(tokens, axis=1, keepdims=True), 1e-12)


def right_class(nodes: NodeSet, tokens: np.ndarray, part: str) -> np.ndarray:
    """1 for each node of a part whose own class node is the most alike."""
    asked = np.flatnonzero(nodes.masks[part])
    alike = tokens[asked] @ tokens[len(nodes.labels) :].T
    return (alike.argmax(axis=1) == nodes.labels[asked]).astype(float)


def propagated(nodes: NodeSet, *, keep: float = 0.9, steps: int = 50) -> np.ndarray:
    """How much of each class arrives at each node from the class nodes."""
    matrix = adjacency_of(nodes.edges).matrix
    start = np.eye(len(nodes.labels) + nodes.num_classes, dtype=np.float32)[:, len(nodes.labels) :]
    arrived = start
    for _ in range(steps):
        arrived = keep * (matrix @ arrived) + (1 - keep) * start
    return arrived


def recall(links: LinkSet, tokens: np.ndarray, part: str) -> np.ndarray:
    """The share of each node's missing edges among its most alike that are no neighbours."""
    wanted = sparse(getattr(links, part))
    known = sparse(links.train).indptr, sparse(links.train).indices
    found = []
    for node in np.flatnonzero(np.diff(wanted.indptr)):
        alike = tokens @ tokens[node]
        alike[known[1][known[0][node] : known[0][node + 1]]] = -1e8
        best = np.argpartition(-alike, TOP)[:TOP]
        missing = wanted.indices[wanted.indptr[node] : wanted.indptr[node + 1]]
        found.append(np.isin(missing, best).mean())
    return np.array(found)


def sparse(edges: Edges) -> csr_array:
    ones = np.ones(len(edges.rows), dtype=np.float32)
    return csr_array((ones, (edges.rows, edges.columns)), shape=edges.shape)


def node_rows(nodes: NodeSet, dim: int, seeds: Sequence[int], part: str) -> Iterator[Row]:
    by_dot, by_cosine, seconds = [], [], 0.0
    for seed in seeds:
        start = time.perf_counter()
        settings = TopologySettings(dim=dim, seed=seed)
        tokens = topology_tokens(adjacency_of(nodes.edges), settings)
        seconds += time.perf_counter() - start
        by_dot.append(right_class(nodes, tokens, part))
        by_cosine.append(right_class(nodes, cosine(tokens), part))
    yield Row("untrained tokens, dot", by_dot, seconds / len(seeds))
    yield Row("untrained tokens, cosine", by_cosine, seconds / len(seeds))
    start = time.perf_counter()
    asked = np.flatnonzero(nodes.masks[part])
    right = propagated(nodes)[asked].argmax(axis=1) == nodes.labels[asked]
    yield Row("label propagation", [right.astype(float)], time.perf_counter() - start)


def link_rows(links: LinkSet, dim: int, seeds: Sequence[int], part: str) -> Iterator[Row]:
    adjacency = adjacency_of(links.train)
    for order in (3, 0):
        by_dot, by_cosine, seconds = [], [], 0.0
        for seed in seeds:
            start = time.perf_counter()
            settings = TopologySettings(dim=dim, order=order, seed=seed)
            tokens = topology_tokens(adjacency, settings)
            seconds += time.perf_counter() - start
            by_dot.append(recall(links, tokens, part))
            by_cosine.append(recall(links, cosine(tokens), part))
        hops = f"{order} hops"
        yield Row(f"untrained tokens, cosine, {hops}", by_cosine, seconds / len(seeds))
        yield Row(f"untrained tokens, dot, {hops}", by_dot, seconds / len(seeds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("GRAPHLLM_DATA"))
    parser.add_argument("--set", action="append", choices=[*NODE_SETS, *LINK_SETS])
    parser.add_argument("--dim", type=int, default=1024)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--split", default="test", choices=["valid", "test"])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.data is None:
        parser.error("name the folder of the data sets with --data or GRAPHLLM_DATA")
    found: dict[str, dict[str, object]] = {}
    for name in options.set or [*NODE_SETS, *LINK_SETS]:
        asked = (options.dim, options.seeds, options.split)
        if name in NODE_SETS:
            rows, metric = node_rows(load_node_set(name, options.data), *asked), "accuracy"
        else:
            rows, metric = link_rows(load_link_set(name, options.data), *asked), f"recall@{TOP}"
        for row in rows:
            told = row.told()
            found.setdefault(name, {})[row.name] = told
            print(
                f"{name:9} {metric:9} {row.name:33} {told['value']:.4f}"
                f" +- {told['standard_error']:.4f}  sd over {told['seeds']} seeds"
                f" {told['sd_over_seeds']:.4f}  n={told['n']}  {row.seconds:.1f} s"
                f"  published {PUBLISHED[name]:.4f}",
                flush=True,
            )
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        settings = {"dim": options.dim, "seeds": options.seeds, "split": options.split}
        report = {**settings, "published": PUBLISHED, **found, **asdict(Provenance())}
        text = json.dumps(report, indent=2)
        (options.out / "topology.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
