"""Words of a question, their families, and what the thesaurus says of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.graph.folding import fold
from graphllm.retrieval.english import (
    family,
    is_converse,
    is_person_noun,
    synonyms,
    tokenize,
    typical_properties,
)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Who directed Alien?", ["Who", "directed", "Alien"]),
        ("What is Ada's job?", ["What", "is", "Ada", "'s", "job"]),
        ("What is Ada\u2019s job?", ["What", "is", "Ada", "\u2019s", "job"]),
        ("by Dan O'Bannon", ["by", "Dan", "O'Bannon"]),
        ("born on 1901-03-05?", ["born", "on", "1901-03-05"]),
        ("over 1,500,000 people", ["over", "1,500,000", "people"]),
        ("a rating of 7.5", ["a", "rating", "of", "7.5"]),
        ("the co-writer", ["the", "co", "writer"]),
        ("who made $ and AC/DC", ["who", "made", "$", "and", "AC", "DC"]),
        ("Où est né Molière ?", ["Où", "est", "né", "Molière", "?"]),
        ("谁导演", ["谁导演"]),
        ("", []),
        (" \t\n ", []),
    ],
)
def test_the_words_of_a_question(question, words):
    assert [token.text for token in tokenize(question)] == words


@given(st.text(max_size=60))
def test_words_stand_where_they_say(question):
    end = 0
    for token in tokenize(question):
        assert end <= token.start < token.end <= len(question)
        assert token.text == question[token.start : token.end]
        assert token.folded in (fold(token.text), "s")
        end = token.end


@given(st.text(alphabet="abc XYZ'\u2019-.0123456789", max_size=40))
def test_no_letter_or_digit_is_lost(question):
    def bare(text):
        return [c for c in text if c.isalnum()]

    assert bare("".join(token.text for token in tokenize(question))) == bare(question)


@pytest.mark.parametrize(
    "words",
    [
        "direct directs directed director directors directing",
        "write wrote written writer writers writing",
        "city cities",
        "country countries",
        "invent invented inventor inventors invention",
        "establish established founded founder founders",
        "marry married marriage",
        "child children",
        "physicist physicists",
        "nationality nationalities",
    ],
)
def test_forms_of_one_word_are_one_family(words):
    assert len({family(word) for word in words.split()}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("genre", "gender"),
        ("direct", "produce"),
        ("moon", "month"),
        ("city", "citizen"),
        ("star", "start"),
        ("won", "own"),
    ],
)
def test_different_words_are_different_families(one, other):
    assert family(one) != family(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("wife", "spouse"),
        ("movie", "movie"),
        ("actors", "starring"),
        ("mother", "parents"),
        ("novelist", "written"),
        ("wed", "married"),
        ("honour", "prizes"),
        ("inhabitants", "population"),
    ],
)
def test_synonyms_hold_both_ways(one, other):
    if one != other:
        assert synonyms(one, other)
    assert synonyms(one, other) == synonyms(other, one)


def test_what_is_in_no_group_is_no_synonym():
    assert not synonyms("mother", "spouse")
    assert not synonyms("quark", "gluon")
    assert not synonyms("", "")


@pytest.mark.parametrize(
    ("one", "other"),
    [("advisor", "student"), ("parent", "son"), ("manager", "report"), ("owner", "property")],
)
def test_the_two_ends_of_a_relation_are_converses_both_ways(one, other):
    assert is_converse(one, other)
    assert is_converse(other, one)
    assert not is_converse(one, one)


def test_nouns_that_name_people():
    people = "chemists painters pianist mathematicians author engineers person"
    assert all(map(is_person_noun, people.split()))
    assert not any(map(is_person_noun, ["cities", "rivers", "moon", "population"]))


def test_what_a_thing_usually_has():
    assert family("directed") in typical_properties("film")
    assert typical_properties("film") == typical_properties("movies")
    assert family("capital") in typical_properties("countries")
    assert not typical_properties("neutrino")
