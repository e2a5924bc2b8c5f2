"""In a large graph nearly every stretch of words names something; what is meant is still found."""

import pytest

from graphllm import GraphQA, TextualGraph

FILMS = [
    ("Glue", "directed by", "Dana Ross"),
    ("Iron Lake", "directed by", "Dana Ross"),
    ("Iron Lake", "starring", "Ella Hart"),
    ("Glue", "starring", "Ella Hart"),
    ("Night Bus", "starring", "Ella Hart"),
    ("Night Bus", "directed by", "Omar Vance"),
    ("Iron Lake", "language", "Danish"),
    ("Night Bus", "language", "French"),
    ("Glue", "genre", "Drama"),
    ("Iron Lake", "genre", "Western"),
    ("Night Bus", "genre", "Comedy"),
]
CROWD = ["of Glue", "of", "The: Movies", "Movies", "who", "in", "Are the", "The", "What", "Main"]


@pytest.fixture(scope="module", params=["alone", "in a crowd"])
def qa(request):
    books = [
        triple
        for number, title in enumerate(CROWD)
        for triple in (
            (title, "book genre", f"Shelf {number}"),
            (title, "authored by", "A. Writer"),
        )
    ]
    return GraphQA.from_graph(
        TextualGraph.from_triples(FILMS + (books if request.param == "in a crowd" else []))
    )


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        ("who directed Glue", {"Dana Ross"}),
        ("what are the movies that are directed by the same director of Glue", {"Iron Lake"}),
        ("what types are the movies starred by Ella Hart", {"Drama", "Western", "Comedy"}),
        ("what are the languages of the movies in which Ella Hart starred", {"Danish", "French"}),
        ("who directed Irn Lake", {"Dana Ross"}),
        ("what are the movies starred by Ela Hart", {"Glue", "Iron Lake", "Night Bus"}),
    ],
)
def test_a_crowd_of_names_changes_no_answer(qa, question, answers):
    assert set(qa.ask(question).entities) == answers
