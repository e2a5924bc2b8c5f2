r"""Collect the planner's own mistakes: wrong candidates that stand high are the best negatives.

GRAPHLLM_SCORER=.runs/planner/transfer/adapter.safetensors \
    python mine.py --out .runs/planner/mined.jsonl

Questions are built over invented graphs; the planner ranks its candidates with the weights of the
first round, and those that stand before or near the right plan are what the next round is shown.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from graphllm.errors import GraphLLMError
from graphllm.graph.folding import fold
from graphllm.questions import HELD_OUT, BuiltQuestion, curriculum
from graphllm.readers.plan_reader import PlanReader
from graphllm.retrieval.rescoring import texts_of
from graphllm.retrieval.verbalize import Verbalizer, letters_of
from graphllm.tasks.built import reader_of
from graphllm.text.encoder import load_encoder
from graphllm.text.remembering import Remembering
from graphllm.train.plan_examples import PlanExample, write_examples

NUM_NEGATIVES = 8
_LOOKED_AT = 24  # candidates of a question


def mistakes(
    reader: PlanReader, asked: BuiltQuestion, verbalizer: Verbalizer, group: str
) -> Iterator[PlanExample]:
    """Yield the right plan of a question beside the wrong ones that the planner likes."""
    if asked.plan is None:
        return
    gold = {fold(answer) for answer in asked.answers}
    wrong: dict[str, list[str]] = {}
    seeds = reader.linker.link(asked.question)
    for candidate in reader.planner.rank(seeds)[:_LOOKED_AT]:
        question, text = texts_of(verbalizer, seeds, candidate)
        if gold and answers(reader, candidate.plan) == gold:
            continue
        wrong.setdefault(question, []).append(text)
    letters = letters_of([mention.keys for mention in sorted(asked.mentions)])
    right = verbalizer.text(asked.plan, letters)
    for question, texts in wrong.items():
        others = tuple(t for t in dict.fromkeys(texts) if t != right)[:NUM_NEGATIVES]
        if others and len(texts) == max(map(len, wrong.values())):
            yield PlanExample(question, right, others, group, "planner")


def answers(reader: PlanReader, plan: object) -> set[str]:
    """Return what a plan answers, folded; nothing where it cannot run."""
    try:
        draft = reader.run(plan).draft  # type: ignore[arg-type]
    except GraphLLMError:
        return set()
    return {fold(entity) for entity in draft.entities} if draft is not None else set()


def mined(rng: np.random.Generator, num_graphs: int, each: int) -> Iterator[PlanExample]:
    """Yield the mistakes over so many invented graphs."""
    encoder = Remembering(load_encoder())
    for number in range(num_graphs):
        size = int(rng.integers(60, 200))
        built, questions = next(curriculum(rng, 1, each, num_nodes=size, without=HELD_OUT))
        reader = reader_of(built.graph, encoder)
        verbalizer = Verbalizer(reader.planner.schema)
        for asked in questions:
            yield from mistakes(reader, asked, verbalizer, f"m{number}")


def main() -> None:
    """Read the command line, mine and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", required=True, help="where to write JSON lines")
    parser.add_argument("--graphs", type=int, default=500, help="invented graphs")
    parser.add_argument("--each", type=int, default=14, help="questions over each")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    out = Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    examples = mined(np.random.default_rng(options.seed), options.graphs, options.each)
    print(f"{write_examples(out, examples)} examples in {out}")


if __name__ == "__main__":
    main()
