"""How fast a graph transformer trains, beside the same layers in a model of torch-geometric.

    python benchmarks/speed/graph_encoder.py [--graphs 8] [--nodes 1371] [--edges 4252] [--dim 384]
        [--device cuda]

The default is a batch of graphs of the mean size of WebQSP, with a relation vector per edge. One
turn is a forward and a backward pass; the models take turns, and each counts by its median. Theirs
is a ``BasicGNN`` of four ``TransformerConv`` with batch norm, which is the encoder of G-Retriever;
ours with the same settings must cost the same, and our defaults pass messages both ways. Also timed
are collating the graphs to a batch, and pooling by queries against the pooling of the set
transformer. Memory is what the forward pass keeps for the backward pass.

On a machine that others use, ``OMP_NUM_THREADS=1`` with ``--clock cpu`` compares the processor time
of one thread, which waiting for a core does not change.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch
from torch_geometric.nn import TransformerConv
from torch_geometric.nn.aggr.utils import PoolingByMultiheadAttention
from torch_geometric.nn.models.basic_gnn import BasicGNN
from torch_geometric.utils import to_dense_batch

from graphllm.nn import GraphTokens, QueryPooling, tokens_to_pyg
from graphllm.nn.graph_transformer import GraphTransformer


def wall() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


CLOCKS = {"wall": wall, "cpu": time.process_time}
HEADS, LAYERS, QUERIES = 4, 4, 8

Run = Callable[[], object]


class PublishedGNN(BasicGNN):
    supports_edge_weight = False
    supports_edge_attr = True

    def init_conv(self, in_channels: int, out_channels: int, **kwargs: int) -> nn.Module:
        return TransformerConv(in_channels, out_channels // HEADS, HEADS, **kwargs)


def graphs(args: argparse.Namespace) -> list[GraphTokens]:
    torch.manual_seed(args.seed)
    return [
        GraphTokens.single(
            torch.randn(args.nodes, args.dim),
            torch.randint(args.nodes, (2, args.edges)),
            torch.randn(args.edges, args.dim),
        )
        for _ in range(args.graphs)
    ]


def kept_bytes(run: Run) -> int:
    """Return the size of what a forward pass keeps; tensors that share memory count once."""
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        held = run()
    del held
    return sum(kept.values())


def compare(title: str, runs: dict[str, Run], args: argparse.Namespace) -> None:
    clock = CLOCKS[args.clock]
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(args.turns + 1):
        for name, run in runs.items():
            start = clock()
            run()
            if turn:  # the first is to warm up
                seconds[name].append(clock() - start)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    first = next(iter(medians.values()))
    print(f"{title}, {args.turns} turns")
    for name, median in medians.items():
        print(f"  {name:32} {1000 * median:9.1f} ms   ratio {median / first:5.2f}")


def trained(forward: Run) -> Run:
    return lambda: forward().square().mean().backward()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (
        ("graphs", 8), ("nodes", 1371), ("edges", 4252), ("dim", 384), ("turns", 5), ("seed", 0)
    ):  # fmt: skip
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--device", default="cpu", help="of all but collating")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="what a second is")
    args = parser.parse_args()

    parts = graphs(args)
    tokens = GraphTokens.collate(parts).to(args.device)
    data = [tokens_to_pyg(part)[0] for part in parts]
    compare(
        f"collate {args.graphs} graphs",
        {
            "torch-geometric": lambda: Batch.from_data_list(data),
            "graphllm": lambda: GraphTokens.collate(parts),
        },
        args,
    )

    theirs = PublishedGNN(
        args.dim, args.dim, LAYERS, args.dim, norm="batch_norm", edge_dim=args.dim
    ).to(args.device)
    same = GraphTransformer(
        args.dim, args.dim, edge_dim=args.dim, num_heads=HEADS, norm="batch", both_ways=False
    ).to(args.device)
    ours = GraphTransformer(args.dim, args.dim, edge_dim=args.dim, num_heads=HEADS).to(args.device)
    forwards: dict[str, Run] = {
        "torch-geometric": lambda: theirs(tokens.x, tokens.edge_index, edge_attr=tokens.edge_attr),
        "graphllm, the same settings": lambda: same(tokens),
        "graphllm, both ways": lambda: ours(tokens),
    }
    compare("a pass there and back", {k: trained(run) for k, run in forwards.items()}, args)
    for name, forward in forwards.items():
        print(f"  {name:32} {kept_bytes(forward) / 2**20:9.0f} MiB kept")

    states = torch.randn(tokens.num_nodes, args.dim, device=args.device)
    set_transformer = PoolingByMultiheadAttention(args.dim, QUERIES, HEADS, layer_norm=True).to(
        args.device
    )
    pooling = QueryPooling(args.dim, QUERIES, num_heads=HEADS).to(args.device)
    compare(
        f"pool by {QUERIES} queries, there and back",
        {
            "torch-geometric": trained(
                lambda: set_transformer(*to_dense_batch(states, tokens.batch))
            ),
            "graphllm": trained(lambda: pooling(states, tokens.batch, tokens.num_graphs).states),
        },
        args,
    )


if __name__ == "__main__":
    main()
