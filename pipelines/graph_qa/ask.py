"""Ask one graph every question of a file, and keep the answers with their proof as JSON lines.

    python ask.py films.csv questions.txt > answers.jsonl

A line of the questions file is one question; each line of output is one answer, in the schema
that ``graphllm.answer.answer`` describes. Change what is kept of an answer in ``record``.
"""

import json
import sys
from pathlib import Path

from graphllm import Answer, GraphQA


def record(answer: Answer) -> dict[str, object]:
    """Return what to keep of one answer."""
    return dict(answer.to_dict())


def main(graph: str, questions: str) -> None:
    """Ask, print, and say at the end how many were answered."""
    qa = GraphQA.from_file(graph)
    lines = Path(questions).read_text("utf-8").splitlines()
    answers = qa.ask_many(line for line in lines if line.strip())
    for answer in answers:
        print(json.dumps(record(answer), ensure_ascii=False))
    print(f"answered {sum(map(bool, answers))} of {len(answers)}", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: ask.py GRAPH QUESTIONS")
    main(sys.argv[1], sys.argv[2])
