"""The training loop: what it minimises, and that a run broken off ends like a whole one."""

import math
import random
import signal
import threading

import numpy as np
import pytest
import torch

from graphllm.errors import ConfigError, DataError, TrainingError
from graphllm.train.trainer import Batches, TrainSettings, train

mse = torch.nn.functional.mse_loss


@pytest.fixture(autouse=True)
def _one_thread():
    """More only wait for each other with tensors so small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Points:
    """Eight random points of a line for each step, as pairs of input and output."""

    per_epoch = 5

    def __getitem__(self, step):
        x = torch.randn(8, 2, generator=torch.Generator().manual_seed(step))
        y = x @ torch.tensor([[2.0], [-1.0]]) + 0.5
        return list(zip(x, y, strict=True))


def stacked(points):
    x, y = zip(*points, strict=True)
    return torch.stack(x), torch.stack(y)


def loss_of(module, batch):
    x, y = batch
    return mse(module(x), y)


def line():
    torch.manual_seed(3)
    return torch.nn.Linear(2, 1)


def noisy():
    """A module whose steps draw from all three generators, with a batch norm's buffers."""
    torch.manual_seed(3)
    layers = [torch.nn.Linear(2, 6), torch.nn.BatchNorm1d(6), torch.nn.Dropout(0.3)]
    return torch.nn.Sequential(*layers, torch.nn.Linear(6, 1))


def drawn():
    return np.random.standard_normal()  # noqa: NPY002  the global one is what is kept


def noisy_loss(module, batch):
    x, y = batch
    return mse(module(x + 0.1 * random.gauss(0, 1) + 0.1 * drawn()), y)


def settings(num_steps=60, **changed):
    given = {"learning_rate": 0.1, "weight_decay": 0.0, "precision": "no", **changed}
    return TrainSettings(num_steps=num_steps, **given)


def trained(module, how, loss=loss_of, **more):
    train(module, loss, Points(), how, collate=stacked, **more)
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_points_are_batches():
    assert isinstance(Points(), Batches)
    assert not isinstance([1], Batches)


def test_it_finds_the_line_that_the_points_lie_on():
    module = line()
    trained(module, settings(200))
    assert module.weight.detach().tolist()[0] == pytest.approx([2, -1], abs=0.02)
    assert module.bias.item() == pytest.approx(0.5, abs=0.02)
    assert not module.training


def by_hand(module, how):
    """The same training, written out: AdamW as in Loshchilov and Hutter 2019, algorithm 2."""
    parameters = list(module.parameters())
    first = [torch.zeros_like(p) for p in parameters]
    second = [torch.zeros_like(p) for p in parameters]
    for step in range(how.num_steps):
        module.zero_grad()
        loss_of(module, stacked(Points()[step])).backward()
        norm = math.sqrt(sum(float((p.grad**2).sum()) for p in parameters))
        rate = how.rate_at(step)
        for p, m, v in zip(parameters, first, second, strict=True):
            grad = p.grad * min(1.0, how.max_norm / (norm + 1e-6))
            m.copy_(how.betas[0] * m + (1 - how.betas[0]) * grad)
            v.copy_(how.betas[1] * v + (1 - how.betas[1]) * grad**2)
            m_hat = m / (1 - how.betas[0] ** (step + 1))
            v_hat = v / (1 - how.betas[1] ** (step + 1))
            decay = how.weight_decay if p.ndim > 1 else 0.0
            with torch.no_grad():
                p -= rate * decay * p
                p -= rate * m_hat / (v_hat.sqrt() + 1e-8)


def test_a_step_is_that_of_the_formula():
    how = settings(12, weight_decay=0.5, betas=(0.8, 0.95), max_norm=0.7, warmup=0.3)
    ours, naive = line(), line()
    trained(ours, how)
    by_hand(naive, how)
    torch.testing.assert_close(ours.weight, naive.weight)
    torch.testing.assert_close(ours.bias, naive.bias)


@pytest.mark.parametrize("accumulate", [2, 3, 8, 20])
def test_parts_of_a_batch_sum_up_to_the_batch(accumulate):
    whole = trained(line(), settings(10))
    parts = trained(line(), settings(10, accumulate=accumulate))
    for name, tensor in whole.items():
        torch.testing.assert_close(parts[name], tensor)


def test_parts_are_weighted_by_what_an_example_counts():
    def weight_of(point):
        return 1.0 + float(point[0][0] > 0) * 5

    def weighted(module, batch):
        x, y = batch
        weights = 1.0 + (x[:, :1] > 0) * 5
        return (weights * (module(x) - y) ** 2).sum() / weights.sum()

    how = {"loss": weighted, "weight_of": weight_of}
    whole = trained(line(), settings(10), **how)
    parts = trained(line(), settings(10, accumulate=3), **how)
    plain = trained(line(), settings(10, accumulate=3), loss=weighted)
    torch.testing.assert_close(parts["weight"], whole["weight"])
    assert not torch.allclose(plain["weight"], whole["weight"])


