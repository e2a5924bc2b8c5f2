"""Training on questions: the published rate step by step, batches, the optimizer's numbers."""

import math

import pytest
import torch

from graphllm.errors import ConfigError, DataError
from graphllm.llm import Generation
from graphllm.models.g_retriever import Told
from graphllm.train.graph_qa import (
    Answering,
    EpochSettings,
    ShuffledBatches,
    batches_of,
    measured,
    train_on_questions,
)


def published_rates(per_epoch, num_epochs, rate=1e-5, lowest=5e-6, grad_steps=2):
    """The loops of the published code, noting the rate each optimizer step is made with."""
    found, now = [], rate
    for epoch in range(num_epochs):
        for step in range(per_epoch):
            if (step + 1) % grad_steps == 0:
                at = step / per_epoch + epoch
                if at < 1:
                    now = rate * at
                else:
                    fall = math.pi * (at - 1) / (num_epochs - 1)
                    now = lowest + (rate - lowest) * 0.5 * (1.0 + math.cos(fall))
            found.append(now)
    return found


@pytest.mark.parametrize("per_epoch", [1, 2, 3, 7, 207])
def test_every_step_has_the_published_rate(per_epoch):
    how = EpochSettings(paper_mode=True, learning_rate=1e-5).settings(per_epoch, seed=0)
    rates = [how.rate_at(step) for step in range(how.num_steps)]
    assert rates == pytest.approx(published_rates(per_epoch, 10), rel=1e-9, abs=1e-15)


def test_the_published_optimizer():
    how = EpochSettings(paper_mode=True, learning_rate=1e-5).settings(207, seed=3)
    assert (how.betas, how.weight_decay, how.decays_vectors) == ((0.9, 0.95), 0.05, True)
    assert (how.max_norm, how.patience, how.accumulate, how.num_steps) == (0.1, 2, 1, 2070)
    assert (how.minimum_rate, how.validate_every, how.seed) == (5e-6, 0, 3)


def test_batches_leave_out_what_fills_none_and_mix_anew():
    batches = ShuffledBatches(range(10), size=4, seed=1)
    epochs = [[batches[2 * epoch], batches[2 * epoch + 1]] for epoch in range(3)]
    for epoch in epochs:
        assert [len(batch) for batch in epoch] == [4, 4]
        assert len({*epoch[0], *epoch[1]}) == 8
    assert epochs[0] != epochs[1]
    assert ShuffledBatches(range(10), size=4, seed=1)[3] == batches[3]
    with pytest.raises(DataError, match="3 examples make no batch of 4"):
        ShuffledBatches(range(3), size=4, seed=1)


class Counting(torch.nn.Module):
    """Learns a number; its loss is the distance to the length of the label."""

    def __init__(self):
        super().__init__()
        self.number = torch.nn.Parameter(torch.zeros(()))

    def forward(self, questions):
        lengths = torch.tensor([float(len(told.label)) for told in questions])
        return (self.number - lengths).square().mean()

    def generate(self, questions):
        return [Generation(text=str(round(self.number.item())))] * len(questions)


QUESTIONS = [Told(question=f"{n}?", label="abc") for n in range(12)]


def test_any_module_is_trained_and_its_best_weights_stay():
    model = Counting()
    assert isinstance(model, Answering)
    how = EpochSettings(epochs=30, learning_rate=0.3, batch_size=4, patience=0)
    found = train_on_questions(model, QUESTIONS, QUESTIONS[:3], how)
    assert found.measured["loss"] < 0.05
    assert model.generate(QUESTIONS[:1])[0].text == "3"


def test_validation_is_the_mean_of_batches_and_the_last_may_be_short():
    some = [Told(question="?", label="x" * n) for n in (1, 1, 4)]
    assert measured(Counting(), some, 2) == {"loss": (1 + 16) / 2}


def test_batches_of_either_mode():
    for paper_mode in (True, False):
        batches = batches_of(QUESTIONS, EpochSettings(paper_mode=paper_mode, batch_size=5), 0)
        assert batches.per_epoch == (2 if paper_mode else 3)
    with pytest.raises(ConfigError, match="epochs must be 0 or more"):
        EpochSettings(epochs=-1)
