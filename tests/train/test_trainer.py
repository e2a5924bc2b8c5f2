"""The training loop: what it minimises, and that an interrupted run ends like a whole one."""

import pytest
import torch

from graphllm.errors import ConfigError, DataError
from graphllm.train.trainer import TrainSettings, train


def line():
    torch.manual_seed(3)
    return torch.nn.Linear(2, 1)


def loss_of(module):
    def loss(step):
        rng = torch.Generator().manual_seed(step)
        x = torch.randn(32, 2, generator=rng)
        wanted = x @ torch.tensor([[2.0], [-1.0]]) + 0.5
        return torch.nn.functional.mse_loss(module(x), wanted)

    return loss


def settings(num_steps=60, **changed):
    return TrainSettings(
        num_steps=num_steps, learning_rate=0.1, weight_decay=0.0, precision="no", **changed
    )


def test_it_finds_the_line_that_the_points_lie_on():
    module = line()
    train(module, loss_of(module), settings(200))
    assert module.weight.detach().tolist()[0] == pytest.approx([2, -1], abs=0.02)
    assert module.bias.item() == pytest.approx(0.5, abs=0.02)


def test_a_run_that_was_interrupted_goes_on_to_the_same_weights(tmp_path):
    whole, broken = line(), line()
    train(whole, loss_of(whole), settings())

    def interrupt(progress):
        if progress.step == 25:
            raise KeyboardInterrupt

    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train(broken, loss_of(broken), settings(), checkpoint=path, on_step=interrupt)
    resumed, steps = line(), []
    train(
        resumed,
        loss_of(resumed),
        settings(),
        checkpoint=path,
        on_step=lambda progress: steps.append(progress.step),
    )
    assert steps[0] == 26
    assert torch.equal(resumed.weight, whole.weight)
    assert torch.equal(resumed.bias, whole.bias)


def test_only_what_requires_a_gradient_is_trained():
    module = line()
    module.bias.requires_grad_(False)
    before = module.bias.clone()
    train(module, loss_of(module), settings(5))
    assert torch.equal(module.bias, before)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(b"damaged")
    module = line()
    with pytest.raises(DataError, match="not a checkpoint of this training"):
        train(module, loss_of(module), settings(5), checkpoint=path)


def test_a_checkpoint_of_another_module_is_refused(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    module, other = line(), torch.nn.Sequential(line())
    train(module, loss_of(module), settings(2), checkpoint=path)
    with pytest.raises(DataError, match="not a checkpoint of this training"):
        train(other, loss_of(other), settings(5), checkpoint=path)


@pytest.mark.parametrize("wrong", [{"num_steps": 0}, {"num_steps": 1, "precision": "int3"}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ConfigError):
        TrainSettings(**wrong)
