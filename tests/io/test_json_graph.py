"""JSON documents and JSON lines in; the right graph out."""

import json

import networkx as nx
import pytest

from graphllm.errors import DataError
from graphllm.graph import Kind
from graphllm.io import read_graph

FILMS = {
    "directed": True,
    "multigraph": True,
    "graph": {},
    "nodes": [
        {"id": "nolan", "name": "Christopher Nolan", "type": "Person", "born": "1970-07-30"},
        {
            "id": 1375666,
            "title": "Inception",
            "type": "Film",
            "year": 2010,
            "genres": ["heist", "dream"],
            "box_office": {"usd": 839_030_630, "rank": None},
            "synonyms": ["Origen"],
            "description": "A thief enters dreams.",
        },
    ],
    "links": [
        {"source": "nolan", "target": 1375666, "key": 0, "relation": "directed", "weight": 2},
        {"source": "nolan", "target": 1375666, "key": 1, "type": "wrote", "credit": "screenplay"},
    ],
}


def test_node_link_gives_names_types_texts_and_typed_attributes(
    read, facts, attributes, edge_attributes
):
    graph = read("films.json", json.dumps(FILMS))
    assert facts(graph) == [
        ("Christopher Nolan", "directed", "Inception"),
        ("Christopher Nolan", "wrote", "Inception"),
    ]
    assert [graph.node_types[t] for t in graph.node_type_ids] == ["Person", "Film"]
    assert attributes(graph, "nolan") == {"born": ["1970-07-30"]}
    assert graph.node_columns["born"].kind is Kind.DATE
    assert attributes(graph, "1375666") == {
        "year": [2010],
        "genres": ["heist", "dream"],
        "box_office.usd": [839_030_630],
    }
    assert graph.aliases(1) == ("Origen",)
    assert graph.texts[1] == "A thief enters dreams."
    assert graph.weights is not None
    assert graph.weights.tolist() == [2.0, 1.0]
    assert edge_attributes(graph, 1) == {"credit": ["screenplay"]}


@pytest.mark.parametrize("edges", ["links", "edges", "relationships"])
def test_edges_may_be_called_by_any_usual_name(read, facts, edges):
    document = {"nodes": [{"id": "a"}, {"id": "b"}], edges: [{"from": "a", "to": "b"}]}
    assert facts(read("g.json", json.dumps(document))) == [("a", "linked to", "b")]


def test_d3_links_by_position(read, facts):
    document = {
        "nodes": [{"name": "Myriel", "group": 1}, {"name": "Napoleon", "group": 1}],
        "links": [{"source": 1, "target": 0, "value": 1}],
    }
    graph = read("miserables.json", json.dumps(document))
    assert facts(graph) == [("Napoleon", "linked to", "Myriel")]
    assert graph.node_types == ()  # a number is a community, not a type
    assert graph.node_columns["group"].of(0) == [1]


def test_cytoscape_elements_grouped_and_flat(read, facts):
    nodes = [{"data": {"id": "a", "label": "Ada"}}, {"data": {"id": "b", "label": "Babbage"}}]
    edges = [{"data": {"id": "e1", "source": "a", "target": "b", "label": "wrote to"}}]
    grouped = read("g.json", json.dumps({"elements": {"nodes": nodes, "edges": edges}}))
    flat = read("g.json", json.dumps({"elements": nodes + edges}))
    bare = read("g.json", json.dumps(nodes + edges))
    assert facts(grouped) == facts(flat) == facts(bare) == [("Ada", "wrote to", "Babbage")]


def test_json_graph_format(read, facts, attributes):
    document = {
        "graph": {
            "nodes": {
                "a": {"label": "Ada", "metadata": {"born": 1815}},
                "b": {"label": "Babbage", "metadata": {"born": 1791}},
            },
            "edges": [{"source": "a", "target": "b", "relation": "wrote to"}],
        }
    }
    graph = read("g.json", json.dumps(document))
    assert facts(graph) == [("Ada", "wrote to", "Babbage")]
    assert attributes(graph, "b") == {"born": [1791]}


def test_lists_of_triples_and_of_objects_say_the_same(read, facts):
    triples = [["Ada", "wrote to", "Babbage"], ["Babbage", "built", "Engine"]]
    objects = [dict(zip(("head", "relation", "tail"), t, strict=True)) for t in triples]
    subjects = [dict(zip(("subject", "predicate", "object"), t, strict=True)) for t in triples]
    expected = [tuple(triple) for triple in triples]
    for document in (triples, objects, subjects, {"triples": triples}):
        assert facts(read("g.json", json.dumps(document))) == expected
    for name in ("g.jsonl", "g.json", "g.ndjson"):
        for records in (triples, objects, subjects):
            text = "\n".join(map(json.dumps, records))
            assert facts(read(name, text)) == expected


