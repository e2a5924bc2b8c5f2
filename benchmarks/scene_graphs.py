"""Does a model understand a scene, and does it keep to it when the scene is part of a large one?

    python benchmarks/scene_graphs.py --out DIR [--method text ...] [--seed 0 ...]

Scenes are invented, and synthetic (`graphllm.questions.scenes`); no data are needed. Each method is
trained by `pipelines/graph_qa/scenes.toml` on the same 1,200 questions for as many steps; some of
the 400 validation questions say which epoch was best. What is told differs:

    question        the question alone
    text            all of the graph in words, as much as fits the budget
    retrieved_text  the part that is retrieved, in words
    g_retriever     soft tokens of that part before its words

Asked are the 400 questions of --split, once; then, for the curve, --num of them about the same
rooms in scenes of about 200 to 20,000 nodes. Tune with `--split val`: the test split is asked of
the same runs, without training them again.

A run (method, seed) is a folder in --out, which `pipelines/graph_qa/train.py --again` makes once
more; a cell (split, method, seed, size) is a file in --out; what is there is not made again. Times
are of one thread.
"""

import argparse
import json
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch

from graphllm.evaluate import Example, Suite, load_suite
from graphllm.evaluate.measure import measure, per_question
from graphllm.evaluate.metrics import mean
from graphllm.evaluate.predictions import Prediction
from graphllm.evaluate.provenance import Provenance
from graphllm.graph.layouts import Layout
from graphllm.graph.textualize import textualize
from graphllm.graph.view import GraphView
from graphllm.llm.local import LocalLanguageModel
from graphllm.models.g_retriever import Told
from graphllm.retrieval.g_retriever import whole_graph
from graphllm.tasks.graph_qa import GraphQA
from graphllm.tasks.graph_qa_training import (
    GRAPH_QA,
    GraphQASettings,
    Opened,
    Telling,
    open_run,
    scored,
    train_graph_qa,
)
from graphllm.text.encoder import TextEncoder, load_encoder
from graphllm.text.remembering import Remembering
from graphllm.train.run_folder import run
from graphllm.train.settings_file import from_table

PRESET = Path(__file__).parents[1] / "pipelines" / "graph_qa" / "scenes.toml"
METHODS = ("question", "text", "retrieved_text", "g_retriever")
SIZES = ("scenes", "scenes-200", "scenes-2000", "scenes-20000")
WHOLE_COUNTED = 3  # graphs of a size of which all tokens are counted
ALL = "all"  # kinds of questions
ENDLESS = 10**9  # tokens


def settings_of(options: argparse.Namespace, method: str, seed: int) -> GraphQASettings:
    """Return the settings of the recipe for a method."""
    table = tomllib.loads(options.preset.read_text("utf-8"))
    given = from_table(GraphQASettings, {**table, "method": method, "seed": seed})
    given = replace(given, llm=options.llm or given.llm, num_train=options.num_train)
    given = replace(given, num_scored=options.num_validated, scored="val")
    epochs = options.epochs or given.training.epochs
    return replace(given, training=replace(given.training, epochs=epochs))


def trained(options: argparse.Namespace, method: str, seed: int, encoder: TextEncoder) -> Path:
    """Return the folder of a run, which is made where it is missing."""
    folder = options.out / f"{method}-{seed}"
    if not (folder / "report.json").is_file():
        recipe = replace(GRAPH_QA, train=partial(train_graph_qa, encoder=encoder))
        report = run(recipe, settings_of(options, method, seed), folder)
        print(folder.name, "validation", report["means"]["hits_at_1"], flush=True)
    return folder


class Watched(Telling):
    """Tells a model what it reads, and notes how long that took and how long it is."""

    def __init__(
        self, given: GraphQASettings, llm: LocalLanguageModel, encoder: TextEncoder
    ) -> None:
        super().__init__(given, llm, encoder)
        self.count = llm.count_tokens
        self.indexing = self.telling = 0.0
        self.sizes: dict[str, list[float]] = {"tokens": [], "nodes": [], "edges": []}

    def told(self, question: str, view: GraphView, *others: object) -> Told:
        """Note seconds and tokens."""
        started, indexing = time.perf_counter(), self.indexing
        found = super().told(question, view, *others)
        self.telling += time.perf_counter() - started - (self.indexing - indexing)
        self.sizes["tokens"].append(self.count(f"{found.text}\n\n{found.question}"))
        return found

    def part(self, question: str, view: GraphView):
        """Note how large the part is."""
        found = super().part(question, view)
        self.sizes["nodes"].append(len(found.nodes))
        self.sizes["edges"].append(len(found.edges))
        return found

    def over(self, view: GraphView) -> GraphQA:
        """Note the seconds until the graph can be asked; they are spent once for a graph."""
        started = time.perf_counter()
        found = super().over(view)
        _ = found.retriever
        self.indexing += time.perf_counter() - started
        return found


def measured(opened: Opened, size: str, num: int, encoder: TextEncoder, split: str) -> dict:
    """Return how a model answers in scenes of a size, and what that costs a question."""
    suite = load_suite(size, split=split).sample(num, np.random.default_rng(0))
    given = replace(opened.given, suite=size)
    watched = Watched(given, opened.llm, encoder)
    building = 0.0

    def built(example: Example) -> GraphView:
        nonlocal building
        started = time.perf_counter()
        view = suite.graph_of(example)
        building += time.perf_counter() - started
        return view

    started = time.perf_counter()
    predictions = scored(opened.model, replace(suite, graph_of=built), watched)
    taken = time.perf_counter() - started - building - watched.indexing - watched.telling
    seconds = {"index": watched.indexing, "tell": watched.telling, "model": taken}
    sizes = {name: values for name, values in watched.sizes.items() if values}
    return {
        "accuracy": by_kind(predictions),
        "told": {name: mean(np.array(values, float)).to_dict() for name, values in sizes.items()},
        "whole": whole_sizes(suite, opened.llm.count_tokens),
        "seconds_a_question": {name: value / len(suite) for name, value in seconds.items()},
        "right": per_question(predictions)["hits_at_1"],
    }


