"""Ask 200 questions and hold 60 short dialogues over five graphs of different kinds.

    python benchmarks/five_graphs.py [--json FILE] [--wrong]

The graphs are invented: airline routes (tables), a company (tables), the characters of a novel
(triples), software packages (JSON), drugs and diseases (TSV). Questions and dialogues were written
by hand and committed before anything was trained; nothing is trained or tuned on them. The right
answers are what the plan beside each question gives when it is run; ``none`` marks a question that
its graph does not answer. An answer is right when it is the whole set and nothing else.
"""

import argparse
from collections import defaultdict
from pathlib import Path

from graphllm import GraphQA

from shares import line, share_of, write_json  # isort: skip (a neighbour of this script)

FOLDER = Path(__file__).parent / "five_graphs"
GRAPHS = {
    "airlines": "airlines",
    "company": "company",
    "novel": "novel/graph.txt",
    "software": "software/packages.json",
    "medicine": "medicine/edges.tsv",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the result here")
    parser.add_argument("--wrong", action="store_true", help="print what was answered wrongly")
    options = parser.parse_args()
    right = defaultdict(list)
    for name in GRAPHS:
        qa = graph(name)
        for kind, question, plan in questions(name):
            ok = is_right(qa, plan, said := qa.ask(question))
            right[f"kind: {kind}"].append(ok)
            right[f"graph: {name}"].append(ok)
            right["all questions"].append(ok)
            report(options.wrong, ok, name, question, plan, said)
        for dialogue in dialogues(name):
            chat = qa.chat()
            for number, (question, plan) in enumerate(dialogue):
                ok = is_right(qa, plan, said := chat.ask(question))
                right["dialogue: first turns" if number == 0 else "dialogue: follow-ups"].append(ok)
                right["all turns"].append(ok)
                report(options.wrong, ok, name, f"... {question}", plan, said)
    shares = {what: share_of(oks) for what, oks in sorted(right.items())}
    for what, share in shares.items():
        print(line(what, share))
    write_json(options.json, shares)


def graph(name: str) -> GraphQA:
    """Return what answers from one of the graphs; of a folder, from its tables."""
    path = FOLDER / GRAPHS[name]
    tables = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    return GraphQA.from_file(tables if len(tables) > 1 else tables[0], cache=False)


def questions(name: str) -> list[list[str]]:
    """Return kind, question and plan of each question."""
    lines = (FOLDER / name / "questions.tsv").read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines]


def dialogues(name: str) -> list[list[list[str]]]:
    """Return question and plan of each turn of each dialogue."""
    blocks = (FOLDER / name / "dialogues.tsv").read_text("utf-8").strip().split("\n\n")
    return [[line.split("\t") for line in block.splitlines()] for block in blocks]


def is_right(qa: GraphQA, plan: str, said) -> bool:
    """Whether the answer is the whole set that the plan gives, or none where there is none."""
    if plan == "none":
        return bool(said.abstained)
    return set(said.entities) == set(qa.run(plan).entities)


def report(wanted: bool, ok: bool, name: str, question: str, plan: str, said) -> None:
    if wanted and not ok:
        print(f"{name}: {question}\n    wanted {plan}\n    ran    {said.plan and said.plan.text}")


if __name__ == "__main__":
    main()
