"""Questions about what happens between things: over tiny flights, each with the plan it becomes."""

from functools import cache

import pytest

from graphllm.graph import GraphBuilder
from graphllm.index import Names
from graphllm.query import execute, to_text
from graphllm.retrieval.linker import Linker
from graphllm.retrieval.planner import Planner
from tests.retrieval import worlds

AIRPORTS = {
    "Kastrup Field": ("Copenhagen", "Denmark", "CPH", 17, "E"),
    "Billund Field": ("Billund", "Denmark", "BLL", 247, "E"),
    "Tegel": ("Berlin", "Germany", "TXL", 122, "E"),
    "Kloten": ("Zurich", "Switzerland", "ZRH", 1416, "E"),
    "Samedan": ("Samedan", "Switzerland", "SMV", 5600, "U"),
}
AIRLINES = {
    "Nordwind": ("Denmark", "Y", "FLY"),
    "Alpina": ("Switzerland", "Y", "ALP"),
    "Spree Air": ("Germany", "N", "SPR"),
}
FLIGHTS = (
    ("Nordwind", "Kastrup Field", "Tegel"),
    ("Nordwind", "Tegel", "Kastrup Field"),
    ("Nordwind", "Billund Field", "Kloten"),
    ("Alpina", "Kloten", "Kastrup Field"),
    ("Alpina", "Kloten", "Samedan"),
    ("Spree Air", "Kastrup Field", "Kloten"),
)
LEAVING = 'follow(entities("Kastrup Field"), ~"Source airport")'
ARRIVING = 'follow(entities("Tegel"), ~"Destination airport")'
BOTH = f"intersect({LEAVING}, {ARRIVING})"

PLANS = {
    "Which airlines fly from Kastrup Field to Tegel?": f'follow({BOTH}, "Airline")',
    "Who flies from Kastrup Field to Tegel?": f'follow({BOTH}, "Airline")',
    "Does Nordwind fly to Tegel?": (
        f'exists(intersect(follow(entities("Nordwind"), ~"Airline"), {ARRIVING}))'
    ),
    "Where can I fly to from Kastrup Field?": f'follow({LEAVING}, "Destination airport")',
    "Which airports can I reach from Kastrup Field?": f'follow({LEAVING}, "Destination airport")',
    "How many routes end at Tegel?": f"count({ARRIVING})",
    "Which airlines have flights from CPH to TXL?": f'follow({BOTH}, "Airline")',
    "Which airport has the most departing routes?": (
        'top(type("airport"), degree(~"Source airport"), 1)'
    ),
    "Which airports lie above sea level?": (
        'filter(type("airport"), attribute("Altitude"), ">", 0)'
    ),
    "How many active airlines are there?": (
        'count(filter(type("airline"), attribute("Active"), "=", "Y"))'
    ),
    "How many routes does each airline have?": 'grouped(type("route"), by("Airline"))',
    "Number of airports in each DST zone": 'grouped(type("airport"), by(attribute("DST")))',
}
ANSWERS = {
    "Which Swiss airlines fly to Kastrup Field?": {"Alpina"},
    "Which airports in Switzerland are above 3000 feet?": {"Samedan"},
    "Which active airlines are from Denmark?": {"Nordwind"},
    "Which country has the most airports?": {"Denmark", "Switzerland"},
}


@cache
def flights():
    builder = GraphBuilder()
    for country in ("Denmark", "Germany", "Switzerland"):
        builder.node(country, name=country, type="country")
    for name, (city, country, code, altitude, dst) in AIRPORTS.items():
        attributes = {"City": city, "IATA": code, "Altitude": altitude, "DST": dst}
        builder.node(name, name=name, type="airport", aliases=[code], attributes=attributes)
        builder.edge(name, "Country", country)
    for name, (country, active, code) in AIRLINES.items():
        attributes = {"Active": active, "ICAO": code}
        builder.node(name, name=name, type="airline", aliases=[code], attributes=attributes)
        builder.edge(name, "Country", country)
    for number, (airline, source, destination) in enumerate(FLIGHTS, 1):
        key = f"route {number}"
        builder.node(key, name=key, type="route")
        builder.edge(key, "Airline", airline)
        builder.edge(key, "Source airport", source)
        builder.edge(key, "Destination airport", destination)
    return builder.build()


@cache
def asked():
    graph = flights()
    return Planner(graph, worlds.encoder()), Linker(graph, Names.build(graph))


def best(question):
    planner, linker = asked()
    return planner.rank(linker.link(question))[0].plan


@pytest.mark.parametrize("question", PLANS)
def test_the_best_plan(question):
    assert to_text(best(question)) == PLANS[question]


@pytest.mark.parametrize("question", ANSWERS)
def test_the_answer(question):
    graph = flights()
    result = execute(best(question), graph)
    names = {graph.names[node] for node in result.nodes.tolist()}
    assert names | {str(group) for group in getattr(result, "groups", ())} == ANSWERS[question]


def test_a_code_is_a_name_only_in_capitals():
    _, linker = asked()
    assert not linker.link("which airlines fly to tegel").mentions[0].text.startswith("fly")
    assert [m.text for m in linker.link("routes of FLY").mentions] == ["FLY"]


def test_what_is_an_event():
    planner, _ = asked()
    kinds, types = planner.ground.kinds, list(flights().node_types)
    assert [types[k] for k in range(len(types)) if kinds.is_event(k)] == ["route"]


def test_no_plan_goes_to_flights_and_back():
    planner, linker = asked()
    for candidate in planner.rank(linker.link("How many routes leave from Tegel?")):
        assert 'follow(follow(entities("Tegel"), ~"Source airport"), "Source airport")' not in (
            to_text(candidate.plan)
        )
