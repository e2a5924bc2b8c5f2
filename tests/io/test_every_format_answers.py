"""A small real file of every format, a question, and the right answer."""

import gzip
import sqlite3

import pytest

from graphllm import GraphQA
from graphllm.io import READERS, write_graph
from graphllm.io.read import read_graph

TRIPLES = [
    ("Alien", "directed by", "Ridley Scott"),
    ("Gladiator", "directed by", "Ridley Scott"),
    ("Heat", "directed by", "Michael Mann"),
    ("Alien", "starring", "Sigourney Weaver"),
    ("Heat", "starring", "Al Pacino"),
    ("Gladiator", "starring", "Russell Crowe"),
]
QUESTION, ANSWER = "Who directed Alien?", ("Ridley Scott",)

NEO4J_NODES = (
    "id:ID,name,:LABEL\n1,Alien,Film\n2,Ridley Scott,Person\n3,Heat,Film\n4,Michael Mann,Person\n"
)
NEO4J_EDGES = ":START_ID,:END_ID,:TYPE\n1,2,DIRECTED_BY\n3,4,DIRECTED_BY\n"
APOC = """\
{"type":"node","id":"0","labels":["Film"],"properties":{"name":"Alien"}}
{"type":"node","id":"1","labels":["Person"],"properties":{"name":"Ridley Scott"}}
{"type":"relationship","id":"0","label":"DIRECTED_BY","start":{"id":"0"},"end":{"id":"1"}}
"""
GEXF = """\
<gexf xmlns="http://gexf.net/1.3" version="1.3"><graph defaultedgetype="directed"><nodes>
<node id="a" label="Alien"/><node id="r" label="Ridley Scott"/></nodes><edges>
<edge id="0" source="a" target="r" label="directed by"/></edges></graph></gexf>
"""
GML = """\
graph [ directed 1
  node [ id 0 label "Alien" ] node [ id 1 label "Ridley Scott" ]
  edge [ source 0 target 1 label "directed by" ] ]
"""
TURTLE = """\
@prefix : <http://example.org/> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
:alien rdfs:label "Alien"@en ; :directedBy :scott . :scott rdfs:label "Ridley Scott"@en .
"""
NTRIPLES = """\
<http://example.org/alien> <http://www.w3.org/2000/01/rdf-schema#label> "Alien" .
<http://example.org/scott> <http://www.w3.org/2000/01/rdf-schema#label> "Ridley Scott" .
<http://example.org/alien> <http://example.org/directedBy> <http://example.org/scott> .
"""
RDF_XML = """\
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#" xmlns:e="http://example.org/">
<rdf:Description rdf:about="http://example.org/alien"><rdfs:label>Alien</rdfs:label>
<e:directedBy rdf:resource="http://example.org/scott"/></rdf:Description>
<rdf:Description rdf:about="http://example.org/scott"><rdfs:label>Ridley Scott</rdfs:label>
</rdf:Description></rdf:RDF>
"""
NODE_LINK = """\
{"directed": true, "nodes": [{"id": "Alien"}, {"id": "Ridley Scott"}],
 "links": [{"source": "Alien", "target": "Ridley Scott", "relation": "directed by"}]}
"""
RECORDS = "".join(f'{{"head": "{h}", "relation": "{r}", "tail": "{t}"}}\n' for h, r, t in TRIPLES)
WIDE = """\
title,director,year
Alien,Ridley Scott,1979
Gladiator,Ridley Scott,2000
Heat,Michael Mann,1995
"""


def _rows(separator, header=""):
    return header + "".join(separator.join(row) + "\n" for row in TRIPLES)


FILES = {
    "triples.tsv": _rows("\t", "head\trelation\ttail\n"),
    "bare.tsv": _rows("\t"),
    "triples.csv": _rows(",", "subject,predicate,object\n"),
    "kb.txt": _rows("|"),
    "apoc.jsonl": APOC,
    "films.csv": WIDE,
    "graph.json": NODE_LINK,
    "edges.jsonl": RECORDS,
    "graph.gexf": GEXF,
    "graph.gml": GML,
    "graph.ttl": TURTLE,
    "graph.nt": NTRIPLES,
    "graph.rdf": RDF_XML,
}


