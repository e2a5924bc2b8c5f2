"""Ask a music shop's database 123 questions whose answers SQL computes.

    python benchmarks/chinook.py --data DIR [--json FILE] [--wrong]

DIR (or GRAPHLLM_DATA) holds ``demo_chinook/Chinook_Sqlite.sqlite``, the Chinook sample database: it
becomes a graph by its foreign keys, and nothing is told of it besides. ``chinook/questions.jsonl``
holds each question with its kind and the SQL that answers it.

This is a development set: rules were written while looking at what it got wrong, so its numbers say
what is covered, and nothing about questions that nobody looked at.

An answer is right when it is the whole set that SQL gives and nothing else: names folded, numbers
to six digits. Where SQL gives pairs, each group must come with its number.
"""

import argparse
import json
import os
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from graphllm import GraphQA
from graphllm.graph.columns import format_value
from graphllm.graph.folding import fold

from shares import share_of  # isort: skip (a neighbour of this script)

QUESTIONS = Path(__file__).parent / "chinook" / "questions.jsonl"
DIGITS = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("GRAPHLLM_DATA"))
    parser.add_argument("--json", type=Path, help="write the result here")
    parser.add_argument("--wrong", action="store_true", help="print what was answered wrongly")
    options = parser.parse_args()
    if options.data is None:
        parser.error("name the folder of the data with --data or GRAPHLLM_DATA")
    file = Path(options.data) / "demo_chinook" / "Chinook_Sqlite.sqlite"
    right = ask_all(file, wrong=options.wrong)
    right["all"] = [ok for oks in right.values() for ok in oks]
    report(right, options.json)


def report(right: Mapping[str, Sequence[bool]], path: Path | None) -> None:
    """Print the share right of each kind, and write the shares where a path is given."""
    shares = {kind: share_of(oks) for kind, oks in right.items()}
    for kind, (share, error, n) in shares.items():
        print(f"{kind:20} {share:.3f} +- {error:.3f}  (n {n})")
    if path:
        rows = {kind: (share.share, share.n) for kind, share in shares.items()}
        path.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def ask_all(file: Path, *, wrong: bool) -> dict[str, list[bool]]:
    """Return, by kind of question, which were answered rightly."""
    qa = GraphQA.from_file(file, cache=False)
    right = defaultdict(list)
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        for line in QUESTIONS.read_text("utf-8").splitlines():
            asked = json.loads(line)
            wanted = {tuple(map(told, row)) for row in database.execute(asked["sql"])}
            answered, plan = answers(qa, asked["question"], pairs=len(next(iter(wanted))) > 1)
            right[asked["kind"]].append(answered == wanted)
            if wrong and answered != wanted:
                print(f"{asked['kind']}: {asked['question']}\n    ran {plan}")
    return right


def answers(qa: GraphQA, question: str, *, pairs: bool) -> tuple[set[tuple[str, ...]], str]:
    """Return the answers, each with its number where there are ``pairs``, and the plan."""
    said = qa.ask(question)
    plan = said.plan.text if said.plan else said.text
    if not pairs or said.abstained:
        return {(told(name),) for name in said.entities}, plan
    result = qa.reader.read(question).result
    groups = [format_value(group) for group in getattr(result, "groups", ())]
    names = groups or [qa.view.names[node] for node in result.nodes.tolist()]
    numbers = result.values if len(result.values) == len(names) else [""] * len(names)
    return {(told(name), told(n)) for name, n in zip(names, numbers, strict=True)}, plan


def told(value: object) -> str:
    """Return what an answer is compared by: a number in six digits, or a folded name."""
    try:
        return f"{float(str(value)):.{DIGITS}g}"
    except ValueError:
        text = str(value)
        return fold(text) or text


if __name__ == "__main__":
    main()
