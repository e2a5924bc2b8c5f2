"""How strongly words point to relations and kinds of nodes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.retrieval import worlds

WORDS = [
    "directed",
    "wrote",
    "actors",
    "movies",
    "who",
    "when",
    "where",
    "quark",
    "population",
    "x",
]


@pytest.fixture(scope="module", autouse=True)
def _warm():
    worlds.warm(WORDS)


def affinity(world):
    return worlds.reader(world).planner.affinity


def best(world, word):
    found = affinity(world)
    return found.schema.labels[int(found.relations(word).argmax())]


@pytest.mark.parametrize(
    ("world", "word", "relation"),
    [
        ("films", "directed", "directed by"),
        ("films", "director", "directed by"),
        ("films", "filmmaker", "directed by"),
        ("films", "screenwriters", "written by"),
        ("films", "actors", "starring"),
        ("films", "cast", "starring"),
        ("films", "premiere", "release year"),
        ("films", "category", "genre"),
        ("family", "mother", "parent"),
        ("family", "wife", "married to"),
        ("family", "birthplace", "born in"),
        ("family", "inhabitants", "population"),
        ("family", "prizes", "won"),
        ("discoveries", "supervisor", "doctoral advisor"),
        ("discoveries", "inventor", "invented"),
        ("discoveries", "finder", "discovered"),
        ("discoveries", "employer", "worked at"),
    ],
)
def test_a_word_points_to_the_relation_it_means(world, word, relation):
    assert best(world, word) == relation


@pytest.mark.parametrize("world", worlds.GRAPHS)
def test_affinities_lie_between_0_and_1(world):
    found = affinity(world)
    for word in WORDS:
        for scores in (found.relations(word), found.classes(word)):
            assert np.isfinite(scores).all()
            assert ((scores >= 0) & (scores <= 1)).all()


def test_the_letters_of_a_label_count_most():
    found = affinity("films")
    genre = found.schema.labels.index("genre")
    assert found.relations("genres")[genre] == 1
    assert 0 < found.relations("category")[genre] < 1


def test_function_words_point_nowhere_by_meaning():
    assert not affinity("films").relations("the").any()


def test_who_is_a_person_when_a_time_and_where_a_place():
    found = affinity("family")
    ports = {label: 2 * i for i, label in enumerate(found.schema.labels)}
    assert found.classes("who")[ports["teacher"]] > found.classes("who")[ports["born in"]]
    assert found.classes("where")[ports["born in"]] > found.classes("where")[ports["teacher"]]
    assert found.classes("when")[ports["born"]] > found.classes("when")[ports["born in"]]


def test_a_type_names_the_nodes_that_have_it():
    found = affinity("family")
    ports = {label: 2 * i for i, label in enumerate(found.schema.labels)}
    assert found.classes("cities")[ports["born in"]] == 1
    assert found.classes("cities")[ports["teacher"]] < 0.5


def test_the_word_of_a_label_that_was_meant_is_told():
    found = affinity("films")
    directed = found.schema.labels.index("directed by")
    assert found.label_word("director", directed) == "directed"
    assert found.label_word("quark", directed) == ""


@settings(max_examples=20)
@given(st.lists(st.sampled_from(WORDS), unique=True))
def test_the_order_of_words_does_not_matter(words):
    found = affinity("films")
    found.prepare(words)
    before = [found.relations(word).tolist() for word in words]
    found.prepare(words[::-1])
    assert [found.relations(word).tolist() for word in words] == before
