import networkx as nx
import pytest

from graphllm.io import read_graph


def test_snap(read, facts):
    graph = read("road.txt", "# Directed graph\n# Nodes: 3 Edges: 2\n# From\tTo\n0\t1\n1\t2\n")
    assert facts(graph) == [("0", "linked to", "1"), ("1", "linked to", "2")]


def test_blanks_and_comments(read, facts):
    graph = read("g.edges", "# made by hand\n\na b\n  b   c\n% mtx\nc a\n")
    assert [(h, t) for h, _, t in facts(graph)] == [("a", "b"), ("b", "c"), ("c", "a")]


def test_weights(read):
    assert read("g.edgelist", "a b 2\nb c 0.5\n").weights.tolist() == [2.0, 0.5]


def test_arrows_are_no_relations(read, facts):
    graph = read("g.txt", "ada -> bob\nbob -> cid\n")
    assert facts(graph) == [("ada", "linked to", "bob"), ("bob", "linked to", "cid")]


def test_relations(read, facts):
    assert facts(read("g.txt", "ada knows bob\nbob likes cid\n"))[1] == ("bob", "likes", "cid")


@pytest.mark.parametrize("data", [True, False, ["weight"]])
def test_what_networkx_writes(tmp_path, facts, edge_attributes, data):
    graph = nx.Graph()
    graph.add_edge("a", "b", weight=3, colour="red")
    graph.add_edge("b", "c", weight=1.5, colour="deep blue")
    path = tmp_path / "g.edgelist"
    nx.write_edgelist(graph, path, data=data)
    read = read_graph(path)
    assert [(h, t) for h, _, t in facts(read)] == list(graph.edges)
    if data:
        assert read.weights.tolist() == [3.0, 1.5]
    if data is True:
        assert edge_attributes(read, 1) == {"colour": ["deep blue"]}


def test_a_dictionary_is_not_run(read):
    with pytest.raises(ValueError, match=r"g.txt, line 2: cannot read the attributes"):
        read("g.txt", "a b {'weight': 3}\na b {'weight': __import__('os').getpid()}\n")
