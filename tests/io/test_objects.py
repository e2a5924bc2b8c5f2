"""networkx and PyTorch Geometric graphs, both ways."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.errors import DataError
from graphllm.graph import GraphBuilder, TextualGraph
from graphllm.io.objects import from_networkx, from_pyg, to_networkx, to_pyg

words = st.text(st.characters(codec="utf-8", categories=["L", "N", "S", "Zs"]), min_size=1)
triples = st.lists(st.tuples(words, words.filter(str.strip), words), min_size=1, max_size=12)


def sample() -> TextualGraph:
    builder = GraphBuilder()
    builder.node("ada", name="Ada Lovelace", type="Person", text="Wrote notes.", aliases=["Ada"])
    builder.node("ada", attributes={"born": 1815, "alive": False, "field": "maths"})
    builder.node("ada", attributes={"field": "engines"})
    builder.node("bab", name="Charles Babbage", type="Person", attributes={"born": 1791})
    builder.edge("ada", "wrote to", "bab", weight=2.5, attributes={"year": 1833})
    builder.edge("bab", "built", "engine")
    builder.edge("bab", "built", "engine")
    return builder.build()


def test_networkx_conventions(facts, attributes):
    original = nx.DiGraph()
    original.add_node(1, name="Ada", labels=["Person", "Writer"], tags={"x"}, born=1815)
    original.add_node((2, "b"), title="Notes", size=np.int64(3))
    original.add_edge(1, (2, "b"), type="WROTE", weight=0.5, year=1843)
    graph = from_networkx(original)
    assert facts(graph) == [("Ada", "WROTE", "Notes")]
    assert attributes(graph, "1") == {"born": [1815], "labels": ["Writer"], "tags": ["x"]}
    assert attributes(graph, "(2, 'b')") == {"size": [3]}
    assert graph.weights is not None
    assert graph.weights.tolist() == [0.5]


def test_undirected_and_parallel_edges_come_once_each(facts):
    undirected = nx.Graph([("a", "b"), ("b", "c"), ("c", "c")])
    assert facts(from_networkx(undirected)) == [
        ("a", "linked to", "b"),
        ("b", "linked to", "c"),
        ("c", "linked to", "c"),
    ]
    parallel = nx.MultiDiGraph()
    parallel.add_edge("a", "b", key="likes")
    parallel.add_edge("a", "b", key="knows")
    assert facts(from_networkx(parallel)) == [("a", "likes", "b"), ("a", "knows", "b")]


@pytest.mark.parametrize("title", [None, "Not the name"])
def test_there_and_back_through_networkx_changes_nothing(title):
    builder = GraphBuilder()
    builder.node("x", attributes={"title": title})
    builder.edge("x", "r", "y")
    original = sample() if title is None else builder.build()
    returned = from_networkx(to_networkx(original))
    assert returned.content_hash == original.content_hash


@given(triples)
@settings(deadline=None, max_examples=25)
def test_any_triples_survive_networkx(listed):
    original = TextualGraph.from_triples(listed)
    returned = from_networkx(to_networkx(original))
    assert sorted(edges_of(returned)) == sorted(edges_of(original))
    assert list(returned.keys) == list(original.keys)


def edges_of(graph):
    columns = (graph.heads, graph.relation_ids, graph.tails)
    edges = zip(*(column.tolist() for column in columns), strict=True)
    return [(graph.keys[h], graph.relations[r], graph.keys[t]) for h, r, t in edges]


@pytest.mark.slow
@given(triples)
@settings(deadline=None, max_examples=25)
def test_any_triples_survive_pyg(listed):
    original = TextualGraph.from_triples(listed)
    data = to_pyg(original)
    returned = from_pyg(data)
    named = [(returned.names[int(h)], returned.names[int(t)]) for h, t in data.edge_index.T]
    assert named == [(h, t) for h, _, t in listed]
    assert [returned.relations[r] for r in returned.relation_ids] == [r for _, r, _ in listed]


@pytest.mark.slow  # importing torch_geometric takes seconds
def test_pyg_holds_types_weights_and_numbers():
    data = to_pyg(sample())
    assert data.num_nodes == 3
    assert data.edge_index.tolist() == [[0, 1, 1], [1, 2, 2]]
    assert data.edge_weight.tolist() == [2.5, 1.0, 1.0]
    assert data.node_type.tolist() == [0, 0, -1]
    assert data.x_names == ["born", "alive"]
    assert np.nan_to_num(data.x.numpy(), nan=-1).tolist() == [[1815, 0], [1791, -1], [-1, -1]]


@pytest.mark.slow  # importing torch_geometric takes seconds
def test_hetero_data_gives_types_and_relations(facts):
    import torch
    from torch_geometric.data import HeteroData

    data = HeteroData()
    data["author"].num_nodes = 2
    data["paper"].x = torch.zeros(3, 4)
    data["author", "wrote", "paper"].edge_index = torch.tensor([[0, 1], [2, 0]])
    data["paper", "cites", "paper"].edge_index = torch.tensor([[2], [0]])
    data["paper", "cites", "paper"].edge_weight = torch.tensor([0.5])
    graph = from_pyg(data, names={"author": ["Ada", "Bab"]})
    assert facts(graph) == [
        ("Ada", "wrote", "paper 2"),
        ("Bab", "wrote", "paper 0"),
        ("paper 2", "cites", "paper 0"),
    ]
    assert graph.node_types == ("author", "paper")
    assert list(graph.keys)[:3] == ["author:0", "author:1", "paper:0"]


@pytest.mark.slow  # importing torch_geometric takes seconds
def test_plain_data_without_names(facts):
    import torch
    from torch_geometric.data import Data

    data = Data(edge_index=torch.tensor([[0, 1], [1, 2]]), num_nodes=3)
    assert facts(from_pyg(data)) == [
        ("node 0", "linked to", "node 1"),
        ("node 1", "linked to", "node 2"),
    ]
    data.edge_type = torch.tensor([1, 0])
    assert from_pyg(data, relations=["knows", "likes"]).relations == ("likes", "knows")


def test_wrong_networkx_graphs_are_refused():
    with pytest.raises(DataError, match="two nodes are written '1'"):
        from_networkx(nx.DiGraph([(1, "1")]))
    with pytest.raises(DataError, match="2 nodes and no edge"):
        from_networkx(nx.empty_graph(2))


@pytest.mark.slow
def test_wrong_pyg_data_is_refused():
    import torch
    from torch_geometric.data import Data

    data = Data(edge_index=torch.tensor([[0], [5]]), num_nodes=2)
    with pytest.raises(DataError, match=r"edge 0 \(0, 5\) names a node outside"):
        from_pyg(data)
    data = Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2)
    with pytest.raises(DataError, match="3 names for 2 nodes"):
        from_pyg(data, names=["a", "b", "c"])
    data.edge_type = torch.tensor([4])
    with pytest.raises(DataError, match="there are 1 relations"):
        from_pyg(data, relations=["knows"])
    with pytest.raises(DataError, match="no edge_index"):
        from_pyg(Data(num_nodes=2))
