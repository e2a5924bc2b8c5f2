"""Ask a model that train.py left every question of a split, and print its scores.

    python evaluate.py run --split test --out test.jsonl

The predictions, one a line, are what ``graphllm eval`` compares and reports.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from graphllm.errors import GraphLLMError
from graphllm.evaluate import load_suite
from graphllm.evaluate.measure import measure
from graphllm.evaluate.predictions import write_predictions
from graphllm.tasks.graph_qa_training import open_run, scored


def main() -> None:
    """Open the run, ask, keep what was said, and print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--suite", help="in place of the run's: webqsp-subgraphs-refined")
    parser.add_argument("--data", type=Path, help="where the data are now, if they have moved")
    parser.add_argument("--limit", type=int, help="ask a random sample of this size")
    parser.add_argument("--out", type=Path, help="a new file for the predictions")
    options = parser.parse_args()
    try:
        given, model, telling, _ = open_run(options.run)
        data = options.data or (Path(given.data) if given.data else None)
        suite = load_suite(options.suite or given.suite, data, options.split)
        suite = suite.sample(options.limit, np.random.default_rng(given.seed))
        predictions = scored(model, suite, telling)
    except (GraphLLMError, OSError) as error:
        sys.exit(str(error))
    if options.out:
        write_predictions(options.out, predictions)
    for name, found in measure(predictions).items():
        print(f"{name:24} {found.value:.4f} +- {found.standard_error:.4f}  n={found.n}")


if __name__ == "__main__":
    main()
