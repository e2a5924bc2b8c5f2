"""Build what the plan scorer learns from.

python build.py --data DIR --out .runs/planner/transfer.jsonl
python build.py --data DIR --out .runs/planner/shipped.jsonl --shipped

The transfer examples hold no film question and nothing of MetaQA or PathQuestion; the shipped ones
add film questions of the same sources, and MetaQA's own templates (development questions, filled
from its graph: its training split, regenerated). Both leave out the domains of the curriculum that
are kept for calibration.
"""

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from metaqa import metaqa_examples

from graphllm.questions import HELD_OUT, curriculum, questions_for, sampler_of
from graphllm.questions.inventories import (
    codex,
    conceptnet,
    fb15k237,
    simple_questions,
    webquestions,
)
from graphllm.train.plan_examples import PlanExample, of_asked_paths, of_graph, write_examples

SCREEN = ("film", "tv")
OVER_KINDS = {
    "filter": 3.0,
    "superlative": 3.0,
    "aggregate": 2.0,
    "count": 3.0,
    "most": 2.0,
    "groups": 2.0,
}
SOURCES = (
    "curriculum",
    "kinds",
    "webquestions",
    "simplequestions",
    "fb15k237",
    "codex",
    "conceptnet",
)


def invented(rng: np.random.Generator, num_graphs: int, each: int) -> Iterator[PlanExample]:
    """Yield the curriculum's examples, from graphs of 60 to 240 nodes."""
    for number in range(num_graphs):
        size = int(rng.integers(60, 240))
        built, questions = next(curriculum(rng, 1, each, num_nodes=size, without=HELD_OUT))
        yield from of_graph(built.graph, questions, rng, group=f"c{number}", source="curriculum")


def about_kinds(rng: np.random.Generator, num_graphs: int, each: int) -> Iterator[PlanExample]:
    """Yield questions that begin with every node of a kind, and name none."""
    for number in range(num_graphs):
        built, _ = next(curriculum(rng, 1, 0, num_nodes=120, without=HELD_OUT))
        asked = sampler_of(built, rng).questions(4 * each, OVER_KINDS)
        nameless = list(islice((q for q in asked if not q.mentions), each))
        yield from of_graph(built.graph, nameless, rng, group=f"k{number}", source="kinds")


def from_inventories(
    data: Path, rng: np.random.Generator, source: str, num: int, *, film: bool
) -> Iterator[PlanExample]:
    """Yield questions that are built over a published graph, a few dozen to a group."""
    without = () if film else SCREEN
    view = {
        "fb15k237": lambda: fb15k237(data, without=without),
        "codex": lambda: codex(data),
        "conceptnet": lambda: conceptnet(data),
    }[source]()
    asked = iter(questions_for(view, rng, num))
    group = 0
    while some := list(islice(asked, 24)):
        yield from of_graph(view, some, rng, group=f"{source} {group}", source=source)
        group += 1


def examples(options: argparse.Namespace) -> Iterator[PlanExample]:
    """Yield the examples of every source that is asked for."""
    rng = np.random.default_rng(options.seed)
    data, film = Path(options.data), options.shipped
    sources = [s for s in options.sources.split(",") if s]
    if "curriculum" in sources:
        yield from invented(rng, options.graphs, options.each)
    if "kinds" in sources:
        yield from about_kinds(rng, options.graphs // 2, 10)
    if "webquestions" in sources:
        asked = list(webquestions(data, without=() if film else SCREEN))
        for _ in range(2):
            yield from of_asked_paths(asked, rng)
    if "simplequestions" in sources:
        simple = list(simple_questions(data, without_film=not film))
        yield from islice(of_asked_paths(simple, rng), options.simple)
    for source in ("fb15k237", "codex", "conceptnet"):
        if source in sources:
            yield from from_inventories(data, rng, source, options.inventory, film=film)
    if film:
        yield from metaqa_examples(data, rng, options.metaqa)


def main() -> None:
    """Read the command line, build and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", required=True, help="the folder of the datasets")
    parser.add_argument("--out", required=True, help="where to write JSON lines")
    parser.add_argument("--sources", default=",".join(SOURCES), help="which, separated by commas")
    parser.add_argument("--shipped", action="store_true", help="with film, and with MetaQA")
    parser.add_argument("--graphs", type=int, default=1800, help="invented graphs")
    parser.add_argument("--each", type=int, default=20, help="questions an invented graph")
    parser.add_argument("--simple", type=int, default=12_000, help="of SimpleQuestions")
    parser.add_argument("--inventory", type=int, default=1_500, help="a published graph")
    parser.add_argument("--metaqa", type=int, default=12_000, help="of MetaQA, when shipped")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    out = Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    print(f"{write_examples(out, examples(options))} examples in {out}")


if __name__ == "__main__":
    main()