def _answer(path):
    return GraphQA.from_graph(read_graph(path)).ask(QUESTION).entities


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_asked(name, tmp_path):
    (tmp_path / name).write_text(FILES[name], encoding="utf-8")
    assert _answer(tmp_path / name) == ANSWER


def test_a_gzipped_file_is_asked(tmp_path):
    with gzip.open(tmp_path / "triples.tsv.gz", "wt", encoding="utf-8") as stream:
        stream.write(FILES["triples.tsv"])
    assert _answer(tmp_path / "triples.tsv.gz") == ANSWER


def test_an_edge_list_is_asked(tmp_path):
    (tmp_path / "graph.edges").write_text("# a network\nada babbage\nbabbage herschel\n")
    answer = GraphQA.from_graph(read_graph(tmp_path / "graph.edges")).ask(
        "How is ada connected to herschel?"
    )
    assert answer.entities == ("babbage",)


def test_neo4j_import_files_are_asked(tmp_path):
    (tmp_path / "nodes.csv").write_text(NEO4J_NODES)
    (tmp_path / "edges.csv").write_text(NEO4J_EDGES)
    assert _answer(tmp_path) == ANSWER


def test_node_and_edge_tables_are_asked(tmp_path):
    (tmp_path / "nodes.csv").write_text("id,name\na,Alien\nr,Ridley Scott\n")
    (tmp_path / "edges.csv").write_text("source,relation,target\na,directed by,r\n")
    assert _answer([tmp_path / "nodes.csv", tmp_path / "edges.csv"]) == ANSWER


def test_a_folder_joined_by_keys_is_asked(tmp_path):
    people = "".join(f"{i},Person {i}\n" for i in range(10, 40))
    films = "".join(f"{i},Film {i},{i % 30 + 10}\n" for i in range(2, 60))
    (tmp_path / "directors.csv").write_text(f"directorID,name\n1,Ridley Scott\n{people}")
    (tmp_path / "films.csv").write_text(f"filmID,title,directorID\n1,Alien,1\n{films}")
    assert GraphQA.from_graph(read_graph(tmp_path)).ask(
        "Who is the director of Alien?"
    ).entities == ("Ridley Scott",)


def test_an_excel_sheet_is_asked(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for line in WIDE.splitlines():
        book.active.append(line.split(","))
    book.save(tmp_path / "films.xlsx")
    assert _answer(tmp_path / "films.xlsx") == ANSWER


def test_parquet_is_asked(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    heads, relations, tails = zip(*TRIPLES, strict=True)
    table = pa.table({"head": heads, "relation": relations, "tail": tails})
    pq.write_table(table, tmp_path / "triples.parquet")
    assert _answer(tmp_path / "triples.parquet") == ANSWER


def test_a_database_is_asked(tmp_path):
    with sqlite3.connect(tmp_path / "films.sqlite") as connection:
        connection.executescript(
            "CREATE TABLE Person (PersonId INTEGER PRIMARY KEY, Name TEXT);"
            "CREATE TABLE Film (FilmId INTEGER PRIMARY KEY, Title TEXT,"
            " DirectorId INTEGER REFERENCES Person (PersonId));"
            "INSERT INTO Person VALUES (1, 'Ridley Scott'), (2, 'Michael Mann');"
            "INSERT INTO Film VALUES (1, 'Alien', 1), (2, 'Heat', 2);"
        )
    connection.close()
    assert _answer(tmp_path / "films.sqlite") == ANSWER


def test_graphml_is_asked(tmp_path):
    (tmp_path / "triples.tsv").write_text(FILES["triples.tsv"])
    write_graph(read_graph(tmp_path / "triples.tsv"), tmp_path / "graph.graphml")
    assert _answer(tmp_path / "graph.graphml") == ANSWER


def test_no_format_was_forgotten():
    asked = {
        "csv", "triples", "wide", "edge_list", "apoc", "excel", "parquet", "json", "json_lines",
        "graphml", "gexf", "gml", "rdf", "sqlite",
    }  # fmt: skip
    assert set(READERS) == asked
