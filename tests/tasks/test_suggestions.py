"""Questions put together from a graph."""

import pytest

from graphllm.graph import GraphBuilder
from graphllm.tasks.suggestions import candidates, suggestions


def world():
    builder = GraphBuilder()
    for name in ("Marie", "Pierre", "Irène"):
        builder.node(name, type="person")
    builder.node("France", type="country", attributes={"population": 68})
    builder.node("Poland", type="country", attributes={"population": 37})
    for head, relation, tail in [
        ("Marie", "discovered", "radium"),
        ("Pierre", "discovered", "radium"),
        ("Marie", "born in", "Warsaw"),
        ("Pierre", "born in", "Paris"),
        ("Marie", "worked at", "Sorbonne"),
        ("Irène", "parent", "Marie"),
        ("Irène", "parent", "Pierre"),
        ("France", "capital", "Paris"),
        ("Poland", "capital", "Warsaw"),
        ("Paris", "locatedIn", "France"),
        ("film", "has_genre", "drama"),
    ]:
        builder.edge(head, relation, tail)
    return builder.build()


WANTED = [
    ("Who discovered radium?", {"Marie", "Pierre"}),
    ("Who was born in Warsaw?", {"Marie"}),
    ("Where was Marie born?", {"Warsaw"}),
    ("Where did Marie work?", {"Sorbonne"}),
    ("What did Marie discover?", {"radium"}),
    ("Where is Paris located?", {"France"}),
    ("Who worked at Sorbonne?", {"Marie"}),
    ("Who is the parent of Irène?", {"Marie", "Pierre"}),
    ("What is the capital of France?", {"Paris"}),
    ("What is located in France?", {"Paris"}),
    ("What is the genre of film?", {"drama"}),
    ("Which country has the largest population?", {"France"}),
]


@pytest.mark.parametrize(("question", "expected"), WANTED)
def test_each_relation_is_asked_for_in_english(question, expected):
    found = dict(candidates(world()))
    assert found[question] == expected


def test_only_questions_answered_as_the_graph_says_are_suggested():
    def answers(question: str) -> tuple[str, ...]:
        return {
            "Who discovered radium?": ("Marie", "Pierre"),
            "Who was born in Warsaw?": ("x",),
        }.get(question, ())

    assert suggestions(world(), answers, 5) == ["Who discovered radium?"]


def test_there_are_never_more_than_asked_for():
    assert len(suggestions(world(), lambda _: ("anything",), 2)) == 2


def test_a_graph_of_one_edge_and_names_without_words():
    builder = GraphBuilder()
    builder.edge("!", "???", "")
    assert all(question for question, _ in candidates(builder.build()))
