"""Print built questions with their plans and answers, to read them critically.

python sample.py                      20 questions over invented graphs
python sample.py --num 200 --seed 7   more of them, others
python sample.py --domain music       of one domain
python sample.py --graph FILE         over a graph of your own
python sample.py --jsonl              one record per line, as for training
"""

import argparse
import sys
from collections.abc import Iterator

import numpy as np

from graphllm.io.read import read_graph
from graphllm.questions import BuiltQuestion, curriculum, questions_for, schemas


def built(options: argparse.Namespace) -> Iterator[BuiltQuestion]:
    """Yield the questions asked for; a few from each graph, so that they differ."""
    rng = np.random.default_rng(options.seed)
    if options.graph:
        yield from questions_for(read_graph(options.graph), rng, options.num)
        return
    others = {schema.domain for schema in schemas()} - {options.domain}
    left_out = others if options.domain else ()
    left = options.num
    for _, questions in curriculum(rng, options.num, 5, num_nodes=options.nodes, without=left_out):
        yield from questions[:left]
        left -= min(left, len(questions))
        if not left:
            return


def shown(question: BuiltQuestion) -> str:
    """Return a question as a few lines to read."""
    what = f"{question.schema}, {question.operation}, {question.style}"
    if question.noise:
        what += f", {question.noise}"
    answers = ", ".join(question.answers[:4]) or f"({question.refusal or 'nothing'})"
    return f"{question.question}\n    [{what}]\n    {question.plan_text}\n    = {answers}\n"


def main() -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--num", type=int, default=20, help="how many questions")
    parser.add_argument("--seed", type=int, default=0, help="other questions for another number")
    parser.add_argument("--domain", default="", help="only invented graphs of this domain")
    parser.add_argument("--graph", default="", help="a graph file instead of invented graphs")
    parser.add_argument("--nodes", type=int, default=150, help="size of the invented graphs")
    parser.add_argument("--jsonl", action="store_true", help="print records, one per line")
    options = parser.parse_args()
    known = {schema.domain for schema in schemas()}
    if options.domain and options.domain not in known:
        sys.exit(f"no domain {options.domain!r}; there are: {', '.join(sorted(known))}")
    for question in built(options):
        print(question.to_json() if options.jsonl else shown(question))


if __name__ == "__main__":
    main()
