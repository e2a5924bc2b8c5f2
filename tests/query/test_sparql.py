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
from tests.query.strategies import few_and_many, node_plans, random_graph, seeds, set_plans, some

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module inside strategies")


def store_of(graph):
    store = pyoxigraph.Store()
    data = "".join(sparql_data(graph)).encode()
    store.load(data, pyoxigraph.RdfFormat.N_TRIPLES)
    return store


def python_value(term):
    kind = term.datatype.value.rsplit("#")[-1]
    if kind in ("integer", "double", "decimal"):
        return int(term.value) if kind == "integer" else float(term.value)
    if kind == "dateTime":
        return np.datetime64(term.value, "us")
    return term.value == "true" if kind == "boolean" else term.value


def node_of(graph):
    return {iri: n for n, iri in enumerate(node_iris(graph))}


def node_iris(graph):
    lines = [line for line in sparql_data(graph) if " <urn:graphllm:name> " in line]
    return [line.split(">")[0].removeprefix("<") for line in lines]


def check(graph, store, plan, query):
    expected = execute(plan, graph)
    answer = store.query(query)
    if isinstance(plan, Exists):
        assert (bool(answer),) == expected.values
        return
    rows = list(answer)
    nodes = node_of(graph)
    if isinstance(plan, GroupCount):
        got = {nodes[row["node"].value]: python_value(row["count"]) for row in rows}
        assert got == dict(zip(expected.nodes.tolist(), expected.values, strict=True))
    elif isinstance(plan, NodePlan):
        assert {nodes[row["node"].value] for row in rows} == set(expected.nodes.tolist())
    elif isinstance(plan, Aggregated):
        got = [rank(python_value(row[0])) for row in rows]
        assert got == pytest.approx([rank(v) for v in expected.values], rel=1e-9)
    else:
        assert {repr(python_value(row[0])) for row in rows} == set(map(repr, expected.values))


def printed_query_gives_what_execute_gives(seed, plan, knows_view):
    graph = random_graph(seed)
    check(graph, store_of(graph), plan, to_sparql(plan, graph if knows_view else None))


test_printed_query, test_printed_query_of_400_plans = few_and_many(
    printed_query_gives_what_execute_gives, seeds, set_plans, st.booleans(), many=400
)


@some
@given(seeds, node_plans)
def test_facts(seed, source):
    graph = random_graph(seed)
    result = execute(FactsOf(source), graph)
    iris = node_iris(graph)
    inside = set(execute(source, graph).nodes.tolist())
    rows = list(store_of(graph).query(to_sparql(FactsOf(source))))
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
    store = store_of(graph)
    step = Step(f"r{word}", condition=Condition(f"e{word}", Comparison.EQUALS, word))
    back = Reached(Step(f"r{word}", inverse=True))
    for plan in (
        Follow(Entities((word,)), step),
        Filter(OfType(f"t{word}"), Attribute(f"a{word}"), Comparison.CONTAINS, word),
        Filter(Entities(("other",)), back, Comparison.EQUALS, word),
    ):
        assert len(execute(plan, graph).nodes) == 1
        check(graph, store, plan, to_sparql(plan))


def test_shortest_paths_are_refused():
    plan = ShortestPath(Entities(("a",)), Entities(("b",)))
    with pytest.raises(PlanError, match=r"SPARQL has no shortest paths.*Cypher"):
        to_sparql(plan)


def test_prints_readably():
    films = Follow(Entities(("Brad Pitt",)), Step("starred_actors", inverse=True))
    assert to_sparql(Filter(films, Reached(Step("release_year")), Comparison.LESS, 2000)) == (
        "SELECT DISTINCT ?node WHERE {\n"
        "  {\n"
        "    VALUES ?n1 { <urn:graphllm:node:Brad%20Pitt> }\n"
        "    ?node <urn:graphllm:relation:starred_actors> ?n1 .\n"
        "    ?node <urn:graphllm:relation:release_year> ?n2 .\n"
        "    ?n2 <urn:graphllm:reading> ?v1 .\n"
        "    FILTER((isNumeric(?v1) && ?v1 < 2000)"
        " || (DATATYPE(?v1) = <http://www.w3.org/2001/XMLSchema#dateTime>"
        " && YEAR(?v1) < 2000))\n"
        "  }\n"
        "}"
    )
