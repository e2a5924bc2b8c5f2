"""Nodes that are linked by what their names mean, once the names have vectors."""

import pytest

from graphllm import GraphIndex, GraphQA, TextualGraph
from graphllm.text.encoder import load_encoder

FILMS = TextualGraph.from_triples(
    [
        ("Gravity", "has topic", "astronauts"),
        ("Jaws", "has topic", "sharks"),
        ("Heat", "has topic", "bank robbery"),
        ("Gravity", "directed by", "Alfonso Cuaron"),
        ("Jaws", "directed by", "Steven Spielberg"),
        ("Heat", "directed by", "Michael Mann"),
        ("Gravity", "release year", "2013"),
        ("Jaws", "release year", "1975"),
        ("Heat", "release year", "1995"),
    ]
)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "films.gllm"
    GraphIndex.build(FILMS, path)
    return path


def test_a_name_is_found_by_meaning_only_after_embedding(folder):
    question = "which films have the topic spacemen"
    assert not GraphQA.open(folder).ask(question)
    GraphIndex.open(folder).embed(load_encoder(), "names")
    assert GraphQA.open(folder).ask(question).entities == ("Gravity",)


def test_what_means_nothing_near_is_still_refused(folder):
    GraphIndex.open(folder).embed(load_encoder(), "names")
    assert not GraphQA.open(folder).ask("which films have the topic photosynthesis")
