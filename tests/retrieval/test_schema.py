"""What is known of a graph as a whole: counted here edge by edge."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.graph import GraphBuilder, TextualGraph
from graphllm.query import Step
from graphllm.retrieval.schema import GraphSchema, relation_words
from tests.retrieval import worlds

NODE = st.integers(0, 6)
EDGES = st.lists(st.tuples(NODE, st.sampled_from("pqr"), NODE), min_size=1, max_size=12)
TYPES = st.dictionaries(NODE, st.sampled_from("AB"))


def graph_of(edges, types) -> TextualGraph:
    """Return a small multigraph; the nodes that have a type have a size too."""
    builder = GraphBuilder()
    for head, relation, tail in edges:
        builder.edge(f"n{head}", relation, f"n{tail}")
    for number, type in types.items():
        builder.node(f"n{number}", type=type, attributes={"size": number})
    return builder.build()


def ports_of(graph: TextualGraph, node: int) -> set[int]:
    """Return the ports of a node, from the list of edges."""
    ports = set()
    for head, relation, tail in zip(graph.heads, graph.relation_ids, graph.tails, strict=True):
        if head == node:
            ports.add(2 * int(relation))
        if tail == node:
            ports.add(2 * int(relation) + 1)
    for position, column in enumerate(graph.node_columns.values(), len(graph.relations)):
        if column.of(node):
            ports.add(2 * position)
    return ports


def arrivals_at(graph: TextualGraph, port: int) -> list[int]:
    """Return the nodes that walking a port arrives at, from the list of edges."""
    ends = graph.heads if port & 1 else graph.tails
    return sorted({int(ends[e]) for e in np.flatnonzero(graph.relation_ids == port >> 1)})


@settings(max_examples=25)
@given(EDGES, TYPES)
def test_ports_and_what_follows_them_are_counted_rightly(edges, types):
    graph = graph_of(edges, types)
    schema = GraphSchema(graph)
    for port in range(2 * len(graph.relations)):
        nodes = arrivals_at(graph, port)
        assert schema.arrivals(port).tolist() == nodes
        share = [
            sum(q in ports_of(graph, n) for n in nodes) / len(nodes)
            for q in range(schema.num_ports)
        ]
        np.testing.assert_allclose(schema.follows(port), share, atol=1e-6)
        kinds = [graph.node_types[t] for t in graph.node_type_ids[nodes] if t >= 0]
        expected = {kind: kinds.count(kind) / len(nodes) for kind in kinds}
        found = {graph.node_types[t]: s for t, s in schema.arrival_types(port).items()}
        assert found == pytest.approx(expected)


@settings(max_examples=25)
@given(EDGES, TYPES, st.lists(NODE))
def test_ports_of_any_nodes_are_counted_rightly(edges, types, nodes):
    graph = graph_of(edges, types)
    nodes = [node for node in nodes if node < graph.num_nodes]
    counts = GraphSchema(graph).port_counts(np.array(nodes, dtype=np.int64))
    assert counts.tolist() == [
        sum(port in ports_of(graph, node) for node in nodes) for port in range(len(counts))
    ]


@pytest.mark.parametrize("world", worlds.GRAPHS)
def test_the_way_back_from_every_arrival_is_open(world):
    schema = schema_of(world)
    for port in range(2 * len(schema.view.relations)):
        assert schema.follows(port)[port ^ 1] == 1


def schema_of(world):
    return worlds.reader(world).planner.schema


def port(world, relation, *, inverse=False):
    labels = schema_of(world).labels
    return 2 * labels.index(relation) + inverse


def test_ports_print_as_steps_and_attributes():
    schema = schema_of("family")
    born = port("family", "born")
    assert schema.attribute(born) == "born"
    assert schema.attribute(port("family", "born in")) is None
    assert schema.step(port("family", "teacher", inverse=True)) == Step("teacher", inverse=True)
    assert schema.num_ports == 2 * len(schema.labels)


def test_values_and_times_are_told_from_names():
    films = schema_of("films")
    assert films.value_share(port("films", "release year")) == 1
    assert films.time_share(port("films", "release year")) == 1
    assert films.value_share(port("films", "starring")) == 0
    family = schema_of("family")
    assert family.time_share(port("family", "born")) == 1
    assert family.time_share(port("family", "population")) == 0
    assert family.value_share(port("family", "population")) == 1


def test_kinds_of_node_are_told_apart_by_what_they_are_heads_of():
    classes = schema_of("films").port_classes
    film, actor = (port("films", "starring", inverse=back) for back in (True, False))
    assert classes[film] == classes[port("films", "directed by", inverse=True)]
    assert classes[film] != classes[actor]
    assert classes[actor] != classes[port("films", "release year")]


def test_attributes_of_edges_belong_to_relations_that_have_them():
    schema = schema_of("family")
    relations = worlds.family().relations
    have = {r for i, r in enumerate(relations) if schema.edge_attributes(i) == ["year"]}
    assert have == {"won", "married to"}


def test_names_are_sampled_evenly():
    names = schema_of("films").names(port("films", "release year"), count=3)
    assert len(names) == 3
    assert all(name.isdigit() for name in names)


@pytest.mark.parametrize(
    ("relation", "words"),
    [
        ("directed_by", "directed by"),
        ("placeOfBirth", "place of birth"),
        ("/people/person/place_of_birth", "place of birth"),
        ("http://example.org/birthPlace", "birth place"),
        ("film.director", "director"),
        ("has_genre", "has genre"),
        ("___", "___"),
        ("/", "/"),
    ],
)
def test_the_telling_words_of_a_relation(relation, words):
    assert relation_words(relation) == words


def test_steps_to_statements_are_those_that_lead_to_nodes_without_a_name():
    ada = [
        ("ada", "spouse_s", "m.04z4zm"),
        ("m.04z4zm", "spouse", "bo"),
        ("ada", "lived in", "york"),
        ("m.04z4zm", "kind", "marriage"),
    ]
    schema = GraphSchema(TextualGraph.from_triples(ada))
    assert schema.statement_ports == {0, 3, 7}  # to it, and back to it from what it joins


def test_identifiers_are_names_where_there_are_no_others():
    schema = GraphSchema(TextualGraph.from_triples([("m.0001", "knows", "m.0002")]))
    assert schema.statement_ports == frozenset()


def naive_classes(schema):
    """Kinds of nodes, each port compared with the first port of every kind before it."""
    firsts, classes = [], []
    for port in range(schema.num_ports):
        heads = schema.follows(port)[0::2].astype(float)
        if heads.max(initial=0) < 0.3:
            classes.append(len(firsts))
            firsts.append(None)
            continue
        alike = [
            -1 if f is None else f @ heads / np.linalg.norm(f) / np.linalg.norm(heads)
            for f in firsts
        ]
        if max(alike, default=-1) > 0.75:
            classes.append(int(np.argmax(alike)))
        else:
            classes.append(len(firsts))
            firsts.append(heads)
    return classes


@pytest.mark.parametrize("seed", range(6))
def test_kinds_of_nodes_equal_naive(seed):
    rng = np.random.default_rng(seed)
    kind = rng.integers(4, size=40)
    triples = [
        (f"n{head}", f"r{4 * kind[head] + rng.integers(4)}", f"n{rng.integers(40)}")
        for head in rng.integers(40, size=150).tolist()
    ]
    schema = GraphSchema(TextualGraph.from_triples(triples))
    assert schema.port_classes == naive_classes(schema)
    assert 4 <= len(set(schema.port_classes)) < schema.num_ports
