import csv
import gzip
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.errors import ConfigError, DataError
from graphllm.graph import Kind, TextualGraph
from graphllm.io import read_graph

FILMS = [
    ("Alien", "directed_by", "Ridley Scott"),
    ("Alien", "release_year", "1979"),
    ("Blade Runner", "directed_by", "Ridley Scott"),
    ("Ridley Scott", "born_in", "South Shields"),
]


def triples_of(graph):
    names = list(graph.names)
    return [
        (names[h], graph.relations[r], names[t])
        for h, r, t in zip(graph.heads, graph.relation_ids, graph.tails, strict=True)
    ]


def write(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def assert_same(graph: TextualGraph, triples):
    expected = TextualGraph.from_triples(triples)
    assert triples_of(graph) == list(triples)
    assert graph.content_hash == expected.content_hash  # ids by first appearance, too


@pytest.mark.parametrize(
    ("name", "separator"), [("a.tsv", "\t"), ("a.txt", "|"), ("a.csv", ","), ("a.csv", ";")]
)
@pytest.mark.parametrize("header", [None, ("subject", "predicate", "object")])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_headers_and_line_ends(tmp_path, name, separator, header, end):
    rows = [header, *FILMS] if header else FILMS
    path = write(tmp_path, name, end.join(separator.join(row) for row in rows) + end)
    assert_same(read_graph(path), FILMS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("packed", [False, True])
def test_encodings_and_gzip(tmp_path, caplog, encoding, packed):
    triples = [("Amélie", "starred_actors", "Audrey Tautou"), ("Élysée", "in", "Paris")]
    path = write(tmp_path, "kb.txt", "".join("|".join(t) + "\n" for t in triples), encoding)
    if packed:
        packed_path = tmp_path / "kb.txt.gz"
        packed_path.write_bytes(gzip.compress(path.read_bytes()))
        path = packed_path
    assert_same(read_graph(path), triples)
    assert ("not UTF-8; read as Windows-1252" in caplog.text) == (encoding == "cp1252")


def test_names_that_look_like_nothing_stay_names(tmp_path):
    triples = [
        ("NA", "is", "null"),
        ("nan", "is", "None"),
        ("N/A", "NULL", "\\N"),
        ("1e5", "is", "inf"),
    ]
    path = write(tmp_path, "kb.tsv", "".join("\t".join(t) + "\n" for t in triples))
    assert_same(read_graph(path), triples)


def test_an_empty_end_is_kept_and_told(tmp_path, caplog):
    path = write(tmp_path, "kb.tsv", "a\tr\tb\n\nb\tr\t\n\t\t\n")
    graph = read_graph(path)
    assert triples_of(graph) == [("a", "r", "b"), ("b", "r", "")]
    assert "1 rows have an empty head or tail, the first in line 3" in caplog.text


def test_duplicate_and_self_edges_are_kept(tmp_path):
    triples = [("a", "r", "a"), ("a", "r", "b"), ("a", "r", "b")]
    assert_same(read_graph(write(tmp_path, "kb.tsv", "a\tr\ta\na\tr\tb\na\tr\tb\n")), triples)


def test_quotes_of_names_are_not_quotes_of_cells(tmp_path):
    text = '"Weird Al" Yankovic\tsang\tEat It\n"Crocodile" Dundee\tstarred\tPaul Hogan\n'
    assert read_graph(write(tmp_path, "kb.tsv", text)).names[0] == '"Weird Al" Yankovic'


def test_quoted_cells_hold_separators_quotes_and_lines(tmp_path):
    triples = [("a, b", "says", 'he said "no"'), ("two\nlines", "says", "x"), ("c", "says", "d")]
    buffer = io.StringIO()
    csv.writer(buffer).writerows(triples)
    assert_same(read_graph(write(tmp_path, "kb.csv", buffer.getvalue())), triples)


NAMES = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=12
).map(lambda s: s.strip(" \t\r\n\xa0\ufeff\0") or "x")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES, NAMES), min_size=1, max_size=8))
def test_any_strings_survive_quoted_csv(tmp_path_factory, triples):
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([("head", "relation", "tail"), *triples])
    path = write(tmp_path_factory.mktemp("odd"), "odd.csv", buffer.getvalue())
    assert_same(read_graph(path, mapping="head=head,relation=relation,tail=tail"), triples)


