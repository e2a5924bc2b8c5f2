"""Which file is read as what."""

import pytest

from graphllm.errors import ConfigError, DataError
from graphllm.io import READERS, read_graph, sniff
from graphllm.io.read import ALIASES, SUFFIXES, TABLE_FORMATS, format_named
from graphllm.io.source import Source
from graphllm.registry import load


@pytest.mark.parametrize("name", READERS)
def test_every_reader_loads(name):
    assert callable(load("format", READERS, name))


def test_every_suffix_has_a_reader():
    assert set(SUFFIXES.values()) | set(TABLE_FORMATS) <= READERS.keys()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"a\tb\n", "csv"),
        (b"SQLite format 3\0rest", "sqlite"),
        (b"PAR1....", "parquet"),
        (b'<?xml version="1.0"?>\n<graphml xmlns="x">', "graphml"),
        (b'<?xml version="1.0"?><gexf version="1.3">', "gexf"),
        (b'<rdf:RDF xmlns:rdf="x">', "rdf"),
        (b"<http://a> <http://b> <http://c> .\n", "rdf"),
        (b'_:a <http://b> "c"@en .\n', "rdf"),
        (b"# made today\n@prefix ex: <http://e/> .\n", "rdf"),
        (b'{"nodes": [], "links": []}', "json"),
        (b'[{"head": "a"}]', "json"),
        (b'{"head": "a"}\n{"head": "b"}\n', "json_lines"),
        (b'{"type":"node","id":"0"}\n', "apoc"),
        (b"graph [\n  node [ id 1 ]\n]", "gml"),
        (b"<b>|is|a tag\n", "csv"),
    ],
)
def test_content_tells_the_format(tmp_path, content, name):
    path = tmp_path / "unknown"
    path.write_bytes(content)
    assert sniff(Source(path=path)) == name


def test_the_nodes_beside_the_edges_are_read(tmp_path):
    (tmp_path / "my_edges.tsv").write_text("from\tto\n1\t2\n")
    (tmp_path / "my_nodes.tsv").write_text("id\tname\n1\tAda\n2\tBob\n")
    assert list(read_graph(tmp_path / "my_edges.tsv").names) == ["Ada", "Bob"]


@pytest.mark.parametrize("name", ALIASES)
def test_every_other_name_of_a_format_means_one(name):
    assert format_named(name.upper()) in READERS


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("a", "<http://e/a> <http://e/r> <http://e/b> .\n", "nt"),
        ("b", "@prefix e: <http://e/> . e:a e:r e:b .\n", "turtle"),
        ("c", '["a", "r", "b"]\n["b", "r", "a"]\n', "jsonl"),
        ("d", "a\tr\tb\n", "tsv"),
        ("e", "a b\n", "txt"),
    ],
)
def test_a_file_is_read_as_it_is_called(tmp_path, name, content, format):
    (tmp_path / name).write_text(content)
    assert read_graph(tmp_path / name, format=format).num_nodes == 2


@pytest.mark.parametrize(("name", "near"), [("turtel", "turtle"), ("grafml", "graphml")])
def test_an_unknown_format_names_the_nearest(tmp_path, name, near):
    (tmp_path / "a.csv").write_text("a,r,b\n")
    with pytest.raises(ConfigError, match=f"unknown format '{name}'.*did you mean '{near}'"):
        read_graph(tmp_path / "a.csv", format=name)


def test_what_a_folder_holds_beside_its_tables_is_told(tmp_path):
    (tmp_path / "a.csv").write_text("from,to\n1,2\n")
    for name in ("b.ttl", "c.graphml", "d.json", "README.md", ".hidden.csv"):
        (tmp_path / name).write_text("x")
    lines = []
    assert read_graph(tmp_path, on_mapping=lines.append).num_edges == 1
    assert lines[0] == (
        "b.ttl, c.graphml, d.json: left out, only tables (csv, excel, parquet) are read together;"
        " name a file to read it alone"
    )
    assert not any("left out" in line for line in told_of(tmp_path / "a.csv"))


def told_of(path):
    lines = []
    read_graph(path, on_mapping=lines.append)
    return lines


def test_a_folder_of_one_json_graph_is_read(tmp_path):
    (tmp_path / "g.json").write_text('[["a", "r", "b"]]')
    (tmp_path / "notes.txt").write_text("about g\n")
    assert read_graph(tmp_path).num_edges == 1
    assert told_of(tmp_path)[0].startswith("notes.txt: left out")
    (tmp_path / "h.gml").write_text("graph [ ]")
    with pytest.raises(DataError, match=r"several graphs \(g.json, h.gml\)"):
        read_graph(tmp_path)
