"""Training soft prompts: what examples hold, that the loss falls, and what trials leave alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from graphllm import TextualGraph
from graphllm.graph import Subgraph
from graphllm.llm import LocalLanguageModel, LoraSettings
from graphllm.models.fact_prompts import FactPrompts, Facts, FactSettings, NamedSpan, ReplyForm
from graphllm.models.graph_prompter import GraphPrompter, PrompterSettings
from graphllm.text.encoder import load_encoder
from graphllm.tokenizers.features import TextTokenizer
from graphllm.train.checkpoint import copied, trainable
from graphllm.train.soft_prompt import (
    AnswerMarking,
    HowTrained,
    Retrieved,
    SoftPromptTraining,
    TokenTable,
    batches_of,
    example_of,
    mark_answers,
    measured,
    seconds_a_step,
    train_prompter,
)
from tests.models.reference_model import save_reference_model

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

GRAPH = TextualGraph.from_triples(
    [(f"Town {i}", "located in", f"Land {i % 3}") for i in range(12)]
    + [(f"Town {i}", "founded by", f"Ada {i % 4}") for i in range(12)]
)
ENCODER = load_encoder()


def part_of(town):
    edges = np.array([town, 12 + town], dtype=np.int32)
    nodes = np.unique(np.concatenate([GRAPH.heads[edges], GRAPH.tails[edges]])).astype(np.int32)
    ones = np.ones(3, np.float32)
    return Subgraph(nodes=nodes, edges=edges, node_scores=ones, edge_scores=ones[:2])


def question_of(town):
    node = GRAPH.find_key(f"Town {town}")
    question = f"where is Town {town}?"
    names = (NamedSpan(9, len(question) - 1, (node,)),)
    answer = Facts((int(GRAPH.tails[town]),), "", (town,))
    return Retrieved(question, names, part_of(town)), answer


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_reference_model(tmp_path_factory.mktemp("model"))


def training_of(folder, *, lora=None, num_items=0):
    llm = LocalLanguageModel(folder, device="cpu", lora=lora)
    form = ReplyForm.of(llm.has_references)
    prompts = FactPrompts(
        GRAPH, llm.count_tokens, FactSettings(form=form, max_tokens=60, num_items=num_items)
    )
    tokenizer = TextTokenizer(GRAPH, ENCODER)
    torch.manual_seed(0)
    made = PrompterSettings(
        in_dim=tokenizer.dim,
        edge_dim=tokenizer.edge_dim,
        model_dim=llm.model_dim,
        hidden_dim=8,
        num_layers=1,
        pooling="items" if num_items else "queries",
        num_tokens=1 if num_items else 2,
        embedding_norm=1.0,
    )
    table = TokenTable.of(GRAPH, tokenizer, [part_of(town) for town in range(12)])
    training = SoftPromptTraining(GraphPrompter(made), llm, prompts, table)
    examples = [example_of(*question_of(town), prompts, llm.count_tokens, 2) for town in range(12)]
    return training, examples, llm


def test_the_table_holds_what_the_tokenizer_gives(folder):
    training, examples, _ = training_of(folder)
    tokenizer = TextTokenizer(GRAPH, ENCODER)
    for town in (0, 7):
        found, expected = training._table.tokens(examples[town]), tokenizer.tokenize(part_of(town))
        torch.testing.assert_close(found.x, expected.x)
        assert torch.equal(found.edge_index, expected.edge_index)
        torch.testing.assert_close(found.edge_attr, expected.edge_attr)
    assert training._table.blind().tokens(examples[0]).x.abs().sum() == 0


def test_an_example_is_told_and_replied_in_references(folder):
    training, examples, llm = training_of(folder, num_items=2)
    one = examples[5]
    assert one.text.startswith("where is [n1] Town 5?\n[1] [n1] Town 5 | located in | [n2] Land 2")
    assert one.target == "[1] [n2]"
    assert one.num_tokens == llm.count_tokens(one.text) + llm.count_tokens(one.target) + 2 + 4
    [prompt] = training.prompts([one])
    assert len(prompt.soft_parts) == 2


def test_a_batch_costs_what_its_examples_cost_alone(folder):
    training, examples, llm = training_of(folder)
    weights = [llm.count_tokens(one.target) + 1 for one in examples]
    with torch.no_grad():
        alone = sum(float(training([e])) * w for e, w in zip(examples, weights, strict=True))
    together = measured(training, examples, llm.count_tokens)["loss"]
    assert together == pytest.approx(alone / sum(weights), rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lora", "num_items"), [(None, 0), (LoraSettings(rank=2), 2)], ids=["frozen", "lora, items"]
)
def test_the_loss_falls_and_a_trial_changes_nothing(folder, tmp_path, lora, num_items):
    training, examples, llm = training_of(folder, lora=lora, num_items=num_items)
    how = HowTrained(
        steps=30, learning_rate=0.02, batch_size=6, validate_every=10, precision="no", seed=1
    )
    before = copied(trainable(training))
    assert ("lora" in " ".join(before)) == (lora is not None)
    assert seconds_a_step(training, examples, how) > 0
    after = trainable(training)
    assert all(torch.equal(before[name], after[name]) for name in before)
    held_back = examples[:3]
    loss = measured(training, held_back, llm.count_tokens)["loss"]
    done = train_prompter(
        training,
        examples[3:],
        held_back,
        how,
        count_tokens=llm.count_tokens,
        checkpoint=tmp_path / "checkpoint.safetensors",
    )
    assert done.measured["loss"] < (0.8 if lora else 0.99) * loss
    assert measured(training, held_back, llm.count_tokens)["loss"] == pytest.approx(
        done.measured["loss"], rel=1e-4
    )


def test_marking_is_the_cross_entropy_of_answers_over_the_nodes_of_each_graph(folder):
    training, examples, _ = training_of(folder)
    marking = AnswerMarking(training)
    expected = []
    for example in examples[:3]:
        scores = marking.score(marking.encoder(training.graphs([example])))[:, 0].tolist()
        total = sum(np.exp(scores))
        assert [example.nodes[i] for i in example.answers] == [GRAPH.tails[len(expected)]]
        chosen = [-np.log(np.exp(scores[i]) / total) for i in example.answers.tolist()]
        expected.append(sum(chosen) / len(chosen))
    assert marking(examples[:3]).item() == pytest.approx(np.mean(expected), abs=1e-5)


def test_an_encoder_learns_to_mark_answers_and_nothing_else_changes(folder):
    training, examples, _ = training_of(folder)
    before = copied(trainable(training))
    done = mark_answers(training, examples[4:], examples[:4], steps=100, seed=0)
    assert done.measured["loss"] < 0.3 < np.log(3)  # of three nodes drawn at random
    for name, weight in trainable(training).items():
        assert torch.equal(weight, before[name]) != name.startswith("prompter.encoder."), name


@pytest.mark.parametrize("what", ["no steps", "no answers", "frozen"])
def test_where_nothing_can_be_marked_nothing_is_trained(what, folder):
    training, examples, _ = training_of(folder)
    if what == "no answers":
        examples = [replace(example, answers=example.answers[:0]) for example in examples]
    training.prompter.encoder.requires_grad_(what != "frozen")
    steps = 0 if what == "no steps" else 5
    assert mark_answers(training, examples, [], steps=steps, seed=0) is None


def test_batches_are_of_examples_of_about_one_length(folder):
    _, examples, _ = training_of(folder)
    batches = batches_of(examples, HowTrained(steps=1, batch_size=5))
    seen = [one.text for step in range(batches.per_epoch) for one in batches[step]]
    assert sorted(seen) == sorted(one.text for one in examples)