PLAIN = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\t\r\n\0"),
    min_size=1,
    max_size=12,
).map(lambda s: s.strip(" \xa0\ufeff\"'") or "x")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(PLAIN, PLAIN, PLAIN), min_size=1, max_size=8))
def test_any_strings_without_tabs_survive_tsv(tmp_path_factory, triples):
    text = "head\trelation\ttail\n" + "".join("\t".join(t) + "\n" for t in triples)
    path = write(tmp_path_factory.mktemp("odd"), "odd.tsv", text)
    assert_same(read_graph(path), triples)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from,to,type\nAda,Babbage,wrote to\n", ("Ada", "wrote to", "Babbage")),
        ("Source;Target\nAda;Babbage\n", ("Ada", "linked to", "Babbage")),
        ("country,capital\nFrance,Paris\n", ("France", "capital", "Paris")),
        ("#from\tto\nAda\tBabbage\n", ("Ada", "linked to", "Babbage")),
        ("# Nodes: 2 Edges: 1\n# From\tTo\n7\t8\n", ("7", "linked to", "8")),
        ("Human,type,Mammal\n", ("Human", "type", "Mammal")),
        ("person,relation,friend\nAda,knows,Babbage\n", ("Ada", "knows", "Babbage")),
        ("Source,Target,Type,Label\nA,B,Directed,met\n", ("A", "met", "B")),
        ("source_id,rel,target_id\n7,met,8\n", ("7", "met", "8")),
        ("fromName,toName\nAda,Bob\n", ("Ada", "linked to", "Bob")),
        ("#1 Record|by|Big Star\n", ("#1 Record", "by", "Big Star")),
        (",s,p,o\n0,Ada,knows,Bob\n1,Bob,knows,Cid\n", ("Ada", "knows", "Bob")),
    ],
)
def test_headers_are_told_from_rows(tmp_path, text, expected):
    graph = read_graph(write(tmp_path, "kb.csv", text))
    assert triples_of(graph)[0] == expected
    assert set(graph.edge_columns) <= {"Type"}


def test_other_columns_become_typed_edge_attributes(tmp_path):
    text = (
        "head,relation,tail,year,since,share,open,code,weight\n"
        "a,r,b,1999,2001-02-03,0.5,yes,007,2\n"
        "b,r,c,NA,,1,no,12,0.5\n"
    )
    graph = read_graph(write(tmp_path, "kb.csv", text))
    kinds = {name: column.kind for name, column in graph.edge_columns.items()}
    assert kinds == {
        "year": Kind.INTEGER,
        "since": Kind.DATE,
        "share": Kind.NUMBER,
        "open": Kind.BOOLEAN,
        "code": Kind.TEXT,
    }
    assert graph.edge_columns["year"].of(0) == [1999]
    assert graph.edge_columns["year"].of(1) == []
    assert graph.edge_columns["since"].of(0) == [np.datetime64("2001-02-03", "us")]
    assert graph.edge_columns["open"].of(1) == [False]
    assert graph.edge_columns["code"].of(0) == ["007"]
    assert graph.weights.tolist() == [2.0, 0.5]


def test_a_fourth_column_of_triples_is_an_attribute(tmp_path):
    text = "Ada|knows|Bob|2001\nBob|knows|Cid|2002\nCid|likes|Ada|2003\n"
    graph = read_graph(write(tmp_path, "kb.txt", text))
    assert triples_of(graph)[2] == ("Cid", "likes", "Ada")
    assert graph.edge_columns["column 4"].of(2) == [2003]


def test_a_third_column_of_numbers_is_a_weight(tmp_path):
    graph = read_graph(write(tmp_path, "kb.csv", "a,b,0.5\nb,c,1.5\n"))
    assert graph.weights.tolist() == [0.5, 1.5]
    assert graph.relations == ("linked to",)


