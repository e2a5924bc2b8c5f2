"""The questions over two databases: their SQL, and what counts as right."""

from collections import Counter
from contextlib import closing

import pytest

from graphllm.answer import Abstention, Answer, Reason

NAMES = ("northwind", "openflights")


def said(*entities, text="", abstained=False):
    why = Abstention(reason=Reason.NO_ENTITY, message="no") if abstained else None
    return Answer(question="?", text=text, entities=entities, abstained=why)


@pytest.fixture
def right(script):
    databases = script("databases")

    def right(gold, answer, kind="one hop"):
        return databases.is_right(databases.Question(kind, "?", "SELECT 1"), gold, answer)

    return right


@pytest.mark.parametrize(
    ("gold", "entities", "ok"),
    [
        ([("Chai",), ("Chang",)], ("Chang", "Chai"), True),
        ([("Chai",), ("Chang",)], ("Chai",), False),
        ([("Chai",)], ("Chai", "Chang"), False),
        ([("Sweden ",)], ("sweden",), True),
        ([(37.979166,)], ("37.98",), True),
        ([(37.979166,)], ("38",), False),
        ([(5,)], ("5",), True),
        ([(10248,)], ("Order 10248",), True),
        ([(10248,)], ("Order 10249",), False),
        ([("1996-09-09 00:00:00.000",)], ("1996-09-09",), True),
        ([("1996-09-09 00:00:00.000",)], ("1996-09-10",), False),
    ],
)
def test_right_is_the_whole_set_and_nothing_else(right, gold, entities, ok):
    assert right(gold, said(*entities)) is ok


def test_groups_need_their_numbers(right):
    gold = [("Eastern", 19), ("Western", 1)]
    assert right(gold, said("Eastern", "Western", text="Eastern (19) and Western (1)"))
    assert not right(gold, said("Eastern", "Western", text="Eastern (19) and Western (15)"))
    assert not right(gold, said("Eastern", text="Eastern (19)"))
    assert not right(gold, said("Eastern", "Western", "South", text="Eastern (19), Western (1)"))


def test_declining_is_right_only_where_there_is_no_answer(right):
    assert right(None, said(abstained=True))
    assert not right(None, said("Chai"))
    assert not right([("Chai",)], said(abstained=True))


@pytest.mark.parametrize("name", NAMES)
def test_the_questions_are_what_the_page_says(script, name):
    questions = script("databases").questions(name)
    assert len({q.question for q in questions}) == len(questions) == 150
    kinds = Counter(q.kind for q in questions)
    assert kinds["not there"] == sum(q.sql is None for q in questions) == 12
    assert min(kinds.values()) >= 8
    assert all(q.sql is None or q.sql.startswith("SELECT ") for q in questions)


@pytest.mark.data
@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_there(script, data_dir, name):
    databases = script("databases")
    with closing(databases.database(name, data_dir)) as connection:
        for question in databases.questions(name):
            rows = databases.answers(connection, question)
            if question.sql is not None:
                assert rows, question
                assert all(cell is not None for row in rows for cell in row), question
                assert len(rows[0]) in (1, 2), question
