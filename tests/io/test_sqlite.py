"""Databases in; rows as nodes, foreign keys and join tables as edges out."""

import gzip
import sqlite3

import pytest

from graphllm.graph import Kind
from graphllm.io.read import read_graph

SHOP = """
CREATE TABLE Countries (code TEXT PRIMARY KEY, country_name TEXT);
CREATE TABLE people (
    id INTEGER PRIMARY KEY, first_name TEXT, last_name TEXT, title TEXT, born DATE,
    home TEXT REFERENCES Countries(code), boss_id INTEGER REFERENCES people(id),
    active BOOLEAN, photo BLOB, notes TEXT
);
CREATE TABLE film (film_id INTEGER PRIMARY KEY, title VARCHAR, length REAL);
CREATE TABLE acted_in (
    person_id INTEGER REFERENCES people, film_id INTEGER, role TEXT,
    PRIMARY KEY (person_id, film_id)
);
CREATE TABLE matches (
    home_team TEXT REFERENCES Countries, away_team TEXT REFERENCES Countries, day TEXT,
    match_no INTEGER PRIMARY KEY
);
CREATE TABLE "odd ""name" (a, b);
CREATE VIRTUAL TABLE search USING fts5(words);
CREATE VIEW everyone AS SELECT * FROM people;
INSERT INTO Countries VALUES ('fr', 'France'), ('pl', 'Poland');
INSERT INTO people VALUES
    (1, 'Marie', 'Curie', 'Dr', '1867-11-07', 'fr', NULL, 1, x'00ff', 'Chemist'),
    (2, 'Irène', 'Joliot-Curie', NULL, '1897-09-12', 'fr', 1, 0, NULL, NULL),
    (3, 'Frédéric', 'Joliot', NULL, '1900-03-19', 'xx', 1, NULL, NULL, NULL);
INSERT INTO film VALUES (10, 'Les Palmes', 97.5);
INSERT INTO acted_in VALUES (1, 10, 'herself'), (2, 10, NULL), (9, 10, 'nobody');
INSERT INTO matches VALUES ('fr', 'pl', '1921-12-18', 7);
INSERT INTO "odd ""name" VALUES (1, 'x');
"""


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(SHOP)
    connection.close()
    return path


def test_rows_references_and_join_tables(shop, facts, edge_attributes):
    graph = read_graph(shop)
    assert facts(graph) == [
        ("Marie Curie", "home", "France"),
        ("Irène Joliot-Curie", "home", "France"),
        ("Irène Joliot-Curie", "boss", "Marie Curie"),
        ("Frédéric Joliot", "boss", "Marie Curie"),
        ("match 7", "home_team", "France"),
        ("match 7", "away_team", "Poland"),
        ("Marie Curie", "acted_in", "Les Palmes"),
        ("Irène Joliot-Curie", "acted_in", "Les Palmes"),
    ]
    assert edge_attributes(graph, 6) == {"role": ["herself"]}
    assert list(graph.keys)[:4] == ["Countries:fr", "Countries:pl", "people:1", "people:2"]
    assert graph.node_types == ("Countries", "people", "film", "matches", 'odd "name')


def test_columns_become_attributes_of_their_type(shop, attributes):
    graph = read_graph(shop)
    assert attributes(graph, "people:1") == {
        "first_name": ["Marie"],
        "last_name": ["Curie"],
        "title": ["Dr"],
        "born": ["1867-11-07"],
        "active": [True],
    }
    assert attributes(graph, "people:3")["home"] == ["xx"]  # a reference to no row
    assert attributes(graph, "film:10") == {"length": [97.5]}
    assert attributes(graph, 'odd "name:1') == {"a": [1], "b": ["x"]}
    assert graph.node_columns["born"].kind is Kind.DATE
    assert graph.texts[2] == "Chemist"
    assert graph.aliases(0) == ("fr",)


def test_the_understanding_is_reported(shop):
    lines: list[str] = []
    read_graph(shop, on_mapping=lines.append)
    assert "shop.db: people: nodes, name=first_name + last_name, edges home -> Countries," in (
        "\n".join(lines)
    )
    assert "shop.db: acted_in: edges people -acted_in-> film" in lines


def test_reading_leaves_the_database_as_it_was(shop):
    before = (shop.read_bytes(), sorted(p.name for p in shop.parent.iterdir()))
    read_graph(shop)
    assert (shop.read_bytes(), sorted(p.name for p in shop.parent.iterdir())) == before


