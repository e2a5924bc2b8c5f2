from datetime import date

import pyarrow as pa
import pytest
from pyarrow import parquet

from graphllm.errors import DataError
from graphllm.io import read_graph


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())]
)
def test_triples(tmp_path, facts, edge_attributes, kind):
    table = pa.table(
        {
            "head": pa.array(["a", "b", "NA"]).cast(kind),
            "relation": pa.array(["r", "s", "r"]).cast(kind),
            "tail": pa.array(["b", " c ", "null"]).cast(kind),
            "since": [date(2001, 2, 3), None, date(2002, 1, 1)],
            "n": [1, 2, None],
        }
    )
    parquet.write_table(table, tmp_path / "kb.parquet")
    graph = read_graph(tmp_path / "kb.parquet")
    assert facts(graph) == [("a", "r", "b"), ("b", "s", "c"), ("NA", "r", "null")]
    assert edge_attributes(graph, 1) == {"n": [2]}


def test_a_row_per_thing(tmp_path, facts, attributes):
    table = pa.table(
        {"title": ["Alien", "Aliens"], "genres": [["Horror", "SF"], ["SF"]], "score": [8.5, None]}
    )
    parquet.write_table(table, tmp_path / "films.pq")
    graph = read_graph(tmp_path / "films.pq")
    assert facts(graph) == [
        ("Alien", "genres", "Horror"), ("Alien", "genres", "SF"), ("Aliens", "genres", "SF")
    ]  # fmt: skip
    assert attributes(graph, "Alien") == {"score": [8.5]}


def test_a_file_without_suffix_is_known_by_its_first_bytes(tmp_path, facts):
    parquet.write_table(pa.table({"from": ["a"], "to": ["b"]}), tmp_path / "graph")
    assert facts(read_graph(tmp_path / "graph")) == [("a", "linked to", "b")]


def test_no_rows(tmp_path):
    parquet.write_table(pa.table({"from": pa.array([], pa.string())}), tmp_path / "g.parquet")
    with pytest.raises(DataError, match="0 rows, 1 columns; expected"):
        read_graph(tmp_path / "g.parquet")