class BrokenError(Exception):
    """Ends a run in the middle of a step, as a crash does."""


def crashing(at, loss):
    count = 0

    def crash(module, batch):
        nonlocal count
        count += 1
        if count > at:
            raise BrokenError
        return loss(module, batch)

    return crash


def half(module):
    """Validation that draws random numbers, and is worse from step to step after a while."""
    torch.rand(3), random.random(), drawn()
    with torch.no_grad():
        return {"loss": abs(float(module[0].weight.sum()) - 0.4)}


def test_killed_at_any_step_and_resumed_a_run_ends_bit_equal(tmp_path):
    how = settings(7, save_every=3, validate_every=2, accumulate=2)
    whole = trained(noisy(), how, noisy_loss, measure=half, checkpoint=tmp_path / "whole")
    for at in range(2 * how.num_steps):  # two parts a step: also in the middle of one
        path = tmp_path / f"{at}"
        with pytest.raises(BrokenError):
            trained(noisy(), how, crashing(at, noisy_loss), measure=half, checkpoint=path)
        assert path.exists() == (at >= 2 * how.save_every)
        random.random(), drawn(), torch.rand(1)  # elsewhere than any run would begin
        resumed = trained(noisy(), how, noisy_loss, measure=half, checkpoint=path)
        assert same(resumed, whole), at
        assert path.read_bytes() == (tmp_path / "whole").read_bytes(), at


def test_a_finished_run_is_not_trained_again(tmp_path):
    how, path = settings(6, validate_every=2), tmp_path / "c"
    first = trained(noisy(), how, noisy_loss, measure=half, checkpoint=path)
    second = trained(noisy(), how, crashing(0, noisy_loss), measure=half, checkpoint=path)
    assert same(first, second)


def test_an_interrupt_in_a_callback_is_saved_and_resumed(tmp_path):
    def interrupt(progress):
        if progress.step == 25:
            raise KeyboardInterrupt

    path, whole = tmp_path / "c", trained(noisy(), settings(), noisy_loss)
    with pytest.raises(KeyboardInterrupt):
        trained(noisy(), settings(), noisy_loss, checkpoint=path, on_step=interrupt)
    steps = []
    resumed = trained(
        noisy(), settings(), noisy_loss, checkpoint=path, on_step=lambda p: steps.append(p.step)
    )
    assert steps[0] == 26
    assert same(resumed, whole)


