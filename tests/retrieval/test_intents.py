"""What a question wants done: listed, counted, confirmed, connected or told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.retrieval.english import tokenize
from graphllm.retrieval.intents import Want, asks_for_everything, intent, only_tells
from graphllm.retrieval.linker import Span

WANTS = {
    "How many songs did he write?": Want.COUNT,
    "how many of them are dead": Want.COUNT,
    "What is the number of moons of Mars?": Want.COUNT,
    "Count the moons of Mars": Want.COUNT,
    "Did Ada write it?": Want.CONFIRM,
    "Is Mars a planet?": Want.CONFIRM,
    "Were they married?": Want.CONFIRM,
    "Has Ada won a prize?": Want.CONFIRM,
    "Who wrote it?": Want.LIST,
    "Which films did Ada direct?": Want.LIST,
    "Name the moons of Mars": Want.LIST,
    "Can you tell me who wrote it?": Want.LIST,
    "How are Ada and Bo connected?": Want.CONNECT,
    "What is the relationship between Ada and Bo?": Want.CONNECT,
    "What links Ada to Bo?": Want.CONNECT,
    "What is the average age of the actors?": Want.AVERAGE,
    "What is the mean height?": Want.AVERAGE,
    "What is the total population of the cities?": Want.TOTAL,
    "": Want.LIST,
}


@pytest.mark.parametrize("question", WANTS)
def test_the_operation_that_is_asked_for(question):
    assert intent(tokenize(question)).want is WANTS[question]


def test_the_words_that_say_so_are_told():
    tokens = tokenize("So how many films are there")
    assert intent(tokens).spans == (Span(1, 3),)
    assert intent(tokenize("who wrote it")).spans == ()


@given(st.text(max_size=40))
def test_any_text_has_an_intent_whose_words_are_in_it(question):
    tokens = tokenize(question)
    for span in intent(tokens).spans:
        assert 0 <= span.first < span.last <= len(tokens)


@pytest.mark.parametrize(
    ("question", "named", "expected"),
    [
        ("Tell me about Ada", Span(3, 4), True),
        ("What do you know about Ada?", Span(5, 6), True),
        ("Give me a summary of Ada", Span(5, 6), True),
        ("Ada", Span(0, 1), True),
        ("Tell me about the films of Ada", Span(6, 7), False),
        ("Who married Ada?", Span(2, 3), False),
    ],
)
def test_whether_only_telling_is_asked(question, named, expected):
    assert only_tells(tokenize(question), [named]) is expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Tell me about Ada", True),
        ("Who is Ada?", True),
        ("What was Ada?", True),
        ("What do you know about Ada?", True),
        ("What is it about?", False),
        ("Who wrote it?", False),
        ("who", False),
    ],
)
def test_whether_everything_is_asked_for(question, expected):
    assert asks_for_everything(tokenize(question)) is expected
