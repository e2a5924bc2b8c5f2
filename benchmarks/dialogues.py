"""How many turns of short dialogues are right, first questions and follow-ups apart?

    python benchmarks/dialogues.py [--data DIR] [--graph NAME] [--wrong] [--out DIR]

Plays ``benchmarks/dialogues/*.jsonl``, one dialogue a line: turns of a question and the set of its
answers (none: it should be declined), and for follow-ups what form they have. The graphs are the
shipped example, two made up for this purpose, and Chinook, which needs ``DIR/demo_chinook``. Every
question is asked with the system's own earlier answers as history, right or wrong.

This is a development set: the rules for follow-ups were written with it in view.
"""

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from graphllm import Answer, GraphQA
from graphllm.evaluate.metrics import mean
from graphllm.evaluate.provenance import Provenance
from graphllm.examples import path as example

FOLDER = Path(__file__).parent / "dialogues"


class Played(NamedTuple):
    """One turn as it went."""

    graph: str
    dialogue: int
    form: str  # "" for a first question
    question: str
    gold: tuple[str, ...]
    answer: Answer

    @property
    def is_right(self) -> bool:
        return set(self.answer.entities) == set(self.gold)


def graph_path(name: str, data: Path | None) -> Path | None:
    """Return where a graph lies; ``None`` where it is not to be had."""
    if name == "discoveries":
        return example(name)
    if name == "chinook":
        return data / "demo_chinook" / "Chinook_Sqlite.sqlite" if data else None
    own = FOLDER / name
    return own if own.exists() else own.with_suffix(".txt")


def play(name: str, qa: GraphQA) -> Iterator[Played]:
    """Yield every turn of a graph's dialogues."""
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        chat = qa.chat()
        for turn in json.loads(line)["turns"]:
            answer = chat.ask(turn["ask"])
            gold = tuple(turn["answers"])
            yield Played(name, number, turn.get("form", ""), turn["ask"], gold, answer)


def shares(turns: list[Played]) -> dict[str, dict]:
    """Return the share of right turns, of whole dialogues, and by form and graph."""
    groups: dict[str, list[bool]] = defaultdict(list)
    whole: dict[tuple[str, int], list[bool]] = defaultdict(list)
    for turn in turns:
        groups["all turns"].append(turn.is_right)
        groups["follow-ups" if turn.form else "first turns"].append(turn.is_right)
        whole[turn.graph, turn.dialogue].append(turn.is_right)
    groups["dialogues wholly right"] = [all(right) for right in whole.values()]
    for turn in sorted(turns, key=lambda t: t.form):
        if turn.form:
            groups[f"  {turn.form}"].append(turn.is_right)
    for turn in turns:
        groups[f"  of {turn.graph}"].append(turn.is_right)
    return {name: mean(np.array(right, np.float64))._asdict() for name, right in groups.items()}


def told(turn: Played) -> str:
    plan = turn.answer.plan.text if turn.answer.plan else "no plan"
    said = "; ".join(turn.answer.entities[:8]) or turn.answer.text
    wanted = "; ".join(turn.gold) or "to decline"
    form = turn.form or "first"
    return (
        f"{turn.graph} {turn.dialogue} [{form}] {turn.question}\n"
        f"    said {said}\n    not  {wanted}\n    {plan}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("GRAPHLLM_DATA"))
    parser.add_argument("--graph", action="append", help="only this one; may be repeated")
    parser.add_argument("--wrong", action="store_true", help="print every turn that went wrong")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    turns: list[Played] = []
    for name in options.graph or sorted(file.stem for file in FOLDER.glob("*.jsonl")):
        path = graph_path(name, options.data)
        if path is None:
            print(f"{name} is left out; --data DIR says where it is")
            continue
        turns += play(name, GraphQA.from_file(path))
    if options.wrong:
        print("\n".join(told(turn) for turn in turns if not turn.is_right))
    found = shares(turns)
    for name, share in found.items():
        print(f"{name:24} {share['value']:.3f} +- {share['standard_error']:.3f} n={share['n']}")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        report = {**found, **asdict(Provenance())}
        text = json.dumps(report, ensure_ascii=False, indent=2)
        (options.out / "dialogues.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
