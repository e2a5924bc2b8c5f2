import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphllm.errors import PlanError
from graphllm.graph import GraphBuilder
from graphllm.query import (
    Aggregate,
    Aggregated,
    Attribute,
    By,
    Comparison,
    Condition,
    CountValues,
    Degree,
    EdgeValues,
    Entities,
    Exists,
    Filter,
    Follow,
    GroupCount,
    Grouped,
    HavingAttribute,
    HavingStep,
    Intersect,
    OfType,
    Over,
    Reached,
    ShortestPath,
    Step,
    Subtract,
    TopK,
    Union,
    to_words,
)
from tests.query.strategies import plans

PITT = Entities(("Brad Pitt",))
FILMS = Follow(PITT, Step("starred_actors", inverse=True))
YEAR = Reached(Step("release_year"))


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (
            Follow(FILMS, Step("directed_by")),
            """
            1. Start at Brad Pitt.
            2. Go to those whose 'starred actors' is Brad Pitt.
            3. Take their 'directed by'.
            4. Answer with those.
            """,
        ),
        (
            Follow(Entities(("Troy", "Seven")), Step("starred_actors")),
            """
            1. Start at Troy and Seven.
            2. Take their 'starred actors'.
            3. Answer with those.
            """,
        ),
        (
            Subtract(FILMS, Follow(Entities(("English",)), Step("in_language", inverse=True))),
            """
            1. Start at Brad Pitt.
            2. Go to those whose 'starred actors' is Brad Pitt.
            3. Start at English.
            4. Go to those whose 'in language' is English.
            5. Take step 2 without what is in step 4.
            6. Answer with those.
            """,
        ),
        (
            TopK(Filter(FILMS, YEAR, Comparison.LESS, 2000), YEAR, k=3),
            """
            1. Start at Brad Pitt.
            2. Go to those whose 'starred actors' is Brad Pitt.
            3. Keep those whose 'release year' is less than 2000.
            4. Keep the 3 with the largest 'release year', and any that tie.
            5. Answer with those.
            """,
        ),
        (
            Exists(Union(OfType("Film"), HavingStep(Step("wrote", inverse=True)))),
            """
            1. Take everything of type 'Film'.
            2. Take everything that is the 'wrote' of something.
            3. Put step 1 and step 2 together.
            4. Answer yes if there are any, and no if there are none.
            """,
        ),
        (
            EdgeValues(
                PITT,
                Step("won", condition=Condition("for", Comparison.CONTAINS, "acting")),
                "year",
                Entities(("Oscar",)),
            ),
            """
            1. Start at Brad Pitt.
            2. Start at Oscar.
            3. Answer with the 'year' of the 'won' edges from Brad Pitt to Oscar (only where the edge's 'for' contains 'acting').
            """,  # noqa: E501
        ),
        (
            Aggregated(
                Filter(
                    OfType("Person"),
                    Attribute("born"),
                    Comparison.LESS,
                    np.datetime64("1867-11-07"),
                ),
                Degree(Step("wrote")),
                Aggregate.AVERAGE,
            ),
            """
            1. Take everything of type 'Person'.
            2. Keep those whose 'born' is before 1867-11-07.
            3. Answer with the average of their number of different 'wrote'.
            """,
        ),
        (
            GroupCount(Intersect(FILMS, FILMS), Step("directed_by")),
            """
            1. Start at Brad Pitt.
            2. Go to those whose 'starred actors' is Brad Pitt.
            3. Start at Brad Pitt.
            4. Go to those whose 'starred actors' is Brad Pitt.
            5. Keep what is in both step 2 and step 4.
            6. Take their 'directed by'; answer with each and from how many it is reached, most first.
            """,  # noqa: E501
        ),
        (
            Grouped(
                OfType("Order"),
                By((Step("customer"),), "country"),
                Over(Aggregate.SUM, Attribute("total")),
                Comparison.MORE,
                5,
                k=2,
            ),
            """
            1. Take everything of type 'Order'.
            2. Group them by the 'country' of their 'customer'.
            3. Keep the groups where the sum of all of their 'total' is more than 5.
            4. Answer with the 2 groups where the sum of all of their 'total' is largest, and any that tie.
            """,  # noqa: E501
        ),
        (
            CountValues(Subtract(OfType("Order"), HavingAttribute("fax")), "city"),
            """
            1. Take everything of type 'Order'.
            2. Take everything that has a 'fax'.
            3. Take step 1 without what is in step 2.
            4. Answer with how many different ones there are among their 'city'.
            """,
        ),
        (
            ShortestPath(PITT, FILMS, max_hops=1),
            """
            1. Start at Brad Pitt.
            2. Start at Brad Pitt.
            3. Go to those whose 'starred actors' is Brad Pitt.
            4. Answer with the shortest connections from Brad Pitt to them, of at most 1 edge.
            """,
        ),
    ],
)
def test_reads_well(plan, expected):
    assert to_words(plan).splitlines() == [line.strip() for line in expected.strip().splitlines()]


def test_names_instead_of_keys():
    builder = GraphBuilder()
    builder.node("Q7186", name="Marie Curie")
    graph = builder.build()
    assert to_words(Entities(("Q7186",)), graph).startswith("1. Start at Marie Curie.")
    assert to_words(Entities(("Q1",)), graph).startswith("1. Start at Q1.")


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(plans, st.text(st.characters()))
def test_every_plan_has_words_and_none_moves_the_cursor(plan, name):
    text = to_words(Intersect(Entities((name,)), OfType(name)))
    assert all(line.isprintable() for line in (text + "\n" + to_words(plan)).split("\n"))
    assert text.count("\n") == 3


def test_depth_is_bounded():
    plan = PITT
    for _ in range(2000):
        plan = Follow(plan, Step("r"))
    with pytest.raises(PlanError, match="deeper than 64"):
        to_words(plan)
