"""Build what graphllm-small learns from.

python build.py --data DIR --out .runs/small/train.jsonl
python build.py --out .runs/small/held_out.jsonl --held-out --graphs 80

The domains of the curriculum that no shipped weights are trained on are left out; with --held-out
only they are built, to measure on. MetaQA is regenerated: development templates, filled from its
graph.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from graphllm.evaluate.suites import metaqa_chain
from graphllm.graph import GraphBuilder, GraphView
from graphllm.graph.view import edges_by_relation
from graphllm.llm.small import fast_tokenizer
from graphllm.query import Entities, Follow, Step, execute
from graphllm.query.plan import NodePlan
from graphllm.questions import (
    HELD_OUT,
    WEIGHTS,
    curriculum,
    generate,
    questions_for,
    sampler_of,
    schemas,
)
from graphllm.questions.inventories import codex, conceptnet, fb15k237, simple_questions
from graphllm.train.small_examples import (
    MOST_ANSWERS,
    AskedFacts,
    SmallExample,
    facts_of,
    of_graph,
    write_small_examples,
)

# Kinds of question that lines of text do not answer: they are worked out from many facts.
FOR_PLANS = frozenset(
    {
        "edge value",
        "filter",
        "aggregate",
        "groups",
        "superlative",
        "most",
        "comparison",
        "facts",
        "no entity",
    }
)
MOST_TRIES = 8


class Counter:
    """Counts word pieces."""

    def __init__(self) -> None:
        self._tokenizer = fast_tokenizer()

    def __call__(self, text: str) -> int:
        """Return how many there are, without the two around a text."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


def invented(
    rng: np.random.Generator, num_graphs: int, each: int, *, held_out: bool
) -> Iterator[SmallExample]:
    """Yield examples over invented graphs, those of held-out domains alone or all others."""
    counter = Counter()
    weights = {kind: weight for kind, weight in WEIGHTS.items() if kind not in FOR_PLANS}
    kept = [schema for schema in schemas() if schema.domain in HELD_OUT]
    for number in range(num_graphs):
        size = int(rng.integers(50, 160))
        if held_out:
            built = generate(kept[number % len(kept)], rng, num_nodes=size)
        else:
            built, _ = next(curriculum(rng, 1, 0, num_nodes=size, without=HELD_OUT))
        asked = (
            found
            for question in sampler_of(built, rng).questions(each, weights)
            if (found := facts_of(question, built.graph))
        )
        source = built.schema.domain if held_out else "curriculum"
        yield from of_graph(built.graph, asked, rng, counter, source=source)


def published(
    view: GraphView, rng: np.random.Generator, num: int, source: str
) -> Iterator[SmallExample]:
    """Yield examples over a published graph."""
    asked = (found for q in questions_for(view, rng, num) if (found := facts_of(q, view)))
    yield from of_graph(view, asked, rng, Counter(), source=source)


def simple(data: Path, rng: np.random.Generator, num: int) -> Iterator[SmallExample]:
    """Yield questions that people asked about one fact, beside facts that were made up.

    The data has little more than one fact about each topic; each gets some of another relation.
    """
    rows = [row for row in simple_questions(data) if row.end > row.start and row.answers]
    builder, edges = GraphBuilder(), []
    tails: dict[str, list[str]] = {}
    for row in rows:
        [step] = row.path
        ends = (row.topic, row.answers[0])
        head, tail = ends[::-1] if step.inverse else ends
        edges.append((head, step.relation, tail))
        tails.setdefault(step.relation, []).append(tail)
    relations = sorted(tails)
    for head, relation, tail in edges:
        builder.edge(head, relation, tail)
        for _ in range(int(rng.integers(0, 4))):
            other = relations[int(rng.integers(len(relations)))]
            options = tails[other]
            if other != relation:
                builder.edge(head, other, options[int(rng.integers(len(options)))])
    view = builder.build()
    chosen = rng.permutation(len(rows))[:num].tolist()
    asked = (
        walked(rows[i].question, (rows[i].start, rows[i].end), rows[i].topic, rows[i].path, view)
        for i in chosen
    )
    yield from of_graph(view, filter(None, asked), rng, Counter(), source="simplequestions")


