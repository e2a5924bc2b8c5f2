"""A run of the recipe from the files of a suite to its report, and the same run once more."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from graphllm.errors import ConfigError, DataError
from graphllm.evaluate import Example, PublishedPrompt, Suite
from graphllm.evaluate.predictions import read_predictions
from graphllm.graph import TextualGraph
from graphllm.llm import Generation, LocalLanguageModel
from graphllm.models.g_retriever import GRetriever, Markers, SequenceSettings
from graphllm.retrieval.g_retriever import published_text
from graphllm.tasks.graph_qa_training import (
    GRAPH_QA,
    METHODS,
    GraphQASettings,
    Telling,
    answers_of,
    fitting_tables,
    label_of,
    open_run,
    scored,
)
from graphllm.text.encoder import load_encoder
from graphllm.tokenizers.question import node_marks
from graphllm.train.graph_qa import EpochSettings
from graphllm.train.run_folder import rerun, run
from tests.llm.tiny import save_bert, save_gpt2, save_llama, save_t5

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

MARKERS = Markers(before="<|im_start|>[INST]", after="[/INST]", end="<|endoftext|>")
PAPER = SequenceSettings(
    paper_mode=True, markers=MARKERS, max_text_tokens=12, max_label_tokens=16, max_new_tokens=3
)
TRAINING = EpochSettings(epochs=2, batch_size=4, learning_rate=1e-3)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """ExplaGraphs in its layout, of twenty rows of our own."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "explagraphs").mkdir()
    lines = ["arg1\targ2\tlabel\tgraph"]
    for n in range(20):
        label, relation = ("support", "causes") if n % 2 else ("counter", "not causes")
        triples = f"(Cats {n}; {relation}; Joy)(joy; is a; Good thing)"
        lines.append(f"Cats {n} are good.\tThey bring joy.\t{label}\t{triples}")
    (folder / "explagraphs" / "train_dev.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return save_llama(tmp_path_factory.mktemp("llama"))


def settings_of(data, llm, **changes):
    given = GraphQASettings(
        suite="graphqa-explagraphs",
        data=str(data),
        llm=str(llm),
        hidden_dim=8,
        num_layers=2,
        num_tokens=2,
        sequence=replace(PAPER, paper_mode=False, max_text_tokens=120),
        training=TRAINING,
        scored="val",
        device="cpu",
    )
    return replace(given, **changes)


@pytest.mark.slow
@pytest.mark.parametrize("paper_mode", [True, False], ids=["paper", "own"])
def test_a_rerun_is_the_same_bit_for_bit(data, llama, tmp_path, paper_mode):
    given = settings_of(
        data, llama, lora_rank=2, retriever="published", topology=not paper_mode,
        sequence=replace(PAPER if paper_mode else settings_of(data, llama).sequence),
        training=replace(TRAINING, paper_mode=paper_mode),
    )  # fmt: skip
    report = run(GRAPH_QA, given, tmp_path / "a")
    again = rerun(GRAPH_QA, tmp_path / "a", tmp_path / "b")
    assert report == again
    assert (report["trained_on"], report["n"]) == (12, 4)
    assert report["steps"] == 6
    for name in ("weights.safetensors", "predictions.jsonl", "report.json", "run.toml"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    other = run(GRAPH_QA, replace(given, seed=1), tmp_path / "c")
    assert other["validation_loss"] != report["validation_loss"]


@pytest.mark.slow
def test_what_is_opened_says_what_was_said(data, llama, tmp_path):
    given = settings_of(data, llama, by_likelihood=True)
    run(GRAPH_QA, given, tmp_path / "run")
    said = read_predictions(tmp_path / "run" / "predictions.jsonl")
    opened = open_run(tmp_path / "run")
    assert opened.given == given
    from graphllm.evaluate import load_suite

    again = scored(opened.model, load_suite(given.suite, data, "val"), opened.telling)
    assert [p.predicted.text for p in again] == [p.predicted.text for p in said]
    assert {p.predicted.text for p in said} <= {"support", "counter"}
    with pytest.raises(DataError, match="holds no run of 'graph-qa'"):
        open_run(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_scored_in_either_mode(data, llama, tmp_path, method):
    for paper_mode in (True, False):
        base = settings_of(data, llama)
        trains = METHODS[method].soft.value != "none"
        given = replace(
            base,
            method=method,
            sequence=PAPER if paper_mode else base.sequence,
            training=replace(TRAINING, epochs=int(trains)),
            num_train=4,
            num_scored=2,
        )
        report = run(GRAPH_QA, given, tmp_path / f"{paper_mode}")
        assert report["n"] == 2
        assert report["means"]["hits_at_1"]["n"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("save", [save_gpt2, save_t5, save_bert], ids=["gpt2", "t5", "bert"])
def test_any_tiny_model_trains(data, tmp_path, save):
    folder = save(tmp_path / "model")
    given = settings_of(data, folder, lora_rank=2, num_train=4, num_scored=2)
    report = run(GRAPH_QA, given, tmp_path / "run")
    assert np.isfinite(report["validation_loss"])


@pytest.mark.slow
def test_a_model_that_is_trained_whole_is_saved_opened_and_made_again(data, tmp_path):
    folder = save_bert(tmp_path / "model")
    given = settings_of(
        data, folder, method="question", trains_all=True, num_train=8, num_scored=4,
        training=replace(TRAINING, precision="bf16"),
    )  # fmt: skip
    report = run(GRAPH_QA, given, tmp_path / "a")
    assert rerun(GRAPH_QA, tmp_path / "a", tmp_path / "b") == report
    written = [(tmp_path / name / "weights.safetensors").read_bytes() for name in "ab"]
    assert written[0] == written[1]
    opened = open_run(tmp_path / "a", ENCODER)
    fresh = LocalLanguageModel(folder, device="cpu").module.state_dict()
    changed = [
        name
        for name, weight in opened.llm.module.state_dict().items()
        if not torch.equal(weight, fresh[name])
    ]
    assert any("embed" in name for name in changed)
    assert any("attention" in name for name in changed)
    from graphllm.evaluate import load_suite

    suite = load_suite(given.suite, data, "val").sample(4, np.random.default_rng((0, 3)))
    said = read_predictions(tmp_path / "a" / "predictions.jsonl")
    again = scored(opened.model, suite, opened.telling)
    assert [p.predicted.text for p in again] == [p.predicted.text for p in said]


# what is told


ENCODER = load_encoder()
GRAPH = TextualGraph.from_triples(
    [("cats", "is a", "pets"), ("pets", "need", "food"), ("rocks", "is a", "things")]
)


def telling(llama=None, **changes):
    llm = LocalLanguageModel(llama, device="cpu") if llama else None
    given = GraphQASettings(suite="graphqa-explagraphs", **changes)
    return Telling(given, llm, ENCODER)


def test_methods_tell_what_they_say(llama):
    whole = published_text(GRAPH, telling().part("cats?", GRAPH))
    for method, text in [("g_retriever", whole), ("graph_token", ""), ("text", whole)]:
        training = EpochSettings(epochs=1 if method != "text" else 0)
        tells = telling(llama, method=method, sequence=PAPER, training=training)
        told = tells.told("cats?", GRAPH)
        assert told.text == text
        assert (told.graph is None) == (method == "text")
        assert told.question == "Question: cats?\nAnswer: "
    tells = telling(llama, method="kaping", training=EpochSettings(epochs=0))
    lines = tells.told("what do pets need?", GRAPH).text.splitlines()
    assert lines[0] == "(pets, need, food)"
    tells = telling(llama, method="zero_cot", training=EpochSettings(epochs=0))
    assert tells.told("cats?", GRAPH).question.endswith("Answer:  Let's think step by step.")


def test_the_question_may_stand_first(llama):
    sequence = replace(PAPER, paper_mode=False, question_first=True, max_text_tokens=90)
    tells = telling(llama, method="text", sequence=sequence, training=EpochSettings(epochs=0))
    llm = LocalLanguageModel(llama, device="cpu")
    told = tells.told("cats?", GRAPH, PublishedPrompt("Mind pets.\n", "Question: cats?\n\nAnswer:"))
    assert (told.question, told.text[:4]) == ("Mind pets.\ncats?", "[1] ")
    [prompt] = GRetriever(llm, sequence).prompts([told])
    [message] = prompt.messages
    assert message.text == f"Mind pets.\ncats?\n{told.text}"
    with pytest.raises(ConfigError, match="ends with the question"):
        replace(sequence, paper_mode=True)


def test_a_retriever_gives_no_more_edges_than_asked():
    tells = telling(retriever="ppr", max_edges=1)
    assert len(tells.part("what do pets need?", GRAPH).edges) == 1
    tells = telling(retriever="ppr", max_edges=1, edge_pool=3)
    found = tells.part("are pets food?", GRAPH)
    assert (found.edges.tolist(), found.nodes.tolist()) == ([1], [1, 2])
    assert found.truncated


def test_shuffled_edges_keep_heads_relations_and_the_multiset_of_tails():
    plain = telling(sequence=PAPER).tokens("cats?", GRAPH, telling().part("", GRAPH))
    mixed = telling(sequence=PAPER, shuffles_edges=True, seed=3).tokens(
        "cats?", GRAPH, telling().part("", GRAPH)
    )
    assert torch.equal(plain.x, mixed.x)
    assert torch.equal(plain.edge_index[0], mixed.edge_index[0])
    assert torch.equal(plain.edge_attr, mixed.edge_attr)
    assert sorted(plain.edge_index[1].tolist()) == sorted(mixed.edge_index[1].tolist())


def test_widths_are_those_of_the_tokens():
    part = telling().part("cats?", GRAPH)
    for changes in ({"sequence": PAPER}, {}, {"topology": True}):
        tells = telling(**changes)
        tokens = tells.tokens("which cats?", GRAPH, part)
        assert tokens.x.shape[1] == tells.node_dim
        assert tokens.edge_attr.shape[1] == tells.edge_dim
    marks = telling().tokens("which cats?", GRAPH, part).x[:, -node_marks(ENCODER.dim)]
    assert marks.tolist() == [1.0, 0.0, 0.0, 0.0, 0.0]


class Echo(torch.nn.Module):
    """Says the same each time."""

    def __init__(self, text):
        super().__init__()
        self.text = text

    def forward(self, questions):
        return torch.zeros(())

    def generate(self, questions):
        return [Generation(text=self.text)] * len(questions)


def test_unsupported_answers_are_left_out_and_grounds_are_looked_up(tmp_path):
    suite = Suite(
        name="mine",
        split="all",
        examples=(Example(id=1, question="what do pets need?", gold=("food", "water")),),
        graph_path=tmp_path,
        graph_of=lambda _: GRAPH,
    )
    assert label_of(suite.examples[0]) == "food|water"
    reply = "Food | gold\nNodes: pets; food; gold\nEdges: (pets | need | food)"
    tells = telling(verifies=True, sequence=PAPER)
    [found] = scored(Echo(reply), suite, tells)
    assert found.predicted.entities == ("Food",)
    assert (found.predicted.named.valid_nodes, found.predicted.named.valid_edges) == (2 / 3, 1.0)
    [found] = scored(Echo("gold"), suite, tells)
    assert found.predicted.abstained
    [found] = scored(Echo("gold"), suite, telling(sequence=PAPER))
    assert found.predicted.entities == ("gold",)


def test_tables_fit_whatever_the_room():
    part = telling().part("", GRAPH)
    whole = published_text(GRAPH, part)

    def count(text):
        return len(text.splitlines())

    assert fitting_tables(GRAPH, part, count(whole), count) == whole
    for budget in range(count(whole)):
        text = fitting_tables(GRAPH, part, budget, count)
        assert count(text) <= budget
        assert set(text.splitlines()) <= set(whole.splitlines())
    assert fitting_tables(GRAPH, part, count(whole) - 1, count) == whole[: whole.rindex("3,")]


def test_answers_of_a_reply():
    assert answers_of(" a | b\nb\n\nEdges: (a | r | b)") == ["a", "b"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": "mine"}, "unknown method 'mine'"),
        ({"layout": "poems"}, "unknown layout 'poems'; there are published, grouped"),
        ({"topology": True, "sequence": PAPER}, "topology tokens are not in the paper"),
        ({"method": "question"}, "nothing of method 'question' can be trained"),
        ({"trains_all": True, "lora_rank": 2}, "trains_all leaves nothing to adapters"),
        ({"max_edges": 0}, "max_edges must be 1 or more, and edge_pool"),
    ],
    ids=["method", "layout", "topology", "untrainable", "adapters", "edges"],
)
def test_settings_that_do_not_go_together(changes, said):
    with pytest.raises(ConfigError, match=said):
        telling(**changes)


def test_a_suite_of_one_graph_is_refused(tmp_path):
    suite = Suite(
        name="one", split="all", examples=(Example(id=1, question="?", gold=()),),
        graph_path=tmp_path,
    )  # fmt: skip
    with pytest.raises(ConfigError, match="the questions of one have one graph"):
        scored(Echo(""), suite, telling())
    with pytest.raises(ConfigError, match="the questions of one have one graph"):
        telling().of_suite(suite)