def test_json_lines_mix_nodes_and_edges_in_any_order(read, facts, attributes):
    lines = [
        {"source": "a", "target": "b", "label": "wrote to", "year": 1833},
        {"id": "b", "name": "Babbage", "born": 1791},
        {"id": "a", "name": "Ada", "born": 1815},
    ]
    graph = read("g.jsonl", "\n\n".join(map(json.dumps, lines)) + "\n")
    assert facts(graph) == [("Ada", "wrote to", "Babbage")]
    assert list(graph.keys) == ["a", "b"]
    assert attributes(graph, "a") == {"born": [1815]}


def test_a_label_is_a_type_only_beside_a_name_and_when_it_repeats(read):
    people = [{"id": i, "name": f"P{i}", "label": "Person"} for i in range(4)]
    links = [{"source": 0, "target": 1}]
    assert read("g.json", json.dumps({"nodes": people, "links": links})).node_types == ("Person",)
    named = [{"id": i, "label": f"P{i}"} for i in range(4)]
    graph = read("g.json", json.dumps({"nodes": named, "links": links}))
    assert graph.node_types == ()
    assert list(graph.names) == ["P0", "P1", "P2", "P3"]


def test_integers_longer_than_64_bits_are_kept(read, attributes):
    document = [{"id": "a", "big": 2**70, "exact": 2**62 + 1}, ["a", "r", "b"]]
    graph = read("g.json", json.dumps(document))
    assert attributes(graph, "a") == {"big": [str(2**70)], "exact": [2**62 + 1]}


def test_names_may_hold_any_character(read, facts):
    name = 'line\u2028separator, tab\t, quote" and 😀'
    assert facts(read("g.jsonl", json.dumps([name, "r", "b"], ensure_ascii=False))) == [
        (name, "r", "b")
    ]


def test_networkx_node_link_agrees_with_networkx(read):
    original = nx.gnp_random_graph(30, 0.2, seed=5, directed=True)
    graph = read("g.json", json.dumps(nx.node_link_data(original, edges="links")))
    pairs = zip(graph.heads.tolist(), graph.tails.tolist(), strict=True)
    assert [(int(graph.keys[h]), int(graph.keys[t])) for h, t in pairs] == list(original.edges)


FILM_ROWS = [
    {"title": "Alien", "director": "Ridley Scott", "year": 1979, "genre": ["Horror", "Sci-Fi"]},
    {"title": "Gladiator", "director": "Ridley Scott", "year": 2000, "genre": ["Drama"]},
    {"title": "Heat", "director": "Michael Mann", "year": 1995, "genre": ["Drama", "Crime"]},
]


@pytest.mark.parametrize("name", ["films.jsonl", "films.json", "films.ndjson"])
def test_plain_records_are_rows_of_a_table(tmp_path, facts, attributes, name):
    lines = "\n".join(map(json.dumps, FILM_ROWS))
    (tmp_path / name).write_text(json.dumps(FILM_ROWS) if name.endswith(".json") else lines)
    said = []
    graph = read_graph(tmp_path / name, on_mapping=said.append)
    found = facts(graph)
    assert ("Alien", "director", "Ridley Scott") in found
    assert ("Heat", "genre", "Crime") in found
    assert attributes(graph, "Heat") == {"year": [1995]}
    assert said == [
        f"{name}: a row per thing: name=title, relations=director;genre, attributes=year"
    ]


def test_the_same_rows_as_csv_make_the_same_graph(tmp_path, facts):
    rows = [f"{f['title']},{f['director']},{f['year']},{';'.join(f['genre'])}" for f in FILM_ROWS]
    (tmp_path / "films.csv").write_text("title,director,year,genre\n" + "\n".join(rows))
    (tmp_path / "films.jsonl").write_text("\n".join(map(json.dumps, FILM_ROWS)))
    as_csv, as_lines = (read_graph(tmp_path / f"films.{suffix}") for suffix in ("csv", "jsonl"))
    assert facts(as_csv) == facts(as_lines)
    assert list(as_csv.node_types) == list(as_lines.node_types)


def test_rows_may_lack_fields_hold_objects_and_be_mapped(tmp_path, facts, attributes):
    rows = [
        {"who": "Ada", "born": {"in": "London", "year": 1815}},
        {"who": "Bob", "knows": [{"name": "Ada"}], "born": {"in": "London"}},
        {"who": "Cy", "knows": ["Ada", "Bob"]},
    ]
    (tmp_path / "people.jsonl").write_text("\n".join(map(json.dumps, rows)))
    graph = read_graph(tmp_path / "people.jsonl", mapping="name=who,relations=knows;born in")
    assert facts(graph) == [
        ("Ada", "born in", "London"),
        ("Bob", "born in", "London"),
        ("Bob", "knows", "Ada"),
        ("Cy", "knows", "Ada"),
        ("Cy", "knows", "Bob"),
    ]
    assert attributes(graph, "Ada") == {"born year": [1815]}


def test_an_edge_without_its_end_is_no_row(read):
    with pytest.raises(DataError, match=r"line 1: expected source and target"):
        read("g.jsonl", '{"source": "a", "relation": "r"}\n{"source": "b", "relation": "r"}\n')