def test_years_as_tails_are_nodes(tmp_path):
    graph = read_graph(write(tmp_path, "kb.csv", "Alien,year,1979\nAliens,year,1986\n"))
    assert "1979" in list(graph.names)


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        (None, "kb.csv: head=source, relation=label, tail=target; edge attributes: kind"),
        ("head=target,tail=source", "kb.csv: head=target, relation=label, tail=source;"),
        ("relation=kind", "kb.csv: head=source, relation=kind, tail=target; edge"),
        ("head=1,tail=3,relation=4", "kb.csv: head=source, relation=kind, tail=target"),
    ],
)
def test_the_mapping_is_told_and_overridden(tmp_path, mapping, said):
    path = write(tmp_path, "kb.csv", "source,label,target,kind\na,x,b,y\n")
    lines = []
    graph = read_graph(path, mapping=mapping, on_mapping=lines.append)
    assert lines[0].startswith(said)
    assert graph.relations == (("y",) if "kind" in said.split("tail")[0] else ("x",))


def test_a_mapping_with_an_unknown_column_names_the_nearest(tmp_path):
    path = write(tmp_path, "kb.csv", "source,label,target\na,x,b\n")
    with pytest.raises(
        DataError, match=r"no column 'sorce'; the columns are source, label, target; did.*'source'"
    ):
        read_graph(path, mapping="head=sorce,tail=target")


def test_a_label_cannot_move_the_cursor_of_whoever_reads_the_error(tmp_path):
    path = write(tmp_path, "kb.csv", "so\x1b[2Jurce,target\na,b\n")
    with pytest.raises(DataError, match=r"the columns are so\\x1b\[2Jurce, target"):
        read_graph(path, mapping="head=x,tail=target")


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("heads=a", "no part 'heads'.*did you mean 'head'"),
        ("head", "cannot read 'head'"),
        ("head=a,head=b", "names 'head' twice"),
    ],
)
def test_a_malformed_mapping_says_how_to_write_one(tmp_path, mapping, message):
    with pytest.raises(ConfigError, match=message):
        read_graph(write(tmp_path, "kb.csv", "a,x,b\n"), mapping=mapping)


@pytest.mark.parametrize("name", ["kb.tsv", "kb.csv"])
@pytest.mark.parametrize("first", [True, False])
def test_a_line_of_ten_megabytes_is_read(tmp_path, name, first):
    long, separator = "x" * 10_000_000, "\t" if name == "kb.tsv" else ","
    rows = [("a", "r", "b"), ("b", "r", long)]
    lines = [separator.join(row) for row in (reversed(rows) if first else rows)]
    graph = read_graph(write(tmp_path, name, "\n".join(lines)))
    assert long in graph.names


def test_a_long_quoted_cell_is_read_unless_the_file_is_odd(tmp_path):
    text = 'a,r,b\nb,r,"' + "x" * 200_000 + '"\n'
    assert len(read_graph(write(tmp_path, "kb.csv", text)).names[2]) == 200_000
    with pytest.raises(DataError, match=r"kb.csv, line 2: .*field larger than field limit"):
        read_graph(write(tmp_path, "kb.csv", text + "c,r\n"))


def test_a_comma_before_a_space_is_text(tmp_path, caplog):
    path = write(tmp_path, "kb.csv", "a,lives at,12 Low Street\nb,lives at,24, place Kléber\n")
    assert triples_of(read_graph(path, format="triples"))[1][2] == "24, place Kléber"
    assert "1 rows hold a comma without quotes, the first in line 2" in caplog.text


def test_cells_are_data(tmp_path):
    triples = [("=cmd|'/c calc'!A1", "has", "\x1b[31mred\x07"), ("<script>", "has", "{{x}}")]
    path = write(tmp_path, "kb.tsv", "".join("\t".join(t) + "\n" for t in triples))
    assert_same(read_graph(path), triples)
