"""Ask the same questions with an entity as it is written and with it misspelt.

    python benchmarks/dirty_names.py [--seed 0] [--num 25] [--develop] [--json FILE]
    python benchmarks/dirty_names.py --data DIR --suite NAME [--split SPLIT] [--num 300]

The graphs are invented ones of the domains that no weights are trained on, and the shipped
example; the questions are built from each graph, and right is the whole set of answers.
``--develop`` takes the other domains instead: to look at mistakes and improve on. With ``--suite``
the questions and the graph are those of a published suite, the misspelt entity is its topic, and
right is the first answer (Hits@1); only numbers are printed.

One name of each question is soiled in one way at a time: a typing slip (a letter left out, doubled,
changed, or two exchanged), all in small letters, all in capitals, accents left out (where there are
any), or an accent too many. A soiled name that is another name of the graph is left out, as is
one that comes out as it was. Each row is the paired difference to the same questions clean.
The bar: at most 3 points lost.
"""

import argparse
import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from graphllm import GraphQA
from graphllm.evaluate import load_suite
from graphllm.evaluate.provenance import Provenance
from graphllm.examples import path as example_path
from graphllm.graph import GraphView
from graphllm.graph.folding import fold
from graphllm.io import read_graph
from graphllm.questions import HELD_OUT, curriculum, questions_for, sampler_of, schemas
from graphllm.questions.noise import typo, without_accents

from shares import Share, difference, line, share_of, write_json  # isort: skip (a neighbour)

ACCENTS = {"a": "á", "e": "é", "i": "í", "o": "ö", "u": "ü"}
BAR = -0.03


class Asked(NamedTuple):
    """A question, where one name stands in it, and its answers."""

    question: str
    start: int
    end: int
    answers: tuple[str, ...]


class Pair(NamedTuple):
    """Whether a question was answered rightly clean, and soiled in one way."""

    source: str
    kind: str
    clean: bool
    dirty: bool


def accent_added(name: str, rng: np.random.Generator) -> str:
    """Return ``name`` with an accent on one of its vowels; as it is when it has none."""
    vowels = [i for i, letter in enumerate(name) if letter in ACCENTS]
    if not vowels:
        return name
    at = vowels[int(rng.integers(len(vowels)))]
    return name[:at] + ACCENTS[name[at]] + name[at + 1 :]


