"""Whatever bytes come, the answer is a graph or an error of ours that names the file."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graphllm.errors import GraphLLMError
from graphllm.io import read_graph

MARKS = [
    ",",
    ",",
    "\t",
    "|",
    ";",
    '"',
    "\n",
    "\n",
    "\r",
    "#",
    " ",
    "{",
    "}",
    "[",
    "<",
    "'",
    "\x00",
    "\x1b",
]
WORDS = ["a", "b", "Ada", "1", "2.5", "1999-01-01", "\\N", "NA", "é", "\u2028", '{"type":"node"']
LABELLING = [
    ":ID",
    ":START_ID",
    ":END_ID",
    "id",
    "name",
    "from",
    "to",
    "type",
    "head",
    "tail",
    "weight",
]
PIECES = st.sampled_from([*MARKS, *WORDS, *LABELLING])
TEXTS = st.lists(PIECES, max_size=40).map("".join)
SUFFIXES = st.sampled_from([".csv", ".tsv", ".txt", ".psv", ".dat", ".edges", ".csv.gz", ""])


def read_or_refuse(path, **options):
    """Read a graph; return what the error said, or nothing."""
    try:
        graph = read_graph(path, **options)
    except GraphLLMError as error:
        return str(error)
    assert graph.num_edges > 0
    return ""


def check_one_line(said, *paths):
    assert not said or any(path.name in said for path in paths), said
    assert "\n" not in said


@settings(max_examples=100, deadline=None)
@given(SUFFIXES, TEXTS)
@example(".csv", '"a\nb"')
@example(".tsv", '"\t"\n"')
def test_any_text(tmp_path_factory, suffix, text):
    path = tmp_path_factory.getbasetemp() / f"fuzz{suffix}"
    path.write_bytes(text.encode())
    check_one_line(read_or_refuse(path), path)


@settings(max_examples=60, deadline=None)
@given(SUFFIXES, st.binary(max_size=60), st.sampled_from([b"", b"\xff\xfe", b"\x1f\x8b", b"PAR1"]))
def test_any_bytes(tmp_path_factory, suffix, data, start):
    path = tmp_path_factory.getbasetemp() / f"fuzz{suffix}"
    path.write_bytes(start + data)
    check_one_line(read_or_refuse(path), path)


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.sampled_from(["triples", "wide", "edge_list", "apoc", "excel", "parquet"]))
def test_any_text_as_any_format(tmp_path_factory, text, format):
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(text.encode())
    check_one_line(read_or_refuse(path, format=format), path)


CELLS = st.sampled_from(["", "1", "2", "3", "a", "b", "NULL", "2001-01-01", "0.5"])
LABELS = st.sampled_from(
    ["id", "name", "a_id", "b_id", "from", "to", "kind", "score", "a", "title"]
)


@st.composite
def tables(draw):
    labels = draw(st.lists(LABELS, min_size=2, max_size=4, unique=True))
    rows = draw(st.lists(st.tuples(*[CELLS] * len(labels)), min_size=1, max_size=5))
    return "\n".join(",".join(row) for row in [labels, *rows]) + "\n"


@settings(max_examples=60, deadline=None)
@given(st.lists(tables(), min_size=2, max_size=3))
def test_any_tables_together(tmp_path_factory, contents):
    folder = tmp_path_factory.mktemp("tables")
    paths = [folder / f"{name}.csv" for name, _ in zip("abc", contents, strict=False)]
    for path, content in zip(paths, contents, strict=True):
        path.write_text(content)
    check_one_line(read_or_refuse(paths), *paths)


def test_a_folder_is_named_when_it_cannot_be_read(tmp_path):
    (tmp_path / "deep").mkdir()
    with pytest.raises(GraphLLMError, match="holds no file of a known format"):
        read_graph(tmp_path / "deep")
