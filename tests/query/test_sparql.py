import numpy as np
import pyoxigraph
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.errors import PlanError
from graphllm.graph import GraphBuilder
from graphllm.query import (
    Aggregated,
    Attribute,
    Comparison,
    Condition,
    Entities,
    Exists,
    FactsOf,
    Filter,
    Follow,
    GroupCount,
    Grouped,
    NodePlan,
    OfType,
    Reached,
    ShortestPath,
    Step,
    execute,
    sparql_data,
    to_sparql,
)
from tests.query.naive import rank
from tests.query.strategies import (
    every_comparison,
    few_and_many,
    node_plans,
    random_graph,
    seeds,
    set_plans,
    some,
)


class Stored:
    """A graph, and its triples in pyoxigraph."""

    def __init__(self, graph):
        lines = list(sparql_data(graph))
        named = [line for line in lines if " <urn:graphllm:name> " in line]
        self.graph = graph
        self.iris = [line.split(">")[0].removeprefix("<") for line in named]
        self.node_of = {iri: node for node, iri in enumerate(self.iris)}
        self.store = pyoxigraph.Store()
        self.store.load("".join(lines).encode(), pyoxigraph.RdfFormat.N_TRIPLES)


def python_value(term):
    kind = term.datatype.value.rsplit("#")[-1]
    if kind in ("integer", "double", "decimal"):
        return int(term.value) if kind == "integer" else float(term.value)
    if kind == "dateTime":
        return np.datetime64(term.value, "us")
    return term.value == "true" if kind == "boolean" else term.value


def group_of(stored, term):
    is_node = isinstance(term, pyoxigraph.NamedNode)
    return repr(stored.node_of[term.value] if is_node else python_value(term))


def check(stored, plan, query):
    expected = execute(plan, stored.graph)
    answer = stored.store.query(query)
    if isinstance(plan, Exists):
        assert (bool(answer),) == expected.values
        return
    rows = list(answer)
    nodes = stored.node_of
    if isinstance(plan, GroupCount):
        got = {nodes[row["node"].value]: python_value(row["count"]) for row in rows}
        assert got == dict(zip(expected.nodes.tolist(), expected.values, strict=True))
    elif isinstance(plan, Grouped):
        got = {group_of(stored, row["group"]): python_value(row["number"]) for row in rows}
        labels = expected.groups or tuple(expected.nodes.tolist())
        wanted = dict(zip(map(repr, labels), expected.values, strict=True))
        assert got == pytest.approx(wanted, rel=1e-9)
    elif isinstance(plan, NodePlan):
        assert {nodes[row["node"].value] for row in rows} == set(expected.nodes.tolist())
    elif isinstance(plan, Aggregated):
        got = [rank(python_value(row[0])) for row in rows]
        assert got == pytest.approx([rank(v) for v in expected.values], rel=1e-9)
    else:
        assert {repr(python_value(row[0])) for row in rows} == set(map(repr, expected.values))


def printed_query_gives_what_execute_gives(seed, plan, knows_view):
    graph = random_graph(seed)
    check(Stored(graph), plan, to_sparql(plan, graph if knows_view else None))


test_printed_query, test_printed_query_of_400_plans = few_and_many(
    printed_query_gives_what_execute_gives, seeds, set_plans, st.booleans(), many=400
)


@pytest.mark.slow
def test_every_comparison():
    graph = random_graph(1)
    stored = Stored(graph)
    for plan in every_comparison(graph):
        check(stored, plan, to_sparql(plan, graph))


@some
@given(seeds, node_plans)
def test_facts(seed, source):
    graph = random_graph(seed)
    result = execute(FactsOf(source), graph)
    stored = Stored(graph)
    iris = stored.iris
    inside = set(execute(source, graph).nodes.tolist())
    rows = list(stored.store.query(to_sparql(FactsOf(source))))
    edges = {
        (row["subject"].value, row["object"].value)
        for row in rows
        if ":relation:" in row["predicate"].value
    }
    expected = {
        (iris[graph.heads[e]], iris[graph.tails[e]])
        for e in result.edges.tolist()
        if {int(graph.heads[e]), int(graph.tails[e])} & inside
    }
    assert edges == expected
    owners = {row["subject"].value for row in rows if ":attribute:" in row["predicate"].value}
    assert owners == {
        iris[f.owner] for f in result.attributes if f.owner in inside and not f.on_edge
    }


NASTY = ['" } DROP ALL #', "a> <b", "\\", "\u202e\x00\n", "%", "", "東京", "é", "\U0001f600", "?x"]


@pytest.mark.parametrize("word", NASTY)
def test_no_name_ends_its_quotes(word):
    builder = GraphBuilder()
    builder.node(word, name=word, type=f"t{word}", attributes={f"a{word}": word, "size": 1})
    builder.edge(word, f"r{word}", "other", attributes={f"e{word}": word})
    graph = builder.build()
    stored = Stored(graph)
    step = Step(f"r{word}", condition=Condition(f"e{word}", Comparison.EQUALS, word))
    back = Reached(Step(f"r{word}", inverse=True))
    for plan in (
        Follow(Entities((word,)), step),
        Filter(OfType(f"t{word}"), Attribute(f"a{word}"), Comparison.CONTAINS, word),
        Filter(Entities(("other",)), back, Comparison.EQUALS, word),
    ):
        assert len(execute(plan, graph).nodes) == 1
        check(stored, plan, to_sparql(plan))


def test_shortest_paths_are_refused():
    plan = ShortestPath(Entities(("a",)), Entities(("b",)))
    with pytest.raises(PlanError, match=r"SPARQL has no shortest paths.*Cypher"):
        to_sparql(plan)


def test_prints_readably():
    films = Follow(Entities(("Brad Pitt",)), Step("starred_actors", inverse=True))
    assert to_sparql(Filter(films, Reached(Step("release_year")), Comparison.LESS, 2000)) == (
        "PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>\n"
        "SELECT DISTINCT ?node WHERE {\n"
        "  {\n"
        "    VALUES ?n1 { <urn:graphllm:node:Brad%20Pitt> }\n"
        "    ?node <urn:graphllm:relation:starred_actors> ?n1 .\n"
        "    ?node <urn:graphllm:relation:release_year> ?n2 .\n"
        "    ?n2 <urn:graphllm:reading> ?v1 .\n"
        "    FILTER((isNumeric(?v1) && ?v1 < 2000)"
        " || (DATATYPE(?v1) = xsd:dateTime && YEAR(?v1) < 2000))\n"
        "  }\n"
        "}"
    )
