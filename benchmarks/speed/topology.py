"""How fast, and how near, is the decomposition behind topology tokens on a large sparse graph?

    python benchmarks/speed/topology.py [--nodes 1000000] [--edges 10000000] [--dim 128]
        [--threads 2] [--limit 900] [--only NAME ...] [--seed 0] [--json FILE]

Beside it ``torch.svd_lowrank`` (as many power iterations) and ``scipy.sparse.linalg.svds`` with its
defaults, which iterates until it is exact. All are given the same normalised matrix of a made-up
graph: 256 communities of sizes that fall off, three edges in four within them, and nodes of very
different degrees. Each runs in a process of its own, one after the other; reported are wall and CPU
seconds of the decomposition alone (what is imported and compiled before is not counted), peak
memory of the process with its matrix, and how near it came: the share of ||A||_F^2 that the factors
hold, by ||A - U S V^T||_F^2, and the largest error of orthonormality. One that takes longer than
``--limit`` seconds is stopped. ``tokens`` is the whole way from a list of edges to tokens of three
hops. Only ratios within one run are claims.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

NUM_COMMUNITIES = 256
WITHIN = 0.75


class Factors(NamedTuple):
    u: np.ndarray
    s: np.ndarray
    v: np.ndarray


def community_graph(num_nodes: int, num_edges: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Heads and tails; how often a node is an end is lognormal."""
    rng = np.random.default_rng(seed)
    sizes = 1 / np.arange(1, NUM_COMMUNITIES + 1) ** 0.5
    starts = np.concatenate([[0], np.cumsum(sizes) / sizes.sum() * num_nodes])
    starts = np.rint(starts).astype(np.int64)
    weight = np.cumsum(rng.lognormal(0.0, 1.0, num_nodes))
    before = np.concatenate([[0.0], weight])[starts]

    def drawn(low: np.ndarray, high: np.ndarray) -> np.ndarray:
        at = low + rng.random(num_edges) * (high - low)
        return np.minimum(np.searchsorted(weight, at), num_nodes - 1).astype(np.int32)

    heads = drawn(np.zeros(num_edges), np.full(num_edges, weight[-1]))
    group = np.searchsorted(starts, heads, side="right") - 1
    is_within = rng.random(num_edges) < WITHIN
    tails = drawn(
        np.where(is_within, before[group], 0.0), np.where(is_within, before[group + 1], weight[-1])
    )
    return heads, tails


def write_graph(folder: Path, num_nodes: int, num_edges: int, seed: int) -> None:
    """Write the edges of a graph, and its matrix."""
    from graphllm.tokenizers.adjacency import NormalizedAdjacency

    heads, tails = community_graph(num_nodes, num_edges, seed)
    np.save(folder / "heads.npy", heads)
    np.save(folder / "tails.npy", tails)
    matrix = NormalizedAdjacency.undirected(heads, tails, num_nodes).matrix
    for part in ("data", "indices", "indptr"):
        np.save(folder / f"{part}.npy", getattr(matrix, part))
    print(f"{num_nodes} nodes, {num_edges} edges, {matrix.nnz} entries", flush=True)


def by_graphllm(folder: Path, dim: int) -> Callable[[], Factors]:
    from graphllm.tokenizers.adjacency import NormalizedAdjacency
    from graphllm.tokenizers.svd import randomized_svd

    warm = NormalizedAdjacency.undirected(np.array([0]), np.array([1]), 2)
    randomized_svd(warm, 1, np.random.default_rng(0))
    matrix = loaded(folder)
    adjacency = NormalizedAdjacency(matrix, matrix)
    return lambda: Factors(*randomized_svd(adjacency, dim, np.random.default_rng(0)))


def by_torch(folder: Path, dim: int) -> Callable[[], Factors]:
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    matrix = loaded(folder)
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    places = torch.from_numpy(np.stack([rows, matrix.indices.astype(np.int64)]))
    del rows
    sparse = torch.sparse_coo_tensor(
        places, torch.from_numpy(matrix.data), matrix.shape, is_coalesced=True
    )
    del matrix, places
    torch.manual_seed(0)

    def run() -> Factors:
        u, s, v = torch.svd_lowrank(sparse, q=dim, niter=2)
        return Factors(u.numpy(), s.numpy(), v.numpy())

    return run


def by_scipy(folder: Path, dim: int) -> Callable[[], Factors]:
    from scipy.sparse.linalg import svds

    matrix = loaded(folder)

    def run() -> Factors:
        u, s, vt = svds(matrix, k=dim, rng=np.random.default_rng(0))
        order = np.argsort(-s)
        return Factors(u[:, order], s[order], vt[order].T)

    return run


