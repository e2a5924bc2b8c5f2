"""Ask a graph whose relations are called R1 ... R10, before and after ten lines are taught.

    python benchmarks/opaque.py [--json FILE] [--wrong]

The graph is an invented one of wineries, written by hand with sixty questions; the right answers
are what the plan beside each question gives on the graph with its own labels. The copy has its
relations renamed in the order they appear; then each is taught with the words it had:
``R1 means "produces"``. Asked are the graph as it was written, the copy, and the copy once it was
taught; right is the whole set of answers. The bar: .85 after teaching.
"""

import argparse
from collections import defaultdict
from pathlib import Path

from graphllm import GraphQA, TextualGraph
from graphllm.evaluate.provenance import Provenance

from shares import difference, line, share_of, write_json  # isort: skip (a neighbour of this script)

FOLDER = Path(__file__).parent / "opaque"
BAR = 0.85


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the result here")
    parser.add_argument("--wrong", action="store_true", help="print what was wrong once taught")
    options = parser.parse_args()
    triples, asked = rows("edges.tsv"), rows("questions.tsv")
    names = renamed(triples)
    telling = GraphQA.from_graph(TextualGraph.from_triples(triples))
    opaque = GraphQA.from_graph(
        TextualGraph.from_triples([(h, names[r], t) for h, r, t in triples])
    )
    gold = {question: set(telling.run(plan).entities) for question, plan in asked}
    right = defaultdict(list)
    ask_all(telling, gold, right["its own labels"])
    ask_all(opaque, gold, right["opaque, nothing taught"])
    for lesson in lessons(names):
        opaque.teach(lesson)
    ask_all(opaque, gold, right["opaque, ten lines taught"], shown=options.wrong)
    shares = {what: share_of(oks) for what, oks in right.items()}
    shares["taught less own labels"] = difference(
        right["its own labels"], right["opaque, ten lines taught"]
    )
    for what, share in shares.items():
        print(line(what, share))
    print(f"bar {BAR}: {'held' if shares['opaque, ten lines taught'].share >= BAR else 'missed'}")
    write_json(options.json, shares, commit=Provenance().commit)


def rows(file: str) -> list[tuple[str, ...]]:
    """Return the rows of one of the files."""
    lines = (FOLDER / file).read_text("utf-8").splitlines()
    return [tuple(row.split("\t")) for row in lines]


def renamed(triples: list[tuple[str, ...]]) -> dict[str, str]:
    """Return what each relation is called in the copy."""
    relations = dict.fromkeys(relation for _, relation, _ in triples)
    return {relation: f"R{number}" for number, relation in enumerate(relations, start=1)}


def lessons(names: dict[str, str]) -> list[str]:
    """Return the lines that are taught."""
    return [f'{label} means "{relation}"' for relation, label in names.items()]


def ask_all(
    qa: GraphQA, gold: dict[str, set[str]], oks: list[bool], *, shown: bool = False
) -> None:
    """Note for each question whether the answer is the whole set."""
    for question, wanted in gold.items():
        said = qa.ask(question)
        oks.append(set(said.entities) == wanted)
        if shown and not oks[-1]:
            print(f"{question}\n    wanted {sorted(wanted)}\n    said   {said.text[:100]}")


if __name__ == "__main__":
    main()
