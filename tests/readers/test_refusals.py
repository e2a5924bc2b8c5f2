"""Why there is no answer is said in words, with what the graph does know."""

import pytest

from graphllm.answer import Reason
from graphllm.query import (
    Aggregate,
    Aggregated,
    Attribute,
    Comparison,
    Condition,
    EdgeValues,
    Entities,
    Filter,
    Follow,
    Intersect,
    OfType,
    ShortestPath,
    Step,
    Subtract,
    TopK,
    Values,
    execute,
)
from graphllm.readers.refusals import no_fact, no_reading
from tests.retrieval import worlds

ANNA, CARL, IDA = (Entities((key,)) for key in ("anna", "carl", "ida"))
GERMANY = Entities(("germany",))
WON = Step("won")
POPULATION = Attribute("population")


def schema():
    return worlds.reader("family").planner.schema


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (Follow(CARL, WON), "it has no 'won' for Carl Berg"),
        (
            Follow(CARL, Step("teacher", inverse=True)),
            "it has no 'teacher' that leads to Carl Berg",
        ),
        (Follow(Follow(IDA, Step("parent")), WON), "it has no 'parent' for Ida Lund"),
        (
            Follow(ANNA, Step("won", condition=Condition("year", Comparison.LESS, 1900))),
            "no 'won' of Anna Berg passes the comparison",
        ),
        (Values(ANNA, "population"), "it gives no 'population' for Anna Berg"),
        (EdgeValues(ANNA, Step("parent"), "year"), "it gives no 'year' for Anna Berg"),
        (
            TopK(ANNA, POPULATION),
            "what is to be compared is not given for Anna Berg",
        ),
        (
            Aggregated(ANNA, POPULATION, Aggregate.AVERAGE),
            "what is to be compared is not given for Anna Berg",
        ),
        (
            Filter(ANNA, Attribute("born"), Comparison.MORE, 1990),
            "nothing among Anna Berg passes the comparison",
        ),
        (Intersect(ANNA, CARL), "nothing is true of both; the first is true of Anna Berg"),
        (
            ShortestPath(ANNA, GERMANY, max_hops=1),
            "no connection from Anna Berg within 1 steps",
        ),
        (Subtract(ANNA, ANNA), "nothing of that kind is in it"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_where_a_plan_broke_off(plan, message):
    graph = worlds.family()
    assert execute(plan, graph).is_empty
    refusal = no_fact(plan, graph, schema())
    assert refusal.reason is Reason.NO_EDGE
    assert message in refusal.message


def test_what_is_known_is_told():
    refusal = no_fact(Follow(CARL, WON), worlds.family(), schema())
    assert {"born in", "parent", "married to", "born"} <= set(refusal.near_misses)
    assert "won" not in refusal.near_misses


def test_many_names_are_cut_short():
    people = Follow(OfType("person"), Step("located in"))
    message = no_fact(people, worlds.family(), schema()).message
    assert "Anna Berg, Carl Berg, Dora Berg and 6 more" in message


def test_unknown_names_are_another_reason_than_unknown_relations():
    graph, linker = worlds.family(), worlds.linker("family")
    nobody = no_reading(linker.link("who taught Zyx?"), [], graph, schema())
    assert nobody.reason is Reason.NO_ENTITY
    known = no_reading(linker.link("who sued Anna Berg?"), [], graph, schema())
    assert known.reason is Reason.NO_RELATION
    assert "Anna Berg" in known.message
    assert "teacher" in known.near_misses
