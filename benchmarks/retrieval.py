"""How many of the right answers does each retriever bring into a small budget of tokens?

    python benchmarks/retrieval.py --data DIR [--num 1000] [--seed 0] [--split dev] [--out DIR]
        [--retriever NAME ...] [--layout NAME] [--peer region|whole|none] [--peer-num N]

Asks NUM random MetaQA questions for each number of hops. A gold answer counts as found when it is
the name of a node in a row of the text (the topic is never a gold answer); a question's share is
found / gold, and a line is the mean over questions with its standard error. Budgets are in
WordPieces of MiniLM, and hold the question too. The topic is not given: all link it themselves.

The peer is PyG's ``torch_geometric.llm.utils.backend_utils.retrieval_via_pcst`` with its defaults
(3 nodes, 5 distinct edges, cost 0.5), with the correct ``pcst_fast`` built from source, and the
same MiniLM vectors of node names and relations. ``region``: on the surroundings of the linked
topic that our PPR and PCST see as well (3 hops, at most 8,192 edges), since its loop over edges
takes about ten seconds a question on the whole graph; ``whole``: on the whole graph. Its own text
is nodes, then edges, as CSV, cut at the last row that fits; ``+ our text`` is the same subgraph
written by our textualizer.
"""

import argparse
import csv
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from graphllm.evaluate import Example, load_suite
from graphllm.evaluate.metrics import latency, mean
from graphllm.evaluate.provenance import Provenance
from graphllm.graph import Layout, Subgraph, textualize
from graphllm.index.cache import index_for
from graphllm.index.graph_index import GraphIndex
from graphllm.readers.plan_reader import PlanReader
from graphllm.retrieval.linker import Seeds
from graphllm.retrieval.region import region
from graphllm.retrieval.relevance import relevance
from graphllm.retrieval.retrievers import RETRIEVERS, load_retriever
from graphllm.text.minilm import MiniLMEncoder

BUDGETS = (256, 512, 1000)
SUITES = ("metaqa-1hop", "metaqa-2hop", "metaqa-3hop")


class Asked(NamedTuple):
    """A question, linked; and the text and names that a system shows within each budget."""

    example: Example
    seeds: Seeds
    gold: frozenset[str]


class Shown(NamedTuple):
    names: list[frozenset[str]]
    tokens: list[int]
    seconds: float


System = Callable[[Asked], Shown]
Count = Callable[[str], int]


def share_found(shown: frozenset[str], gold: frozenset[str]) -> float:
    return len(shown & gold) / len(gold)


class OurSystem:
    """A retriever of ours and the textualizer."""

    def __init__(self, name: str, reader: PlanReader, count: Count, layout: Layout) -> None:
        self.retriever = load_retriever(name, reader.planner)
        self.view, self.count, self.layout = reader.view, count, layout

    def __call__(self, asked: Asked) -> Shown:
        start = time.perf_counter()
        subgraph = self.retriever.retrieve(asked.seeds)
        seconds = time.perf_counter() - start
        return as_text(self.view, subgraph, asked, self.count, self.layout, seconds)


def as_text(
    view: GraphIndex,
    subgraph: Subgraph,
    asked: Asked,
    count_tokens: Count,
    layout: Layout,
    seconds: float,
) -> Shown:
    texts = [
        textualize(
            view,
            subgraph,
            max_tokens=budget,
            count_tokens=count_tokens,
            layout=layout,
            question=asked.example.question,
        )
        for budget in BUDGETS
    ]
    names = [frozenset(view.names[node] for node in text.nodes) for text in texts]
    return Shown(names, [text.num_tokens for text in texts], seconds)


class Rows:
    """The two things of a pandas table that PyG asks for; pandas is not needed for them."""

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        self.columns, self.rows = list(columns), rows
        self.iloc = self

    def __getitem__(self, positions: np.ndarray) -> "Rows":
        return Rows(self.columns, [self.rows[int(i)] for i in positions])

    def to_csv(self, *, index: bool, columns: Sequence[str] | None = None) -> str:
        wanted = [self.columns.index(name) for name in columns or self.columns]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([self.columns[i] for i in wanted])
        writer.writerows([[row[i] for i in wanted] for row in self.rows])
        return text.getvalue()


