"""Plans that use two names: compared, joined by an edge that says something, both leading there."""

import pytest

from graphllm.graph import GraphBuilder
from graphllm.index import Names
from graphllm.query import execute, to_text
from graphllm.readers.plan_reader import PlanReader
from tests.retrieval import worlds

FOUND = {
    "Who is older, Anna Berg or Carl Berg?": (
        'bottom(entities("anna", "carl"), attribute("born"), 1)'
    ),
    "Which is bigger, Kiel or Graz?": 'top(entities("kiel", "graz"), attribute("population"), 1)',
    "In what year did the Golden Lantern go to Dora Berg?": (
        'edge_values(entities("lantern"), ~"won", "year", entities("dora"))'
    ),
    "Did Anna Berg and Dora Berg win the same award?": (
        'exists(intersect(follow(entities("anna"), "won"), follow(entities("dora"), "won")))'
    ),
    "I wonder whether Dora Berg won the Golden Lantern": (
        'exists(intersect(follow(entities("dora"), "won"), entities("lantern")))'
    ),
    "What lies between Ida Lund and Jonas Lund?": (
        'shortest_path(entities("ida"), entities("jonas"), 6, 5)'
    ),
}


@pytest.mark.parametrize("question", FOUND)
def test_the_plan_is_among_the_candidates(question):
    found = worlds.reader("family").planner.rank(worlds.linker("family").link(question))
    assert FOUND[question] in [to_text(candidate.plan) for candidate in found[:24]]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who is older, Anna Berg or Carl Berg?", "Carl Berg"),
        ("Who is younger, Anna Berg or Carl Berg?", "Anna Berg"),
    ],
)
def test_of_two_the_one_with_more_is_told(question, answer):
    reading = worlds.reader("family").read(question)
    assert reading.draft is not None, reading.abstention
    assert reading.draft.entities == (answer,)


def test_steps_that_join_two_names_are_found():
    planner = worlds.reader("family").planner
    node = worlds.family().find_key
    ports = planner.ground.joining([node("dora")], [node("lantern")])
    assert [to_step(planner.schema.step(port)) for port in ports] == ["won"]
    back = planner.ground.joining([node("lantern")], [node("dora")])
    assert [to_step(planner.schema.step(port)) for port in back] == ["~won"]
    assert planner.ground.joining([node("dora")], [node("compass")]) == []


def to_step(step):
    return ("~" if step.inverse else "") + step.relation


@pytest.mark.parametrize(("years", "oldest"), [((80, 35), "Bo"), ((1950, 1990), "Bo")])
def test_the_oldest_have_the_largest_age_or_the_earliest_date(years, oldest):
    builder = GraphBuilder()
    label = "age" if years[0] < 1000 else "year of birth"
    for name, value in zip(("Bo", "Cy"), years, strict=True):
        builder.node(name, type="person", attributes={label: value})
        builder.edge(name, "lives in", "Rome")
    names = Names.build(graph := builder.build())
    try:
        reader = PlanReader(graph, names, worlds.encoder())
        candidates = reader.planner.rank(reader.linker.link("Who is older, Bo or Cy?"))
    finally:
        names.close()
    result = execute(candidates[0].plan, graph)
    assert [graph.names[node] for node in result.nodes.tolist()] == [oldest]
