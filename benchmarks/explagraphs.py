"""What do words and graph each tell of a stance? The ladder on ExplaGraphs, from guessing upwards.

    python benchmarks/explagraphs.py --data DIR --out DIR [--mode text ...] [--seed 0 ...]

Every rung is trained on the published training split (1,659 graphs), chosen by the loss on the
published validation split (553), and asked once on the test split (554); a cell (rung, seed) is a
file in --out, cells that are there are not made again, and the table of all is printed.

    majority        the more frequent stance of the training split
    relations       logistic regression on how often each relation name occurs: the labels leak
    arguments       MiniLM on the two arguments, without the graph
    text            MiniLM on arguments and graph in words
    graph           a graph encoder over MiniLM vectors of nodes and relations, without arguments
    arguments+graph soft tokens of the graph before the arguments
    text+graph      soft tokens of the graph before arguments and graph in words: G-Retriever's way
    +topology       the same; nodes also have topology tokens
    shuffled        text+graph, but every edge leads to the tail of another, in words and in tokens

The upper layers of MiniLM (--trained-layers) are trained whole; what the frozen ones below give is
computed once. Soft tokens enter at the first trained layer. Published with Llama-2-7B: .8516 when
it is frozen, .8705 with LoRA.
"""

import argparse
import json
import os
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence

from graphllm.evaluate import load_suite
from graphllm.evaluate.metrics import mean
from graphllm.evaluate.provenance import Provenance
from graphllm.graph.view import GraphView
from graphllm.models.graph_prompter import GraphPrompter, PrompterSettings
from graphllm.nn import GraphTokens
from graphllm.retrieval.g_retriever import whole_graph
from graphllm.text.encoder import load_encoder
from graphllm.text.weights import minilm_folder
from graphllm.tokenizers.features import TextTokenizer
from graphllm.tokenizers.topology import TopologySettings
from graphllm.train.batches import BucketedBatches
from graphllm.train.example_cache import ExampleCache
from graphllm.train.settings import TrainSettings
from graphllm.train.trainer import train

SUITE = "graphqa-explagraphs"
STANCES = ("counter", "support")
SPLITS = ("train", "val", "test")
WITHOUT_SEED = ("majority", "relations")
SOFT_TOKENS = 4
CLS, SEP = 101, 102
MOST_TOKENS = 160


class Mode(NamedTuple):
    """What a rung reads."""

    arguments: bool = True
    words: bool = False
    graph: bool = False
    topology: bool = False
    shuffled: bool = False


TRAINED = {
    "arguments": Mode(),
    "text": Mode(words=True),
    "graph": Mode(arguments=False, graph=True),
    "arguments+graph": Mode(graph=True),
    "text+graph": Mode(words=True, graph=True),
    "+topology": Mode(words=True, graph=True, topology=True),
    "shuffled": Mode(words=True, graph=True, shuffled=True),
}
MODES = (*WITHOUT_SEED, *TRAINED)


class Row(NamedTuple):
    """One question: its arguments, its triples in words, its stance."""

    arguments: tuple[str, str]
    triples: tuple[tuple[str, str, str], ...]
    view: GraphView
    stance: int

    @property
    def edges(self) -> tuple[str, ...]:
        """The graph in words."""
        return tuple(" ".join(triple) for triple in self.triples)


class Item(NamedTuple):
    """A question for a rung: token states, graph, stance."""

    states: Tensor | None
    graph: GraphTokens | None
    stance: int


def rows_of(data: Path, split: str, limit: int) -> list[Row]:
    """Return the questions of a split."""
    suite = load_suite(SUITE, data, split)
    rows = []
    for example in suite.examples[: limit or None]:
        first, second = re.findall(r"^Argument \d: (.*)$", example.prompt.context, re.MULTILINE)
        view = suite.graph_of(example)
        ends = zip(
            view.heads.tolist(), view.relation_ids.tolist(), view.tails.tolist(), strict=True
        )
        triples = tuple((view.names[h], view.relations[r], view.names[t]) for h, r, t in ends)
        rows.append(Row((first, second), triples, view, STANCES.index(example.label)))
    return rows


def mixed(edges: int, number: int, seed: int) -> np.ndarray:
    """Return where the tails of a graph go in the control."""
    return np.random.default_rng((seed, number)).permutation(edges)


