r"""Train graphllm-small on the examples that build.py wrote; cpu or cuda, resumable.

python train.py --examples .runs/small/train.jsonl --held-out .runs/small/held_out.jsonl \
    --out .runs/small/run --steps 3000

Run again, it goes on from its last checkpoint. Inputs are short at first: --stages 48@200,96@1000,
192 reads "48 tokens until step 200, 96 until 1,000, then 192", each mixed with those before.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from graphllm.llm.small import load_small, save_small, start_model
from graphllm.train.small import SmallBatches, SmallTraining, tokenized, train_small
from graphllm.train.small_examples import read_small_examples
from graphllm.train.small_scores import scores_of
from graphllm.train.trainer import Progress, TrainSettings

NEVER = 1 << 62


def read_stages(text: str) -> list[tuple[int, list[int]]]:
    """Return the step at which each stage ends, and the lengths that its batches have.

    Examples:
        >>> read_stages("48@200,96")[0]
        (200, [48])
    """
    stages, lengths = [], []
    for part in text.split(","):
        length, _, end = part.partition("@")
        lengths.append(int(length))
        stages.append((int(end) if end else NEVER, lengths[-3:]))
    return stages


def main() -> None:
    """Read the command line, train, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--examples", required=True, nargs="+", help="files of build.py")
    parser.add_argument("--held-out", required=True, help="another, to measure on")
    parser.add_argument("--out", required=True, help="a folder for checkpoint, weights and report")
    parser.add_argument("--start", default="", help="a folder of weights to begin with")
    parser.add_argument("--decoder-layers", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--tokens", type=int, default=3000, help="a batch")
    parser.add_argument("--learning-rate", type=float, default=4e-4)
    parser.add_argument("--schedule", default="cosine")
    parser.add_argument("--stages", default="48@200,64@500,96@1000,128@1800,192")
    parser.add_argument("--measure-every", type=int, default=250)
    parser.add_argument("--measured", type=int, default=200, help="held-out examples while it runs")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    out = Path(options.out)
    tokens = [t for path in options.examples for t in tokenized(read_small_examples(Path(path)))]
    held_out = tokenized(read_small_examples(Path(options.held_out)))
    model = (
        load_small(Path(options.start)).model
        if options.start
        else start_model(num_decoder_layers=options.decoder_layers)
    )
    module = SmallTraining(model)
    settings = TrainSettings(
        num_steps=options.steps,
        learning_rate=options.learning_rate,
        schedule=options.schedule,
        warmup=0.03,
        seed=options.seed,
        save_every=100,
    )
    batches = SmallBatches(
        tokens, read_stages(options.stages), max_tokens=options.tokens, seed=options.seed
    )
    print(f"{len(tokens)} examples, {len(held_out)} held out, {options.steps} steps", flush=True)
    losses: list[float] = []

    def told(progress: Progress) -> None:
        losses.append(progress.loss)
        if progress.step % 20 == 0:
            mean = sum(losses[-20:]) / len(losses[-20:])
            left = f"{progress.tokens_per_s:.0f} tokens/s, {progress.seconds_left / 60:.0f} min"
            print(f"step {progress.step} loss {mean:.3f}, {left} left", flush=True)
        if progress.step % options.measure_every == 0:
            measure(96, held_out[: options.measured])
            save_small(out, module.model)

    def measure(max_tokens: int, some: list) -> dict[str, float]:
        was_training = module.training
        module.eval()
        module.put()
        found = asdict(scores_of(module.model, some, max_tokens=max_tokens))
        module.train(was_training)
        print(max_tokens, json.dumps({k: round(v, 4) for k, v in found.items()}), flush=True)
        return found

    train_small(module, batches, settings, checkpoint=out / "checkpoint.safetensors", on_step=told)
    save_small(out, module.model)
    report = {
        "options": vars(options),
        "examples": len(tokens),
        "held_out": {str(length): measure(length, held_out) for length in (64, 128, 256)},
    }
    (out / "report.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