def walked(
    question: str, span: tuple[int, int], topic: str, path: tuple[Step, ...], view: GraphView
) -> AskedFacts | None:
    """Return a question whose answer is a path from the one thing it names."""
    plan: NodePlan = Entities((topic,))
    for step in path:
        plan = Follow(plan, step)
    start = view.find_key(topic)
    result = execute(plan, view)
    answers = tuple(node for node in result.nodes.tolist() if node != start)
    if start is None or not answers or len(answers) > MOST_ANSWERS or len(result.edges) > 20:
        return None
    names = ((*span, (start,)),)
    edges = tuple(result.edges.tolist())
    return AskedFacts(question, names, answers, "", edges, "path", len(path))


def films(data: Path, rng: np.random.Generator, num: int) -> Iterator[SmallExample]:
    """Yield MetaQA's questions: templates of its dev split about topics drawn from its graph."""
    builder = GraphBuilder()
    for line in (data / "metaqa" / "kb.txt").read_text("utf-8").splitlines():
        builder.edge(*line.split("|"))
    view = builder.build()
    mined = json.loads((data / "metaqa" / "templates_mined_from_dev.json").read_text("utf-8"))
    yield from of_graph(view, _of_films(mined, view, rng, num), rng, Counter(), source="metaqa")


def _of_films(
    mined: dict[str, dict[str, list[dict[str, object]]]],
    view: GraphView,
    rng: np.random.Generator,
    num: int,
) -> Iterator[AskedFacts]:
    by_relation = {label: i for i, label in enumerate(view.relations)}
    rows = edges_by_relation(view)
    for _ in range(num):
        templates = mined[str(rng.integers(1, 4))]["dev_templates"]
        template = templates[int(rng.integers(len(templates)))]
        path = metaqa_chain(str(template["qtype"]))
        relation = by_relation[path[0].relation]
        edges = rows.edge_ids[rows.indptr[relation] : rows.indptr[relation + 1]]
        for edge in rng.choice(edges, MOST_TRIES).tolist():
            topic = view.keys[int((view.tails if path[0].inverse else view.heads)[edge])]
            before, _, after = str(template["template"]).partition("[E]")
            span = (len(before), len(before) + len(topic))
            asked = walked(before + topic + after, span, topic, path, view)
            if asked is not None:
                yield asked
                break


def examples(options: argparse.Namespace) -> Iterator[SmallExample]:
    """Yield the examples of every source that is asked for."""
    rng = np.random.default_rng(options.seed)
    yield from invented(rng, options.graphs, options.each, held_out=options.held_out)
    if options.data and not options.held_out:
        data = Path(options.data)
        yield from simple(data, rng, options.simple)
        yield from films(data, rng, options.metaqa)
        for source, view in (
            ("fb15k237", fb15k237(data)),
            ("codex", codex(data)),
            ("conceptnet", conceptnet(data)),
        ):
            yield from published(view, rng, options.inventory, source)


def main() -> None:
    """Read the command line, build and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", help="the folder of the datasets")
    parser.add_argument("--out", required=True, help="where to write JSON lines")
    parser.add_argument("--held-out", action="store_true", help="the domains to measure on")
    parser.add_argument("--graphs", type=int, default=2500, help="invented graphs")
    parser.add_argument("--each", type=int, default=24, help="questions an invented graph")
    parser.add_argument("--simple", type=int, default=8_000, help="of SimpleQuestions")
    parser.add_argument("--metaqa", type=int, default=8_000)
    parser.add_argument("--inventory", type=int, default=2_500, help="a published graph")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    out = Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    print(f"{write_small_examples(out, examples(options))} examples in {out}")


if __name__ == "__main__":
    main()