def shuffled_row(row: Row, number: int, seed: int) -> Row:
    """Return a question whose edges lead to one another's tails, in words."""
    order = mixed(len(row.triples), number, seed)
    tails = [row.triples[i][2] for i in order.tolist()]
    triples = tuple((h, r, t) for (h, r, _), t in zip(row.triples, tails, strict=True))
    return row._replace(triples=triples)


# MiniLM in two parts: layers that stay as they are, and layers that are trained


def bert(trained_layers: int):
    """Return embeddings with the frozen layers, and the layers to train."""
    from transformers import BertModel
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    options = {"add_pooling_layer": False, "attn_implementation": "eager"}
    options |= {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.0}
    whole = BertModel.from_pretrained(str(minilm_folder()), **options)
    layers = list(whole.encoder.layer)
    whole.encoder.layer = nn.ModuleList(layers[: len(layers) - trained_layers])
    return whole.eval(), nn.ModuleList(layers[len(layers) - trained_layers :])


class Frozen:
    """Computes the states below the trained layers, each text once, kept on disk."""

    def __init__(self, out: Path, trained_layers: int) -> None:
        from tokenizers import Tokenizer

        self.tokenizer = Tokenizer.from_file(str(minilm_folder() / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.trained_layers = trained_layers
        self.cache = ExampleCache(out / "states", of=f"minilm {trained_layers} {MOST_TOKENS}")

    @cached_property
    def lower(self):
        """Embeddings and frozen layers."""
        return bert(self.trained_layers)[0]

    def ids(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of several texts with marks around and between."""
        parts = [self.tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        return [CLS, *(token for part in parts for token in [*part, SEP])][:MOST_TOKENS]

    def states(self, texts: Sequence[Sequence[str]]) -> list[Tensor]:
        """Return the states of each text's tokens."""
        keys = [json.dumps(self.ids(one)) for one in texts]
        found = self.cache.fill(keys, self._compute, batch=64)
        return [torch.from_numpy(np.array(arrays["states"])) for arrays in found]

    def _compute(self, keys: list[str]) -> list[dict[str, np.ndarray]]:
        rows = [torch.tensor(json.loads(key)) for key in keys]
        ids = pad_sequence(rows, batch_first=True)
        mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
        with torch.inference_mode():
            states = self.lower(input_ids=ids, attention_mask=mask).last_hidden_state
        return [{"states": states[i, : len(row)].half().numpy()} for i, row in enumerate(rows)]


class Rung(nn.Module):
    """Trained layers of MiniLM over states and soft tokens, or a graph encoder alone."""

    def __init__(self, mode: Mode, trained_layers: int, dims: tuple[int, int] | None) -> None:
        super().__init__()
        self.layers = bert(trained_layers)[1] if mode.arguments else None
        self.prompter = None
        if dims is not None:
            made = PrompterSettings(
                in_dim=dims[0],
                edge_dim=dims[1],
                model_dim=384,
                hidden_dim=128,
                num_layers=2,
                num_tokens=SOFT_TOKENS,
                dropout=0.1,
                embedding_norm=8.0,
            )
            self.prompter = GraphPrompter(made)
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Linear(384, len(STANCES)))

    def forward(self, items: Sequence[Item]) -> Tensor:
        """Return the loss."""
        stances = torch.tensor([item.stance for item in items])
        return cross_entropy(self.logits(items).float(), stances)

    def logits(self, items: Sequence[Item]) -> Tensor:
        """Return a number for each stance."""
        soft = None
        if self.prompter is not None:
            soft = self.prompter(GraphTokens.collate([item.graph for item in items])).embeds
        if self.layers is None:
            return self.head(soft.mean(dim=1))
        rows = [item.states.float() for item in items]
        states = pad_sequence(rows, batch_first=True)
        mask = pad_sequence([torch.ones(len(row)) for row in rows], batch_first=True)
        if soft is not None:
            states = torch.cat([soft.to(states), states], dim=1)
            mask = torch.cat([torch.ones(len(rows), soft.shape[1]), mask], dim=1)
        unseen = (1 - mask)[:, None, None, :] * -1e9
        for layer in self.layers:
            found = layer(states, unseen)
            states = found[0] if isinstance(found, tuple) else found
        return self.head((states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True))


class Bench:
    """The splits, and what is computed of them once."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.rows = {split: rows_of(options.data, split, options.limit) for split in SPLITS}
        self.frozen = Frozen(options.out, options.trained_layers)
        self.encoder = load_encoder()
        self._tokens: dict[bool, dict[str, list[GraphTokens]]] = {}

    def cell(self, mode: str, seed: int) -> dict[str, object]:
        """Make a cell."""
        started = time.monotonic()
        guesses, about = self._guesses(mode, seed)
        right = {
            split: [int(g == row.stance) for g, row in zip(guesses[split], rows, strict=True)]
            for split, rows in self.rows.items()
            if split in guesses
        }
        scores = {split: mean(np.array(values, float))._asdict() for split, values in right.items()}
        return {
            "mode": mode, "seed": seed, "accuracy": scores, "right": right["test"], **about,
            "minutes": round((time.monotonic() - started) / 60, 2),
            "settings": {k: str(v) for k, v in vars(self.options).items()},
            **asdict(Provenance()),
        }  # fmt: skip

    def _guesses(self, mode: str, seed: int) -> tuple[dict[str, list[int]], dict[str, object]]:
        if mode == "majority":
            [(stance, _)] = Counter(row.stance for row in self.rows["train"]).most_common(1)
            return {split: [stance] * len(self.rows[split]) for split in ("val", "test")}, {}
        if mode == "relations":
            return self._by_relations()
        return self._trained(TRAINED[mode], seed)

    def _by_relations(self) -> tuple[dict[str, list[int]], dict[str, object]]:
        """Fit a logistic regression; how much it is held back is chosen by validation."""
        seen = [{r for _, r, _ in row.triples} for row in self.rows["train"]]
        names = sorted(set().union(*seen))
        counts = {split: counted(rows, names) for split, rows in self.rows.items()}
        stances = {
            split: torch.tensor([row.stance for row in rows]) for split, rows in self.rows.items()
        }
        fits = {decay: fitted(counts["train"], stances["train"], decay) for decay in DECAYS}
        losses = {
            decay: float(cross_entropy(fit(counts["val"]), stances["val"]).detach())
            for decay, fit in fits.items()
        }
        best = min(losses, key=losses.get)
        guesses = {split: fits[best](counts[split]).argmax(1).tolist() for split in ("val", "test")}
        return guesses, {"decay": best, "relations": len(names)}

    def _trained(self, mode: Mode, seed: int) -> tuple[dict[str, list[int]], dict[str, object]]:
        options = self.options
        items = {split: self._items(split, mode, seed) for split in SPLITS}
        first = items["train"][0].graph
        dims = None if first is None else (first.x.shape[1], first.edge_attr.shape[1])
        torch.manual_seed(seed)
        rung = Rung(mode, options.trained_layers, dims)
        lengths = [1 if item.states is None else len(item.states) for item in items["train"]]
        batches = BucketedBatches(items["train"], lengths, size=options.batch, seed=seed)
        rate = options.rate if mode.arguments else 1e-3
        epochs = options.epochs if mode.arguments else 4 * options.epochs
        how = TrainSettings(
            num_steps=epochs * batches.per_epoch,
            learning_rate=rate,
            weight_decay=0.05,
            precision=options.precision,
            seed=seed,
        )
        done = train(
            rung,
            lambda module, batch: module(batch),
            batches,
            how,
            collate=list,
            measure=lambda module: {"loss": validation_loss(module, items["val"])},
        )
        guesses = {split: guessed(rung, items[split]) for split in ("val", "test")}
        about = {
            "validation_loss": dict(done.measured)["loss"],
            "best_epoch": done.best_step / batches.per_epoch,
            "epochs": epochs,
            "weights": sum(p.numel() for p in rung.parameters()),
        }
        return guesses, about

    def _items(self, split: str, mode: Mode, seed: int) -> list[Item]:
        rows = self.rows[split]
        if mode.shuffled:
            rows = [shuffled_row(row, n, seed) for n, row in enumerate(rows)]
        states: Sequence[Tensor | None] = [None] * len(rows)
        if mode.arguments:
            told = [[*row.arguments, " ; ".join(row.edges)] for row in rows]
            states = self.frozen.states(told if mode.words else [row.arguments for row in rows])
        graphs: Sequence[GraphTokens | None] = [None] * len(rows)
        if mode.graph:
            graphs = self._graphs(split, mode, seed)
        return [
            Item(one, graph, row.stance)
            for one, graph, row in zip(states, graphs, rows, strict=True)
        ]

    def _graphs(self, split: str, mode: Mode, seed: int) -> list[GraphTokens]:
        known = self._tokens.setdefault(mode.topology, {})
        if split not in known:
            views = [row.view for row in self.rows[split]]
            topology = TopologySettings(dim=32) if mode.topology else None
            made = TextTokenizer.of_many(views, self.encoder, topology)
            known[split] = [
                one.tokenize(whole_graph(view)) for one, view in zip(made, views, strict=True)
            ]
        if not mode.shuffled:
            return known[split]
        found = []
        for number, graph in enumerate(known[split]):
            order = torch.from_numpy(mixed(graph.num_edges, number, seed))
            ends = torch.stack([graph.edge_index[0], graph.edge_index[1][order]])
            found.append(GraphTokens.single(graph.x, ends, graph.edge_attr))
        return found


DECAYS = (1e-4, 1e-3, 1e-2, 1e-1)


def counted(rows: Sequence[Row], names: Sequence[str]) -> Tensor:
    """Return how often each relation occurs in each graph."""
    place = {name: i for i, name in enumerate(names)}
    found = torch.zeros(len(rows), len(names))
    for i, row in enumerate(rows):
        for _, relation, _ in row.triples:
            if relation in place:
                found[i, place[relation]] += 1
    return found


def fitted(x: Tensor, stances: Tensor, decay: float) -> nn.Linear:
    """Return the logistic regression with the least loss and squared weights."""
    model = nn.Linear(x.shape[1], len(STANCES))
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        found = cross_entropy(model(x), stances) + decay * model.weight.square().sum()
        found.backward()
        return found

    optimizer.step(loss)
    return model


def logits_of(rung: Rung, items: Sequence[Item]) -> Tensor:
    """Return the logits of all items, in evaluation."""
    rung.eval()
    with torch.no_grad():
        return torch.cat([rung.logits(items[i : i + 32]) for i in range(0, len(items), 32)]).float()


def validation_loss(rung: Rung, items: Sequence[Item]) -> float:
    """Return the mean loss."""
    stances = torch.tensor([item.stance for item in items])
    return float(cross_entropy(logits_of(rung, items), stances))


def guessed(rung: Rung, items: Sequence[Item]) -> list[int]:
    """Return the likelier stance of each."""
    return logits_of(rung, items).argmax(1).tolist()


def table(cells: Sequence[dict]) -> str:
    """Return a line for each rung: seeds together."""
    lines = [f"{'rung':16} seeds    val   test  +- seeds  +- questions    n  minutes"]
    for mode in MODES:
        same = [cell for cell in cells if cell["mode"] == mode]
        if not same:
            continue
        test = [cell["accuracy"]["test"]["value"] for cell in same]
        val = [cell["accuracy"]["val"]["value"] for cell in same]
        seeds = np.std(test, ddof=1) / len(test) ** 0.5 if len(test) > 1 else float("nan")
        of = same[0]["accuracy"]["test"]
        minutes = np.mean([cell["minutes"] for cell in same])
        lines.append(
            f"{mode:16} {len(same):5}  {np.mean(val):.4f} {np.mean(test):.4f}    {seeds:.4f}"
            f"        {of['standard_error']:.4f}  {of['n']:3}  {minutes:7.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    """Make the cells that are asked for and missing, and print the table of all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("GRAPHLLM_DATA"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--mode", action="append", choices=MODES)
    parser.add_argument("--seed", action="append", type=int)
    parser.add_argument("--limit", type=int, default=0, help="questions of each split; 0: all")
    parser.add_argument("--trained-layers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--precision", default="bf16")
    options = parser.parse_args()
    folder = options.out / "cells"
    folder.mkdir(parents=True, exist_ok=True)
    bench = None
    for seed, mode in product(options.seed or [0, 1, 2], options.mode or MODES):
        path = folder / f"{mode}-{seed}.json"
        if path.exists() or (mode in WITHOUT_SEED and seed):
            continue
        bench = bench or Bench(options)
        found = bench.cell(mode, seed)
        partial = path.with_suffix(".part")
        partial.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
        partial.replace(path)
        accuracy = found["accuracy"]
        print(path.name, accuracy["val"]["value"], found["minutes"], flush=True)
    print(table([json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]))


if __name__ == "__main__":
    main()
