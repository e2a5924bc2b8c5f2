"""What of the graph a page draws."""

import pytest

from graphllm.answer import Answer, Claim, cite
from graphllm.answer.drawing import (
    CONTEXT_PER_NODE,
    DRAWN_CITATIONS,
    DRAWN_EDGES,
    LINE,
    drawing_of,
    label_lines,
)
from graphllm.graph import GraphBuilder


def films():
    builder = GraphBuilder()
    builder.node("alien", name="Alien", type="film", text="In space.", aliases=["Alien 1"])
    builder.node("alien", attributes={"year": 1979, "seen": True})
    builder.node("scott", name="Ridley Scott", type="person")
    builder.edge("alien", "directed by", "scott", attributes={"as": "director"})
    builder.edge("blade", "directed by", "scott")
    builder.edge("alien", "stars", "weaver")
    builder.edge("paris", "in", "france")
    return builder.build()


def cited(graph, edges, **fields):
    claims = [
        Claim(
            head=graph.names[int(graph.heads[edge])],
            relation=graph.relations[int(graph.relation_ids[edge])],
            tail=graph.names[int(graph.tails[edge])],
            edge=edge,
        )
        for edge in edges
    ]
    return Answer(question="q", text="t", citations=cite(claims, graph), view=graph, **fields)


def test_cited_edges_come_first_and_context_around_them():
    drawing = drawing_of(cited(films(), [0], entities=("Ridley Scott",), focus=("alien",)))
    assert [node.name for node in drawing.nodes] == ["Alien", "Ridley Scott", "weaver", "blade"]
    assert [node.is_context for node in drawing.nodes] == [False, False, True, True]
    assert [(node.is_topic, node.is_answer) for node in drawing.nodes[:2]] == [
        (True, False), (False, True),
    ]  # fmt: skip
    assert [(edge.citation, edge.edge) for edge in drawing.edges] == [(0, 0), (None, 2), (None, 1)]
    assert drawing.types == ("film", "person")
    assert drawing.opens_with_context


def test_a_node_comes_with_what_the_graph_knows_of_it():
    alien, *_ = drawing_of(cited(films(), [0])).nodes
    assert (alien.type, alien.text, alien.aliases) == ("film", "In space.", ("Alien 1",))
    assert alien.attributes == (("year", ("1979",)), ("seen", ("yes",)))
    edge, *_ = drawing_of(cited(films(), [0])).edges
    assert edge.attributes == (("as", ("director",)),)


def test_without_a_graph_the_citations_are_drawn_alone():
    answer = cited(films(), [0, 1])
    drawing = drawing_of(Answer(question="q", text="t", citations=answer.citations))
    assert [node.name for node in drawing.nodes] == ["Alien", "Ridley Scott", "blade"]
    assert drawing.num_context == 0


def test_a_refusal_shows_what_was_asked_about():
    drawing = drawing_of(Answer(question="q", text="t", focus=("alien", "gone"), view=films()))
    assert [(n.name, n.is_topic, n.is_context) for n in drawing.nodes] == [
        ("Alien", True, False), ("Ridley Scott", False, True), ("weaver", False, True),
    ]  # fmt: skip
    assert drawing.opens_with_context


def test_nothing_to_draw():
    drawing = drawing_of(Answer(question="q", text="t", view=films()))
    assert (drawing.nodes, drawing.edges, drawing.num_left_out) == ((), (), 0)


def test_a_cited_attribute_draws_its_node():
    graph = films()
    claims = [Claim(head="Alien", relation="year", tail="1979", node=0)]
    drawing = drawing_of(Answer(question="q", text="t", citations=cite(claims, graph)))
    assert [node.key for node in drawing.nodes] == ["alien"]
    assert drawing.edges == ()


def star(num_edges):
    builder = GraphBuilder()
    for i in range(num_edges):
        builder.edge("hub", f"r{i % 3}", f"n{i}")
    return builder.build()


def test_more_citations_than_a_picture_holds_are_counted():
    drawing = drawing_of(cited(star(1000), range(1000)))
    assert len(drawing.edges) == DRAWN_CITATIONS
    assert drawing.num_left_out == 1000 - DRAWN_CITATIONS
    assert drawing.num_context == 0


@pytest.mark.parametrize("num_cited", [1, DRAWN_EDGES - 3, DRAWN_EDGES + 1])
def test_context_is_bounded(num_cited):
    drawing = drawing_of(cited(star(100), range(num_cited)))
    room = max(0, DRAWN_EDGES - num_cited)
    assert drawing.num_context <= min(room, CONTEXT_PER_NODE)
    assert drawing.num_context > 0 or not room


def test_context_of_a_hub_is_spread_over_its_relations():
    drawing = drawing_of(Answer(question="q", text="t", focus=("hub",), view=star(1000)))
    assert len(drawing.edges) == CONTEXT_PER_NODE
    assert {edge.relation for edge in drawing.edges} == {"r0", "r1", "r2"}


def test_no_two_nodes_stand_at_one_place():
    drawing = drawing_of(cited(star(100), range(100)))
    assert len({(node.x, node.y) for node in drawing.nodes}) == len(drawing.nodes)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("Alien", ("Alien",)),
        ("", ("(no name)",)),
        ("one two three four five six seven", ("one two three four", "five six seven")),
        ("x" * 10_000, ("x" * LINE, "x" * (LINE - 1) + "…")),
        ("漢" * 30, ("漢" * 10, "漢" * 9 + "…")),
        ("a\nb\x1b[2J", ("a\\nb\\x1b[2J",)),
    ],
)
def test_labels_are_short_lines(name, lines):
    assert label_lines(name, 2) == lines
