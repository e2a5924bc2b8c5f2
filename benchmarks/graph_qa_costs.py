"""What retrieval saves, and what it keeps a model from inventing: the two tables of G-Retriever.

    python benchmarks/graph_qa_costs.py costs --suite NAME --data DIR --out DIR [--llm small]
    python benchmarks/graph_qa_costs.py hallucination --suite NAME --data DIR --out DIR

Costs, of some questions of a split: nodes, edges and tokens of the whole graph in words, and of the
part that is retrieved; and how long an epoch of training takes with either, from a few steps: by
the clock, and of the processor, which other work beside it does not change much. What is read is
cut at --max-tokens, which bounds the time of a whole graph.
Published: SceneGraphs 1,396 -> 235 tokens, 19 -> 5 nodes, 123.1 -> 86.8 minutes an epoch; WebQSP
100,627 -> 610, 1,371 -> 18, 18.7 -> 6.2.

Hallucination: a model is trained to name the nodes and edges that its answer stands on, and each
name is looked up in the graph. Once it reads a soft prompt of the whole graph alone, as the
published baseline, once soft prompt and text of the retrieved part; "checked" leaves out what the
retrieved part does not hold, and says how many answers have grounds left. "Retrieval and
references" is told the retrieved part with references, and answers and cites by them: its grounds
exist by construction, so what can differ is how many answers have any. Published, 100 answers read
by people: valid nodes 31 -> 77 %, edges 12 -> 76 %, fully valid 8 -> 62 %.

Suites without a train split need one that is made: webqsp-subgraphs, by
pipelines/graph_qa/webqsp_questions.py.

A cell (suite, method, seed) is a file in --out; cells that are there are not made again.
"""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np

from graphllm.evaluate import Suite, load_suite
from graphllm.evaluate.hallucination import Facts, Grounds, Named, averages, read_grounds
from graphllm.evaluate.measure import measure
from graphllm.evaluate.metrics import mean
from graphllm.evaluate.predictions import Prediction
from graphllm.evaluate.provenance import Provenance
from graphllm.graph.folding import fold
from graphllm.graph.view import GraphView
from graphllm.models.g_retriever import SequenceSettings
from graphllm.retrieval.g_retriever import PrizeSettings, published_text
from graphllm.tasks.graph_qa_training import (
    PUBLISHED,
    GraphQASettings,
    Telling,
    new_model,
    open_llm,
    scored,
)
from graphllm.text.encoder import load_encoder
from graphllm.train.graph_qa import EpochSettings, batches_of, train_on_questions


class Way(NamedTuple):
    """A method, and how it is told the graph in words."""

    method: str
    layout: str = "grouped"


METHODS = {
    "soft prompt alone": Way("graph_token"),
    "retrieval and text": Way("g_retriever"),
    "retrieval and references": Way("g_retriever", "references"),
}
WHOLE, PART = "whole graph", "retrieved part"
TIMED_STEPS = 6


def settings_of(options: argparse.Namespace, way: Way, seed: int) -> GraphQASettings:
    """Return how a method is trained."""
    return GraphQASettings(
        suite=options.suite,
        data=str(options.data),
        llm=options.llm,
        method=way.method,
        layout=way.layout,
        lora_rank=0 if options.trains_all else options.lora_rank,
        trains_all=options.trains_all,
        retriever=options.retriever,
        prizes=PrizeSettings(top_k_edges=options.top_k_edges),
        sequence=SequenceSettings(
            max_text_tokens=options.max_tokens, max_new_tokens=options.max_new_tokens
        ),
        training=EpochSettings(
            epochs=options.epochs,
            batch_size=options.batch,
            learning_rate=options.learning_rate,
            precision=options.precision,
        ),
        grounds=True,
        seed=seed,
    )


def sampled(options: argparse.Namespace, split: str, num: int) -> Suite:
    """Return some questions of a split."""
    suite = load_suite(options.suite, options.data, split)
    return suite.sample(num, np.random.default_rng(0))


# costs


