"""Train soft prompts on a graph of your own, as a preset says, and ask the result.

python train.py films.csv --preset small.toml --out run
graphllm ask films.csv "who directed Alien?" --llm run

A preset holds any of the settings of ``SoftPromptSettings``; copy one and change it. The run's own
``run.toml`` lists all of them, those that a preset leaves out too.
"""

import argparse
import sys
import tomllib
from pathlib import Path

from graphllm import GraphQA
from graphllm.config import settings
from graphllm.errors import GraphLLMError
from graphllm.tasks.soft_prompt import SoftPromptSettings, train_soft_prompt


def preset(path: Path, **changes: object) -> SoftPromptSettings:
    """Return the settings of a file; one beside this script may be named without its folder."""
    beside = Path(__file__).with_name(path.name)
    table = tomllib.loads((path if path.is_file() else beside).read_text("utf-8"))
    return settings(SoftPromptSettings, {**table, **changes})


def main() -> None:
    """Read the command line, train, and tell what it came to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("graph")
    parser.add_argument("--preset", type=Path, default=Path("small.toml"))
    parser.add_argument("--llm", help="in place of the preset's")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    try:
        changes = {"graph": options.graph, **({"llm": options.llm} if options.llm else {})}
        given = preset(options.preset, **changes)
        qa = GraphQA.from_file(options.graph, retriever=given.retriever)
        found = train_soft_prompt(qa, options.out, given, progress=told)
    except (GraphLLMError, OSError) as error:
        sys.exit(str(error))
    print(f"text alone, before: {found.before.mean():.3f} right of {len(found.before)}")
    print(f"soft prompt and text: {found.after.mean():.3f}, {found.difference.value:+.3f}")


def told(stage: str, done: int, total: int) -> None:
    """Say how far it is."""
    if done == total or done % 20 == 0:
        print(f"\r{stage} {done}/{total}  ", end="" if done < total else "\n", file=sys.stderr)


if __name__ == "__main__":
    main()