class Peer:
    """PyG's retriever, on the whole graph or on the surroundings of the topic."""

    def __init__(
        self,
        reader: PlanReader,
        encoder: MiniLMEncoder,
        count: Count,
        layout: Layout,
        *,
        whole: bool,
    ) -> None:
        import torch

        self.reader, self.view, self.encoder, self.count = reader, reader.view, encoder, count
        self.layout, self.whole, self.torch = layout, whole, torch
        self.vectors = self.view.embed(encoder)
        self.relation_vectors = encoder.encode([r.replace("_", " ") for r in self.view.relations])
        self.last: tuple[Asked, Subgraph, str, float] | None = None

    def retrieved(self, asked: Asked) -> tuple[Subgraph, str, float]:
        """Return the subgraph, PyG's text, and the seconds its function took."""
        if self.last is None or self.last[0] is not asked:
            self.last = (asked, *self._retrieve(asked))
        return self.last[1:]

    def _part(self, asked: Asked) -> tuple[np.ndarray, np.ndarray]:
        if self.whole:
            return np.arange(self.view.num_nodes), np.arange(self.view.num_edges)
        about = relevance(self.reader.planner.ground, asked.seeds)
        around = region(self.view, about.starts, about.relations)
        return around.nodes, around.edges

    def _retrieve(self, asked: Asked) -> tuple[Subgraph, str, float]:
        from torch_geometric.data import Data
        from torch_geometric.llm.utils.backend_utils import retrieval_via_pcst

        view, tensor = self.view, self.torch.from_numpy
        nodes, edges = self._part(asked)
        heads, tails = np.asarray(view.heads[edges]), np.asarray(view.tails[edges])
        relations = np.asarray(view.relation_ids[edges])
        ends = np.searchsorted(nodes, np.stack([heads, tails])).astype(np.int64)
        data = Data(
            x=tensor(self.vectors.of(nodes)),
            edge_index=tensor(ends),
            edge_attr=tensor(self.relation_vectors[relations]),
            num_nodes=len(nodes),
            node_idx=nodes,
            edge_idx=edges,
        )
        listed = Rows(["node_id", "node_attr"], [(n, view.names[n]) for n in nodes.tolist()])
        triples = zip(heads.tolist(), relations.tolist(), tails.tolist(), strict=True)
        columns = ["src", "edge_attr", "dst"]
        facts = Rows(columns, [(h, view.relations[r], t) for h, r, t in triples])
        question = tensor(self.encoder.encode([asked.example.question]))
        start = time.perf_counter()
        found, text = retrieval_via_pcst(data, question, listed, facts)
        seconds = time.perf_counter() - start
        kept = np.sort(np.asarray(found.edge_idx)).astype(np.int32)
        named = np.sort(np.asarray(found.node_idx)).astype(np.int32)
        scores = np.ones(len(kept), np.float32), np.ones(len(named), np.float32)
        subgraph = Subgraph(nodes=named, edges=kept, edge_scores=scores[0], node_scores=scores[1])
        return subgraph, text, seconds

    def own_text(self, asked: Asked) -> Shown:
        _, text, seconds = self.retrieved(asked)
        question = self.count(asked.example.question)
        lines = text.split("\n")
        table = lines[1 : lines.index("")]  # MetaQA's names have no line breaks
        used = question + np.cumsum([self.count(line) for line in lines[: len(table) + 1]])
        names = [next(csv.reader([line]))[1] for line in table]
        fit = [int(np.searchsorted(used, budget, side="right")) - 1 for budget in BUDGETS]
        total = self.count(text)
        tokens = [min(total, budget - question) for budget in BUDGETS]
        return Shown([frozenset(names[: max(n, 0)]) for n in fit], tokens, seconds)

    def our_text(self, asked: Asked) -> Shown:
        subgraph, _, seconds = self.retrieved(asked)
        return as_text(self.view, subgraph, asked, self.count, self.layout, seconds)


def questions(
    data: Path, split: str, num: int, seed: int, reader: PlanReader
) -> Iterator[tuple[str, list[Asked]]]:
    for position, name in enumerate(SUITES):
        rng = np.random.default_rng([seed, position])
        sample = load_suite(name, data, split).sample(num, rng).examples
        yield (
            name,
            [
                Asked(e, reader.linker.link(e.question), frozenset(e.gold) - {e.topic})
                for e in sample
                if set(e.gold) - {e.topic}
            ],
        )


def measured(system: System, asked: Sequence[Asked], label: str) -> dict[str, object]:
    shares, tokens, seconds = [], [], []
    for number, one in enumerate(asked):
        shown = system(one)
        shares.append([share_found(names, one.gold) for names in shown.names])
        tokens.append(shown.tokens)
        seconds.append(shown.seconds)
        if sys.stderr.isatty():
            print(f"\r{label} {number + 1}/{len(asked)} ", end="", file=sys.stderr)
    table = np.array(shares)
    return {
        "recall": {b: mean(table[:, i])._asdict() for i, b in enumerate(BUDGETS)},
        "tokens": dict(zip(BUDGETS, np.mean(tokens, axis=0).tolist(), strict=True)),
        "seconds": latency(np.array(seconds))._asdict(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("GRAPHLLM_DATA"))
    parser.add_argument("--num", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", default="dev", choices=["dev", "test"])
    parser.add_argument("--retriever", action="append", choices=sorted(RETRIEVERS))
    parser.add_argument("--layout", type=Layout, default=Layout.GROUPED, choices=list(Layout))
    parser.add_argument("--peer", default="region", choices=["region", "whole", "none"])
    parser.add_argument("--peer-num", type=int, help="ask the peer only the first N")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    encoder = MiniLMEncoder()
    count = lru_cache(maxsize=200_000)(encoder.count_tokens)
    view = index_for(load_suite(SUITES[0], options.data, options.split).graph_path)
    reader = PlanReader(view, view.lexicon, encoder)
    names = options.retriever or list(RETRIEVERS)
    systems: dict[str, System] = {
        name: OurSystem(name, reader, count, options.layout) for name in names
    }
    if options.peer != "none":
        peer = Peer(reader, encoder, count, options.layout, whole=options.peer == "whole")
        systems[f"PyG, {options.peer}"] = peer.own_text
        systems[f"PyG, {options.peer}, + our text"] = peer.our_text
    found: dict[str, dict[str, object]] = {}
    for suite, asked in questions(options.data, options.split, options.num, options.seed, reader):
        for label, system in systems.items():
            some = asked[: options.peer_num] if label.startswith("PyG") else asked
            row = measured(system, some, f"{suite} {label}")
            found.setdefault(suite, {})[label] = row
            shares = "  ".join(
                f"{b}: {r['value']:.4f} +- {r['standard_error']:.4f}"
                for b, r in row["recall"].items()
            )
            times = row["seconds"]
            print(
                f"{suite} {label:28} {shares}  n={len(some)}"
                f"  p50 {1e3 * times['p50_s']:.1f} ms  p95 {1e3 * times['p95_s']:.1f} ms",
                flush=True,
            )
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        settings = {"layout": options.layout, "num": options.num, "peer": options.peer}
        report = {"seed": options.seed, "split": options.split, **settings, **found}
        text = json.dumps({**report, **asdict(Provenance())}, indent=2)
        (options.out / "retrieval.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