SOILS: dict[str, Callable[[str, np.random.Generator], str]] = {
    "typo": typo,
    "small letters": lambda name, rng: name.lower(),
    "capitals": lambda name, rng: name.upper(),
    "accents left out": lambda name, rng: without_accents(name),
    "accent too many": accent_added,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--num", type=int, default=25, help="questions per graph, or of the suite")
    parser.add_argument("--nodes", type=int, default=300, help="about how many each graph has")
    parser.add_argument("--develop", action="store_true", help="the domains that are trained on")
    parser.add_argument("--lost", action="store_true", help="print what was lost; with --develop")
    parser.add_argument("--suite", help="a suite of `graphllm eval` instead of built questions")
    parser.add_argument("--split", help="of the suite")
    parser.add_argument("--data", type=Path, default=os.environ.get("GRAPHLLM_DATA"))
    parser.add_argument("--json", type=Path, help="write the result here")
    options = parser.parse_args()
    if options.lost and not options.develop:
        parser.error("mistakes are looked at with --develop only")
    rng = np.random.default_rng(options.seed)
    pairs = list(suite_pairs(options, rng) if options.suite else built_pairs(options, rng))
    shares = table(pairs)
    for what, share in shares.items():
        print(line(what, share))
    lost = {
        kind: shares[f"lost: {kind}"].share for kind in ("all", *SOILS) if f"lost: {kind}" in shares
    }
    worst = min(lost, key=lambda kind: lost[kind])
    print(f"bar {BAR:+.3f}; all {lost['all']:+.3f}, worst kind {worst} {lost[worst]:+.3f}")
    write_json(options.json, shares, commit=Provenance().commit, seed=options.seed)


def built_pairs(options: argparse.Namespace, rng: np.random.Generator) -> Iterator[Pair]:
    """Yield the pairs of questions built over invented graphs and over the example."""
    domains = {schema.domain for schema in schemas()}
    without = HELD_OUT if options.develop else domains - HELD_OUT
    num_graphs = len([schema for schema in schemas() if schema.domain not in without])
    for built, _ in curriculum(rng, num_graphs, 0, num_nodes=options.nodes, without=without):
        questions = sampler_of(built, rng, dirt=0).questions(options.num)
        asked = list(as_asked(questions, rng))
        yield from pairs_of("invented", built.graph, asked, rng, options.lost)
    view = read_graph(sorted(example_path().glob("*.csv")))
    asked = list(as_asked(questions_for(view, rng, 4 * options.num, dirt=0), rng))
    yield from pairs_of("example", view, asked, rng, options.lost)


def as_asked(questions, rng: np.random.Generator) -> Iterator[Asked]:
    """Yield the answerable questions that name something, with one of the names."""
    for built in questions:
        named = [mention for mention in built.mentions if mention.keys]
        if built.is_answerable and named:
            chosen = named[int(rng.integers(len(named)))]
            yield Asked(built.question, chosen.start, chosen.end, built.answers)


def suite_pairs(options: argparse.Namespace, rng: np.random.Generator) -> Iterator[Pair]:
    """Yield the pairs of a published suite over one graph; right is the first answer."""
    suite = load_suite(options.suite, options.data, options.split)
    if suite.graph_path is None:
        raise SystemExit(f"{options.suite}: each question has a graph of its own")
    view = read_graph(suite.graph_path)
    asked = []
    for position in rng.permutation(len(suite.examples)).tolist():
        example = suite.examples[position]
        node = view.find_key(example.topic) if example.topic else None
        start = example.question.find(view.names[node]) if node is not None else -1
        if start >= 0 and len(asked) < options.num:
            asked.append(
                Asked(example.question, start, start + len(view.names[node]), example.gold)
            )
    yield from pairs_of(options.suite, view, asked, rng, False, first_only=True)


def pairs_of(
    source: str,
    view: GraphView,
    asked: list[Asked],
    rng: np.random.Generator,
    shown: bool,
    *,
    first_only: bool = False,
) -> Iterator[Pair]:
    """Ask each question clean and with its name soiled in every way."""
    qa = GraphQA.from_graph(view)
    known = {fold(name) for name in view.names}
    known |= {fold(alias) for node in range(view.num_nodes) for alias in view.aliases(node)}
    for one in asked:
        clean = is_right(qa, one.question, one.answers, first_only)
        name = one.question[one.start : one.end]
        for kind, soiled in soils_of(name, known, rng):
            question = one.question[: one.start] + soiled + one.question[one.end :]
            dirty = is_right(qa, question, one.answers, first_only)
            if shown and clean and not dirty:
                said = qa.ask(question)
                print(f"{kind}: {one.question}\n    {question}\n    wanted {one.answers[:3]}")
                print(f"    {said.text[:80]} | {said.plan and said.plan.text}")
            yield Pair(source, kind, clean, dirty)


def soils_of(name: str, known: set[str], rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    """Yield the ways in which ``name`` can be soiled without becoming another one."""
    for kind, soil in SOILS.items():
        soiled = unicodedata.normalize("NFC", soil(name, rng))
        is_other = fold(soiled) != fold(name) and fold(soiled) in known
        if soiled != name and not is_other:
            yield kind, soiled


def is_right(qa: GraphQA, question: str, answers: tuple[str, ...], first_only: bool) -> bool:
    """Whether the answer is the whole set, or its first one is right."""
    said = qa.ask(question).entities
    if first_only:
        return bool(said) and said[0] in answers
    return set(said) == set(answers)


def table(pairs: list[Pair]) -> dict[str, Share]:
    """Return, by kind and source, the share right clean and soiled and what was lost."""
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups["all"].append(pair)
        groups[pair.kind].append(pair)
        groups[f"{pair.source}, {pair.kind}"].append(pair)
        groups[pair.source].append(pair)
    shares = {}
    for what in ("all", *SOILS, *sorted(set(groups) - {"all", *SOILS})):
        if what in groups:
            clean = [pair.clean for pair in groups[what]]
            dirty = [pair.dirty for pair in groups[what]]
            shares[f"clean: {what}"] = share_of(clean)
            shares[f"soiled: {what}"] = share_of(dirty)
            shares[f"lost: {what}"] = difference(clean, dirty)
    return shares


if __name__ == "__main__":
    main()
