"""Write graphllm-small as a checkpoint that transformers opens without graphllm.

python export.py --weights .runs/small/run --out graphllm-small
"""

import argparse
from pathlib import Path

from graphllm.llm.small import export_small


def main() -> None:
    """Read the command line and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--weights", required=True, help="a folder that train.py wrote")
    parser.add_argument("--out", required=True, help="the folder of the checkpoint")
    options = parser.parse_args()
    export_small(Path(options.weights), Path(options.out))


if __name__ == "__main__":
    main()
