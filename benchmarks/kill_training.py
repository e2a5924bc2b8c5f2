"""Kill trainings at random moments, and see whether what is resumed ends like what was not.

    python benchmarks/kill_training.py --kills 50 --seed 0

A small transformer with dropout learns the text of the example graph letter by letter, in bucketed
batches that go through it in two parts, with validation and letters dropped at random. Its process
gets SIGKILL after a random time: in a step, in validation, or while a file is written. The next one
goes on in the same folder, and may be killed too. In the end weights, checkpoint and metrics must
be those of a run that nobody killed, bit for bit. Exits with 1 where they are not. The last line is
JSON.
"""

import argparse
import json
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from graphllm.train.batches import BucketedBatches
from graphllm.train.checkpoint import read_checkpoint, save_trainable
from graphllm.train.run_folder import Recipe, read_metrics, run
from graphllm.train.settings import TrainSettings
from graphllm.train.trainer import train

DIM = 32
TIMING = {"seconds", "examples_per_s", "tokens_per_s", "seconds_left"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterSettings:
    train: TrainSettings = field(
        default_factory=lambda: TrainSettings(
            num_steps=40,
            learning_rate=3e-3,
            precision="no",
            accumulate=2,
            save_every=4,
            validate_every=6,
            patience=3,
        )
    )
    max_tokens: int = 800


class Letters(torch.nn.Module):
    """A causal transformer over bytes, two layers of width 32, dropout 0.1."""

    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(256, DIM)
        self.places = torch.nn.Embedding(512, DIM)
        layer = torch.nn.TransformerEncoderLayer(DIM, 4, 64, dropout=0.1, batch_first=True)
        self.layers = torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = torch.nn.Linear(DIM, 256)

    def forward(self, ids):
        size = ids.shape[1]
        states = self.embedding(ids) + self.places(torch.arange(size))
        mask = torch.nn.Transformer.generate_square_subsequent_mask(size)
        return self.out(self.layers(states, mask=mask, is_causal=True))


def collate(lines):
    """Pad with 0; hide some letters, by both generators that a recipe might use."""
    longest = max(map(len, lines))
    ids = torch.tensor([[*line, *[0] * (longest - len(line))] for line in lines])
    hidden = ids.clone()
    chosen = np.random.random(ids.shape) < 0.05  # noqa: NPY002  the global one must go on too
    hidden[torch.from_numpy(chosen)] = random.randrange(1, 256)
    return torch.stack([hidden, ids])


def loss_of(module, pair):
    hidden, ids = pair
    logits = module(hidden[:, :-1])
    return cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), ignore_index=0)


def learn(given, folder):
    tables = sorted(Path(str(files("graphllm.examples"))).rglob("*.csv"))
    text = "\n".join(path.read_text("utf-8") for path in tables)
    folder.use("text", text)
    lines = [line.encode()[:200] for line in text.splitlines() if len(line) > 3]
    held_out, lines = lines[::10], [line for i, line in enumerate(lines) if i % 10]
    torch.manual_seed(given.train.seed)
    module = Letters()

    def measure(module):
        return {"loss": float(loss_of(module, collate(held_out[:64])))}

    found = train(
        module,
        loss_of,
        BucketedBatches(lines, list(map(len, lines)), max_tokens=given.max_tokens),
        given.train,
        collate=collate,
        weight_of=lambda line: len(line) - 1,
        tokens_of=len,
        measure=measure,
        checkpoint=folder.checkpoint,
        on_step=folder.log,
    )
    save_trainable(folder.weights, module)
    return {"steps": found.num_steps, "best_step": found.best_step, **found.measured}


LETTERS = Recipe(name="letters", settings=LetterSettings, train=learn)


def child(folder):
    torch.set_num_threads(1)
    run(LETTERS, LetterSettings(), folder)


def run_for(seconds, folder):
    """Train in another process for some seconds; say whether it was killed."""
    process = multiprocessing.get_context("fork").Process(target=child, args=(folder,))
    process.start()
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
    assert process.exitcode in (0, -9), f"the training failed with {process.exitcode}"
    return process.exitcode == -9


def state_of(folder):
    rows = [
        {name: value for name, value in row.items() if name not in TIMING}
        for row in read_metrics(folder)
    ]
    names = ("weights.safetensors", "checkpoint.safetensors", "report.json")
    return {"metrics": rows, **{name: (folder / name).read_bytes() for name in names}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng, failures, kills, runs, at = random.Random(args.seed), [], 0, 0, []
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        child(root / "whole")  # here, so that those forked from it have all libraries loaded
        whole = state_of(root / "whole")
        began = time.perf_counter()
        run_for(None, root / "again")
        whole_s = time.perf_counter() - began
        assert state_of(root / "again") == whole, "two whole runs differ"
        print(f"a whole run takes {whole_s:.1f} s", flush=True)
        while kills < args.kills:
            runs += 1
            folder = root / "killed"
            shutil.rmtree(folder, ignore_errors=True)
            while run_for(rng.uniform(0.1, whole_s), folder):
                kills += 1
                found = read_checkpoint(folder / "checkpoint.safetensors")
                at.append(found[1].step if found else 0)
            found = state_of(folder)
            failures += [
                f"run {runs}: {part} differs" for part in whole if found[part] != whole[part]
            ]
            left = [path.name for path in folder.iterdir() if path.name.startswith(".")]
            print(
                f"run {runs}: {kills} kills, checkpoints at {at[-9:]}, left over {left}", flush=True
            )
    print("\n".join(failures))
    summary = {
        "runs": runs,
        "kills": kills,
        "seed": args.seed,
        "steps": len(whole["metrics"]),
        "whole_s": round(whole_s, 2),
        "resumed_from": sorted(set(at)),
        "failures": len(failures),
        "report": json.loads(whole["report.json"]),
    }
    print(json.dumps(summary))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
