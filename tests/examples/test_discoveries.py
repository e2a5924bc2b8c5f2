"""The shipped example graph is whole: every fact has both its ends, every value has its type."""

import csv
from collections import Counter
from datetime import date

import pytest

from graphllm.errors import ConfigError
from graphllm.examples import path

FOLDER = path("discoveries")


def rows(name):
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


NODES = rows("nodes.csv")
EDGES = rows("edges.csv")
TYPE = {node["id"]: node["type"] for node in NODES}

# What may stand at the two ends of each relation; a new relation has to be listed here.
PLACES = {"city", "country", "continent"}
THINGS = set(TYPE.values()) - PLACES - {"person", "field", "institution", "award"}
ENDS = {
    "about": ({"book"}, {"person", "phenomenon"}),
    "born in": ({"person"}, {"city"}),
    "capital": ({"country"}, {"city"}),
    "discovered": ({"person"}, THINGS - {"book", "invention", "unit"}),
    "doctoral advisor": ({"person"}, {"person"}),
    "field": ({"person"}, {"field"}),
    "founder": ({"institution"}, {"person"}),
    "invented": ({"person"}, {"invention"}),
    "located in": ({"city", "country", "institution"}, PLACES),
    "married to": ({"person"}, {"person"}),
    "measures": ({"unit"}, {"quantity", "phenomenon"}),
    "named after": (
        {"unit", "chemical element", "award"},
        {"person", "country", "planet", "dwarf planet"},
    ),
    "orbits": ({"moon"}, {"planet"}),
    "parent": ({"person"}, {"person"}),
    "part of": ({"field"}, {"field"}),
    "studied at": ({"person"}, {"institution"}),
    "won": ({"person"}, {"award"}),
    "worked at": ({"person"}, {"institution"}),
    "wrote": ({"person"}, {"book"}),
}


def test_ids_are_unique_and_every_node_is_named_and_used():
    assert len(TYPE) == len(NODES)
    assert all(node["name"] and node["type"] for node in NODES)
    assert Counter(node["name"] for node in NODES).most_common(1)[0][1] == 1
    ends = {edge["source"] for edge in EDGES} | {edge["target"] for edge in EDGES}
    assert ends == TYPE.keys()


@pytest.mark.parametrize("relation", sorted({edge["relation"] for edge in EDGES}))
def test_relation_joins_the_types_it_should(relation):
    heads, tails = ENDS[relation]
    for edge in EDGES:
        if edge["relation"] == relation:
            assert TYPE[edge["source"]] in heads, edge
            assert TYPE[edge["target"]] in tails, edge


def test_no_fact_stands_twice_or_backwards():
    facts = Counter(tuple(edge.values()) for edge in EDGES)
    assert facts.most_common(1)[0][1] == 1
    forward = {(edge["source"], edge["relation"], edge["target"]) for edge in EDGES}
    assert not [f for f in forward if f[::-1] in forward]
    assert not [f for f in forward if f[0] == f[2]]


def test_values_have_their_types():
    this_year = date.today().year
    for node in NODES:
        for column in ("born", "died"):
            assert not node[column] or date.fromisoformat(node[column]).year > 1400, node
        assert not node["born"] or node["born"] < (node["died"] or "9"), node
        assert bool(node["born"]) == (node["type"] == "person"), node
        for column in ("founded", "year"):
            assert not node[column] or 1000 < int(node[column]) <= this_year, node
        assert not node["population"] or node["type"] == "country", node
        assert bool(node["atomic_number"]) == (node["type"] == "chemical element"), node
    assert all(bool(edge["year"]) == (edge["relation"] in {"won", "married to"}) for edge in EDGES)


def test_people_win_marry_and_teach_within_their_lives():
    life = {node["id"]: (node["born"][:4], node["died"][:4] or "9999") for node in NODES}
    for edge in EDGES:
        if edge["year"]:
            born, died = life[edge["source"]]
            assert born < edge["year"] <= died, edge
        if edge["relation"] in {"doctoral advisor", "parent"}:
            assert life[edge["target"]] < life[edge["source"]], edge


@pytest.mark.parametrize("made", ["discovered", "invented", "wrote"])
def test_people_make_things_within_their_lives(made):
    node = {n["id"]: n for n in NODES}
    for edge in EDGES:
        year = node[edge["target"]]["year"]
        if edge["relation"] == made and year:
            maker = node[edge["source"]]
            assert maker["born"][:4] < year <= (maker["died"] or "9999")[:4], edge


def test_every_birthplace_lies_on_a_continent():
    up = {(e["source"], e["target"]) for e in EDGES if e["relation"] == "located in"}

    def reaches_continent(place):
        return TYPE[place] == "continent" or any(
            reaches_continent(above) for below, above in up if below == place
        )

    places = {e["target"] for e in EDGES if e["relation"] == "born in"}
    assert [place for place in places if not reaches_continent(place)] == []


def test_unknown_example_names_those_there_are():
    with pytest.raises(ConfigError, match="no example graph 'films'; there is discoveries"):
        path("films")
