"""How fast a prize-collecting Steiner tree is found in a graph with hubs, beside two others.

    python benchmarks/speed/pcst.py [--edges 200000 10000000] [--seed 0] [--json FILE]

The others are ``pcst_fast`` built from source and, up to 200,000 edges, the function of
torch_geometric that G-Retriever's users call. Each is given the graph as it wants it before the
clock starts: rows both ways, an array of edges, a ``Data`` object. Cases: so many nodes with prizes
k..1 and a cost of .5 for every edge; the same with a random cost per edge, where no ties blur the
comparison of results; and the default prizes of G-Retriever, three nodes and the edges of the five
best relation texts. Reported are medians over the same queries, and their ratio.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pcst_fast import pcst_fast

from graphllm.retrieval.pcst import EdgeRows, check_pcst_fast, pcst
from graphllm.retrieval.prizes import Prizes, g_retriever_prizes

NUM_HUBS, HUB_SHARE, EDGES_PER_NODE, NUM_RELATIONS = 10, 0.3, 5, 50
PYG_LIMIT = 200_000  # its loop over all edges takes minutes on more
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}

FIRST_CALL = """
import time
start = time.perf_counter()
import numpy as np
from graphllm.retrieval.pcst import EdgeRows, pcst
from graphllm.retrieval.prizes import Prizes
rows = EdgeRows.from_edges([(0, 1), (1, 2)], num_nodes=3)
prizes = Prizes(node_ids=np.array([0, 2], np.int32), node_prizes=np.ones(2))
begin = time.perf_counter()
pcst(rows, prizes)
print(time.perf_counter() - begin)
"""


class HubGraph(NamedTuple):
    edges: np.ndarray
    relation_ids: np.ndarray
    num_nodes: int


def hub_graph(num_edges: int, seed: int) -> HubGraph:
    """Random edges, of which three in ten enter one of ten nodes; relations of Zipf's frequency."""
    rng = np.random.default_rng(seed)
    num_nodes = num_edges // EDGES_PER_NODE
    hubs = rng.choice(num_nodes, NUM_HUBS, replace=False)
    heads, tails = rng.integers(0, num_nodes, (2, num_edges))
    enters_hub = rng.random(num_edges) < HUB_SHARE
    tails[enters_hub] = rng.choice(hubs, enters_hub.sum())
    is_loop = heads == tails
    tails[is_loop] = (tails[is_loop] + 1) % num_nodes
    shares = 1 / np.arange(1, NUM_RELATIONS + 1)
    relation_ids = rng.choice(NUM_RELATIONS, num_edges, p=shares / shares.sum())
    return HubGraph(np.stack([heads, tails], axis=1), relation_ids, num_nodes)


class Case(NamedTuple):
    """One query: its prizes, and the scores of nodes and relations that give these prizes."""

    prizes: Prizes
    node_scores: np.ndarray
    relation_scores: np.ndarray
    top_k: int
    top_k_edges: int


def make_case(graph: HubGraph, kind: str, query: int) -> Case:
    rng = np.random.default_rng([query, len(graph.edges)])
    top_k = 10 if kind.startswith("10") else 3
    ids = rng.choice(graph.num_nodes, top_k, replace=False)
    node_scores = rng.uniform(0.0, 0.5, graph.num_nodes)
    node_scores[ids] = np.linspace(1.0, 0.9, top_k)
    relation_scores = rng.uniform(0.0, 1.0, NUM_RELATIONS)
    if kind == "G-Retriever's":
        scores = relation_scores[graph.relation_ids]
        return Case(g_retriever_prizes(node_scores, scores), node_scores, relation_scores, 3, 5)
    cost = 0.5 if "random" not in kind else rng.uniform(0.25, 0.75, len(graph.edges))
    node_prizes = np.arange(top_k, 0, -1.0)
    prizes = Prizes(node_ids=ids.astype(np.int32), node_prizes=node_prizes, edge_cost=cost)
    return Case(prizes, node_scores, relation_scores, top_k, 0)


