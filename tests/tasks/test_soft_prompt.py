"""Soft prompts from a graph to an answer: train, what the folder holds, go on, ask, refuse."""

import json
from dataclasses import replace

import pytest

from graphllm import GraphQA, TextualGraph
from graphllm.errors import ConfigError, DataError
from graphllm.llm import load_language_model
from graphllm.models.prompted_model import PromptedModel
from graphllm.tasks.soft_prompt import SoftPromptSettings, retrieved, train_soft_prompt
from graphllm.train.run_folder import read_metrics, read_run
from tests.models.reference_model import save_reference_model

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]

GRAPH = TextualGraph.from_triples(
    [(f"Town {i}", "located in", f"Land {i % 6}") for i in range(30)]
    + [(f"Town {i}", "founded by", f"Ada {i % 9}") for i in range(30)]
)
SMALL = SoftPromptSettings(
    steps=6,
    num_train=40,
    num_held_out=8,
    hidden_dim=8,
    num_layers=1,
    num_tokens=3,
    max_tokens=80,
    max_edges=12,
    learning_rate=0.01,
    marking_steps=5,
    precision="no",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_reference_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAPHLLM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def qa():
    return GraphQA.from_graph(GRAPH)


@pytest.fixture(scope="module")
def trained(qa, folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    stages = []
    settings = replace(SMALL, llm=str(folder), lora_rank=2, topology=True, pooling="items")
    report = train_soft_prompt(qa, out, settings, progress=lambda s, *_: stages.append(s))
    return out, report, stages


def test_the_folder_and_the_report(trained, folder):
    out, report, stages = trained
    assert list(dict.fromkeys(stages)) == [
        "building questions", "asking before", "retrieving", "writing prompts", "reading names",
        "marking answers", "training", "asking after",
    ]  # fmt: skip
    told = report.to_dict()
    kept = json.loads((out / "report.json").read_text("utf-8"))
    assert kept.pop("minutes") <= told.pop("minutes")  # asking once more comes after it
    assert kept == {"recipe": "soft-prompt", **told}
    assert told["steps"] == 6
    assert told["text_only_before"]["n"] == told["held_out"] == len(report.after) > 0
    assert [row["step"] for row in read_metrics(out)] == [1, 2, 3, 4, 5, 6]
    assert read_run(out).settings["llm"] == str(folder)
    assert sorted(read_run(out).inputs) == ["graph", "prompts/soft_prompt/answer"]


def test_the_run_answers_with_the_language_model(trained):
    out, *_ = trained
    llm = load_language_model(str(out))
    assert isinstance(llm, PromptedModel)
    assert llm.id.endswith("with run")
    asking = GraphQA.from_graph(GRAPH, llm=str(out))
    estimate = asking.estimate("Where is Town 3?")
    [sent] = estimate.prompts
    assert len(sent.prompt.soft_parts) == 3
    answer = asking.ask("Where is Town 3?")
    assert answer.usage.calls == 1
    assert answer.usage.prompt_tokens <= estimate.prompt_tokens[0]


def test_what_was_trained_is_what_answers(trained, qa, tmp_path):
    """The weights of the folder give the soft tokens that training ended with."""
    import torch

    out, *_ = trained
    one, other = PromptedModel(out), PromptedModel(out)
    question = "Where is Town 3?"
    [found] = retrieved(qa, [question], 12, tmp_path)
    prompts = []
    for model in (one, other):
        asks = model.over(GRAPH, qa._encoder)
        shown = asks.shown(question, found.subgraph)
        prompts.append(asks.prompt(question, found.names, found.subgraph, shown))
    for first, second in zip(*(prompt.soft_parts for prompt in prompts), strict=True):
        assert torch.equal(first, second)
    target = "[1] [n2]"
    assert one.llm.score([prompts[0]], [target]) == other.llm.score([prompts[1]], [target])


def test_a_finished_run_is_gone_on_with_by_the_same_settings_only(trained, qa, folder):
    out, report, _ = trained
    settings = replace(SMALL, llm=str(folder), lora_rank=2, topology=True, pooling="items")
    again = train_soft_prompt(qa, out, replace(settings, steps=0))
    assert again.num_steps == report.num_steps
    assert again.to_dict()["validation_loss"] == report.to_dict()["validation_loss"]
    with pytest.raises(ConfigError, match=r"holds another run: seed is 0 there and 1 here"):
        train_soft_prompt(qa, out, replace(settings, seed=1))


def test_a_model_that_is_gone_and_runs_of_another_kind(trained, tmp_path):
    out, *_ = trained
    for path in out.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    about = json.loads((tmp_path / "prompted.json").read_text("utf-8"))
    (tmp_path / "prompted.json").write_text(json.dumps({**about, "llm": "/nowhere/model"}))
    with pytest.raises(ConfigError, match="a prompter for the language model '/nowhere/model'"):
        load_language_model(str(tmp_path))
    (tmp_path / "prompted.json").write_text(json.dumps({**about, "weights": "0"}))
    with pytest.raises(ConfigError, match="its weights have changed"):
        load_language_model(str(tmp_path))
    (tmp_path / "prompted.json").write_text(json.dumps({**about, "lora_ranks": 1}))
    with pytest.raises(DataError, match="no setting 'lora_ranks'; did you mean 'lora_rank'"):
        load_language_model(str(tmp_path))
    (tmp_path / "prompted.json").unlink()
    with pytest.raises(ConfigError, match=r"holds a training run without prompted\.json"):
        load_language_model(str(tmp_path))


def test_what_is_retrieved_is_found_once(qa, tmp_path):
    questions = ["Where is Town 1?", "Who founded Town 2?", "Where is Town 1?"]
    first = retrieved(qa, questions, 6, tmp_path, made_by="test")
    files = sorted(tmp_path.rglob("*.safetensors"))
    second = retrieved(qa, questions, 6, tmp_path, made_by="test")
    assert sorted(tmp_path.rglob("*.safetensors")) == files
    for one, other in zip(first, second, strict=True):
        assert one.names == other.names
        assert one.names
        assert one.subgraph.edges.tolist() == other.subgraph.edges.tolist()
        assert len(one.subgraph.edges) > 0


@pytest.mark.parametrize(
    "wrong", [{"minutes": 0.0}, {"num_tokens": 0}, {"seed": -1}, {"pooling": "max"}], ids=str
)
def test_settings_out_of_range(wrong, qa, folder, tmp_path):
    with pytest.raises(ConfigError, match=r"must be|pooling is one of"):
        train_soft_prompt(qa, tmp_path / "run", replace(SMALL, llm=str(folder), **wrong))


def test_a_model_on_a_server_reads_no_soft_prompts(qa, tmp_path):
    with pytest.raises(ConfigError, match="is no model of this machine; soft prompts need one"):
        train_soft_prompt(qa, tmp_path / "run", replace(SMALL, llm="gpt-5"))
