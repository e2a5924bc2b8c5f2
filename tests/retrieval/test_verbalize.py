"""What the plan scorer reads: names as letters, plans as noun phrases."""

import pytest

from graphllm.graph import TextualGraph
from graphllm.query import parse_plan
from graphllm.retrieval.schema import GraphSchema
from graphllm.retrieval.verbalize import Verbalizer, letters_of, marked
from tests.retrieval import worlds


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(4, 7), (13, 20)], "did X know Y?"),
        ([(13, 20), (4, 7)], "did X know Y?"),
        ([(4, 7), (4, 7)], "did X know Charles?"),
        ([(4, 12), (8, 20)], "did X Charles?"),
        ([], "did Ada know Charles?"),
    ],
    ids=["in order", "in no order", "twice", "overlapping", "none"],
)
def test_names_become_letters_in_the_order_they_stand(spans, expected):
    assert marked("did Ada know Charles?", spans) == expected


TEXTS = {
    'follow(entities("anna"), "born in")': "city: born in of X",
    'follow(entities("lund"), ~"born in")': "person whose born in is X",
    'count(follow(entities("lund"), ~"born in"))': "how many person whose born in is X",
    'exists(intersect(follow(entities("anna"), "born in"), entities("lund")))': (
        "is Y one of born in of X"
    ),
    'values(entities("lund"), "population")': "population of X",
    'top(type("city"), attribute("population"), 3)': "3 all city with largest population",
    'bottom(type("city"), degree(~"born in"), 1)': "all city with smallest number of person",
    'filter(type("city"), attribute("population"), ">", 100000)': (
        "all city with population more than 100000"
    ),
    'average(type("city"), attribute("population"))': "average population of all city",
    'facts(entities("anna"))': "everything about X",
    'shortest_path(entities("anna"), entities("lund"), 6, 5)': "connection between X and Y",
    'subtract(follow(follow(entities("anna"), "born in"), ~"born in"), entities("anna"))': (
        "person whose born in is born in of X"
    ),
    'group_count(type("person"), "born in")': "how many all person for each born in",
    'intersect(follow(entities("lund"), ~"born in"), type("person"))': (
        "person: person whose born in is X"
    ),
}


@pytest.mark.parametrize("plan", TEXTS)
def test_a_plan_is_a_noun_phrase_the_answer_first(plan):
    verbalizer = Verbalizer(GraphSchema(worlds.family()))
    letters = letters_of([("anna",), ("lund",)] if "anna" in plan else [("lund",)])
    assert verbalizer.text(parse_plan(plan), letters) == TEXTS[plan]


def test_without_types_nothing_is_called_by_one():
    verbalizer = Verbalizer(GraphSchema(worlds.family()), typed=False)
    plan = parse_plan('follow(entities("lund"), ~"born in")')
    assert verbalizer.text(plan, {"lund": "X"}) == "those whose born in is X"


def test_the_direction_of_what_holds_both_ways_is_not_said():
    verbalizer = Verbalizer(GraphSchema(worlds.family()))
    there, back = (parse_plan(f'follow(entities("anna"), {s}"married to")') for s in ("", "~"))
    both = parse_plan(
        'union(follow(entities("anna"), "married to"), follow(entities("anna"), ~"married to"))'
    )
    assert len({verbalizer.text(plan, {"anna": "X"}) for plan in (there, back, both)}) == 1


def test_a_path_like_label_says_what_it_is_about():
    graph = TextualGraph.from_triples(
        [("Bo", "/music/artist/origin", "Ulm"), ("Bo", "born in", "Ulm")]
    )
    verbalizer = Verbalizer(GraphSchema(graph))
    assert verbalizer.label("/music/artist/origin") == "origin (music artist)"
    assert verbalizer.label("born in") == "born in"
