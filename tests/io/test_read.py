"""Which file is read as what."""

import pytest

from graphllm.io import READERS, read_graph, sniff
from graphllm.io.read import SUFFIXES, TABLE_FORMATS
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
