r"""Train the plan scorer on the examples that build.py wrote; cpu or cuda, resumable.

python train.py --examples .runs/planner/transfer.jsonl --out .runs/planner/transfer
python train.py --examples .runs/planner/mined.jsonl .runs/planner/transfer.jsonl:5500 \
    --start .runs/planner/transfer/adapter.safetensors --out .runs/planner/transfer-2 --steps 240

FILE:5500 takes about so many examples of a file, FILE:9000:metaqa those of one source, and
FILE:9000:-metaqa those of all others. Run again, it goes on from its last checkpoint.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from graphllm.text.lora import read_lora
from graphllm.train.plan_examples import PlanExample, read_examples, sample_groups
from graphllm.train.plan_scorer import (
    Batches,
    PlanEncoder,
    ranking_accuracy,
    save_lora,
    train_plan_scorer,
)
from graphllm.train.trainer import Progress, TrainSettings


def chosen(parts: list[str], seed: int) -> list[PlanExample]:
    """Return the examples of all files, or as many of each as its name asks for."""
    rng = np.random.default_rng(seed)
    found: list[PlanExample] = []
    for number, part in enumerate(parts):
        name, _, rest = part.partition(":")
        count, _, source = rest.partition(":")
        of = read_examples(Path(name))
        if source:
            wanted = source.removeprefix("-")
            of = [e for e in of if (e.source == wanted) != source.startswith("-")]
        of = sample_groups(of, int(count), rng) if count else of
        found += [replace(e, group=f"{number} {e.group}") for e in of]
    return found


def split(
    examples: list[PlanExample], seed: int, num_dev: int
) -> tuple[list[PlanExample], list[PlanExample]]:
    """Return the examples to train on, and whole groups that are kept to measure with."""
    members: dict[str, int] = {}
    for e in examples:
        members[graph_of(e)] = members.get(graph_of(e), 0) + 1
    graphs = sorted(members)
    np.random.default_rng(seed).shuffle(graphs)
    kept: set[str] = set()
    count = 0
    for graph in graphs:
        if count >= num_dev:
            break
        kept.add(graph)
        count += members[graph]
    dev = [e for e in examples if graph_of(e) in kept]
    return [e for e in examples if graph_of(e) not in kept], dev


def graph_of(example: PlanExample) -> str:
    """Return the group of an example, that of a path's beginnings being the path's own."""
    return example.group.removesuffix(" begins")


def main() -> None:
    """Read the command line, train, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--examples", required=True, nargs="+", help="JSON lines that build.py wrote"
    )
    parser.add_argument("--out", required=True, help="a folder for checkpoint, weights and report")
    parser.add_argument("--without", default="", help="a source that is left out")
    parser.add_argument("--start", default="", help="LoRA weights to begin with")
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--steps", type=int, default=0, help="instead of epochs")
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=6e-4)
    parser.add_argument("--held-out", type=int, default=800, help="examples to measure with")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    out = Path(options.out)
    train_on, dev = split(
        chosen(options.examples, options.seed), options.seed, num_dev=options.held_out
    )
    train_on = [e for e in train_on if e.source != options.without]
    if not train_on:
        names = " ".join(options.examples)
        sys.exit(f"{names} has too few examples to keep {options.held_out} from training")
    start = read_lora(Path(options.start)) if options.start else None
    encoder = PlanEncoder(rank=options.rank, start=start)
    steps = options.steps or max(int(options.epochs * Batches(train_on, 0).per_epoch), 1)
    settings = TrainSettings(
        num_steps=steps, learning_rate=options.learning_rate, seed=options.seed
    )
    before = ranking_accuracy(encoder, dev)
    print(f"{len(train_on)} examples, {steps} steps; before: {before}", flush=True)
    losses: list[float] = []

    def told(progress: Progress) -> None:
        losses.append(progress.loss)
        if progress.step % 20 == 0:
            left = progress.seconds / len(losses) * (progress.num_steps - progress.step)
            mean = sum(losses[-20:]) / len(losses[-20:])
            print(f"step {progress.step} loss {mean:.3f}, {left / 60:.0f} min left", flush=True)
        if progress.step % 200 == 0:
            save_lora(out / "adapter.safetensors", encoder.lora())

    started = time.monotonic()
    train_plan_scorer(
        encoder, train_on, settings, checkpoint=out / "checkpoint.safetensors", on_step=told
    )
    minutes = (time.monotonic() - started) / 60
    save_lora(out / "adapter.safetensors", encoder.lora())
    after = ranking_accuracy(encoder, dev)
    counts: dict[str, int] = {}
    for e in train_on:
        counts[e.source] = counts.get(e.source, 0) + 1
    report = {
        "steps": steps,
        "minutes": round(minutes, 1),
        "seed": options.seed,
        "examples": counts,
        "held_out": len(dev),
        "before": before,
        "after": after,
    }
    (out / "report.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
