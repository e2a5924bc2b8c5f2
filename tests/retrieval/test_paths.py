"""Relation paths are ranked by how well they explain a question."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.graph import TextualGraph
from graphllm.retrieval.affinity import Affinity
from graphllm.retrieval.english import tokenize
from graphllm.retrieval.linker import Match, Mention, Span
from graphllm.retrieval.paths import (
    MAX_HOPS,
    PathRanker,
    _orders,
    _returns,
    is_answer_word,
    name_weight,
    padded,
)
from graphllm.retrieval.schema import GraphSchema
from tests.retrieval import worlds


def ranked(world, question, **options):
    seeds = worlds.linker(world).link(question)
    return worlds.reader(world).planner.paths.rank(seeds.tokens, seeds.mentions[0], **options)


def steps(world, path):
    """Return a path in words; "~" marks a step against the edge."""
    labels = worlds.reader(world).planner.schema.labels
    return " / ".join(("~" if p & 1 else "") + labels[p >> 1] for p in path.ports)


QUESTIONS = {
    ("films", "Who directed Witness?"): "directed by",
    ("films", "What did Peter Weir direct?"): "~directed by",
    ("films", "Who is the screenwriter of Gladiator?"): "written by",
    ("films", "Which year was Titanic released in?"): "release year",
    ("films", "What are the genres of films directed by Ridley Scott?"): "~directed by / genre",
    ("films", "Who wrote the films that Kate Winslet starred in?"): "~starring / written by",
    ("films", "Who starred in films written by James Cameron?"): "~written by / starring",
    (
        "films",
        "What genres are the films directed by the director of Witness?",
    ): "directed by / ~directed by / genre",
    ("family", "Where were the parents of Hugo Keller born?"): "parent / born in",
    ("family", "Which country is the birthplace of Jonas Lund in?"): "born in / located in",
    ("family", "How many letters does Emil Berg have?"): "letters",
    ("discoveries", "Who discovered oxygen?"): "~discovered",
}


@pytest.fixture(scope="module", autouse=True)
def _warm():
    worlds.warm(question for _, question in QUESTIONS)


@pytest.mark.parametrize(("world", "question"), QUESTIONS)
def test_the_best_path(world, question):
    assert steps(world, ranked(world, question)[0]) == QUESTIONS[world, question]


@pytest.mark.parametrize(("world", "question"), QUESTIONS)
def test_paths_come_best_first_each_once_and_within_bounds(world, question):
    found = ranked(world, question)
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)
    assert len({p.ports for p in found}) == len(found) <= 12 + 8  # and those of the beam
    for path in found:
        assert 1 <= len(path.ports) == len(path.support) <= MAX_HOPS
        assert all(0 <= share <= 1 for share in (*path.support, *path.explained.values()))
    assert ranked(world, question, limit=3)[:3] == found[:3]


def test_words_that_are_explained_already_explain_nothing_again():
    question = "Who wrote the films directed by Ridley Scott?"
    path = ranked("films", question, ignore=[Span(4, 5)])[0]
    assert 4 not in path.explained
    assert 4 in ranked("films", question)[0].explained


def test_a_word_is_explained_by_the_step_it_means():
    path = ranked("films", "Who directed Witness?")[0]
    assert path.explained[1] == pytest.approx(1, abs=0.2)
    assert path.support == pytest.approx((path.explained[1],))


def test_no_path_explains_a_question_of_unknown_words():
    paths = ranked("films", "Frobnicate Witness")
    assert paths
    assert all(path.score < 0.4 and max(path.support) < 0.12 for path in paths)


def test_steps_that_no_word_speaks_of_are_tried_too():
    graph = TextualGraph.from_triples(
        [("Alien", "P57", "Ridley Scott"), ("Ridley Scott", "P19", "South Shields")]
    )
    schema = GraphSchema(graph)
    ranker = PathRanker(schema, Affinity(schema, worlds.encoder()))
    mention = Mention(Span(2, 3), "Alien", (0,), Match.EXACT, 1.0)
    found = {path.ports for path in ranker.rank(tokenize("who directed Alien"), mention)}
    assert {(0,), (0, 2)} <= found


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("who wrote it", ["who"]),
        ("which actors starred in it", ["actors"]),
        ("what are the genres of films that Ada wrote", ["genres"]),
        ("how many films did she write", ["films"]),
        ("when was it made", ["when"]),
        ("name the films", []),
    ],
)
def test_words_that_stand_for_the_answer(question, words):
    tokens = tokenize(question)
    assert [t.text for i, t in enumerate(tokens) if is_answer_word(tokens, i)] == words


def test_long_names_do_not_drown_the_question():
    assert name_weight(1.0) == 1.0
    assert 1.5 < name_weight(6.0) < 3.0


def test_short_paths_are_padded():
    assert padded([(5,), (1, 2, 3)]).tolist() == [[5, 0, 0], [1, 2, 3]]


def test_words_are_read_in_each_distinct_order_once():
    def orders(question, first, last):
        tokens, span = tokenize(question), Span(first, last)
        words = worlds.reader("films").planner.paths.words(tokens, [span])
        found = _orders(words, span, tokens)
        return [[words[i].token.text for i in order] for order in found]

    assert orders("who wrote films directed by Ridley Scott", 5, 7) == [
        ["directed", "films", "wrote", "who"]
    ]
    assert orders("genres of Ridley Scott films written by", 2, 4) == [
        ["films", "genres", "written"],
        ["genres", "films", "written"],
        ["films", "written", "genres"],
    ]


@given(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=MAX_HOPS), min_size=1))
def test_steps_that_walk_the_one_before_back(paths):
    lengths = np.array([len(path) for path in paths])
    expected = [
        [0 < hop < len(path) and path[hop] == path[hop - 1] ^ 1 for hop in range(MAX_HOPS)]
        for path in paths
    ]
    assert _returns(padded([tuple(path) for path in paths]), lengths).tolist() == expected
