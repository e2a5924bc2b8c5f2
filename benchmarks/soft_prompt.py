"""What does a soft prompt add to facts in words, at small budgets?

    python benchmarks/soft_prompt.py --data DIR --llm MODEL --out DIR [--suite metaqa]
        [--mode both ...] [--seed 0 ...] [--limit 300] [--split dev] [--steps 200]

Every cell of the table (suite, mode, seed) is a file in --out; cells that are there are not made
again, and all that are there are printed. The language model stays frozen. A graph encoder first
learns to mark answers (--marking steps, without the language model), then to tell them in soft
tokens alone (--steps); where facts in words stand beside, it goes on with those (--text-steps). One
training serves all budgets: half of its questions have the smallest, half of the others the next.

A question is linked, a retriever picks edges of the whole graph, and as many of them as fit the
budget stand in the prompt as words; the budget, in tokens of the model (WordPieces of
graphllm-small), holds the question too. Soft tokens stand behind the text and come on top: one
for each reference to a node of what was retrieved, so that also what the text has no room for
can be answered.

    text            the model as it is, facts in words alone; nothing is trained
    soft            soft tokens and the question
    both            soft tokens, the question, facts in words
    soft+topology   as soft and both; nodes also have topology tokens
    both+topology
    shuffled        soft, but each edge leads to a tail drawn from those of the other edges
    untrained       soft, but the graph encoder stays as it was drawn
    blind           soft, but all nodes look alike: what is learnt without any graph, of the order
                    in which nodes are found
    scrambled       soft, but nodes are numbered in an order drawn for each question: what is learnt
                    of the graph without that order

Training questions are made from the graphs alone. MetaQA: templates mined from its dev questions,
about topics drawn from the films; none that a scored question is about. PathQuestion: questions
built from the graph's own labels, chains of two or three facts as its name says; no phrasing of
PathQuestion is looked at.

The scores are those of the names a reply gives, whatever it cites: hits@1, F1, and `nameable`: the
share of gold that any reply could name.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from graphllm import GraphQA
from graphllm.evaluate import Example, load_suite
from graphllm.evaluate.metrics import mean, normalize, score
from graphllm.evaluate.provenance import Provenance
from graphllm.evaluate.suites import metaqa_chain
from graphllm.graph.subgraph import Subgraph
from graphllm.graph.textualize import Textualized
from graphllm.graph.view import GraphView, edges_by_relation
from graphllm.index.cache import index_for
from graphllm.index.progress import silent
from graphllm.models.fact_prompts import FactPrompts, Facts, FactSettings, ReplyForm
from graphllm.models.graph_prompter import GraphPrompter
from graphllm.models.prompted_model import open_language_model
from graphllm.query import Entities, Follow, execute
from graphllm.questions import questions_for
from graphllm.readers.replies import ReplyError, read_reply
from graphllm.tasks.soft_prompt import SoftPromptSettings, answer_of, new_prompter, retrieved
from graphllm.text.encoder import load_encoder
from graphllm.text.remembering import Remembering
from graphllm.tokenizers.features import TextTokenizer
from graphllm.tokenizers.topology import TopologySettings
from graphllm.train.soft_prompt import (
    HowTrained,
    Retrieved,
    SoftExample,
    SoftPromptTraining,
    TokenTable,
    example_of,
    mark_answers,
    train_prompter,
)

SUITES = {
    "metaqa": ("metaqa-1hop", "metaqa-2hop", "metaqa-3hop"),
    "pathquestion-2h": ("pathquestion-2h",),
    "pathquestion-3h": ("pathquestion-3h",),
}
HOPS = {"pathquestion-2h": 2, "pathquestion-3h": 3}
MODES = (
    "text",
    "soft",
    "both",
    "soft+topology",
    "both+topology",
    "shuffled",
    "untrained",
    "blind",
    "scrambled",
)
BUDGETS = (32, 64, 128, 256, 512)
MOST_EDGES = 40  # that prove an answer trained on
TRIES = 12
VALIDATIONS = 2  # of a training
BUILT = 6  # questions for each that is a chain of the right length


class Trained(NamedTuple):
    """A question to train on and what answers it."""

    question: str
    facts: Facts


def films_questions(data: Path, view: GraphView, avoid: set[str], num: int) -> Iterator[Trained]:
    """Yield MetaQA's questions, made again: templates about topics drawn from the graph."""
    rng = np.random.default_rng(0)
    mined = json.loads((data / "metaqa" / "templates_mined_from_dev.json").read_text("utf-8"))
    relation_ids = {label: number for number, label in enumerate(view.relations)}
    rows = edges_by_relation(view)
    for number in range(num):
        templates = mined[str(1 + number % 3)]["dev_templates"]
        template = templates[int(rng.integers(len(templates)))]
        path = metaqa_chain(template["qtype"])
        relation = relation_ids[path[0].relation]
        edges = rows.edge_ids[rows.indptr[relation] : rows.indptr[relation + 1]]
        for edge in rng.choice(edges, TRIES).tolist():
            start = int((view.tails if path[0].inverse else view.heads)[edge])
            plan = Entities((view.keys[start],))
            for step in path:
                plan = Follow(plan, step)
            found = execute(plan, view)
            answers = tuple(node for node in found.nodes.tolist() if node != start)
            if view.keys[start] not in avoid and answers and len(found.edges) <= MOST_EDGES:
                question = template["template"].replace("[E]", view.keys[start])
                yield Trained(question, Facts(answers, "", tuple(found.edges.tolist())))
                break


