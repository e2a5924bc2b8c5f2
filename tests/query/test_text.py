import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphllm.errors import PlanError
from graphllm.query import (
    Attribute,
    Comparison,
    Condition,
    Entities,
    Filter,
    Follow,
    OfType,
    Step,
    TopK,
    execute,
    parse_plan,
    to_text,
)
from tests.query.strategies import plans, random_graph

many = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
any_text = st.text(st.characters())  # surrogates and control characters too


@many
@given(plans)
def test_round_trip(plan):
    text = to_text(plan)
    again = parse_plan(text)
    assert again == plan
    assert to_text(again) == text  # also tells 1 from true and from 1.0


literals = st.one_of(
    any_text,
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.integers(-(10**17), 10**17).map(lambda us: np.datetime64(us, "us")),
)


@many
@given(any_text, any_text, literals)
def test_any_words_round_trip(word, attribute, literal):
    condition = Condition(attribute, Comparison.EQUALS, literal)
    plan = Filter(
        Follow(Entities((word, attribute)), Step(word, condition=condition)),
        Attribute(attribute),
        Comparison.CONTAINS,
        literal,
    )
    text = to_text(plan)
    again = parse_plan(text)
    assert again == plan
    assert type(again.value) is type(literal)
    assert text.isprintable()
    assert "\n" not in text


@many
@given(st.text(st.sampled_from('(),~[]" \\\nfolwentis_1.-eé'), max_size=40) | any_text)
def test_hostile_text_is_a_plan_or_a_plan_error(text):
    try:
        plan = parse_plan(text)
    except PlanError as error:
        message = str(error)
    else:
        message = to_text(plan)
        assert parse_plan(message) == plan
    assert message.isprintable()


def test_reads_as_written_by_hand():
    text = """
    top( filter(follow(entities("Brad Pitt"), ~"starred_actors"),
         attribute("released"), ">=", date("1999-05-01")),
         degree("won"["year", "<", 1903]), 3)
    """
    condition = Condition("year", Comparison.LESS, 1903)
    plan = parse_plan(text)
    assert isinstance(plan, TopK)
    assert plan.measure.step == Step("won", condition=condition)
    assert plan.source.value == np.datetime64("1999-05-01")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column 1: expected an operation such as .*the text ends"),
        ("folow(", r"column 1: expected an operation \(entities, .* got folow"),
        ('entities("a"', 'column 13: expected "\\)", the text ends'),
        ('entities("a)', "column 10: cannot read a string without its closing quote"),
        ("entities(a)", "column 10: expected the key of a node in double quotes, got a"),
        ("entities()", "column 10: expected the key of a node"),
        ('entities("\\q")', "column 10: expected a JSON string"),
        ('type("a") type("b")', "column 11: expected nothing more, got type"),
        ('count(count(type("a")))', "column 7: expected an operation that gives nodes, got count"),
        ('filter(type("a"), born, "<", 3)', "column 19: expected attribute"),
        ('filter(type("a"), attribute("b"), "lt", 3)', "column 35: expected a comparison"),
        ('filter(type("a"), attribute("b"), "<", date("x"))', "column 45: expected an ISO date"),
        ('filter(type("a"), attribute("b"), "<", nan)', "column 40: expected a text, a number"),
        ('filter(type("a"), attribute("b"), "<", 1e999)', "a number that a float can hold"),
        ('top(type("a"), attribute("b"), 1.5)', "column 32: expected how many to keep"),
        ('top(type("a"), attribute("b"), 0)', "k of 1 or more"),
        ('type("a"); drop', "column 10: cannot read"),
        (f'filter(type("a"), attribute("b"), "<", {"9" * 5000})', "at most 300 characters"),
    ],
)
def test_errors_say_where_and_what(text, message):
    with pytest.raises(PlanError, match=message):
        parse_plan(text)


def test_depth_is_bounded_both_ways():
    deepest = OfType("Film")
    for _ in range(63):
        deepest = Follow(deepest, Step("r"))
    assert parse_plan(to_text(deepest)) == deepest
    with pytest.raises(PlanError, match="deeper than 64"):
        to_text(Follow(deepest, Step("r")))
    with pytest.raises(PlanError, match="at most 64 operations inside each other"):
        parse_plan("count(" * 100_000)
    with pytest.raises(PlanError, match="at most 64"):
        parse_plan(f"exists({to_text(deepest)})")


def test_the_deepest_plan_runs():
    plan = OfType("Film")
    for _ in range(63):
        plan = Follow(plan, Step("r"))
    assert execute(plan, random_graph(3)).is_empty


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.datetime64("NaT", "us")])
def test_values_that_are_none_have_no_text(value):
    with pytest.raises(PlanError, match="compares with"):
        to_text(Filter(OfType("Film"), Attribute("born"), Comparison.LESS, value))
