"""Compare our Steiner trees with ``pcst_fast`` built from source, and with the optimum.

    python benchmarks/pcst_parity.py [--graphs 6000] [--weights 4] [--seed 0] [--json FILE]

First part: random graphs of nine families with weights that do not tie, both prunings: nodes, edges
and values must be equal. Second part: every graph of up to 7 nodes (the atlas of networkx, 1,252
shapes with at least one node) under several random weights, against the best of all connected node
sets: with costs c, missed prizes p and the optimum of c + p, ``gw`` must keep c + 2 p <= 2 optimum
and ``strong`` c + p <= 2 optimum. Reported are the share of optima and the mean excess of c + p
over the optimum, in per cent.

``--fixture FILE`` writes a few graphs of each family with the answers of ``pcst_fast``, for the
tests on machines that do not have it.
"""

import argparse
import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import networkx as nx
import numpy as np

from graphllm.retrieval.pcst import PRUNINGS, EdgeRows, SteinerTree, pcst
from graphllm.retrieval.prizes import Prizes

FAMILIES = (
    "sparse", "dense", "grid", "hub", "disconnected", "mostly zero prizes", "parallel edges",
    "self-loops", "edge prizes",
)  # fmt: skip


class Problem(NamedTuple):
    family: str
    num_nodes: int
    edges: np.ndarray
    prizes: Prizes