def pcst_fast_runner(graph: HubGraph, case: Case) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    """Return a call of nothing but ``pcst_fast``; edges with prizes were prepared before."""
    prizes = case.prizes
    costs = np.full(len(graph.edges), 0.0) + prizes.edge_cost
    costs[prizes.edge_ids] -= prizes.edge_prizes
    virtual = np.flatnonzero(costs < 0)
    ordinary = np.flatnonzero(costs >= 0)
    ids = graph.num_nodes + np.arange(len(virtual))
    heads, tails = graph.edges[virtual].T
    pairs = [np.stack([heads, ids], axis=1), np.stack([ids, tails], axis=1)]
    edges = np.concatenate([graph.edges[ordinary], *pairs])
    all_costs = np.concatenate([costs[ordinary], np.zeros(2 * len(virtual))])
    all_prizes = np.concatenate([np.zeros(graph.num_nodes), -costs[virtual]])
    all_prizes[prizes.node_ids] = prizes.node_prizes

    def run() -> tuple[np.ndarray, np.ndarray]:
        nodes, kept = pcst_fast(edges, all_prizes, all_costs, -1, 1, "gw", 0)
        kept_virtual = virtual[nodes[nodes >= graph.num_nodes] - graph.num_nodes]
        return nodes, np.union1d(ordinary[kept[kept < len(ordinary)]], kept_virtual)

    return run


class Table:
    """Stands for the two tables of texts that torch_geometric's function also wants: no work."""

    @property
    def iloc(self) -> "Table":
        return self

    def __getitem__(self, rows: object) -> "Table":
        return self

    def to_csv(self, **options: object) -> str:
        return ""


def pyg_runner(graph: HubGraph) -> Callable[[Case], object]:
    """Return a call of torch_geometric's function, with vectors whose cosines are the scores."""
    import torch
    from torch_geometric.data import Data
    from torch_geometric.llm.utils.backend_utils import retrieval_via_pcst

    num_nodes, num_edges = graph.num_nodes, len(graph.edges)
    edge_index = torch.from_numpy(graph.edges.T.copy())

    def vectors(scores: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.stack([scores, np.sqrt(1 - scores**2)], axis=1)).float()

    def prepare(case: Case) -> Callable[[], object]:
        data = Data(
            x=vectors(case.node_scores),
            edge_index=edge_index,
            edge_attr=vectors(case.relation_scores)[torch.from_numpy(graph.relation_ids)],
            num_nodes=num_nodes,
        )
        data.node_idx, data.edge_idx = range(num_nodes), range(num_edges)
        question = torch.tensor([[1.0, 0.0]])
        return lambda: retrieval_via_pcst(
            data, question, Table(), Table(), topk=case.top_k, topk_e=case.top_k_edges
        )

    return prepare


def timed(run: Callable[[], object], clock: Callable[[], float]) -> tuple[float, object]:
    start = clock()
    result = run()
    return clock() - start, result


def compare(graph: HubGraph, kind: str, args: argparse.Namespace, pyg: object) -> dict:
    """Time one kind of case over some queries; the others run fewer of them, for they are slow."""
    clock = CLOCKS[args.clock]
    rows = args.rows
    ours, peer, pyg_times, equal, gaps, sizes = [], [], [], 0, [], []
    for query in range(args.queries):
        case = make_case(graph, kind, query)
        times = []
        for _ in range(args.repeats):
            seconds, tree = timed(lambda case=case: pcst(rows, case.prizes), clock)
            times.append(seconds)
        ours.append(statistics.median(times))
        sizes.append(len(tree.edges))
        if query < args.peer_queries:
            seconds, (_, edges) = timed(pcst_fast_runner(graph, case), clock)
            peer.append(seconds)
            equal += np.array_equal(edges, tree.edges)
            gaps.append(tree.value - value_of(graph, case.prizes, edges))
        if pyg and query < args.peer_queries:
            pyg_times.append(timed(pyg(case), clock)[0])
    row = {"case": kind, "edges": len(graph.edges), "queries": args.queries}
    row |= {"peer_queries": len(peer), "graphllm_s": statistics.median(ours)}
    row |= {"graphllm_worst_s": max(ours), "kept_edges": statistics.median(sizes)}
    row |= {"same_edges_as_pcst_fast": int(equal), "value_less_pcst_fast": gaps}
    for name, seconds in (("pcst_fast", peer), ("pyg", pyg_times)):
        if seconds:
            same = statistics.median(ours[: len(seconds)])
            row |= {f"{name}_s": statistics.median(seconds)}
            row |= {f"times_{name}": statistics.median(seconds) / same}
    return row


