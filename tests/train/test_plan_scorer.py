"""The plan scorer in training: its batches, its loss, and the same vectors without torch."""

import numpy as np
import pytest
import torch

from graphllm.errors import DataError
from graphllm.questions import curriculum
from graphllm.text.lora import read_lora
from graphllm.text.minilm import MiniLMEncoder
from graphllm.train.plan_examples import PlanExample, of_graph, read_examples, write_examples
from graphllm.train.plan_scorer import (
    Batches,
    PlanEncoder,
    ranking_accuracy,
    save_lora,
    train_plan_scorer,
)
from graphllm.train.trainer import TrainSettings

TEXTS = ["who wrote X", "those whose written by is X", "how many works of X", "X"]


def example(number, group="g"):
    return PlanExample(f"q{number}", f"p{number}", (f"n{number}",), group, "made up")


@pytest.fixture(scope="module")
def examples():
    rng = np.random.default_rng(0)
    built, questions = next(curriculum(rng, 1, 24, num_nodes=80))
    return list(of_graph(built.graph, questions, rng, group="g", source="curriculum"))


def test_no_example_holds_its_right_plan_among_the_wrong_ones(examples):
    assert len(examples) > 20
    for each in examples:
        assert each.positive not in each.negatives
        assert len(set(each.negatives)) == len(each.negatives)
    assert any(e.positive.startswith("something of") for e in examples)


def test_examples_are_read_back_as_they_were_written(examples, tmp_path):
    path = tmp_path / "examples.jsonl"
    assert write_examples(path, examples) == len(examples)
    assert read_examples(path) == examples
    path.write_text(path.read_text("utf-8") + '{"question": 1}\n', "utf-8")
    with pytest.raises(DataError, match=f"line {len(examples) + 1}: not a plan example"):
        read_examples(path)
    with pytest.raises(DataError, match="no such file"):
        read_examples(tmp_path / "absent.jsonl")


def test_an_epoch_has_every_example_once_and_graphs_together():
    many = [example(i, f"g{i // 8}") for i in range(96)]
    batches = Batches(many, seed=1, size=16)
    epoch = [e for step in range(batches.per_epoch) for e in batches[step]]
    assert sorted(e.question for e in epoch) == sorted(e.question for e in many)
    for step in range(batches.per_epoch):
        assert len({e.group for e in batches[step]}) == 2
    assert batches[0] == Batches(many, seed=1, size=16)[0]
    assert batches[batches.per_epoch] != batches[0]


@pytest.mark.slow
def test_trained_weights_give_the_same_vectors_without_torch(tmp_path):
    encoder = PlanEncoder(rank=4, alpha=8)
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in encoder.model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.05)
    save_lora(tmp_path / "adapter.safetensors", encoder.lora())
    lean = MiniLMEncoder(lora=tmp_path / "adapter.safetensors")
    with torch.no_grad():
        encoder.eval()
        ours = encoder(TEXTS).numpy()
    np.testing.assert_allclose(lean.encode(TEXTS), ours, atol=2e-3)  # saved in half precision
    assert np.abs(MiniLMEncoder().encode(TEXTS) - ours).max() > 0.05
    assert lean.id != MiniLMEncoder().id
    again = PlanEncoder(start=read_lora(tmp_path / "adapter.safetensors")).eval()
    with torch.no_grad():
        np.testing.assert_allclose(again(TEXTS).numpy(), ours, atol=2e-3)


@pytest.mark.slow
def test_training_brings_questions_nearer_to_their_plans(examples):
    examples = [e for e in examples if not e.positive.startswith("something")][:12]
    encoder = PlanEncoder(rank=8)
    before = ranking_accuracy(encoder, examples)["curriculum"]
    settings = TrainSettings(num_steps=12, learning_rate=2e-3, precision="no")
    losses = []
    train_plan_scorer(encoder, examples, settings, on_step=lambda p: losses.append(p.loss))
    assert ranking_accuracy(encoder, examples)["curriculum"] > before + 0.1
    assert losses[-1] < losses[0]