def test_a_compressed_database_is_the_same_graph(shop, tmp_path):
    packed = tmp_path / "packed.sqlite.gz"
    packed.write_bytes(gzip.compress(shop.read_bytes()))
    assert read_graph(packed, format="sqlite").content_hash == read_graph(shop).content_hash


@pytest.mark.data
def test_chinook(data_dir, facts, attributes):
    graph = read_graph(data_dir / "demo_chinook" / "Chinook_Sqlite.sqlite")
    said = facts(graph)
    assert ("For Those About To Rock We Salute You", "Artist", "AC/DC") in said
    assert ("Nancy Edwards", "ReportsTo", "Andrew Adams") in said
    assert sum(relation == "Track" for _, relation, _ in said) == 8715 + 2240
    assert graph.num_nodes == 275 + 347 + 59 + 8 + 25 + 412 + 2240 + 5 + 18 + 3503
    assert attributes(graph, "Invoice:1") == {
        "InvoiceDate": ["2021-01-01"],
        "BillingAddress": ["Theodor-Heuss-Straße 34"],
        "BillingCity": ["Stuttgart"],
        "BillingCountry": ["Germany"],
        "BillingPostalCode": ["70174"],
        "Total": [1.98],
    }


@pytest.mark.data
def test_northwind(data_dir, facts, attributes, edge_attributes):
    graph = read_graph(data_dir / "demo_northwind" / "northwind.sqlite")
    said = facts(graph)
    assert ("Chai", "Category", "Beverages") in said
    assert ("Nancy Davolio", "ReportsTo", "Andrew Fuller") in said
    first = next(i for i, (_, relation, _) in enumerate(said) if relation == "Order Details")
    assert said[first][0] == "Order 10248"
    assert edge_attributes(graph, first) == {
        "UnitPrice": [14.0],
        "Quantity": [12],
        "Discount": [0.0],
    }
    assert sum(relation == "Order Details" for _, relation, _ in said) == 2155
    assert attributes(graph, "Customers:ALFKI")["City"] == ["Berlin"]


def test_rows_are_named_by_what_says_so(tmp_path):
    path = tmp_path / "school.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(
            """
            CREATE TABLE Student (StuID INTEGER PRIMARY KEY, LName TEXT, Fname TEXT);
            CREATE TABLE Course (CID TEXT PRIMARY KEY, CName TEXT, Credits INTEGER);
            CREATE TABLE jobs (JOB_ID TEXT PRIMARY KEY, JOB_TITLE TEXT);
            CREATE TABLE grapes (ID INTEGER PRIMARY KEY, Grape TEXT, Color TEXT);
            CREATE TABLE areas (No INTEGER PRIMARY KEY, area TEXT);
            CREATE TABLE wine (
                Name TEXT, Year INTEGER, grape_id INTEGER REFERENCES grapes,
                area_id INTEGER REFERENCES areas
            );
            INSERT INTO Student VALUES (1, 'Holm', 'Ada');
            INSERT INTO Course VALUES ('600.1', 'Logic', 3);
            INSERT INTO jobs VALUES ('IT', 'Programmer');
            INSERT INTO grapes VALUES (1, 'Syrah', 'Red');
            INSERT INTO areas VALUES (1, 'Napa');
            INSERT INTO wine VALUES ('Old Vine', 2008, 1, 1), ('Old Vine', 2009, 1, 1);
            """
        )
    connection.close()
    graph = read_graph(path)
    assert list(graph.names) == [
        "Ada Holm", "Logic", "Programmer", "Syrah", "Napa", "Old Vine", "Old Vine"
    ]  # fmt: skip
    assert graph.num_edges == 4  # a wine has a name: it is no edge from a grape to an area


def test_a_column_named_after_something_else_names_no_rows(tmp_path):
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(
            """
            CREATE TABLE orders (
                id INTEGER PRIMARY KEY, ship_name TEXT, department INTEGER REFERENCES departments
            );
            CREATE TABLE departments (id INTEGER PRIMARY KEY, dept_name TEXT);
            INSERT INTO orders VALUES (7, 'Hanari', 1), (8, 'Hanari', 1);
            INSERT INTO departments VALUES (1, 'Physics');
            """
        )
    connection.close()
    assert list(read_graph(path).names) == ["order 7", "order 8", "Physics"]