def costs(options: argparse.Namespace, method: str, seed: int) -> dict[str, object]:
    """Return sizes before and after retrieval, and the time of an epoch of a method."""
    given = settings_of(options, METHODS["retrieval and text"], seed)
    retrieves = method == PART
    given_here = given if retrieves else replace(given, retriever="")
    llm = open_llm(given)
    telling = Telling(given_here, llm, load_encoder())
    suite = sampled(options, options.split, options.num)
    sizes = {"nodes": [], "edges": [], "tokens": []}
    for example in suite.examples:
        view = suite.graph_of(example)
        part = telling.part(example.question, view)
        for name, size in sizes_of(view, part, llm.count_tokens).items():
            sizes[name].append(size)
    told = telling.of_suite(suite)
    model = new_model(given_here, llm, telling)
    seconds: list[tuple[float, float]] = []
    few = EpochSettings(epochs=1, batch_size=options.batch, precision=options.precision)
    some = told[: options.batch * TIMED_STEPS]
    train_on_questions(
        model, some, [], few, on_step=lambda step: seconds.append((step.seconds, process_time()))
    )
    size = len(load_suite(options.suite, options.data, options.train_split))
    between = np.array(seconds[-1]) - np.array(seconds[0])
    step_s, processor_s = (between / max(len(seconds) - 1, 1)).tolist()
    found = {name: mean(np.array(values, float)).to_dict() for name, values in sizes.items()}
    steps = size / options.batch
    return {
        **found,
        "seconds_a_step": step_s,
        "seconds_an_epoch": step_s * steps,
        "processor_seconds_an_epoch": processor_s * steps,
    }


def sizes_of(view: GraphView, part, count_tokens) -> dict[str, int]:
    """Return how large a part of a graph is, and the text of all of it."""
    return {
        "nodes": len(part.nodes),
        "edges": len(part.edges),
        "tokens": count_tokens(published_text(view, part)),
    }


# hallucination


def hallucination(options: argparse.Namespace, method: str, seed: int) -> dict[str, object]:
    """Train a method to name its grounds, and look them up."""
    given = settings_of(options, METHODS[method], seed)
    llm = open_llm(given)
    telling = Telling(given, llm, load_encoder())
    model = new_model(given, llm, telling)
    train_suite = sampled(options, options.train_split, options.num_train)
    held_back = sampled(options, options.val_split, options.num)
    questions = telling.of_suite(train_suite)
    steps = batches_of(questions, given.training, seed).per_epoch
    done = train_on_questions(
        model, questions, telling.of_suite(held_back), given.training, seed=seed
    )
    suite = sampled(options, options.split, options.num)
    predictions = scored(model, suite, telling)
    if given.by_reference:
        named = [p.predicted.named or Named(0, 0, 0, 0) for p in predictions]
        checked = named
    else:
        found = [named_and_checked(p, suite, telling) for p in predictions]
        named, checked = ([pair[i] for pair in found] for i in (0, 1))
    return {
        "as written": told(averages(named)),
        "checked": told(averages(checked)),
        "with grounds": mean(np.array([float(n.num_nodes > 0) for n in named])).to_dict(),
        "with checked grounds": mean(np.array([float(n.num_nodes > 0) for n in checked])).to_dict(),
        "first answer right": measure(predictions)["hits_at_1"].to_dict(),
        "answered": measure(predictions)["coverage"].to_dict(),
        "some replies": [p.predicted.text for p in predictions[:5]],
        "epochs": done.num_steps / steps,
        "trained_on": len(questions),
    }


def named_and_checked(
    prediction: Prediction, suite: Suite, telling: Telling
) -> tuple[Named, Named]:
    """Return what a reply names, and what of it the retrieved part holds."""
    view = suite.graph_of(prediction.example)
    grounds = read_grounds(prediction.predicted.text)
    part = telling.part(prediction.example.question, view)
    facts = Facts(view)
    return facts.named(grounds), facts.named(held(grounds, view, part))


def told(validity) -> dict[str, object]:
    """Return averages as plain data."""
    return {name: found.to_dict() for name, found in validity._asdict().items()}