def value_of(graph: HubGraph, prizes: Prizes, edges: np.ndarray) -> float:
    """Return what a tree with at least one edge is worth."""
    nodes = np.unique(graph.edges[edges])
    if not len(edges):  # a single node: the best one
        return float(prizes.node_prizes.max())
    costs = np.full(len(graph.edges), 0.0) + prizes.edge_cost
    won = prizes.node_prizes[np.isin(prizes.node_ids, nodes)].sum()
    won += prizes.edge_prizes[np.isin(prizes.edge_ids, edges)].sum()
    return float(won - costs[edges].sum())


def first_calls() -> dict:
    """Return the seconds of the first call in a process: when compiled, and when loaded."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "NUMBA_CACHE_DIR": folder}
        command = [sys.executable, "-c", FIRST_CALL]
        runs = [subprocess.run(command, env=env, capture_output=True, text=True) for _ in range(4)]
    seconds = [float(run.stdout) for run in runs]
    return {"first_call_compiled_s": seconds[0], "first_call_s": statistics.median(seconds[1:])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--edges", type=int, nargs="+", default=[200_000, 10_000_000])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--queries", type=int, default=15)
    parser.add_argument("--peer-queries", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--without-pyg", action="store_true")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    check_pcst_fast(pcst_fast)
    report = {"seed": args.seed, "clock": args.clock, **first_calls(), "rows": []}
    print(f"first call, import of numba included: {report['first_call_s']:.2f} s; ", end="")
    print(f"where it must be compiled: {report['first_call_compiled_s']:.1f} s")
    pcst(EdgeRows.from_edges([(0, 1)], num_nodes=2), two_prizes())
    kinds = ["3 prizes", "10 prizes", "3 prizes, random costs", "10 prizes, random costs"]
    for num_edges in args.edges:
        graph = hub_graph(num_edges, args.seed)
        args.rows = EdgeRows.from_edges(graph.edges, num_nodes=graph.num_nodes)
        in_degrees = np.bincount(graph.edges[:, 1], minlength=graph.num_nodes)
        print(f"{num_edges:,} edges, {graph.num_nodes:,} nodes; largest hub {in_degrees.max():,}")
        for kind in [*kinds, "G-Retriever's"]:
            # its edges all cost the same, so that it cannot be given random costs
            has_pyg = num_edges <= PYG_LIMIT and not args.without_pyg and "random" not in kind
            row = compare(graph, kind, args, pyg_runner(graph) if has_pyg else None)
            report["rows"].append(row)
            print_row(row)
    if args.json:
        args.json.write_text(json.dumps(report, indent=1), encoding="utf-8")


def two_prizes() -> Prizes:
    return Prizes(node_ids=np.array([0, 1], np.int32), node_prizes=np.ones(2))


def print_row(row: dict) -> None:
    text = f"  {row['case']:24} {row['graphllm_s'] * 1e3:9.2f} ms (worst "
    text += f"{row['graphllm_worst_s'] * 1e3:.1f}, {row['kept_edges']:.0f} edges kept)"
    for name in ("pcst_fast", "pyg"):
        if f"{name}_s" in row:
            text += f"; {name} {row[f'{name}_s']:.3f} s, {row[f'times_{name}']:,.0f} times"
    if row["peer_queries"]:
        gaps = ", ".join(f"{gap:+.4g}" for gap in row["value_less_pcst_fast"])
        text += f"; same edges {row['same_edges_as_pcst_fast']}/{row['peer_queries']}, value {gaps}"
    print(text, flush=True)


if __name__ == "__main__":
    main()
