import json

import pytest

RECORDS = [
    {"type": "node", "id": "0", "labels": ["Person", "Actor"],
     "properties": {"name": "Keanu Reeves", "born": 1964, "tags": ["a", "b"], "day": "1964-09-02"}},
    {"type": "node", "id": "1", "labels": ["Movie"],
     "properties": {"title": "The Matrix", "released": 1999, "place": {"x": 1}}},
    {"id": "7", "type": "relationship", "label": "ACTED_IN", "properties": {"roles": "Neo"},
     "start": {"id": "0", "labels": ["Person"]}, "end": {"id": "1", "labels": ["Movie"]}},
    {"id": "8", "type": "relationship", "label": "SEEN_BY", "start": {"id": "1"},
     "end": {"id": "9", "labels": ["Person"], "properties": {"name": "Ada"}}},
]  # fmt: skip


@pytest.mark.parametrize("form", ["lines", "array"])
@pytest.mark.parametrize("name", ["movies.json", "movies.jsonl", "movies"])
def test_an_export(read, facts, attributes, edge_attributes, form, name):
    lines = "\n".join(json.dumps(record) for record in RECORDS)
    graph = read(name, lines if form == "lines" else json.dumps(RECORDS))
    assert facts(graph) == [
        ("Keanu Reeves", "ACTED_IN", "The Matrix"),
        ("The Matrix", "SEEN_BY", "Ada"),
    ]
    assert attributes(graph, "0") == {
        "name": ["Keanu Reeves"], "born": [1964], "tags": ["a", "b"], "day": ["1964-09-02"],
        "label": ["Actor"],
    }  # fmt: skip
    assert attributes(graph, "1")["place"] == ['{"x": 1}']
    assert edge_attributes(graph, 0) == {"roles": ["Neo"]}
    assert [graph.node_types[t] for t in graph.node_type_ids] == ["Person", "Movie", "Person"]
