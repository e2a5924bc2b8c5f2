"""Does it decline when the answer is not in the graph, and only then?

    python benchmarks/abstention.py --data DIR [--num 1000] [--split test] [--seed 0] [--out DIR]

Asks NUM untouched MetaQA questions, and NUM others each on a graph from which the edges of the
last hop into its answers were removed; the topic and the earlier hops are still there. Prints
precision and recall of declining, and the risk of answering only the most confident share.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from graphllm import GraphQA
from graphllm.evaluate import Predicted, load_suite
from graphllm.evaluate.abstention import Case, abstention_cases, ask_cases
from graphllm.evaluate.measure import areas, curve, measure
from graphllm.evaluate.predictions import Prediction, write_predictions
from graphllm.evaluate.provenance import Provenance
from graphllm.graph import GraphView
from graphllm.tasks.evaluation import system
from graphllm.text.encoder import load_encoder
from graphllm.text.remembering import Remembering

SUITES = ("metaqa-1hop", "metaqa-2hop", "metaqa-3hop")


def maker(qa: GraphQA) -> Callable[[GraphView], Callable[[str], Predicted]]:
    """Answer from another view of the graph of ``qa``: names and encoder stay the same."""
    encoder = Remembering(load_encoder())

    def make(view: GraphView) -> Callable[[str], Predicted]:
        return system(GraphQA(view, qa.view.lexicon, encoder))

    return make


def by_hops(cases: Sequence[Case], predictions: Sequence[Prediction]) -> dict[str, dict]:
    groups: dict[str, list[Prediction]] = {}
    for case, prediction in zip(cases, predictions, strict=True):
        groups.setdefault(f"{len(case.example.chain or ())}-hop", []).append(prediction)
    return {name: numbers(group) for name, group in groups.items()}


def numbers(predictions: Sequence[Prediction]) -> dict[str, object]:
    cut = [p for p in predictions if not p.example.gold]
    whole = [p for p in predictions if p.example.gold]
    means = {name: found._asdict() for name, found in measure(predictions).items()}
    return {
        "n": len(predictions),
        "precision": means.get("abstention_precision"),
        "recall": means.get("abstention_recall"),
        "hits_at_1_untouched": measure(whole)["hits_at_1"]._asdict() if whole else None,
        "declined_untouched": sum(p.predicted.abstained for p in whole),
        "answered_cut": sum(not p.predicted.abstained for p in cut),
        **areas(predictions),
        "risk_at_coverage": curve(predictions),
    }


def show(name: str, found: dict) -> None:
    print(f"\n{name}: {found['n']} questions, half of them cut")
    for part in ("precision", "recall", "hits_at_1_untouched"):
        mean = found[part]
        if mean is None:
            print(f"  {part:22} undefined: none was declined")
        else:
            print(f"  {part:22} {mean['value']:.4f} +- {mean['standard_error']:.4f} n={mean['n']}")
    print(f"  AURC                   {found['aurc']:.4f} (ideal order: {found['aurc_ideal']:.4f})")
    risks = "  ".join(f"{share} {risk:.3f}" for share, risk in found["risk_at_coverage"].items())
    print(f"  risk at coverage       {risks}")


def show_progress(done: int, total: int) -> None:
    print(f"\r{done}/{total}", end="", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("GRAPHLLM_DATA"))
    parser.add_argument("--num", type=int, default=1000)
    parser.add_argument("--split", default="test")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    suites = [load_suite(name, options.data, options.split) for name in SUITES]
    qa = GraphQA.from_file(suites[0].graph_path)
    rng = np.random.default_rng(options.seed)
    cases = abstention_cases(suites, qa.view, options.num, rng)
    predictions = ask_cases(
        cases,
        qa.view,
        maker(qa),
        progress=show_progress if sys.stderr.isatty() else None,
    )
    report = {
        "split": options.split,
        "seed": options.seed,
        "graph_hash": qa.view.content_hash,
        "all": numbers(predictions),
        **by_hops(cases, predictions),
        **asdict(Provenance()),
    }
    for name in ("all", "1-hop", "2-hop", "3-hop"):
        show(name, report[name])
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        write_predictions(options.out / "predictions.jsonl", predictions)
        text = json.dumps(report, ensure_ascii=False, indent=2)
        (options.out / "abstention.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
