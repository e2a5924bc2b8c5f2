"""A process of a training that several share; the tests start it as accelerate launch would."""

import json
import sys
from pathlib import Path

import torch
from accelerate import Accelerator, FullyShardedDataParallelPlugin

from graphllm.train.checkpoint import copied, save_trainable, trainable
from graphllm.train.settings import TrainSettings
from graphllm.train.trainer import train


class Points:
    """Batches of seven to nine points, which no number of processes divides evenly."""

    per_epoch = 4

    def __getitem__(self, step):
        rng = torch.Generator().manual_seed(step)
        x = torch.randn(7 + step % 3, 3, generator=rng)
        return list(zip(x, x.sum(1, keepdim=True).tanh(), strict=True))


def collate(points):
    x, y = zip(*points, strict=True)
    return {"x": torch.stack(x), "y": torch.stack(y)}


def loss_of(module, batch):
    return torch.nn.functional.mse_loss(module(batch["x"]), batch["y"])


def model():
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    module[0].bias.requires_grad_(False)
    return module


def plugin(kind):
    if kind != "fsdp":
        return None
    return FullyShardedDataParallelPlugin(
        fsdp_version=2,
        auto_wrap_policy="size_based_wrap",
        min_num_params=1,
        cpu_ram_efficient_loading=False,
    )


def main(kind, folder, accumulate, num_steps, stops_at):
    module, losses = model(), []
    resumed_at = 6 if (folder / "checkpoint.safetensors").is_file() else 0

    def told(progress):
        losses.append(progress.loss)

    def measure(module):
        return {"loss": 1.0 / (1 + resumed_at + len(losses))}  # ever better, also when resumed

    class Stopping(Points):
        def __getitem__(self, step):
            if step == stops_at:
                raise RuntimeError("stopped")
            return super().__getitem__(step)

    how = TrainSettings(
        num_steps=num_steps,
        learning_rate=0.05,
        precision="no",
        accumulate=accumulate,
        save_every=3,
    )
    found = train(
        module,
        loss_of,
        Stopping(),
        how,
        collate=collate,
        measure=measure,
        checkpoint=folder / "checkpoint.safetensors",
        on_step=told,
        accelerator=Accelerator(cpu=True, fsdp_plugin=plugin(kind)),
    )
    whole = copied(trainable(module))
    if Accelerator().is_main_process:
        (folder / "losses.json").write_text(json.dumps(losses))
        save_trainable(folder / "weights.safetensors", like_before(whole))
    assert found.num_steps == num_steps


def like_before(tensors):
    """A module that is not spread over processes, with these weights."""
    module = model()
    module.load_state_dict(tensors, strict=False)
    return module


if __name__ == "__main__":
    kind, folder, accumulate, num_steps, stops_at = sys.argv[1:]
    main(kind, Path(folder), int(accumulate), int(num_steps), int(stops_at))