def held(grounds: Grounds, view: GraphView, part) -> Grounds:
    """Return the grounds that the retrieved part holds, however they are spelt."""
    nodes = {fold(view.names[node]) for node in part.nodes.tolist()}
    edges = {
        tuple(
            fold(said)
            for said in (
                view.names[int(view.heads[e])],
                view.relations[int(view.relation_ids[e])],
                view.names[int(view.tails[e])],
            )
        )
        for e in part.edges.tolist()
    }
    return Grounds(
        tuple(name for name in grounds.nodes if fold(name) in nodes),
        tuple(edge for edge in grounds.edges if tuple(map(fold, edge)) in edges),
    )


# tables


def costs_table(cells: Sequence[dict]) -> str:
    """Return a line for each cell."""
    head = "    nodes     edges    tokens   s a step   s an epoch  of processor    n"
    lines = [f"{'suite':22} {'method':20} {head}"]
    for cell in cells:
        found = cell["found"]
        sizes = (f"{found[name]['value']:9.1f}" for name in ("nodes", "edges", "tokens"))
        lines.append(
            f"{cell['suite']:22} {cell['method']:20} {' '.join(sizes)}"
            f"  {found['seconds_a_step']:9.3f} {found['seconds_an_epoch']:12.1f}"
            f"  {found['processor_seconds_an_epoch']:12.1f}"
            f" {found['nodes']['n']:4}"
        )
    return "\n".join(lines)


def hallucination_table(cells: Sequence[dict]) -> str:
    """Return two lines for each cell: as written, and checked."""
    head = f"{'suite':22} {'method':24} {'grounds':11} nodes         edges         fully valid"
    lines = [f"{head}   with grounds   Hits@1"]
    for cell in cells:
        for kind, share in (("as written", "with grounds"), ("checked", "with checked grounds")):
            found = cell["found"][kind]
            parts = (shown(found[n]) for n in ("valid_nodes", "valid_edges", "fully_valid"))
            line = f"{cell['suite']:22} {cell['method']:24} {kind:11} {' '.join(parts)}"
            right = shown(cell["found"]["first answer right"])
            lines.append(f"{line} {shown(cell['found'][share])} {right}")
    return "\n".join(lines)


def shown(found: dict) -> str:
    """Return a mean with its error."""
    if found["value"] is None:
        return "none named   "
    return f"{found['value']:.2f} +- {found['standard_error'] or float('nan'):.2f} "


TABLES = {
    "costs": (costs, costs_table, (WHOLE, PART)),
    "hallucination": (hallucination, hallucination_table, tuple(METHODS)),
}


def main() -> None:
    """Make the cells that are missing, and print the table of all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", choices=list(TABLES))
    parser.add_argument("--suite", default="graphqa-explagraphs")
    parser.add_argument("--data", type=Path, default=os.environ.get("GRAPHLLM_DATA"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--llm", default="small")
    parser.add_argument("--lora-rank", type=int, default=8)
    parser.add_argument("--trains-all", action="store_true", help="in place of adapters")
    parser.add_argument(
        "--method", action="append", choices=[WHOLE, PART, *METHODS], help="else all"
    )
    parser.add_argument("--retriever", default=PUBLISHED)
    parser.add_argument("--top-k-edges", type=int, default=3)
    parser.add_argument("--max-tokens", type=int, default=320)
    parser.add_argument("--max-new-tokens", type=int, default=96)
    parser.add_argument("--split", default="test")
    parser.add_argument("--train-split", default="train")
    parser.add_argument("--val-split", default="val")
    parser.add_argument("--num", type=int, default=100)
    parser.add_argument("--num-train", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--seed", action="append", type=int)
    options = parser.parse_args()
    make, table, methods = TABLES[options.table]
    folder = options.out / options.table
    folder.mkdir(parents=True, exist_ok=True)
    for seed, method in product(options.seed or [0], options.method or methods):
        path = folder / f"{options.suite}-{method.replace(' ', '_')}-{seed}.json"
        if path.exists():
            continue
        cell = {
            "suite": options.suite, "method": method, "seed": seed,
            "found": make(options, method, seed),
            "settings": {k: str(v) for k, v in vars(options).items()}, **asdict(Provenance()),
        }  # fmt: skip
        partial = path.with_suffix(".part")
        partial.write_text(json.dumps(cell, indent=1) + "\n", "utf-8")
        partial.replace(path)
    print(table([json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]))


if __name__ == "__main__":
    main()
