"""Real graphs that people have: films, flights and a shop."""

import csv
import os
from collections import Counter
from pathlib import Path

import pytest

from graphllm.io import read_graph

DATA = os.environ.get("GRAPHLLM_DATA")
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA, reason="GRAPHLLM_DATA names no folder of datasets"),
]


def facts_of(graph):
    names = list(graph.names)
    edges = zip(graph.heads, graph.relation_ids, graph.tails, strict=True)
    return [(names[h], graph.relations[r], names[t]) for h, r, t in edges]


@pytest.fixture
def data():
    return Path(DATA or "")


def test_metaqa(data):
    graph = read_graph(data / "metaqa" / "kb.txt")
    lines = (data / "metaqa" / "kb.txt").read_text(encoding="utf-8").splitlines()
    assert facts_of(graph) == [tuple(line.split("|")) for line in lines]
    order = dict.fromkeys(name for line in lines for name in line.split("|")[::2])
    assert list(graph.names) == list(order)


def test_northwind(data, attributes, caplog):
    lines = []
    graph = read_graph(data / "demo_northwind", on_mapping=lines.append)
    found = facts_of(graph)
    with (data / "demo_northwind" / "order-details.csv").open() as file:
        details = list(csv.DictReader(file))
    with (data / "demo_northwind" / "products.csv").open() as file:
        products = {row["productID"]: row["productName"] for row in csv.DictReader(file)}
    counts = Counter(relation for _, relation, _ in found)
    assert counts["order-details"] == len(details)
    assert counts["customer"] == 830
    assert counts["reportsTo"] == 8
    expected = [(f"order {row['orderID']}", products[row["productID"]]) for row in details]
    assert [(h, t) for h, relation, t in found if relation == "order-details"] == expected
    assert ("Nancy Davolio", "employee-territories", "Wilton") in found
    assert attributes(graph, "orders/10248")["orderDate"] == ["1996-07-04"]
    assert attributes(graph, "customers/BLONP")["address"] == ["24, place Kléber"]
    assert "orders.csv: id=orderID, customerID -> customers" in "\n".join(lines)
    assert "176 rows hold a comma without quotes" in caplog.text


def test_routes(data):
    path = data / "demo_openflights" / "routes.dat"
    lines = []
    graph = read_graph(path, on_mapping=lines.append)
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    assert lines[0].startswith("routes.dat: head=3, tail=5")
    assert [(h, t) for h, _, t in facts_of(graph)] == [(row[2], row[4]) for row in rows]
    assert graph.edge_columns["column 9"].of(0) == ["CR2"]
    assert graph.edge_columns["column 2"].of(0) == [410]
    by_id = read_graph(path, mapping="head=4,tail=6,relation=1")
    assert facts_of(by_id)[0] == ("2965", "2B", "2990")


@pytest.mark.slow
def test_airports(data):
    path = data / "demo_openflights" / "airports.dat"
    graph = read_graph(path, mapping="id=1,name=2,aliases=5,relations=3;4")
    assert graph.aliases(graph.find_key("2990")) == ("KZN",)
    assert set(graph.relations) == {"column 3", "column 4"}
    assert graph.names[graph.find_key("2990")] == "Kazan International Airport"


@pytest.mark.slow
def test_airports_as_they_are(data, attributes):
    graph = read_graph(data / "demo_openflights" / "airports.dat")
    assert ("Goroka Airport", "column 4", "Papua New Guinea") in facts_of(graph)
    found = attributes(graph, "1")
    assert found["column 9"] == [5282]
    assert found["column 5"] == ["GKA"]


def test_flights_without_labels_are_joined_rightly_or_not_at_all(data):
    lines = []
    graph = read_graph(data / "demo_openflights", on_mapping=lines.append)
    counts = Counter(graph.node_types[t] for t in graph.node_type_ids.tolist())
    assert counts == {
        "route": 67663, "airport": 7698, "airline": 6162, "country": 259, "plane": 246,
    }  # fmt: skip
    assert graph.aliases(graph.find_key("airports/507")) == ("LHR", "EGLL")
    ends = {
        (r, graph.node_types[graph.node_type_ids[h]], graph.node_types[graph.node_type_ids[t]])
        for h, r, t in zip(graph.heads, graph.relation_ids, graph.tails, strict=True)
    }
    assert {(graph.relations[r], *types) for r, *types in ends} == {
        ("airline column 2", "route", "airline"),
        ("airport column 4", "route", "airport"),
        ("airport column 6", "route", "airport"),
    }
    assert "1 left out, the code of 2" in "\n".join(lines)
    assert "9 not joined (91% of its values are in airlines" in "\n".join(lines)
