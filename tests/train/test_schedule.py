"""Learning rates by step, against the formulas written out."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.errors import ConfigError
from graphllm.train.schedule import SCHEDULES, Rates
from graphllm.train.settings import TrainSettings

shares = st.sampled_from([0.0, 0.06, 0.1, 0.3, 0.5, 1.0])


@settings(max_examples=30)
@given(st.integers(1, 60), shares, st.sampled_from([0.0, 1e-4]), st.data())
def test_the_cosine_rises_in_equal_steps_and_falls_as_half_a_wave(num_steps, warmup, lowest, data):
    how = TrainSettings(num_steps=num_steps, learning_rate=1e-3, minimum_rate=lowest, warmup=warmup)
    rising = max(round(warmup * num_steps), 1)
    rates = [how.rate_at(step) for step in range(num_steps)]
    for step in range(rising):
        assert rates[step] == pytest.approx(1e-3 * (step + 1) / rising)
    for step in range(rising, num_steps):
        wave = math.cos(math.pi / 2 * (step - rising) / (num_steps - rising)) ** 2
        assert rates[step] == pytest.approx(lowest + (1e-3 - lowest) * wave)
    assert max(rates) == 1e-3


def published(epoch, *, rate=1e-5, lowest=5e-6, warmup=1, num_epochs=10):
    """G-Retriever's rate in the middle of an epoch, as its page in the paper's code has it."""
    if epoch < warmup:
        return rate * epoch / warmup
    of = (epoch - warmup) / (num_epochs - warmup)
    return lowest + (rate - lowest) * 0.5 * (1.0 + math.cos(math.pi * of))


@pytest.mark.parametrize("per_epoch", [1, 7, 40])
def test_the_half_cosine_is_that_of_g_retriever(per_epoch):
    how = TrainSettings(
        num_steps=10 * per_epoch,
        learning_rate=1e-5,
        minimum_rate=5e-6,
        warmup=0.1,
        schedule="half_cosine",
    )
    for step in range(how.num_steps):
        assert how.rate_at(step) == pytest.approx(published(step / per_epoch))


def test_a_rate_can_hold_for_an_epoch():
    how = TrainSettings(num_steps=20, schedule="half_cosine", warmup=0.2, rate_every=4)
    rates = [how.rate_at(step) for step in range(20)]
    for step in range(20):
        whole = how.learning_rate, 0.0, 1, 5
        expected = published(
            step // 4, rate=whole[0], lowest=whole[1], warmup=whole[2], num_epochs=whole[3]
        )
        assert rates[step] == pytest.approx(expected)


def test_the_constant_rate_rises_and_stays():
    how = TrainSettings(num_steps=8, learning_rate=1.0, schedule="constant", warmup=0.5)
    assert [how.rate_at(step) for step in range(8)] == [0.25, 0.5, 0.75, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("name", sorted(SCHEDULES))
@settings(max_examples=30)
@given(num_steps=st.integers(1, 30), warmup=shares)
def test_no_rate_is_outside_of_what_was_asked_for(name, num_steps, warmup):
    rates = Rates(num_steps, 1.0, 0.25, warmup)
    assert all(0 <= SCHEDULES[name](step, rates) <= 1 for step in range(num_steps))


WRONG = {
    "steps": ({"num_steps": 0}, "one step or more"),
    "save": ({"save_every": 0}, "one step or more"),
    "precision": ({"precision": "int3"}, "'bf16' or 'no', got 'int3'"),
    "schedule": ({"schedule": "cosin"}, "one of .*'cosine'.*, got 'cosin'"),
    "warmup": ({"warmup": 1.5}, "share of the steps, 0 to 1, got 1.5"),
    "lowest": ({"minimum_rate": 1.0}, "between 0 and learning_rate .0.001., got 1"),
    "betas": ({"betas": (0.9, 1.0)}, "from 0 to below 1"),
    "norm": ({"max_norm": 0.0}, "max_norm must be above 0"),
    "accumulate": ({"accumulate": 0}, "accumulate must be 1 or more, got 0"),
    "refresh": ({"rate_every": 0}, "rate_every must be 1 or more"),
    "seed": ({"seed": -1}, "seed must be 0 or more, got -1"),
    "patience": ({"patience": -1}, "patience must be 0 or more"),
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_settings_that_make_no_sense_are_refused(name):
    changed, message = WRONG[name]
    with pytest.raises(ConfigError, match=message):
        TrainSettings(**{"num_steps": 5, **changed})
