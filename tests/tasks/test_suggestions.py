"""Questions put together from a graph."""

from functools import cache

import pytest

from graphllm.graph import GraphBuilder
from graphllm.query import Entities, FactsOf
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

    assert suggestions(world(), answers, nothing, 5) == ["Who discovered radium?"]


def nothing(plan):
    return ()


@cache
def expected_answers():
    return dict(candidates(world()))


def gold(question: str) -> tuple[str, ...]:
    """Answer every candidate as it should be; those that a plan answers with the plan itself."""
    expected = expected_answers()[question]
    return tuple(expected) if isinstance(expected, frozenset) else (repr(expected),)


def test_there_are_never_more_than_asked_for():
    assert len(suggestions(world(), gold, nothing, 2)) == 2


def test_what_a_plan_answers_is_suggested_only_when_answered_as_the_plan_is():
    told = "Tell me about Marie."
    plan = next(s.expected for s in candidates(world()) if s.question == told)
    assert plan == FactsOf(Entities(("Marie",)))
    found = suggestions(world(), gold, lambda plan: (repr(plan),), 100)
    assert told in found
    assert told not in suggestions(world(), gold, lambda plan: ("x",), 100)
    assert any(q.startswith("How is") for q in found)


def test_the_same_answers_in_another_order_are_right():
    def backwards(question):
        return gold(question)[::-1]

    assert suggestions(world(), backwards, nothing, 4) == suggestions(world(), gold, nothing, 4)


def test_where_relations_give_too_few_there_are_built_questions_of_other_kinds():
    by_hand = {question for question, _ in WANTED}
    found = suggestions(world(), gold, nothing, 30)
    assert by_hand < set(found)
    assert any(question.startswith("How many") for question in found)


def test_it_stops_when_patience_is_spent_but_not_before_one_is_found():
    assert len(suggestions(world(), gold, nothing, 5, patience_s=0.0)) == 1


def test_a_graph_of_one_edge_and_names_without_words():
    builder = GraphBuilder()
    builder.edge("!", "???", "")
    assert all(question for question, _ in candidates(builder.build()))
