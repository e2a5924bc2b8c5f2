r"""Train once without each source, equally long, and tell what each source adds.

python sources.py --examples .runs/planner/invented.jsonl .runs/planner/published.jsonl \
    --out .runs/planner/sources --steps 60
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from graphllm.train.plan_examples import read_examples


def trained(options: argparse.Namespace, without: str) -> dict[str, float]:
    """Return the held-out accuracy by source after training without one; all of them if none."""
    out = Path(options.out) / (without or "all")
    report = out / "report.json"
    if not report.is_file():
        command = [sys.executable, str(Path(__file__).with_name("train.py"))]
        command += ["--examples", *options.examples, "--out", str(out)]
        command += ["--steps", str(options.steps), "--without", without]
        command += ["--seed", str(options.seed), "--held-out", str(options.held_out)]
        subprocess.run(command, check=True)  # noqa: S603  our own script
    found: dict[str, float] = json.loads(report.read_text("utf-8"))["after"]
    return found


def main() -> None:
    """Read the command line, train and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--examples", required=True, nargs="+", help="JSON lines that build.py wrote"
    )
    parser.add_argument("--out", required=True, help="a folder, with one for each source")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--held-out", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sources = sorted({e.source for file in options.examples for e in read_examples(Path(file))})
    rows = {without or "nothing": trained(options, without) for without in ("", *sources)}
    print(f"| left out | {' | '.join(sources)} |")
    print("|---" * (len(sources) + 1) + "|")
    for name, found in rows.items():
        print(f"| {name} | {' | '.join(f'{found.get(s, 0):.3f}' for s in sources)} |")


if __name__ == "__main__":
    main()