def whole_tokens(folder: Path, dim: int) -> Callable[[], None]:
    from graphllm.tokenizers.adjacency import NormalizedAdjacency
    from graphllm.tokenizers.topology import TopologySettings, topology_tokens

    warm = NormalizedAdjacency.undirected(np.array([0]), np.array([1]), 2)
    topology_tokens(warm, TopologySettings(dim=2, exact_up_to=0))
    heads, tails = np.load(folder / "heads.npy"), np.load(folder / "tails.npy")
    num_nodes = len(np.load(folder / "indptr.npy", mmap_mode="r")) - 1

    def run() -> None:
        adjacency = NormalizedAdjacency.undirected(heads, tails, num_nodes)
        topology_tokens(adjacency, TopologySettings(dim=dim))

    return run


SYSTEMS = {"graphllm": by_graphllm, "torch": by_torch, "scipy": by_scipy, "tokens": whole_tokens}


def loaded(folder: Path):
    from scipy.sparse import csr_array

    parts = (np.load(folder / f"{part}.npy") for part in ("data", "indices", "indptr"))
    data, indices, indptr = parts
    return csr_array((data, indices, indptr), shape=(len(indptr) - 1, len(indptr) - 1))


def nearness(folder: Path, factors: Factors) -> dict[str, float]:
    """||A - U S V^T||^2 = ||A||^2 - 2 tr(S U^T A V) + tr(S U^T U S V^T V), in float64."""
    matrix = loaded(folder)
    rank = len(factors.s)
    mixed, left, right = np.zeros(rank), np.zeros((rank, rank)), np.zeros((rank, rank))
    v = np.ascontiguousarray(factors.v, dtype=np.float32)
    for start in range(0, len(factors.u), 65_536):
        block = slice(start, start + 65_536)
        u = factors.u[block].astype(np.float64)
        mixed += np.einsum("nd,nd->d", u, (matrix[block] @ v).astype(np.float64))
        left += u.T @ u
        right += (w := v[block].astype(np.float64)).T @ w
    s = factors.s.astype(np.float64)
    total = float(matrix.data.astype(np.float64) @ matrix.data)
    held = 2 * float(s @ mixed) - float(np.sum(np.outer(s, s) * left * right))
    identity = np.eye(rank)
    return {
        "held_share": held / total,
        "residual": (1 - held / total) ** 0.5,
        "orthonormality_error": float(max(abs(left - identity).max(), abs(right - identity).max())),
        "largest_value": float(s[0]),
        "smallest_value": float(s[-1]),
    }


def alone(name: str, folder: Path, dim: int) -> dict[str, float]:
    """Run one system in this process."""
    run = SYSTEMS[name](folder, dim)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    wall, cpu = time.perf_counter(), time.process_time()
    factors = run()
    row = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    row["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    row["peak_before_bytes"] = before
    return row | (nearness(folder, factors) if factors is not None else {})


def measured(name: str, folder: Path, args: argparse.Namespace) -> dict[str, object]:
    threads = str(args.threads)
    every = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"], threads)
    every["OMP_WAIT_POLICY"] = "PASSIVE"  # no seconds of CPU for waiting on a busy machine
    command = [sys.executable, __file__, "--alone", name, "--graph", str(folder)]
    try:
        done = subprocess.run(
            [*command, "--dim", str(args.dim)],
            capture_output=True,
            text=True,
            timeout=args.limit,
            env={**os.environ, **every},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"stopped_after_s": args.limit}
    if done.returncode:
        return {"failed": done.stderr.strip().split("\n")[-1]}
    return json.loads(done.stdout.strip().split("\n")[-1])


def told(row: dict) -> str:
    if "wall_s" not in row:
        return str(row)
    line = (
        f"{row['wall_s']:8.1f} s wall  {row['cpu_s']:8.1f} s CPU  {row['peak_bytes'] / 2**30:.2f}"
    )
    line += " GiB at most"
    if "held_share" in row:
        line += f"  holds {row['held_share']:.4%} of ||A||^2"
        line += f"  orthonormal to {row['orthonormality_error']:.0e}"
    if "times_graphllm" in row:
        line += f"  {row['times_graphllm']:.2f} x graphllm's time"
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=float, default=900.0)
    parser.add_argument("--only", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--alone", choices=SYSTEMS, help=argparse.SUPPRESS)
    parser.add_argument("--graph", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.alone:
        print(json.dumps(alone(args.alone, args.graph, args.dim)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # in a process of its own: a child's peak of memory is never below its parent's
        made = get_context("spawn").Process(
            target=write_graph, args=(folder, args.nodes, args.edges, args.seed)
        )
        made.start()
        made.join()
        if made.exitcode:
            parser.exit(1, "the graph could not be made\n")
        settings = {k: v for k, v in vars(args).items() if isinstance(v, int | float)}
        rows: dict[str, dict[str, object]] = {}
        for system in args.only:
            load = os.getloadavg()[0]
            row = measured(system, folder, args) | {"load": load}
            ours = rows.get("graphllm", {}).get("wall_s")
            if ours and "held_share" in row:
                row["times_graphllm"] = row["wall_s"] / ours
            rows[system] = row
            print(f"{system:9} load {load:.1f}  {told(row)}", flush=True)
            if args.json:  # after each: the slow ones come last, and may be given up
                report = json.dumps({**settings, **rows}, indent=2)
                args.json.write_text(report + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
