"""Dialogues: each follow-up is answered after the turns before it."""

import json
import os
from functools import cache
from pathlib import Path

import pytest

from graphllm import GraphQA, TextualGraph
from graphllm.examples import path as example
from graphllm.query import parse_plan

FOLDER = Path(__file__).parents[2] / "benchmarks" / "dialogues"
DATA = os.environ.get("GRAPHLLM_DATA")
CHINOOK = Path(DATA or ".") / "demo_chinook" / "Chinook_Sqlite.sqlite"
PATHS = {
    "firms": FOLDER / "firms",
    "operas": FOLDER / "operas.txt",
    "discoveries": example("discoveries"),
    "chinook": CHINOOK,
}


def _marks(graph, number):
    reason = WRONG.get((graph, number))
    return [pytest.mark.xfail(reason=reason)] if reason else []


def _lines(graph):
    return (FOLDER / f"{graph}.jsonl").read_text("utf-8").splitlines()


WRONG = {("operas", 13): "its last turn: 'other operas' is read as those of whom the topic shares"}


def dialogues(*graphs):
    return [
        pytest.param(
            graph, json.loads(line)["turns"], id=f"{graph}-{number}", marks=_marks(graph, number)
        )
        for graph in graphs
        for number, line in enumerate(_lines(graph), 1)
    ]


@cache
def qa(graph):
    return GraphQA.from_file(PATHS[graph], cache=False)


def check(graph, turns):
    chat = qa(graph).chat()
    for turn in turns:
        answer = chat.ask(turn["ask"])
        assert set(answer.entities) == set(turn["answers"]), turn["ask"]


@pytest.mark.parametrize(("graph", "turns"), dialogues("firms"))
def test_a_dialogue_is_followed(graph, turns):
    check(graph, turns)


@pytest.mark.slow
@pytest.mark.parametrize(("graph", "turns"), dialogues("operas", "discoveries"))
def test_a_dialogue_over_another_graph_is_followed(graph, turns):
    check(graph, turns)


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.skipif(not CHINOOK.exists(), reason="set GRAPHLLM_DATA to the folder of the datasets")
@pytest.mark.parametrize(("graph", "turns"), dialogues("chinook"))
def test_a_dialogue_over_a_database_is_followed(graph, turns):
    check(graph, turns)


def test_a_narrowing_keeps_the_whole_plan_so_that_its_proof_is_whole():
    chat = qa("firms").chat()
    chat.ask("Who works for Arbor Systems?")
    answer = chat.ask("Which of them were born in Leeds?")
    cited = {(c.head, c.relation, c.tail) for c in answer.citations}
    assert ("Jonas Weil", "works for", "Arbor Systems") in cited
    assert ("Jonas Weil", "born in", "Leeds") in cited


def test_without_earlier_turns_a_follow_up_is_not_understood():
    for question in ("And Ember Energy?", "Which of them is the oldest?", "The other way round?"):
        plan = qa("firms").ask(question).plan
        assert plan is None or "founder" not in plan.text, question


def test_a_conversation_of_many_narrowings_goes_on():
    films = [("Ada", "made", f"film {i}") for i in range(3)]
    films += [(f"film {i}", "year", str(1950 + i)) for i in range(3)]
    chat = GraphQA.from_graph(TextualGraph.from_triples(films)).chat()
    chat.ask("What did Ada make?")
    for _ in range(40):
        answer = chat.ask("Which of them are made before 1990?")
        if answer.plan:
            parse_plan(answer.plan.text)


@pytest.mark.parametrize(
    "question",
    ["and", "No, I meant", "of them", "else", "than", "the second", "which one", "more", "'s it"],
)
def test_fragments_are_answered_or_declined_but_never_break(question):
    chat = qa("firms").chat()
    chat.ask("Who founded Arbor Systems?")
    json.dumps(chat.ask(question).to_dict())
