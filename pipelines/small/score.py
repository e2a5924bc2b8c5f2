"""Score weights of graphllm-small on examples that build.py wrote: as stored, a byte a weight.

python score.py --weights .runs/small/run --held-out .runs/small/held_out.jsonl
python score.py --weights .runs/small/run --held-out .runs/small/held_out.jsonl --by kind
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from graphllm.llm.small.storage import load_small
from graphllm.train.small import tokenized
from graphllm.train.small_examples import SmallExample, read_small_examples
from graphllm.train.small_scores import scores_of


def main() -> None:
    """Read the command line, ask and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--weights", required=True, help="a folder that train.py wrote")
    parser.add_argument("--held-out", required=True, help="a file of build.py")
    parser.add_argument("--tokens", type=int, nargs="+", default=[64, 128, 256], help="of an input")
    parser.add_argument("--by", choices=["source", "kind", "hops"], help="a line for each of these")
    options = parser.parse_args()
    model = load_small(Path(options.weights)).model.eval()
    examples = read_small_examples(Path(options.held_out))
    for group, some in grouped(examples, options.by).items():
        for max_tokens in options.tokens:
            scores = asdict(scores_of(model, tokenized(some), max_tokens=max_tokens))
            told = "  ".join(f"{name} {value:.3f}" for name, value in scores.items())
            print(f"{group:14} {max_tokens:4} tokens  {told}", flush=True)


def grouped(examples: list[SmallExample], by: str | None) -> dict[str, list[SmallExample]]:
    """Return the examples by one of their fields, all together without one."""
    found: dict[str, list[SmallExample]] = {}
    for example in examples:
        found.setdefault("all" if by is None else str(getattr(example, by)), []).append(example)
    return dict(sorted(found.items()))


if __name__ == "__main__":
    main()