def by_kind(predictions: Sequence[Prediction]) -> dict[str, dict]:
    """Return the share of right first answers, of all questions and of each kind."""
    name = "hits_at_1"
    return {
        said.removeprefix(name).removeprefix(" of ") or ALL: found.to_dict()
        for said, found in measure(predictions).items()
        if said == name or said.startswith(f"{name} of ")
    }


def whole_sizes(suite: Suite, count: Callable[[str], int]) -> dict[str, float]:
    """Return nodes, edges and tokens of a few whole graphs, in the words the model is told."""
    found = []
    for example in suite.examples[:WHOLE_COUNTED]:
        view = suite.graph_of(example)
        text = textualize(
            view,
            whole_graph(view),
            max_tokens=ENDLESS,
            count_tokens=count,
            layout=Layout.DESCRIBED,
        )
        found.append((view.num_nodes, view.num_edges, text.num_tokens))
    return dict(zip(("nodes", "edges", "tokens"), np.mean(found, axis=0).tolist(), strict=True))


# tables


def table(cells: Sequence[dict]) -> str:
    """Return a line for each method and size: seeds together."""
    head = "seeds      n  accuracy +- seeds +- questions   told  of tokens  of nodes"
    lines = [f"{'method':14} {'size':13} {head}    index     tell    model (s a question)"]
    for method, size in product(METHODS, SIZES):
        same = [c for c in cells if (c["method"], c["size"]) == (method, size)]
        if not same:
            continue
        right = [cell["accuracy"][ALL]["value"] for cell in same]
        seeds = np.std(right, ddof=1) / len(right) ** 0.5 if len(right) > 1 else float("nan")
        of = same[0]["accuracy"][ALL]
        told = np.mean([cell["told"]["tokens"]["value"] for cell in same])
        whole = same[0]["whole"]
        spent = " ".join(
            f"{np.mean([cell['seconds_a_question'][name] for cell in same]):8.3f}"
            for name in ("index", "tell", "model")
        )
        lines.append(
            f"{method:14} {size:13} {len(same):5} {of['n']:6}     {np.mean(right):.3f}"
            f"    {seeds:.3f}        {of['standard_error']:.3f} {told:6.0f} {whole['tokens']:10.0f}"
            f" {whole['nodes']:9.0f} {spent}"
        )
    return "\n".join(lines)


def kinds_table(cells: Sequence[dict]) -> str:
    """Return the accuracy of each kind of question in single rooms, seeds together."""
    rooms = [cell for cell in cells if cell["size"] == SIZES[0]]
    kinds = sorted({kind for cell in rooms for kind in cell["accuracy"]})
    lines = [f"{'method':14} " + " ".join(f"{kind:>9}" for kind in kinds)]
    for method in METHODS:
        same = [cell["accuracy"] for cell in rooms if cell["method"] == method]
        if same:
            values = (np.mean([found[kind]["value"] for found in same]) for kind in kinds)
            lines.append(f"{method:14} " + " ".join(f"{value:9.3f}" for value in values))
    return "\n".join(lines)


def main() -> None:
    """Make the runs and cells that are missing, and print the tables of all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--preset", type=Path, default=PRESET)
    parser.add_argument("--method", action="append", choices=METHODS)
    parser.add_argument("--seed", action="append", type=int)
    parser.add_argument("--size", action="append", choices=SIZES)
    parser.add_argument("--llm", default="", help="in place of the recipe's")
    parser.add_argument("--epochs", type=int, default=0, help="in place of the recipe's")
    parser.add_argument("--num", type=int, default=100, help="questions about larger scenes")
    parser.add_argument("--num-train", type=int, default=0, help="0 takes all")
    parser.add_argument("--num-validated", type=int, default=200, help="questions, each epoch")
    parser.add_argument("--num-rooms", type=int, default=400, help="questions about single rooms")
    parser.add_argument("--split", default="test", choices=("val", "test"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = options.out / "cells"
    folder.mkdir(parents=True, exist_ok=True)
    encoder = None
    for seed, method, size in product(
        options.seed or [0, 1, 2], options.method or METHODS, options.size or SIZES
    ):
        path = folder / f"{options.split}-{method}-{seed}-{size}.json"
        if path.exists() or (method == "question" and size != SIZES[0]):
            continue  # a question alone is the same in any scene
        encoder = encoder or Remembering(load_encoder())
        opened = open_run(trained(options, method, seed, encoder), encoder)
        num = options.num_rooms if size == SIZES[0] else options.num
        cell = {
            "split": options.split, "method": method, "seed": seed, "size": size,
            **measured(opened, size, num, encoder, options.split),
            "settings": {k: str(v) for k, v in vars(options).items()}, **asdict(Provenance()),
        }  # fmt: skip
        partly = path.with_suffix(".part")
        partly.write_text(json.dumps(cell, indent=1) + "\n", "utf-8")
        partly.replace(path)
        print(path.name, cell["accuracy"][ALL], cell["seconds_a_question"], flush=True)
    cells = [
        json.loads(path.read_text("utf-8"))
        for path in sorted(folder.glob(f"{options.split}-*.json"))
    ]
    print(f"{table(cells)}\n\n{kinds_table(cells)}")


if __name__ == "__main__":
    main()
