import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.errors import DataError
from graphllm.graph import GraphBuilder, GraphView, TextualGraph, edges_of
from graphllm.graph.without import WithoutEdges, only_edges

TRIPLES = [
    ("a", "knows", "b"),
    ("b", "knows", "c"),
    ("a", "likes", "c"),
    ("a", "knows", "b"),
    ("c", "likes", "c"),
]


def copied(view: GraphView) -> list[tuple[str, str, str]]:
    return [
        (view.keys[int(h)], view.relations[int(r)], view.keys[int(t)])
        for h, r, t in zip(view.heads, view.relation_ids, view.tails, strict=True)
    ]


def attributed() -> TextualGraph:
    builder = GraphBuilder()
    builder.node("a", name="Ada", aliases=["Countess"], type="Person", attributes={"born": 1815})
    builder.edge("a", "knows", "b", weight=2.0, attributes={"since": 1833, "how": "letters"})
    builder.edge("b", "knows", "c", weight=3.0, attributes={"since": 1820})
    builder.edge("c", "likes", "a", attributes={"how": "machines"})
    return builder.build()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, 4), st.integers(0, 2), st.integers(0, 4)]), min_size=1),
    st.data(),
)
def test_is_what_reading_fewer_triples_would_give(triples, data):
    graph = TextualGraph.from_triples([(f"n{h}", f"r{r}", f"n{t}") for h, r, t in triples])
    removed = data.draw(st.lists(st.integers(0, len(triples) - 1)))
    less = WithoutEdges(graph, np.array(removed, dtype=np.int64))
    kept = [edge for edge in range(len(triples)) if edge not in removed]
    assert less.parent_edges.tolist() == kept
    assert copied(less) == [copied(graph)[edge] for edge in kept]
    for node in range(graph.num_nodes):
        for relation in [None, *range(len(graph.relations))]:
            for inverse in (False, True):
                found = edges_of(less, np.array([node]), relation, inverse=inverse)
                whole = edges_of(graph, np.array([node]), relation, inverse=inverse)
                translated = less.parent_edges[found].tolist()
                assert translated == [e for e in whole.tolist() if e not in removed]


def test_neighbors_and_relations_stand_beside_their_edges():
    less = WithoutEdges(TextualGraph.from_triples(TRIPLES), np.array([0, 2]))
    for side, far in ((less.outgoing, less.tails), (less.incoming, less.heads)):
        assert side.neighbors.tolist() == far[side.edge_ids].tolist()
        assert side.relation_ids.tolist() == less.relation_ids[side.edge_ids].tolist()
        assert side.indptr[-1] == less.num_edges == 3


def test_weights_and_edge_attributes_move_with_their_edges():
    less = WithoutEdges(attributed(), np.array([0]))
    assert less.weights is not None
    assert less.weights.tolist() == [3.0, 1.0]
    assert less.edge_columns["since"].of(0) == [1820]
    assert less.edge_columns["how"].of(1) == ["machines"]
    assert less.edge_columns["how"].of(0) == []
    assert less.node_columns["born"].of(0) == [1815]
    assert less.aliases(0) == ("Countess",)


def test_hash_is_that_of_a_graph_with_the_same_content():
    graph = attributed()
    assert WithoutEdges(graph, np.array([], dtype=np.int64)).content_hash == graph.content_hash
    twice = WithoutEdges(WithoutEdges(graph, np.array([0])), np.array([0]))
    assert twice.content_hash == WithoutEdges(graph, np.array([0, 1])).content_hash
    assert twice.content_hash != graph.content_hash


def test_only_edges_keeps_just_these():
    graph = TextualGraph.from_triples(TRIPLES)
    assert copied(only_edges(graph, np.array([4, 1]))) == [TRIPLES[1], TRIPLES[4]]
    assert only_edges(graph, np.array([], dtype=np.int64)).num_edges == 0


def test_is_a_graph_view():
    assert isinstance(WithoutEdges(attributed(), np.array([1])), GraphView)


def test_refuses_an_edge_that_is_not_there():
    with pytest.raises(DataError, match=r"edge 5: edges are 0\.\.4"):
        WithoutEdges(TextualGraph.from_triples(TRIPLES), np.array([1, 5]))
