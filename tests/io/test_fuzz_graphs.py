"""Whatever happens to a file, reading it gives a graph or one line that says what is wrong."""

import json
import sqlite3
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.errors import GraphLLMError
from graphllm.graph import GraphBuilder
from graphllm.io.objects import to_networkx
from graphllm.io.read import read_graph
from graphllm.io.writers import write_graph

TURTLE = """@prefix e: <http://e/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
e:ada rdfs:label "Ada"@en ; a e:Person ; e:born 1815 ; e:wrote [ e:to e:bab ; e:on "1833-06-05" ] .
"""


@pytest.fixture(scope="module")
def samples(tmp_path_factory) -> Path:
    """A folder with a small sound file of each format."""
    folder = tmp_path_factory.mktemp("samples")
    builder = GraphBuilder()
    builder.node("a", name="Ada <&>", type="Person", attributes={"born": 1815, "tall": 1.6})
    builder.edge("a", "wrote to", "b", weight=0.5, attributes={"sure": True})
    builder.edge("b", "built", "c")
    graph = builder.build()
    for name in ("g.jsonl", "g.graphml"):
        write_graph(graph, folder / name)
    drawn = to_networkx(graph)
    nx.write_gexf(drawn, folder / "g.gexf")
    nx.write_gml(drawn, folder / "g.gml")
    (folder / "g.json").write_text(json.dumps(nx.node_link_data(drawn, edges="links")))
    (folder / "g.ttl").write_text(TURTLE)
    connection = sqlite3.connect(folder / "g.sqlite")
    connection.executescript(
        "PRAGMA page_size = 512; CREATE TABLE p (id INTEGER PRIMARY KEY, name, boss REFERENCES p);"
        "INSERT INTO p VALUES (1, 'Ada', 2), (2, 'Bab', NULL);"
    )
    connection.close()
    return folder


damages = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), st.binary(max_size=6)), min_size=1, max_size=4
)


@pytest.mark.parametrize("suffix", ["jsonl", "json", "graphml", "gexf", "gml", "ttl", "sqlite"])
@given(damages=damages)
@settings(deadline=None, max_examples=25)
def test_damage_gives_a_graph_or_one_line(samples, suffix, damages):
    content = (samples / f"g.{suffix}").read_bytes()
    for place, length, inserted in damages:
        at = int(place * len(content))
        content = content[:at] + inserted + content[at + length :]
    path = samples / f"damaged.{suffix}"
    path.write_bytes(content)
    try:
        assert read_graph(path).num_edges > 0
    except GraphLLMError as error:
        said = str(error)
        assert "\n" not in said.replace(path.name, ""), said
