"""Train G-Retriever or one of its baselines on a suite of GraphQA, and score it.

    python train.py explagraphs.toml --data DIR --llm MODEL --out run
    python train.py explagraphs.toml --data DIR --llm MODEL --method zero_cot --out asked
    python train.py --again run --out again

A preset holds settings of ``graphllm.tasks.graph_qa_training.GraphQASettings``; copy one and change
it. The last line makes a run again from its folder: on a CPU its weights, predictions and numbers
are the same bit for bit. What is scored is the test split, unless the preset says otherwise.
"""

import argparse
import sys
import tomllib
from pathlib import Path

from graphllm.errors import GraphLLMError
from graphllm.tasks.graph_qa_training import GRAPH_QA, METHODS, GraphQASettings
from graphllm.train.run_folder import rerun, run
from graphllm.train.settings_file import from_table

ONLY_ASKED = ("zero_cot", "cot_bag", "kaping")  # published for a model as it is


def preset(path: Path, options: argparse.Namespace) -> GraphQASettings:
    """Return the settings of a file; one beside this script may be named without its folder."""
    beside = Path(__file__).with_name(path.name)
    table = tomllib.loads((path if path.is_file() else beside).read_text("utf-8"))
    given = ("data", "llm", "method", "seed", "lora_rank", "scored", "num_train", "num_scored")
    table |= {name: getattr(options, name) for name in given if getattr(options, name) is not None}
    epochs = 0 if table.get("method") in ONLY_ASKED else options.epochs
    if epochs is not None:
        table["training"] = {**table.get("training", {}), "epochs": epochs}
    return from_table(GraphQASettings, table)


def main() -> None:
    """Read the command line, train, and print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("preset", type=Path, nargs="?", default=Path("explagraphs.toml"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--again", type=Path, help="the folder of a run to make once more")
    parser.add_argument("--data", help="the folder of data sets; else GRAPHLLM_DATA")
    parser.add_argument("--llm", help="in place of the preset's")
    parser.add_argument("--method", choices=list(METHODS))
    parser.add_argument("--lora-rank", type=int)
    parser.add_argument("--epochs", type=int, help="0 asks the model as it is")
    parser.add_argument("--num-train", type=int)
    parser.add_argument("--num-scored", type=int)
    parser.add_argument("--scored", help="the split that is scored")
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    try:
        if options.again:
            report = rerun(GRAPH_QA, options.again, options.out)
        else:
            report = run(GRAPH_QA, preset(options.preset, options), options.out)
    except (GraphLLMError, OSError) as error:
        sys.exit(str(error))
    print(f"{report['suite']} ({report['split']}), {report['n']} questions, {report['method']}")
    for name, found in report["means"].items():
        error = found["standard_error"]
        print(f"{name:24} {found['value']:.4f}" + ("" if error is None else f" +- {error:.4f}"))


if __name__ == "__main__":
    main()
