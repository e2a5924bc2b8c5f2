"""Questions told with references: what a label cites, and what a reply of references says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.answer import Usage
from graphllm.evaluate import Compared, Example
from graphllm.graph import TextualGraph
from graphllm.retrieval.g_retriever import whole_graph
from graphllm.tasks.graph_qa_references import ReferencePrompts, nodes_named, read_references

GRAPH = TextualGraph.from_triples(
    [
        ("ann lee", "people.person.parents", "bo lee"),
        ("ann lee", "people.person.place_of_birth", "york"),
        ("bo lee", "people.person.place_of_birth", "york"),
        ("york", "location.location.containedby", "england"),
    ]
)


def words(text):
    return len(text.split())


def asked(question, *gold, in_graph=True, compared=Compared.NORMALIZED):
    return Example(id=1, question=question, gold=gold, in_graph=in_graph, compared=compared)


@pytest.fixture
def prompts():
    return ReferencePrompts(200, words)


def read(reply, told):
    return read_references(reply, Usage(), GRAPH, told.shown)


def line_of(told, *edges):
    """The number of the line that states an edge, by a second way to count."""
    [line] = [n for n, stated in enumerate(told.shown.lines, 1) if set(edges) <= set(stated)]
    return line


def test_a_question_has_references_before_its_names_and_lines_below(prompts):
    told = prompts.told("where was Ann Lee born?", GRAPH, whole_graph(GRAPH))
    number = told.shown.references.index(GRAPH.find_key("ann lee")) + 1
    question, *lines = told.question.split("\n")
    assert question == f"where was [n{number}] Ann Lee born?"
    assert len(lines) == len(told.shown.lines)
    assert told.text == ""


def test_a_label_cites_what_joins_the_answer_to_what_is_named(prompts):
    example = asked("where was ann lee born", "York")
    told = prompts.told(example.question, GRAPH, whole_graph(GRAPH))
    label = prompts.label(example, GRAPH, told.shown)
    answer = told.shown.references.index(GRAPH.find_key("york")) + 1
    assert label == f"[{line_of(told, 1)}] [n{answer}]"
    predicted = read(label, told)
    assert (predicted.entities, predicted.text) == (("york",), "york")
    assert predicted.named.fully_valid == 1
    assert predicted.named.num_edges >= 1


def test_there_is_nothing_to_say_where_the_graph_holds_no_answer(prompts):
    absent = asked("where was ann lee born", "Leeds", in_graph=False)
    told = prompts.told(absent.question, GRAPH, whole_graph(GRAPH))
    assert prompts.label(absent, GRAPH, told.shown) == "none"
    predicted = read("none", told)
    assert (predicted.entities, predicted.abstained, predicted.named) == ((), True, None)


def test_an_answer_in_words_cites_what_the_question_names(prompts):
    example = asked("was ann lee born in york", "yes")
    told = prompts.told(example.question, GRAPH, whole_graph(GRAPH))
    label = prompts.label(example, GRAPH, told.shown)
    assert label.endswith(" yes")
    assert read(label, told).entities == ("yes",)


def test_an_answer_that_stands_in_no_line_cannot_be_cited(prompts):
    part = whole_graph(GRAPH)
    part = type(part)(
        nodes=part.nodes, edges=part.edges[:1], node_scores=part.node_scores,
        edge_scores=part.edge_scores[:1],
    )  # fmt: skip
    example = asked("which country", "england")
    told = prompts.told(example.question, GRAPH, part)
    assert "england" in told.question
    assert not prompts.label(example, GRAPH, told.shown).startswith("[")


NUMBERS = st.lists(st.integers(0, 12), max_size=6)


@settings(max_examples=50, deadline=None)
@given(NUMBERS, NUMBERS)
def test_references_are_read_as_what_was_told_and_nothing_else(cites, answers):
    told = ReferencePrompts(200, words).told("where", GRAPH, whole_graph(GRAPH))
    there = dict(enumerate(told.shown.references, 1))
    predicted = read(" ".join([f"[{n}]" for n in cites] + [f"[n{n}]" for n in answers]), told)
    names = [GRAPH.names[there[n]] for n in answers if n in there]
    assert predicted.entities == tuple(dict.fromkeys(names))
    assert predicted.abstained == (not names)
    if names:
        assert predicted.named.fully_valid == 1  # by construction


def test_nodes_are_named_by_whole_words():
    assert [GRAPH.names[n] for n in nodes_named("Is York, near Yorkshire, nice?", GRAPH)] == [
        "york"
    ]
    assert nodes_named("yorkshire", GRAPH) == []
