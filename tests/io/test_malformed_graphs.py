"""What is wrong with a file is said in one line that names the file and the place."""

import gzip
import sqlite3

import pytest

from graphllm.errors import GraphLLMError
from graphllm.io.read import read_graph

XML = '<?xml version="1.0"?>\n'
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NODES = '<node id="a"/>\n<node id="b"/>\n'
LAUGHS = (
    "<!DOCTYPE x [\n"
    + '<!ENTITY l0 "ha">\n'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">\n' for n in range(1, 10))
    + "]>\n"
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd">]>\n'
HEADER = (
    '{"graphllm": 1, "nodes": 2, "edges": 1, "node_types": [], "relations": ["r"],'
    ' "node_columns": {"born": "integer"}, "edge_columns": {}, "weighted": false}\n'
)
LOSSLESS = HEADER + '{"key": "a"}\n{"key": "b"}\n'


def graphml(body: str, keys: str = "") -> str:
    return f"{XML}<graphml>{keys}<graph>\n{body}</graph></graphml>"


def gexf(body: str) -> str:
    return f'{XML}<gexf><graph><attributes class="node">{AGE}</attributes>\n{body}</graph></gexf>'


AGE = '<attribute id="0" title="age" type="integer"/>'
INT_KEY = '<key id="k" for="node" attr.name="age" attr.type="int"/>'

# name of the file, its content, what the message says
CASES: list[tuple[str, str | bytes, str]] = [
    # JSON
    ("trailing.json", '{"nodes": [],\n "links": [],}',
     r"line 2, column|line 2: column \d+: not JSON"),
    ("cut.json", '{"nodes": [{"id": "a"}', r"line 1: column \d+: not JSON"),
    ("single.json", "{'nodes': []}", r"column 2: not JSON: Expecting property name"),
    ("scalar.json", "[1, 2]", "item 0: expected an edge, got 1"),
    ("shape.json", '{"people": []}', "got an object with the keys people"),
    ("nothing.json", '{"nodes": [{"id": 1}], "links": []}', "no edge"),
    ("end.json", '{"nodes": [{"id": "a"}], "links": [{"source": "a"}]}',
     "links 0: expected source"),
    ("null.json", '{"nodes": [{"id": "a"}], "links": [{"source": "a", "target": null}]}',
     "links 0: an end is null"),
    ("dangling.json", '{"nodes": [{"id": "a"}], "links": [{"source": "a", "target": "zz"}]}',
     "links 0: an edge names the node 'zz', which is not listed"),
    ("twice.json", '{"nodes": [{"id": "a"}, {"id": "a"}], "links": [["a", "r", "a"]]}',
     "nodes 1: the id 'a' was already given at nodes 0"),
    ("four.json", '[["a", "b", "c", "d"]]', r"item 0: expected \[head, relation, tail\]"),
    ("nodes.json", '{"nodes": 3, "links": []}', "nodes: expected a list, got 3"),
    ("elements.json", '{"elements": 3}', "elements: expected a list"),
    ("deep.json", "[" * 100_000, "nested too deeply"),
    ("digits.json", '[["a", "r", ' + "9" * 5000 + "]]", "not readable JSON"),
    ("lines.jsonl", '{"head": "a", "tail": "b"}\n{"head": "a", "tail": }\n', "line 2: column 23"),
    ("lines.jsonl", '{"head": "a", "tail": "b"}\n{"head": "a"}\n', "line 2: expected source"),
    ("lines.jsonl", '{"head": "a", "tail": "b"}\n7\n', "line 2: expected an edge, got 7"),
    # JSON lines that this project wrote
    ("own.jsonl", LOSSLESS, "2 nodes and 0 edges, its first line announces 2 and 1"),
    ("own.jsonl", HEADER.replace("1,", "9,", 1) + "{}\n", "line 1: format version 9, expected 1"),
    ("own.jsonl", LOSSLESS + '{"head": "a", "relation": "r", "tail": "c"}\n', "line 4: no 'c'"),
    ("own.jsonl", LOSSLESS + '{"head": "a", "relation": "q", "tail": "b"}\n', "line 4: no 'q'"),
    ("own.jsonl", HEADER + '{"key": "a", "attributes": {"born": "x"}}\n',
     "line 2: \"x\" is not integer"),
    ("own.jsonl", HEADER + '{"key": "a"}\n{"key": "a"}\n', "line 3: the key 'a' occurs a second"),
    ("own.jsonl", HEADER + "[]\n", "line 2: expected an object"),
    ("own.jsonl", '{"graphllm": 1}\n{"key": "a"}\n', "line 1: a header without"),
    # GraphML
    ("cut.graphml", graphml(NODES)[:-20], r"line 4: column \d+: not well-formed XML"),
    ("tags.graphml", graphml("<node id='a'></edge>"), "line 3: column .*mismatched tag"),
    ("other.graphml", XML + "<html/>", "no <graphml> element"),
    ("laughs.graphml", XML + LAUGHS + "<graphml>&l9;</graphml>",
     "line 3: declares the entity 'l0'"),
    ("outside.graphml", XML + OUTSIDE + "<graphml>&file;</graphml>", "line 2: declares the entity"),
    ("undefined.graphml", graphml("&nbsp;"), "undefined entity"),
    ("id.graphml", graphml("<node/>"), "line 3: <node> without its 'id'"),
    ("target.graphml", graphml(NODES + '<edge source="a"/>'),
     "line 5: <edge> without its 'target'"),
    ("dangling.graphml", graphml(NODES + '<edge source="a" target="q"/>'), "line 5: .* node 'q'"),
    ("twice.graphml", graphml(NODES + '<node id="a"/>'), "line 5: the id 'a' .* at line 3"),
    ("key.graphml", graphml('<node id="a"><data key="z">1</data></node>'), "line 3: .* key 'z'"),
    ("int.graphml", graphml('<node id="a"><data key="k">old</data></node>', INT_KEY),
     "line 3: 'old' is not int"),
    ("hyper.graphml", graphml(NODES + "<hyperedge/>"), "line 5: a <hyperedge>"),
    ("edgeless.graphml", graphml(NODES), "no edge"),
    ("utf8.graphml", graphml(NODES).encode() + b"\xff\xff", "not well-formed"),
    # GEXF
    ("cut.gexf", gexf("<nodes>")[:-30], "not well-formed XML"),
    ("laughs.gexf", XML + LAUGHS + "<gexf>&l9;</gexf>", "line 3: declares the entity"),
    ("age.gexf", gexf('<nodes><node id="a"><attvalue for="0" value="x"/></node></nodes>'),
     "line 3: 'x' is not integer"),
    ("undeclared.gexf", gexf('<nodes><node id="a"><attvalue for="7" value="x"/></node></nodes>'),
     "line 3: <attvalue> of the attribute '7'"),
    ("dangling.gexf", gexf('<edges><edge source="a" target="b"/></edges>'), "line 3: .* node 'a'"),
    # GML
    ("cut.gml", 'graph [\n node [ id 1 ]\n edge [ source 1', "not closed"),
    ("value.gml", "graph [\n node [ id\n ] ]", "line 2: 'id' has no value"),
    ("source.gml", "graph [\n node [ id 1 ]\n edge [ target 1 ] ]",
     "line 3: edge without its 'source'"),
    ("dangling.gml", "graph [\n node [ id 1 ]\n edge [ source 1 target 2 ] ]",
     "line 3: .* node '2'"),
    ("sign.gml", "graph [\n node { id 1 } ]", "line 2: expected a number, .* got '{ id 1"),
    ("text.gml", 'graph [ node [ id 1 label "open ] ]', "line 1: expected a number"),
    ("empty.gml", "Version 1\ngraph 3\n", "0 graphs"),
    ("deep.gml", "graph [ " + "a [ " * 5000, "nested deeper than 100"),
    # RDF
    ("dot.ttl", "@prefix e: <http://e/> .\ne:a e:b e:c\ne:d e:f e:g .", "line 3: column 1: "),
    ("prefix.ttl", "@prefix e: <http://e/> .\n\nq:a e:b e:c .", "line 3: column .*q"),
    ("open.ttl", '@prefix e: <http://e/> .\ne:a e:b "open .', "line 2: column"),
    ("short.nt", "<http://e/a> <http://e/b> <http://e/c> .\n<http://e/a> <http://e/b> .\n",
     "line 2: column 2[0-9]: "),
    ("labels.ttl", '@prefix e: <http://e/> .\ne:a e:age 3 .', "no edge"),
    ("cut.rdf", f'{XML}<rdf:RDF xmlns:rdf="{RDF}"><rdf:Description>', "line 2: .*no element found"),
    ("laughs.rdf", f'{XML}{LAUGHS}<rdf:RDF xmlns:rdf="{RDF}">&l9;</rdf:RDF>',
     "declares the entity 'l1'"),
    ("outside.rdf", f'{XML}{OUTSIDE}<rdf:RDF xmlns:rdf="{RDF}">&file;</rdf:RDF>',
     "declares the entity"),
    # SQLite
    ("text.sqlite", "id,name\n1,a\n", "not a readable SQLite database: file is not a database"),
    ("cut.sqlite", b"SQLite format 3\0" + b"\0" * 50, "not a readable SQLite database"),
    ("pages.sqlite", b"SQLite format 3\0" + b"\x10\0\1\1\0\x40\x20\x20" + b"\7" * 9000,
     "not a readable SQLite database"),
    # compressed
    ("cut.graphml.gz", gzip.compress(graphml(NODES).encode())[:-15], "gzip data is damaged"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "message"), CASES, ids=[f"{i}-{c[0]}" for i, c in enumerate(CASES)]
)
def test_one_line_says_what_is_wrong_and_where(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(GraphLLMError, match=message) as caught:
        read_graph(path)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 300
    assert name in said
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "content", "message"), CASES, ids=[f"{i}-{c[0]}" for i, c in enumerate(CASES)]
)
def test_malformed_on_the_command_line(tmp_path, refused, name, content, message):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    refused(path)


def test_a_database_without_tables(tmp_path):
    path = tmp_path / "empty.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a)")
    connection.execute("DROP TABLE t")
    connection.commit()
    connection.close()
    with pytest.raises(GraphLLMError, match=r"empty\.sqlite: holds no table"):
        read_graph(path)


def test_a_locked_database(tmp_path):
    path = tmp_path / "busy.sqlite"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("CREATE TABLE t (a)")
    connection.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(GraphLLMError, match=r"busy\.sqlite: .*locked; close the program"):
            read_graph(path)
    finally:
        connection.close()


def test_a_database_cut_in_the_middle(tmp_path):
    path = tmp_path / "whole.sqlite"
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, boss_id REFERENCES person)"
    )
    connection.executemany(
        "INSERT INTO person VALUES (?, ?, 1)", [(i, "x" * 500) for i in range(200)]
    )
    connection.commit()
    connection.close()
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(GraphLLMError, match="not a readable SQLite database: database disk image"):
        read_graph(path)