@pytest.fixture
def interruptible():
    """Ctrl-C interrupts, also where the tests run in the background and it would be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_signal_in_the_middle_of_a_step_waits_for_its_end(tmp_path):
    def signalled(module, batch):
        nonlocal count
        count += 1
        if count == 7:
            signal.raise_signal(signal.SIGINT)
        return noisy_loss(module, batch)

    path, count, steps = tmp_path / "c", 0, []
    with pytest.raises(KeyboardInterrupt):
        trained(
            noisy(),
            settings(20),
            signalled,
            checkpoint=path,
            on_step=lambda p: steps.append(p.step),
        )
    assert steps == list(range(1, 8))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    count = 7
    resumed = trained(noisy(), settings(20), signalled, checkpoint=path)
    assert same(resumed, trained(noisy(), settings(20), noisy_loss))


@pytest.mark.usefixtures("interruptible")
def test_a_second_signal_ends_at_once_and_writes_nothing(tmp_path):
    def signalled(module, batch):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        return noisy_loss(module, batch)

    with pytest.raises(KeyboardInterrupt):
        trained(noisy(), settings(20), signalled, checkpoint=tmp_path / "c")
    assert list(tmp_path.iterdir()) == []


def test_it_trains_outside_the_main_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(trained(line(), settings(5))))
    thread.start()
    thread.join()
    assert same(found[0], trained(line(), settings(5)))


def test_validation_changes_nothing_but_the_choice_of_weights():
    seen = []

    def watched(module):
        assert not module.training
        seen.append({name: tensor.clone() for name, tensor in module.state_dict().items()})
        return {"loss": -len(seen), **half(module), "last": float(len(seen))}

    how = settings(20, validate_every=3, metric="last", higher_is_better=True)
    with_it = trained(noisy(), how, noisy_loss, measure=watched)
    assert len(seen) == 7  # after 3, 6, ..., 18, and at the end
    assert same(with_it, trained(noisy(), settings(20), noisy_loss))


def test_it_validates_after_each_epoch():
    steps = []
    trained(
        noisy(),
        settings(12),
        measure=half,
        on_step=lambda p: steps.append(p.step) if p.measured else None,
    )
    assert steps == [5, 10, 12]


@pytest.mark.parametrize(
    ("values", "patience", "best", "num_steps"),
    [
        ([5, 4, 3, 2, 1], 1, 5, 5),
        ([5, 4, 4, 3, 1], 1, 2, 3),
        ([5, 4, 4, 3, 1], 2, 5, 5),
        ([1, 2, 3, 4, 5], 0, 1, 5),
        ([1, 2, 0.5, 4, 5], 2, 3, 5),
        ([math.nan, 3, 4, 5, 6], 2, 2, 4),
        ([3, math.nan, math.nan, 1, 1], 2, 1, 3),
    ],
)
def test_patience_and_the_best_weights(values, patience, best, num_steps, tmp_path):
    seen = []

    def measure(module):
        seen.append(module.weight.clone())
        return {"score": -values[len(seen) - 1]}

    module = line()
    how = settings(5, validate_every=1, metric="score", higher_is_better=True, patience=patience)
    path = tmp_path / "c"
    found = train(module, loss_of, Points(), how, collate=stacked, measure=measure, checkpoint=path)
    assert (found.num_steps, found.best_step) == (num_steps, best)
    assert found.is_early == (num_steps < 5 or (patience > 0 and num_steps - best >= patience))
    assert found.measured == {"score": -values[best - 1]}
    assert torch.equal(module.weight, seen[best - 1])
    again = line()
    assert found == train(
        again, loss_of, Points(), how, collate=stacked, measure=measure, checkpoint=path
    )
    assert torch.equal(again.weight, module.weight)


def test_a_metric_that_is_not_measured_is_an_error():
    with pytest.raises(ConfigError, match=r"no 'hits'; it has \['loss'\]"):
        trained(noisy(), settings(5, metric="hits"), measure=half)


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_what_is_not_finite_names_its_step_and_writes_nothing(wrong, where, tmp_path):
    def diverging(module, batch):
        nonlocal count
        count += 1
        loss = loss_of(module, batch)
        if count < 8:
            return loss
        return loss + wrong if where == "loss" else loss + Spoilt.apply(module.weight, wrong)

    count, path, module, seen = 0, tmp_path / "c", line(), []
    how = settings(20, save_every=3)
    with pytest.raises(TrainingError, match="step 8: the loss is"):
        trained(
            module,
            how,
            diverging,
            checkpoint=path,
            on_step=lambda _: seen.append((module.weight.clone(), _contents(tmp_path))),
        )
    assert torch.equal(module.weight, seen[-1][0])
    assert _contents(tmp_path) == seen[6][1]
    assert len(seen) == 7


class Spoilt(torch.autograd.Function):
    """Nothing forward, a number of one's own backward."""

    @staticmethod
    def forward(ctx, x, value):
        ctx.value, ctx.shape = value, x.shape
        return x.new_zeros(())

    @staticmethod
    def backward(ctx, grad):
        return torch.full(ctx.shape, ctx.value), None


def _contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_progress_says_how_fast_it_goes():
    told = []
    module = line()
    train(
        module,
        loss_of,
        Points(),
        settings(10),
        collate=stacked,
        tokens_of=lambda _: 3,
        on_step=told.append,
    )
    assert [p.step for p in told] == list(range(1, 11))
    assert all(p.tokens_per_s == pytest.approx(3 * p.examples_per_s) for p in told)
    assert all(p.examples_per_s > 0 and p.norm > 0 for p in told)
    assert [p.learning_rate for p in told] == [settings(10).rate_at(i) for i in range(10)]
    assert told[-1].seconds_left == 0
    assert told[4].seconds_left == pytest.approx(told[4].seconds / 5 * 5)
    assert told[4].examples_per_s == pytest.approx(8 * 5 / told[4].seconds)


def test_only_what_requires_a_gradient_is_trained():
    module = line()
    module.bias.requires_grad_(False)
    before = module.bias.clone()
    trained(module, settings(5))
    assert torch.equal(module.bias, before)
    module.weight.requires_grad_(False)
    with pytest.raises(ConfigError, match="nothing of this module requires a gradient"):
        trained(module, settings(5))


def test_a_checkpoint_of_another_module_is_refused(tmp_path):
    path = tmp_path / "c"
    trained(line(), settings(2), checkpoint=path)
    with pytest.raises(DataError, match=r"0.bias is none there and \[1\] here \(4 of 2 differ\)"):
        trained(torch.nn.Sequential(line()), settings(5), checkpoint=path)


def test_a_batch_without_examples_is_an_error():
    class Nothing(Points):
        def __getitem__(self, step):
            return super().__getitem__(step) if step < 2 else []

    with pytest.raises(DataError, match="the batch of step 3 has no example"):
        train(line(), loss_of, Nothing(), settings(5), collate=stacked)


def test_mixed_precision_is_no_state_of_the_process():
    kinds = []

    def watching(module, batch):
        kinds.append(module(batch[0]).dtype)
        return loss_of(module, batch)

    for precision in ("bf16", "no", "bf16"):
        trained(line(), settings(1, precision=precision), watching)
    assert kinds == [torch.bfloat16, torch.float32, torch.bfloat16]