def random_edges(rng: np.random.Generator, family: str, n: int) -> np.ndarray:
    if family == "grid":
        return np.array(nx.grid_2d_graph(rows := int(rng.integers(2, 6)), 30 // rows).edges) @ [
            30 // rows,
            1,
        ]
    if family == "hub":
        hubs = rng.integers(0, 2, 3 * n)
        edges = np.stack([hubs, rng.integers(0, n, 3 * n)], axis=1)
        edges = np.concatenate([edges, rng.integers(0, n, (n, 2))])
    elif family == "disconnected":
        half = max(n // 2, 1)
        edges = np.concatenate([rng.integers(0, half, (n, 2)), rng.integers(half, n, (n, 2))])
    else:
        edges = rng.integers(0, n, (n * n // 3 if family == "dense" else 2 * n, 2))
    if family == "parallel edges":
        edges = np.concatenate([edges, edges[::2], edges[::3, ::-1]])
    return edges if family == "self-loops" else edges[edges[:, 0] != edges[:, 1]]


def make_problem(family: str, seed: int, largest: int = 40, decimals: int = 16) -> Problem:
    """Return a graph of one family with random weights.

    With few decimals weights can be written down, but sums of them tie now and then.
    """
    rng = np.random.default_rng([FAMILIES.index(family), seed])
    n = 30 if family == "grid" else int(rng.integers(3, largest))
    edges = random_edges(rng, family, n)
    ids = rng.permutation(n).astype(np.int32)
    share = 0.15 if family == "mostly zero prizes" else rng.uniform(0.1, 1.0)
    ids = ids[: max(int(share * n), 1)]
    scale = float(rng.choice([0.5, 1.0, 3.0]))
    weights = rng.uniform(0.01, 1.0, len(ids) + 2 * len(edges)).round(decimals)
    costs = weights[len(ids) : len(ids) + len(edges)]
    edge_ids = np.empty(0, np.int32)
    if family == "edge prizes":
        edge_ids = rng.permutation(len(edges))[: len(edges) // 3].astype(np.int32)
    prizes = Prizes(
        node_ids=ids,
        node_prizes=(weights[: len(ids)] * scale).round(decimals),
        edge_ids=edge_ids,
        edge_prizes=weights[len(ids) + len(edges) :][: len(edge_ids)],
        edge_cost=costs,
    )
    return Problem(family, n, edges, prizes)


class Difference(NamedTuple):
    family: str
    seed: int
    pruning: str


def compare(num_graphs: int, seed: int) -> tuple[Counter, list[Difference]]:
    """Solve random problems with both; return how many of each family, and where they differ."""
    counts: Counter = Counter()
    differences = []
    for number in range(num_graphs):
        family = FAMILIES[number % len(FAMILIES)]
        problem = make_problem(family, seed + number)
        rows = EdgeRows.from_edges(problem.edges, num_nodes=problem.num_nodes)
        counts[family] += 1
        for pruning in PRUNINGS:
            ours = pcst(rows, problem.prizes, pruning=pruning)
            theirs = pcst(rows, problem.prizes, pruning=pruning, solver="pcst_fast")
            if not same(ours, theirs):
                differences.append(Difference(family, seed + number, pruning))
    return counts, differences


def same(a: SteinerTree, b: SteinerTree) -> bool:
    is_same = np.array_equal(a.nodes, b.nodes) and np.array_equal(a.edges, b.edges)
    return is_same and math.isclose(a.value, b.value, rel_tol=1e-12, abs_tol=1e-12)


def connected_sets(num_nodes: int, edges: np.ndarray, costs: np.ndarray) -> Iterator[tuple]:
    """Yield every connected node set as a mask, with the cost of its cheapest spanning tree."""
    ordered = [(*map(int, edges[i]), float(costs[i])) for i in np.argsort(costs, kind="stable")]
    for mask in range(1, 1 << num_nodes):
        part = [1 << v if mask >> v & 1 else 0 for v in range(num_nodes)]
        total = 0.0
        for a, b, cost in ordered:
            if part[a] and part[b] and part[a] != part[b]:
                total += cost
                joined = part[a] | part[b]
                part = [joined if p & joined else p for p in part]
        if mask in part:
            yield mask, total


class Small(NamedTuple):
    """One small problem: what a tree costs and misses, and the least cost plus missed prizes."""

    num_nodes: int
    cost: float
    missed: float
    optimum: float


def small_graphs(weights: int, seed: int) -> dict[str, list[Small]]:
    found: dict[str, list[Small]] = {pruning: [] for pruning in PRUNINGS}
    for number, shape in enumerate(nx.graph_atlas_g()):
        num_nodes, edges = shape.number_of_nodes(), np.array(shape.edges).reshape(-1, 2)
        for draw in range(weights if num_nodes else 0):
            rng = np.random.default_rng([seed, number, draw])
            costs = rng.random(len(edges))
            node_prizes = rng.random(num_nodes) * [0.5, 1.0, 2.0][draw % 3]
            node_prizes[rng.random(num_nodes) < 0.3 * (draw % 2)] = 0.0
            if not node_prizes.any():
                continue
            total = node_prizes.sum()
            optimum = min(
                cost + total - sum(node_prizes[v] for v in range(num_nodes) if mask >> v & 1)
                for mask, cost in connected_sets(num_nodes, edges, costs)
            )
            ids = np.arange(num_nodes, dtype=np.int32)
            prizes = Prizes(node_ids=ids, node_prizes=node_prizes, edge_cost=costs)
            rows = EdgeRows.from_edges(edges, num_nodes=num_nodes)
            for pruning in PRUNINGS:
                tree = pcst(rows, prizes, pruning=pruning)
                missed = total - node_prizes[tree.nodes].sum()
                found[pruning].append(
                    Small(num_nodes, float(costs[tree.edges].sum()), float(missed), float(optimum))
                )
    return found


def summary(pruning: str, found: list[Small]) -> dict:
    factor = 2 if pruning == "gw" else 1
    broken = sum(s.cost + factor * s.missed > 2 * s.optimum + 1e-9 for s in found)
    excess = np.array([s.cost + s.missed - s.optimum for s in found])
    relative = excess / np.array([max(s.optimum, 1e-12) for s in found])
    relative[excess < 1e-9] = 0.0
    return {
        "pruning": pruning,
        "n": len(found),
        "bound_broken": int(broken),
        "optimal_share": float((excess < 1e-9).mean()),
        "mean_excess_percent": float(100 * relative.mean()),
        "worst_excess_percent": float(100 * relative.max()),
    }


def write_fixture(path: Path, seed: int, per_family: int = 4) -> None:
    """Write small problems with the answers of ``pcst_fast``."""
    entries = []
    for family in FAMILIES:
        for number in range(per_family):
            problem = make_problem(family, seed + number, largest=24, decimals=4)
            rows = EdgeRows.from_edges(problem.edges, num_nodes=problem.num_nodes)
            prizes = problem.prizes
            entry = {"family": family, "num_nodes": problem.num_nodes}
            entry["edges"] = problem.edges.tolist()
            for name in ("node_ids", "node_prizes", "edge_ids", "edge_prizes", "edge_cost"):
                entry[name] = getattr(prizes, name).tolist()
            for pruning in PRUNINGS:
                tree = pcst(rows, prizes, pruning=pruning, solver="pcst_fast")
                entry[pruning] = [tree.nodes.tolist(), tree.edges.tolist()]
            entries.append(json.dumps(entry, separators=(",", ":")))
    source = f"python benchmarks/pcst_parity.py --fixture FILE --seed {seed}"
    text = f'{{"source": "{source}", "problems": [\n' + ",\n".join(entries) + "\n]}\n"
    path.write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--graphs", type=int, default=6000)
    parser.add_argument("--weights", type=int, default=4, help="draws per small graph")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--fixture", type=Path)
    args = parser.parse_args()
    if args.fixture:
        write_fixture(args.fixture, args.seed)
        return
    counts, differences = compare(args.graphs, args.seed)
    print(f"{sum(counts.values())} random graphs, seed {args.seed}, both prunings: ", end="")
    print(f"{len(differences)} differ from pcst_fast")
    for family in FAMILIES:
        different = sum(difference.family == family for difference in differences)
        print(f"  {family:20} {counts[family]:5} graphs, {different} of twice as many differ")
    for difference in differences[:20]:
        print(" ", difference)
    rows = [summary(*item) for item in small_graphs(args.weights, args.seed).items()]
    for row in rows:
        print(
            f"{row['pruning']:6} up to 7 nodes, n {row['n']}: bound broken {row['bound_broken']}, "
            f"optimal {row['optimal_share']:.4f}, mean excess {row['mean_excess_percent']:.3f} %, "
            f"worst {row['worst_excess_percent']:.1f} %"
        )
    if args.json:
        report = {"seed": args.seed, "graphs": counts, "differences": differences, "small": rows}
        args.json.write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
