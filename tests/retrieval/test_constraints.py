"""Comparisons and rankings are read from the words of a question."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.query import Comparison
from graphllm.retrieval.constraints import constraints, superlative
from graphllm.retrieval.english import tokenize

COMPARED = {
    "films released before 1980": [(Comparison.LESS, 1980, True)],
    "films released after 1980": [(Comparison.MORE, 1980, True)],
    "films made earlier than 1980": [(Comparison.LESS, 1980, True)],
    "films since 1980": [(Comparison.AT_LEAST, 1980, True)],
    "films until 1980": [(Comparison.AT_MOST, 1980, True)],
    "films in 1980": [(Comparison.EQUALS, 1980, True)],
    "films in the year 1980": [(Comparison.EQUALS, 1980, True)],
    "films from 1980 to 1985": [
        (Comparison.AT_LEAST, 1980, True),
        (Comparison.AT_MOST, 1985, True),
    ],
    "born between 1850 and 1900": [
        (Comparison.AT_LEAST, 1850, True),
        (Comparison.AT_MOST, 1900, True),
    ],
    "films in the 1980s": [(Comparison.AT_LEAST, 1980, True), (Comparison.AT_MOST, 1989, True)],
    "born after 1901-03-05": [(Comparison.MORE, np.datetime64("1901-03-05", "us"), True)],
    "airports below sea level": [(Comparison.LESS, 0, False)],
    "students older than 20": [(Comparison.MORE, 20, False)],
    "cities with more than 300,000 people": [(Comparison.MORE, 300_000, False)],
    "cities with over 1.5 million people": [(Comparison.MORE, 1_500_000, False)],
    "countries of less than 2 billion people": [(Comparison.LESS, 2 * 10**9, False)],
    "rivers longer than 800 km": [(Comparison.MORE, 800, False)],
    "films with a rating of at least 7.5": [(Comparison.AT_LEAST, 7.5, False)],
    "shops with at most 12 workers": [(Comparison.AT_MOST, 12, False)],
    "between 5 and 9 letters": [(Comparison.AT_LEAST, 5, False), (Comparison.AT_MOST, 9, False)],
    "born after 1850 and before 1900": [
        (Comparison.MORE, 1850, True),
        (Comparison.LESS, 1900, True),
    ],
    "who was born in Berlin": [],
    "more than a feeling": [],
    "between Ada and Bo": [],
    "the film 1984": [],
    "before": [],
    "": [],
}


@pytest.mark.parametrize("question", COMPARED)
def test_comparisons(question):
    found = constraints(tokenize(question))
    assert [(c.comparison, c.value, c.is_time) for c in found] == COMPARED[question]


def test_the_words_nearest_to_a_comparison_say_what_is_compared():
    (found,) = constraints(tokenize("Which cities with a population over 500 are coastal?"))
    assert found.cues[0] == "population"
    (found,) = constraints(tokenize("people born before 1900"))
    assert found.cues[0] == "born"


@given(st.text(alphabet="abetwn fromi 0123456789,-.s", max_size=50))
def test_comparisons_stand_in_the_question_left_to_right(question):
    tokens = tokenize(question)
    spans = [c.span for c in constraints(tokens)]
    assert spans == sorted(spans)
    assert all(0 <= s.first < s.last <= len(tokens) for s in spans)


@given(st.integers(1000, 2100), st.integers(1000, 2100))
def test_between_keeps_both_numbers(low, high):
    found = constraints(tokenize(f"born between {low} and {high}"))
    assert [c.value for c in found] == [low, high]


RANKED = {
    "the oldest university": (1, True, True, False),
    "the three oldest universities": (3, True, True, False),
    "the 5 largest cities": (5, False, False, False),
    "the youngest player": (1, False, True, False),
    "the most recent film": (1, False, True, False),
    "the most populous country": (1, False, False, False),
    "the least populous country": (1, True, False, False),
    "the cheapest product": (1, True, False, False),
    "who won the most awards": (1, False, False, True),
    "who has the fewest letters": (1, True, False, True),
}


@pytest.mark.parametrize("question", RANKED)
def test_rankings(question):
    found = superlative(tokenize(question))
    assert found is not None
    assert (found.k, found.ascending, found.is_time, found.counts) == RANKED[question]


@pytest.mark.parametrize("question", ["who wrote it", "", "almost everybody", "the most"])
def test_no_ranking(question):
    assert superlative(tokenize(question)) is None


def test_the_noun_after_a_ranking_may_be_what_is_measured():
    found = superlative(tokenize("the country with the largest population"))
    assert found is not None
    assert found.cues[0] == "population"
    found = superlative(tokenize("who won the most awards"))
    assert found is not None
    assert "awards" in found.cues


@pytest.mark.parametrize(
    ("question", "ascending", "cue"),
    [
        ("airlines with the largest number of routes", False, "routes"),
        ("the two busiest ports by number of ships", False, "number"),
        ("which airport is the southernmost", True, "latitude"),
    ],
)
def test_rankings_by_how_many_there_are_or_where(question, ascending, cue):
    ranking = superlative(tokenize(question))
    assert ranking is not None
    assert (ranking.ascending, cue in ranking.cues) == (ascending, True)


def test_at_least_is_no_ranking():
    assert superlative(tokenize("wines that scored at least 95")) is None
