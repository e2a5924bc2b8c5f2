"""Are the cited edges a proof, and does the check of claims catch false ones?

    python benchmarks/proof.py --data DIR [--num 1000] [--claims 1000] [--split test] [--out DIR]

Asks MetaQA questions, a third for each number of hops, until NUM are answered. For each answer,
runs its plan on the graph of only the cited edges (same answer?), and on the graph without them
(another answer?); and compares the relations it walked with the gold question type, among answers
whose first entity is right and among those that are the exact gold set.

Then makes CLAIMS false claims from random edges - another head, relation or tail, or the ends
exchanged - and asks ``verify`` about each and about the true claim it came from.
"""

import argparse
import itertools
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from graphllm import Answer, GraphQA
from graphllm.answer import Claim, Draft, verify
from graphllm.evaluate import Example, load_suite
from graphllm.evaluate.chains import chain_of
from graphllm.evaluate.corruption import Corrupted, corruptions
from graphllm.evaluate.metrics import AnswerScores, mean, score
from graphllm.evaluate.proof import ProofCheck, check_proof
from graphllm.evaluate.provenance import Provenance
from graphllm.graph import GraphView
from graphllm.query import parse_plan

SUITES = ("metaqa-1hop", "metaqa-2hop", "metaqa-3hop")


class Row(NamedTuple):
    hops: int
    check: ProofCheck
    scores: AnswerScores
    is_gold_path: bool


def examples(data: Path, split: str, rng: np.random.Generator) -> Iterator[Example]:
    """Yield questions of each number of hops in turn, at random."""
    suites = [load_suite(name, data, split) for name in SUITES]
    orders = [rng.permutation(len(suite)).tolist() for suite in suites]
    for indices in zip(*orders, strict=False):
        yield from (suite.examples[i] for suite, i in zip(suites, indices, strict=True))


def row(example: Example, answer: Answer, view: GraphView) -> Row:
    plan = parse_plan(answer.plan.text)
    cited = np.array([c.edge for c in answer.citations if c.edge is not None], dtype=np.int64)
    walked = chain_of(plan)
    return Row(
        hops=len(example.chain),
        check=check_proof(plan, view, cited),
        scores=score(answer.entities, example.gold),
        is_gold_path=walked is not None and walked.chain == example.chain,
    )


def proofs(qa: GraphQA, questions: Iterator[Example], num: int) -> list[Row]:
    rows = []
    for example in questions:
        answer = qa.ask(example.question)
        if answer and answer.plan:
            rows.append(row(example, answer, qa.view))
            if sys.stderr.isatty():
                print(f"\r{len(rows)}/{num}", end="", file=sys.stderr)
        if len(rows) == num:
            break
    return rows


def proof_numbers(rows: Sequence[Row]) -> dict[str, dict]:
    def share(found: Sequence[bool]) -> dict:
        return mean(np.array(found, dtype=np.float64))._asdict()

    return {
        "same_answer_on_cited_edges": share([r.check.suffices for r in rows]),
        "no_such_answer_without_them": share([r.check.is_needed for r in rows]),
        "gold_path_where_first_right": share([r.is_gold_path for r in rows if r.scores.hits_at_1]),
        "gold_path_where_exact_set": share([r.is_gold_path for r in rows if r.scores.exact_set]),
        "hits_at_1": share([bool(r.scores.hits_at_1) for r in rows]),
    }


def is_supported(claim: Claim, view: GraphView) -> bool:
    draft = Draft(text="", entities=(claim.head, claim.tail), claims=(claim,))
    return verify(draft, view).verdicts[0].supported


def claim_numbers(view: GraphView, num: int, rng: np.random.Generator) -> dict[str, dict]:
    drawn = list(itertools.islice(corruptions(view, rng), num))
    caught = {kind: [] for kind in Corrupted}
    for corruption in drawn:
        caught[corruption.kind].append(not is_supported(corruption.false, view))
    everything = list(itertools.chain.from_iterable(caught.values()))
    rejected = [not is_supported(corruption.true, view) for corruption in drawn]
    named = {"false_caught": everything, "true_rejected": rejected}
    named |= {f"false_caught_{kind}": found for kind, found in caught.items()}
    return {name: mean(np.array(found))._asdict() for name, found in named.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("GRAPHLLM_DATA"))
    parser.add_argument("--num", type=int, default=1000)
    parser.add_argument("--claims", type=int, default=1000)
    parser.add_argument("--split", default="test")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    qa = GraphQA.from_file(load_suite(SUITES[0], options.data, options.split).graph_path)
    rows = proofs(qa, examples(options.data, options.split, rng), options.num)
    found = proof_numbers(rows) | claim_numbers(qa.view, options.claims, rng)
    print()
    for name, share in found.items():
        print(f"{name:28} {share['value']:.4f} +- {share['standard_error']:.4f} n={share['n']}")
    print("answers by hops:", dict(sorted(Counter(r.hops for r in rows).items())))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        report = {"seed": options.seed, "split": options.split, **found, **asdict(Provenance())}
        text = json.dumps(report, ensure_ascii=False, indent=2)
        (options.out / "proof.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
