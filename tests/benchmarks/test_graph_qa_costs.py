"""The tables of costs and of hallucination, made of a tiny suite with a tiny model."""

import sys

import numpy as np
import pytest

from graphllm.evaluate.hallucination import Grounds
from graphllm.graph import TextualGraph
from graphllm.retrieval.g_retriever import whole_graph

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture
def tables(script):
    return script("graph_qa_costs")


KINDS = {
    "costs": ("whole graph", "retrieved part"),
    "hallucination": ("soft prompt alone", "retrieval and text", "retrieval and references"),
}
GRAPH = TextualGraph.from_triples([("Cats", "eat", "fish"), ("cows", "eat", "grass")])


def test_grounds_are_held_by_the_part_alone(tables):
    part = whole_graph(GRAPH)
    part = type(part)(
        nodes=part.nodes[:2], edges=part.edges[:1], node_scores=np.ones(2, np.float32),
        edge_scores=np.ones(1, np.float32),
    )  # fmt: skip
    said = Grounds(("cats", "grass", "dogs"), (("cats", "eat", "fish"), ("cows", "eat", "grass")))
    assert tables.held(said, GRAPH, part) == Grounds(("cats",), (("cats", "eat", "fish"),))


def test_sizes_are_of_the_part_and_its_text(tables):
    sizes = tables.sizes_of(GRAPH, whole_graph(GRAPH), lambda text: len(text.splitlines()))
    assert sizes == {"nodes": 4, "edges": 2, "tokens": 9}


@pytest.mark.slow
def test_both_tables_are_made_once(tables, tmp_path, monkeypatch, capsys):
    from tests.llm.tiny import save_t5

    save_t5(tmp_path / "model")
    lines = ["arg1\targ2\tlabel\tgraph"]
    for n in range(20):
        label = "support" if n % 2 else "counter"
        lines.append(f"Cat {n}.\tJoy.\t{label}\t(cat {n}; brings; joy)(joy; is a; good)")
    (tmp_path / "train_dev.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    options = ("--data", str(tmp_path), "--out", str(tmp_path / "out"), "--precision", "no")
    more = ("--llm", str(tmp_path / "model"), "--num", "4", "--num-train", "8", "--epochs", "1")
    for table, kinds in KINDS.items():
        monkeypatch.setattr(sys, "argv", ["graph_qa_costs.py", table, *options, *more])
        tables.main()
        first = capsys.readouterr().out
        tables.main()
        assert capsys.readouterr().out == first
        assert all(kind in first for kind in kinds)