def built_questions(view: GraphView, avoid: set[str], num: int, hops: int) -> Iterator[Trained]:
    """Yield questions built from the labels of a graph, chains of ``hops`` facts."""
    for question in questions_for(view, np.random.default_rng(0), BUILT * num, dirt=0.0):
        if question.operation != "path" or question.hops != hops:
            continue
        keys = {key for mention in question.mentions for key in mention.keys}
        facts = answer_of(question, view)
        if facts.answers and not keys & avoid and num:
            num -= 1
            yield Trained(question.question, facts)


class Scrambled(FactPrompts):
    """Numbers the nodes that get soft tokens in an order drawn for each question."""

    def shown(self, question: str, subgraph: Subgraph) -> Textualized:
        """Return what is shown, with its first references in another order."""
        found = super().shown(question, subgraph)
        items = self.items(found)
        rng = np.random.default_rng(list(question.encode()))
        mixed = tuple(items[place] for place in rng.permutation(len(items)).tolist())
        return replace(found, references=mixed + found.references[len(items) :])


class Bench:
    """One graph, its questions, and the language model."""

    def __init__(self, options: argparse.Namespace, suite: str) -> None:
        self.options, self.suite = options, suite
        data = options.data
        split = options.split if suite == "metaqa" else None
        self.asked: dict[str, list[Example]] = {}
        for place, name in enumerate(SUITES[suite]):
            rng = np.random.default_rng([0, place])
            loaded = load_suite(name, data, split)
            self.asked[name] = list(loaded.sample(options.limit, rng).examples)
            graph_path = loaded.graph_path
        self.view = index_for(graph_path, progress=silent)
        self.qa = GraphQA.from_graph(self.view, retriever=options.retriever)
        self.llm = open_language_model(options.llm)
        self.encoder = Remembering(load_encoder())
        self._tables: dict[bool, TokenTable] = {}
        avoid = {e.topic for examples in self.asked.values() for e in examples if e.topic}
        make = films_questions(data, self.view, avoid, options.questions)
        if suite != "metaqa":
            make = built_questions(self.view, avoid, options.questions, HOPS[suite])
        self.trained = list(make)
        self.parts = self._retrieved([one.question for one in self.trained])
        self.asked_parts = {
            name: self._retrieved([e.question for e in examples])
            for name, examples in self.asked.items()
        }

    def _retrieved(self, questions: Sequence[str]) -> list[Retrieved]:
        cache = self.options.out / "cache"
        return retrieved(self.qa, questions, self.options.max_edges, cache, made_by="benchmark")

    def cell(self, mode: str, seed: int) -> dict[str, object]:
        """Train a cell and score it."""
        started = time.monotonic()
        budgets = BUDGETS if with_text(mode) else BUDGETS[:1]  # without text there is none
        of_budget = [self._prompts(budget, mode) for budget in budgets]
        training = self._training(of_budget[0], mode, seed)
        loss, steps = None, 0
        if mode != "text":
            loss, steps = self._begin(training, mode, seed)
        if mode != "text" and with_text(mode):
            rng = np.random.default_rng([seed, 1])
            drawn = rng.choice(len(budgets), len(self.parts), p=_shares(len(budgets)))
            made = self._made([of_budget[which] for which in drawn.tolist()], mode, seed)
            done = self._train(training, made, self.options.text_steps, 0, seed)
            loss, steps = dict(done.measured or {}).get("loss"), steps + done.num_steps
        scores = {
            name: {
                str(budget): self._scores(training, prompts, name, mode, seed)
                for budget, prompts in zip(budgets, of_budget, strict=True)
            }
            for name in SUITES[self.suite]
        }
        return {
            "suite": self.suite, "mode": mode, "seed": seed, "scores": scores,
            "validation_loss": loss, "steps": steps, "trained_on": len(self.trained),
            "minutes": round((time.monotonic() - started) / 60, 2),
            "settings": {k: str(v) for k, v in vars(self.options).items()},
            **asdict(Provenance()),
        }  # fmt: skip

    def _begin(self, training: SoftPromptTraining, mode: str, seed: int) -> tuple[float, int]:
        """Put into a training what soft tokens alone taught; modes that differ in text share it."""
        begun = mode.replace("both", "soft")
        folder = self.options.out / "begun" / f"{self.suite}-{begun}-{seed}"
        report = folder / "report.json"
        if not report.is_file():
            prompts = self._prompts(BUDGETS[0], begun.removesuffix("+topology"))
            alone = self._training(prompts, mode, seed)
            made = self._made([prompts] * len(self.parts), mode, seed)
            options = self.options
            done = self._train(alone, made, options.steps, options.marking, seed)
            folder.mkdir(parents=True, exist_ok=True)
            alone.prompter.save(folder)
            loss = dict(done.measured or {})["loss"]
            report.write_text(json.dumps({"loss": loss, "steps": done.num_steps}) + "\n", "utf-8")
        training.prompter.load_state_dict(GraphPrompter.load(folder).state_dict())
        found = json.loads(report.read_text("utf-8"))
        return found["loss"], found["steps"]

    def _made(self, prompts: Sequence[FactPrompts], mode: str, seed: int) -> list[SoftExample]:
        """Return the questions to train on, each told by prompts of its own."""
        return [
            self._shuffled(self._example(part, one.facts, which), mode, seed)
            for part, one, which in zip(self.parts, self.trained, prompts, strict=True)
            if len(part.subgraph.edges)
        ]

    def _prompts(self, budget: int, mode: str) -> FactPrompts:
        count = self.llm.count_tokens
        settings = FactSettings(
            form=ReplyForm.of(self.llm.has_references),
            max_tokens=budget,
            max_edges=self.options.max_edges,
            with_text=with_text(mode),
            num_items=0 if mode == "text" else self.options.items,
        )
        kind = Scrambled if mode == "scrambled" else FactPrompts
        return kind(self.view, count, settings, context_tokens=self.llm.context_tokens)

    def _training(self, prompts: FactPrompts, mode: str, seed: int) -> SoftPromptTraining:
        options = self.options
        topology = mode.endswith("+topology")
        settings = SoftPromptSettings(
            pooling="items",
            num_tokens=options.items,
            encoder=options.encoder,
            topology=topology,
            question=self.options.question,
            seed=seed,
        )
        prompter = new_prompter(settings, self.llm, self.encoder.dim)
        if mode == "untrained":
            prompter.encoder.requires_grad_(False)
        table = self._table(topology)
        if mode == "blind":
            table = table.blind()
        return SoftPromptTraining(prompter, self.llm, prompts, table)

    def _table(self, topology: bool) -> TokenTable:
        """Return the vectors of all that is retrieved; they are made once for all cells."""
        if topology not in self._tables:
            settings = TopologySettings() if topology else None
            tokenizer = TextTokenizer(self.view, self.encoder, settings)
            parts = [part.subgraph for parts in self.asked_parts.values() for part in parts]
            parts += [part.subgraph for part in self.parts]
            self._tables[topology] = TokenTable.of(self.view, tokenizer, parts)
        return self._tables[topology]

    def _example(self, part: Retrieved, facts: Facts, prompts: FactPrompts) -> SoftExample:
        questions = self.encoder if self.options.question else None
        return example_of(part, facts, prompts, self.llm.count_tokens, questions=questions)

    def _shuffled(self, example: SoftExample, mode: str, seed: int) -> SoftExample:
        """Return the example of a mode, in the control with the tails of its edges mixed."""
        ends = example.edge_index
        if mode == "blind":
            return replace(
                example,
                edge_index=ends[:, :0],
                relation_ids=example.relation_ids[:0],
                asked=example.asked.blank if example.asked else None,
            )
        if mode != "shuffled":
            return example
        rng = np.random.default_rng([seed, *example.nodes[:8].tolist()])
        return replace(example, edge_index=np.stack([ends[0], rng.permutation(ends[1])]))

    def _train(
        self,
        training: SoftPromptTraining,
        made: list[SoftExample],
        steps: int,
        marking_steps: int,
        seed: int,
    ):
        how = HowTrained(
            steps=steps,
            learning_rate=self.options.rate,
            batch_size=self.options.batch,
            validate_every=max(steps // VALIDATIONS, 1),
            seed=seed,
        )
        held_back = made[:: max(len(made) // 96, 2)]
        kept = {id(one) for one in held_back}
        rest = [one for one in made if id(one) not in kept]
        mark_answers(training, rest, held_back, steps=marking_steps, seed=seed)
        return train_prompter(training, rest, held_back, how, count_tokens=self.llm.count_tokens)

    def _scores(
        self, training: SoftPromptTraining, prompts: FactPrompts, name: str, mode: str, seed: int
    ) -> dict[str, object]:
        import torch

        found: dict[str, list[float]] = {"hits_at_1": [], "f1": [], "nameable": []}
        pairs = list(zip(self.asked[name], self.asked_parts[name], strict=True))
        for first in range(0, len(pairs), 16):
            some = pairs[first : first + 16]
            made = [
                self._shuffled(self._example(part, Facts(), prompts), mode, seed)
                for _, part in some
            ]
            training.eval()
            with torch.no_grad():
                told = (
                    training.prompts(made)
                    if mode != "text"
                    else [prompts.prompt(one.text, []) for one in made]
                )
            with torch.autocast(self.llm.module.device.type, torch.bfloat16):
                replies = self.llm.generate(told, prompts.settings.decoding)
            for (example, part), reply in zip(some, replies, strict=True):
                shown = prompts.shown(part.question, part.subgraph)
                answers = named_in(prompts, reply.text, shown)
                scores = score(answers, example.gold)
                found["hits_at_1"].append(scores.hits_at_1)
                found["f1"].append(scores.f1)
                found["nameable"].append(nameable(prompts, shown, example))
        return {what: mean(np.array(values))._asdict() for what, values in found.items()}


def with_text(mode: str) -> bool:
    """Whether facts in words stand in the prompts of a mode."""
    return mode == "text" or mode.startswith("both")


def _shares(count: int) -> list[float]:
    """Return halves of what is left, so that larger budgets, which take longer, come less often."""
    shares = [0.5 ** (place + 1) for place in range(count)]
    shares[-1] *= 2
    return shares


def named_in(prompts: FactPrompts, reply: str, shown) -> tuple[str, ...]:
    """Return what a reply names."""
    if prompts.settings.form is ReplyForm.REFERENCES:
        return prompts.read(reply, shown).answers
    try:
        return read_reply(reply).answers
    except ReplyError:
        return ()


def nameable(prompts: FactPrompts, shown, example: Example) -> float:
    """Return the share of gold that a reply could name."""
    nodes = {*(shown.nodes if prompts.settings.with_text else ()), *prompts.items(shown)}
    names = {normalize(prompts.view.names[node]) for node in nodes}
    return float(np.mean([normalize(gold) in names for gold in example.gold]))


def table(cells: Sequence[dict]) -> str:
    """Return the cells there are as lines: seeds together, with the standard error over them."""
    lines = [
        f"{'suite':16} {'budget':>6} {'mode':14} seeds     n   hits@1             F1"
        "                 nameable"
    ]
    found: dict[tuple[str, int, int], list[dict]] = {}
    for cell in cells:
        for name, budgets in cell["scores"].items():
            for budget, scores in budgets.items():
                key = (name, int(budget), MODES.index(cell["mode"]))
                found.setdefault(key, []).append(scores)
    for (name, budget, mode), scores in sorted(found.items()):
        told = [
            _over_seeds([one[what] for one in scores]) for what in ("hits_at_1", "f1", "nameable")
        ]
        n = scores[0]["hits_at_1"]["n"]
        lines.append(
            f"{name:16} {budget:6} {MODES[mode]:14} {len(scores):5} {n:5}   {'   '.join(told)}"
        )
    return "\n".join(lines)


def _over_seeds(means: Sequence[dict]) -> str:
    """Return a mean: its error is that of the questions and that between seeds together."""
    values = [one["value"] for one in means]
    asked = means[0]["standard_error"] ** 2
    between = float(np.var(values, ddof=1)) / len(values) if len(values) > 1 else 0.0
    return f"{np.mean(values):.3f} +- {(asked + between) ** 0.5:.3f}"


def main() -> None:
    """Make the cells that are asked for and missing, and print the table of all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("GRAPHLLM_DATA"))
    parser.add_argument("--llm", default="small")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--suite", action="append", choices=list(SUITES))
    parser.add_argument("--mode", action="append", choices=MODES)
    parser.add_argument("--seed", action="append", type=int)
    parser.add_argument("--limit", type=int, default=100, help="scored questions of each suite")
    parser.add_argument("--split", default="dev", choices=["dev", "test"])
    parser.add_argument("--questions", type=int, default=2000, help="to train on")
    parser.add_argument("--marking", type=int, default=150, help="steps of the encoder alone")
    parser.add_argument("--steps", type=int, default=150, help="with soft tokens alone")
    parser.add_argument("--text-steps", type=int, default=50, help="then, beside facts in words")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--items", type=int, default=32, help="nodes with a soft token, at most")
    parser.add_argument("--max-edges", type=int, default=64)
    parser.add_argument("--retriever", default="paths")
    parser.add_argument("--encoder", default="graph_transformer")
    parser.add_argument("--question", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    folder = options.out / "cells"
    folder.mkdir(parents=True, exist_ok=True)
    for suite in options.suite or list(SUITES):
        bench = None
        for seed, mode in product(options.seed or [0, 1, 2], options.mode or MODES):
            path = folder / f"{suite}-{mode}-{seed}.json"
            if path.exists() or (mode == "text" and seed != (options.seed or [0])[0]):
                continue
            bench = bench or Bench(options, suite)
            found = bench.cell(mode, seed)
            partial = path.with_suffix(".part")
            partial.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
            partial.replace(path)
            print(path.name, found["minutes"], "minutes", flush=True)
    print(table([json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]))


if __name__ == "__main__":
    main()
