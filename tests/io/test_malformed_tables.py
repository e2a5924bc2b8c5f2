"""What is not a graph is refused in one line that names the file, and the line where it can."""

import gzip
import io
import zipfile

import openpyxl
import pytest

from graphllm.errors import GraphLLMError
from graphllm.io import read_graph


def xlsx(rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def zipped():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("edges.csv", "a,b\n")
    return buffer.getvalue()


NODE = '{"type":"node","id":"0","labels":["P"],"properties":{"name":"Ada"}}\n'
EDGE = '{"type":"relationship","id":"1","label":"R","start":{"id":"0"},"end":{"id":"0"}}\n'
TRIPLES = "".join(f"a{i}\tr\tb{i}\n" for i in range(20))
QUOTED = "".join(f'"a{i}","r","b{i}"\n' for i in range(20))

# name, content, options, what the message says
CASES = [
    # nothing in it
    ("empty.csv", "", {}, "empty.csv: is empty"),
    ("empty.tsv", " \n\n\t\n", {}, "empty.tsv: is empty"),
    ("empty.txt.gz", gzip.compress(b""), {}, "empty.txt.gz: is empty"),
    ("bom.csv", b"\xef\xbb\xbf", {}, "bom.csv: is empty"),
    ("bom16.csv", b"\xff\xfe", {}, "bom16.csv: is empty"),
    ("only.csv", "subject,predicate,object\n", {}, "only.csv: holds a header and no rows"),
    ("only.tsv", "from\tto\n\n\n", {}, "only.tsv: holds a header and no rows"),
    ("commas.csv", "from,to\n,\n,\n", {}, "commas.csv: holds a header and no rows"),
    ("comments.txt", "# one\n# two\n", {}, "comments.txt: holds only comments"),
    ("comments.edges", "# one\n#\n", {"format": "edge_list"}, "holds only comments"),
    # no edges in it
    ("born.csv", "name,born\nAda,1815\nBob,1900\n", {}, "born.csv: no edges found (2 nodes)"),
    ("n.csv", "id,name,born\n1,Ada,1815\n2,Bob,1900\n", {}, "n.csv: no edges found"),
    ("n4j.csv", ":ID,name\n1,Ada\n", {}, "n4j.csv: no edges found (1 nodes)"),
    ("nodes.jsonl", NODE, {}, "nodes.jsonl: no edges found (1 nodes)"),
    # rows of another length
    ("short.tsv", TRIPLES + "a\tr\n", {}, "short.tsv, line 21: 2 columns, expected 3"),
    ("long.tsv", TRIPLES + "a\tr\tb\tc\n", {}, "long.tsv, line 21: 4 columns, expected 3"),
    ("long.tsv.gz", gzip.compress((TRIPLES + "a\tb\n").encode()), {}, "long.tsv.gz, line 21: 2"),
    ("short.txt", "a|r|b\nb|r\nc|r|d\n", {}, "short.txt, line 2: 2 columns, expected 3"),
    ("pipe.txt", "a|r|b\nb|r|c\nc|r|d|e\n", {}, "pipe.txt, line 3: 4 columns, expected 3"),
    ("crlf.csv", "h,r,t\r\na,r,b\r\na,b\r\nc,r,d\r\n", {}, "crlf.csv, line 3: 2 columns"),
    ("blank.csv", "a,r,b\n\n\nc,r\nd,r,e\n", {}, "blank.csv, line 4: 2 columns, expected 3"),
    ("header.csv", "from,to,type\na,b\nc,d,r\nd,e,r\n", {}, "expected 3 (from, to, type)"),
    ("comma.csv", QUOTED + "a,r,b,c\n", {}, "comma.csv, line 21: 4 columns, expected 3"),
    ("lines.csv", '"a\n\nx",r,b\nb,r,c\nc,r\n', {}, "lines.csv, line 5: 2 columns, expected 3"),
    ("semi.csv", "a;r;b\nb;r;c\nd;e\n", {}, "cells are separated by semicolon"),
    ("utf16.csv", "a,r,b\nb,r,c\nd,e\n".encode("utf-16"), {}, "utf16.csv, line 3: 2 columns"),
    ("latin.csv", "é,r,b\nb,r,c\nd,e\n".encode("cp1252"), {}, "latin.csv, line 3: 2 columns"),
    ("open.csv", QUOTED + '"a,r,b\n' + QUOTED, {}, "open.csv, line 21: "),
    ("wide.csv", "name,kin,age,x\na,b,1,2\nb,a,2\n", {}, "wide.csv, line 3: 3 columns, expected 4"),
    # no separator
    ("words.csv", "hello\nworld\n", {}, "words.csv, line 1: expected an edge"),
    (
        "prose.txt",
        "Once upon a time there was a\ngraph.\n",
        {},
        "prose.txt, line 1: expected an edge",
    ),
    ("ragged.txt", "a b\nb c d\n", {}, "ragged.txt, line 2: 3 columns, expected 2"),
    ("ragged.edges", "# x\na b 1\nb c\n", {}, "ragged.edges, line 3: 2 columns, expected 3"),
    ("dict.txt", "a b {'w': 1}\na b {'w':\n", {}, "dict.txt, line 2: expected"),
    ("dict.txt", "a b {'w': 1}\nb c {'w': x}\n", {}, "dict.txt, line 2: cannot read the attr"),
    ("dict.txt", "a b {'weight': 'x'}\n", {}, "dict.txt, line 1: expected a number as weight"),
    ("set.txt", "a b {1, 2}\n", {}, "set.txt, line 1: expected attributes as {'name': value}"),
    # weights
    (
        "w.csv",
        "from,to,weight\na,b,1\nb,c,much\n",
        {},
        "w.csv, line 3: expected a number as weight",
    ),
    ("w.tsv", "a\tr\tb\tx\n", {"mapping": "head=1,tail=3,weight=4"}, "w.tsv, line 1: expected a"),
    # mappings
    (
        "m.csv",
        "from,to\na,b\n",
        {"mapping": "head=form"},
        "m.csv: no column 'form'; the columns are",
    ),
    ("m.csv", "from,to\na,b\n", {"mapping": "head=to"}, "leaves the tail open; add tail=COLUMN"),
    ("m.csv", "a,b\nc,d\n", {"mapping": "head=1,tail=7"}, "m.csv: no column '7'"),
    ("m.csv", "name,kin\na,b\n", {"mapping": "relations=kim"}, "did you mean 'kin'"),
    ("m.txt", "a b\n", {"mapping": "head=1,tail=9"}, "m.txt: no column '9'"),
    # ids
    ("i.csv", "id,name,kin\n1,a,b\n1,b,a\n", {}, "i.csv, line 3: the id '1' stands in line 2"),
    ("i.csv", "id,name,kin\n1,a,b\n,b,a\n", {}, "i.csv, line 3: no id in this row"),
    ("i.csv", "x,name,kin\n1,a,b\n,b,a\n", {"mapping": "id=x"}, "i.csv, line 3: no x in this row"),
    # Neo4j
    ("r.csv", ":START_ID,:TYPE\n1,R\n", {}, "r.csv: expected columns :START_ID and :END_ID"),
    ("r.csv", ":START_ID,:END_ID,:TYPE\n1,,R\n", {}, "r.csv, line 2: no :END_ID in this row"),
    ("r.csv", ":START_ID,:END_ID,n:int\n1,2,x\n", {}, "r.csv, line 2: n: expected a whole number"),
    ("n.csv", "a:ID,d:date\n1,soon\n", {}, "n.csv, line 2: d: expected a date"),
    ("n.csv", "a:ID,d:boolean\n1,maybe\n", {}, "n.csv, line 2: d: expected true or false"),
    ("n.csv", "a:ID,d:float[]\n1,1;x\n", {}, "n.csv, line 2: d: expected a number, got 'x'"),
    ("n.csv", "a:ID,name\n1,Ada\n1,Bob\n", {}, "n.csv, line 3: the :ID '1' stands in line 2"),
    # APOC
    ("a.jsonl", NODE + "{\n", {"format": "apoc"}, "a.jsonl, line 2: expected one JSON object"),
    ("a.jsonl", NODE + "[1]\n", {}, 'a.jsonl, line 2: expected {"type": "node"'),
    ("a.jsonl", NODE + '{"type":"edge"}\n', {}, "a.jsonl, line 2: expected"),
    ("a.jsonl", NODE + NODE, {}, "a.jsonl, line 2: node '0' stands in a line above"),
    (
        "a.jsonl",
        '{"type":"node","labels":[]}\n' + EDGE,
        {},
        'a.jsonl, line 1: the node has no "id"',
    ),
    ("a.jsonl", NODE + EDGE.replace('"end"', '"dne"'), {}, "line 2: the relationship's end has no"),
    ("a.json", '[{"type":"node"', {"format": "apoc"}, "a.json, line 1: expected one JSON"),
    # not text at all
    ("pic.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0", {}, "pic.csv: is binary data"),
    ("a.zip", zipped(), {}, "a.zip: is a zip archive"),
    ("cut.csv.gz", gzip.compress(TRIPLES.encode() * 500)[:-20], {}, "cut.csv.gz: the gzip data is"),
    ("bad.csv.gz", b"\x1f\x8b\x08\x00garbage", {}, "bad.csv.gz: "),
    ("odd16.csv", b"\xff\xfea\0,\0b\0\n\0\x00\xd8", {}, "odd16.csv: begins with a byte order mark"),
    # Excel and Parquet
    ("b.xlsx", b"PK\x03\x04 not really", {}, "b.xlsx: cannot be read as an Excel workbook"),
    ("b.xlsx", "a,b\n", {}, "b.xlsx: cannot be read as an Excel workbook"),
    ("b.xlsx", xlsx([]), {}, "b.xlsx: no sheet holds a table"),
    ("b.xlsx", xlsx([["name", "age"], ["Ada", 3]]), {}, "b.xlsx: no edges found"),
    ("b.xlsx", xlsx([["from", "to", "weight"], ["a", "b", "x"]]), {}, "b.xlsx, line 2: expected"),
    ("p.parquet", b"PAR1 and no more", {}, "p.parquet: cannot be read as Parquet"),
    ("p.parquet", "a,b\n", {}, "p.parquet: cannot be read as Parquet"),
    # options
    ("f.csv", "a,b\n", {"format": "cvs"}, "unknown format 'cvs'"),
    ("f.csv", "a,b\n", {"mapping": "haed=1"}, "did you mean 'head'"),
]


# Archives hold the time they were made, which must not be in the name of a test.
NAMES = [f"{i}-{case[0]}" for i, case in enumerate(CASES)]


@pytest.mark.parametrize(("name", "content", "options", "message"), CASES, ids=NAMES)
def test_malformed(tmp_path, name, content, options, message):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(GraphLLMError) as caught:
        read_graph(path, **options)
    said = str(caught.value)
    assert message in said
    assert "\n" not in said
    assert len(said) < 500
    assert options.get("format") == "cvs" or "haed" in str(options) or said.startswith(name)


@pytest.mark.parametrize(("name", "content", "options", "message"), CASES, ids=NAMES)
def test_malformed_on_the_command_line(tmp_path, refused, name, content, options, message):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    refused(path, **options)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("absent.csv", "no such file"),
        ("edgs.csv", r"no such file; did you mean '.*edges.csv'"),
        (["edges.csv", "absent.csv"], "absent.csv: no such file"),
        ([], "no file to read"),
        ("nothing", "nothing: holds no file of a known format"),
        ("two", r"two: holds several graphs \(a.gml, b.ttl\); name the one"),
        (["edges.csv", "two/b.ttl"], "b.ttl: is rdf, and only tables"),
    ],
)
def test_paths_that_are_no_graph(tmp_path, monkeypatch, path, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "edges.csv").write_text("a,b\n")
    (tmp_path / "nothing").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "a.gml").write_text("graph [ ]")
    (tmp_path / "two" / "b.ttl").write_text("<a:a> <a:b> <a:c> .")
    with pytest.raises(GraphLLMError, match=message):
        read_graph(path)


def test_there_are_enough_cases():
    assert len(CASES) >= 60


def test_more_columns_than_a_graph_has_are_refused(tmp_path):
    from graphllm.errors import DataError
    from graphllm.io import read_graph

    path = tmp_path / "matrix.csv"
    labels = ",".join(f"c{i}" for i in range(5_000))
    path.write_text(f"{labels}\n{'1,' * 4_999}1\n")
    with pytest.raises(DataError, match=r"5,000 columns, at most 4,096 are read"):
        read_graph(path)


def test_a_label_that_ends_in_braces_is_no_dictionary_of_attributes(tmp_path):
    from graphllm.io import read_graph

    path = tmp_path / "odd.csv"
    path.write_text("head,relation,tail,a note {x}\nAda,knows,Bo,{y}\nBo,knows,Cy,{z}\n")
    assert read_graph(path).relations == ("knows",)
