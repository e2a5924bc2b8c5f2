"""Graphs out to files, and back."""

import math
from contextlib import contextmanager
from datetime import date

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.errors import ConfigError, DataError
from graphllm.graph import GraphBuilder, TextualGraph
from graphllm.io.read import read_graph
from graphllm.io.writers import WRITERS, write_graph
from graphllm.registry import load

texts = st.text(st.characters(codec="utf-8"), max_size=8)
names = texts.filter(bool)
numbers = st.floats(allow_nan=False) | st.just(math.nan)
values = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    numbers,
    st.booleans(),
    st.dates(date(1, 1, 1)),
    names,
)
fields = st.dictionaries(st.sampled_from(["born", "size", "label", "key"]), values, max_size=3)


node_parts = st.fixed_dictionaries(
    {
        "name": texts,
        "type": st.sampled_from([None, "Person", "Film"]),
        "text": texts,
        "aliases": st.lists(names, max_size=2),
        "attributes": fields,
    }
)
# A key that occurs again gets further values.
nodes = st.lists(st.tuples(names, node_parts), min_size=1, max_size=6)
weights = st.none() | st.floats(width=32, allow_nan=False) | st.just(math.nan)
edges = st.lists(
    st.tuples(st.integers(0, 5), names, st.integers(0, 5), weights, fields), min_size=1, max_size=6
)


def build(nodes, edges) -> TextualGraph:
    builder = GraphBuilder()
    for key, parts in nodes:
        builder.node(key, **parts)
    keys = [key for key, _ in nodes]
    for head, relation, tail, weight, attributes in edges:
        ends = keys[head % len(keys)], keys[tail % len(keys)]
        builder.edge(ends[0], relation, ends[1], weight=weight, attributes=attributes)
    return builder.build()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("written")


@given(nodes=nodes, edges=edges)
@settings(deadline=None, max_examples=60)
def test_json_lines_lose_nothing(folder, nodes, edges):
    graph = build(nodes, edges)
    path = folder / "g.jsonl"
    write_graph(graph, path)
    assert read_graph(path).content_hash == graph.content_hash


plain = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1)
plain_fields = st.fixed_dictionaries(
    {},
    optional={
        "born": st.integers(-(2**63), 2**63 - 1),
        "size": numbers,
        "alive": st.booleans(),
    },
)


@given(
    triples=st.lists(st.tuples(plain, plain, plain), min_size=1, max_size=6),
    attributes=st.lists(plain_fields, max_size=6),
    text=plain,
)
@settings(deadline=None, max_examples=40)
def test_graphml_gives_back_names_types_and_numbers(folder, triples, attributes, text):
    builder = GraphBuilder()
    for head, relation, tail in triples:
        builder.edge(head, relation, tail, weight=0.5)
    for (head, _, _), given_fields in zip(triples, attributes, strict=False):
        builder.node(head, type=f"a {text}", text=text, aliases=[text], attributes=given_fields)
    graph = builder.build()
    path = folder / "g.graphml"
    write_graph(graph, path)
    assert read_graph(path).content_hash == graph.content_hash


# Numbered, as two keys may differ only in characters that XML forbids.
wild = st.tuples(st.integers(0, 9), texts).map(lambda pair: f"{pair[0]}{'#' * pair[0]}{pair[1]}")


@given(triples=st.lists(st.tuples(wild, names, wild), min_size=1, max_size=6))
@settings(deadline=None, max_examples=30)
def test_graphml_is_sound_whatever_the_text(folder, triples):
    graph = TextualGraph.from_triples(triples)
    path = folder / "any.graphml"
    write_graph(graph, path)
    assert read_graph(path).num_edges == graph.num_edges


def sample() -> TextualGraph:
    builder = GraphBuilder()
    builder.node("m1", name='Emma, or: "so\ncalled"', type="Film", attributes={"year": 1996})
    builder.node("m2", name="Emma", attributes={"seen": np.datetime64("2020-01-02", "us")})
    builder.node("m3", name="Emma")
    builder.edge("m1", "remade\tas", "m2", attributes={"sure": True})
    builder.edge("m2", "remade as", "m3")
    return builder.build()


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_tables_hold_the_triples_by_name(tmp_path, facts, suffix):
    path = tmp_path / f"g.{suffix}"
    write_graph(sample(), path)
    assert facts(read_graph(path)) == [
        ('Emma, or: "so\ncalled"', "remade\tas", "Emma (m2)"),
        ("Emma (m2)", "remade as", "Emma (m3)"),
    ]


def test_networkx_reads_the_graphml(tmp_path):
    path = tmp_path / "g.graphml"
    write_graph(sample(), path)
    graph = nx.read_graphml(path, force_multigraph=True)
    assert graph.nodes["m1"] == {"name": 'Emma, or: "so\ncalled"', "type": "Film", "year": 1996}
    assert graph.nodes["m2"]["seen"] == "2020-01-02"
    assert [d["relation"] for *_, d in graph.edges(data=True)] == ["remade\tas", "remade as"]


def test_every_registered_writer_loads_and_writes(tmp_path):
    for name, place in WRITERS.items():
        assert callable(load("format", WRITERS, name)), place
        write_graph(sample(), tmp_path / "any", format=name)
        assert (tmp_path / "any").stat().st_size > 0


@contextmanager
def full_disk():
    """Let no file grow beyond 2,000 bytes; no fixture, for it would stop pytest's own log too."""
    resource = pytest.importorskip("resource")  # Unix
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("name", ["g.jsonl", "g.graphml", "g.csv", "g.tsv"])
def test_nothing_half_written_remains(tmp_path, name):
    path = tmp_path / name
    path.write_text("before")
    graph = TextualGraph.from_triples([(f"head {i}", "r", f"tail {i}") for i in range(500)])
    message = rf"{name}: cannot be written: File too large"
    with full_disk(), pytest.raises(DataError, match=message):
        write_graph(graph, path)
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_place_or_format_that_cannot_be(tmp_path):
    with pytest.raises(DataError, match="cannot be written: No such file"):
        write_graph(sample(), tmp_path / "absent" / "g.csv")
    with pytest.raises(ConfigError, match=r"'\.xyz'; formats are tsv"):
        write_graph(sample(), tmp_path / "g.xyz")
    with pytest.raises(ConfigError, match="did you mean 'graphml'"):
        write_graph(sample(), tmp_path / "g", format="graphm")
