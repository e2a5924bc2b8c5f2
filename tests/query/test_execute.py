import numpy as np
import pytest
from hypothesis import strategies as st

from graphllm.errors import PlanError
from graphllm.graph import GraphBuilder, TextualGraph
from graphllm.index import GraphIndex
from graphllm.query import (
    Aggregate,
    Aggregated,
    Attribute,
    Comparison,
    Condition,
    Count,
    Degree,
    EdgeValues,
    Entities,
    Exists,
    FactsOf,
    Filter,
    Follow,
    GroupCount,
    Grouped,
    HavingStep,
    Intersect,
    OfType,
    PlanResult,
    Reached,
    ShortestPath,
    Step,
    Subtract,
    TopK,
    Union,
    Values,
    execute,
    proof_subgraph,
)
from tests.query.naive import Naive, rank
from tests.query.strategies import (
    every_comparison,
    extremes,
    few_and_many,
    groups,
    paths,
    plans,
    random_graph,
    seeds,
    set_plans,
)

# beartype checks a random item of each list, also of those that strategies build


def same_values(got, expected):
    if got == expected:
        return True
    numbers = len(got) == len(expected) == 1 and rank(got[0]) is not None
    return numbers and rank(got[0]) == pytest.approx(rank(expected[0]), rel=1e-12, abs=1e-9)


def equals_naive(seed, plan):
    graph = random_graph(seed)
    if isinstance(plan, Grouped):
        return  # compared below
    nodes, values = Naive.of(graph).answer(plan)
    result = execute(plan, graph)
    if nodes is not None:
        assert result.nodes.tolist() == nodes
    if values is not None:
        assert same_values(list(result.values), values)


test_equals_naive, test_equals_naive_at_length = few_and_many(equals_naive, seeds, set_plans)


def groups_equal_naive(seed, plan):
    graph = random_graph(seed)
    wanted = Naive.of(graph).groups(plan)
    result = execute(plan, graph)
    labels = result.groups or tuple(result.nodes.tolist())
    assert len(labels) == len(result.values)
    numbers = dict(zip(map(repr, labels), map(rank, result.values), strict=True))
    assert numbers == pytest.approx({repr(g): rank(n) for g, n in wanted.items()}, rel=1e-9)
    ordered = [rank(value) for value in result.values]
    assert ordered == sorted(ordered, reverse=not plan.ascending)


test_groups, test_groups_at_length = few_and_many(groups_equal_naive, seeds, groups | extremes)


def test_every_comparison_equals_naive():
    graph = random_graph(1)
    naive = Naive.of(graph)
    for plan in every_comparison(graph):
        assert execute(plan, graph).nodes.tolist() == sorted(naive.nodes(plan)), plan


def shortest_paths_equal_naive(seed, plan):
    graph = random_graph(seed)
    naive = Naive.of(graph)
    naive.triples = naive.triples[-12:-3]  # all edge sequences are tried
    fewer = TextualGraph(
        keys=graph.keys,
        names=graph.names,
        heads=graph.heads[-12:-3],
        relation_ids=graph.relation_ids[-12:-3],
        tails=graph.tails[-12:-3],
        relations=graph.relations,
    )
    assert execute(plan, fewer).paths == naive.shortest_paths(plan)


test_shortest_paths, test_shortest_paths_at_length = few_and_many(
    shortest_paths_equal_naive, seeds, paths, few=100
)


def the_proof_alone_gives_the_same_answer(seed, plan):
    graph = random_graph(seed)
    result = execute(plan, graph)
    again = execute(plan, proof_subgraph(result, graph))
    assert again.nodes.tolist() == result.nodes.tolist()
    assert same_values(list(again.values), list(result.values))
    assert again.closed_world == result.closed_world
    renumbered = tuple(tuple(int(result.edges[e]) for e in path) for path in again.paths)
    assert renumbered == result.paths


test_proof_alone, test_proof_alone_at_length = few_and_many(
    the_proof_alone_gives_the_same_answer, seeds, plans
)


def more_edges_than_the_proof_change_nothing(seed, plan, data):
    """The proof is enough on every part of the graph that holds it, not only on itself."""
    graph = random_graph(seed)
    result = execute(plan, graph)
    extra = data.draw(st.lists(st.integers(0, graph.num_edges - 1)))
    wider = PlanResult(
        edges=np.union1d(result.edges, np.array(extra, dtype=np.int32)),
        attributes=result.attributes,
    )
    again = execute(plan, proof_subgraph(wider, graph))
    if not isinstance(plan, FactsOf):  # says everything there is
        assert again.nodes.tolist() == result.nodes.tolist()
        assert same_values(list(again.values), list(result.values))


test_more_than_the_proof, test_more_than_the_proof_at_length = few_and_many(
    more_edges_than_the_proof_change_nothing, seeds, plans, st.data()
)


@pytest.fixture
def films():
    return TextualGraph.from_triples(
        [
            ("Seven", "starred_actors", "Brad Pitt"),  # 0
            ("Seven", "directed_by", "David Fincher"),  # 1
            ("Troy", "starred_actors", "Brad Pitt"),  # 2
            ("Troy", "directed_by", "Wolfgang Petersen"),  # 3
            ("Das Boot", "directed_by", "Wolfgang Petersen"),  # 4
            ("Seven", "release_year", "1995"),  # 5
            ("Troy", "release_year", "2004"),  # 6
            ("Das Boot", "release_year", "1981"),  # 7
            ("Troy", "in_language", "English"),  # 8
        ]
    )


PITT = Entities(("Brad Pitt",))
ACTED = Follow(PITT, Step("starred_actors", inverse=True))
YEAR = Reached(Step("release_year"))


def names(graph, result):
    return [graph.names[n] for n in result.nodes.tolist()]


def test_two_hops_cite_both(films):
    result = execute(Follow(ACTED, Step("directed_by")), films)
    assert names(films, result) == ["David Fincher", "Wolfgang Petersen"]
    assert result.edges.tolist() == [0, 1, 2, 3]
    assert not result.closed_world


def test_proof_leaves_out_what_led_nowhere(films):
    result = execute(Follow(ACTED, Step("in_language")), films)
    assert result.edges.tolist() == [2, 8]


def test_intersection_proves_both_sides(films):
    petersen = Follow(Entities(("Wolfgang Petersen",)), Step("directed_by", inverse=True))
    result = execute(Intersect(ACTED, petersen), films)
    assert (names(films, result), result.edges.tolist()) == (["Troy"], [2, 3])


def test_union_proves_each_side_for_what_it_holds(films):
    petersen = Follow(Entities(("Wolfgang Petersen",)), Step("directed_by", inverse=True))
    result = execute(Union(ACTED, petersen), films)
    assert names(films, result) == ["Seven", "Troy", "Das Boot"]
    assert result.edges.tolist() == [0, 2, 3, 4]


def test_difference_shows_what_was_taken_away(films):
    petersen = Follow(Entities(("Wolfgang Petersen",)), Step("directed_by", inverse=True))
    result = execute(Subtract(ACTED, petersen), films)
    assert (names(films, result), result.edges.tolist()) == (["Seven"], [0, 2, 3])
    assert result.closed_world


def test_filter_by_a_year_that_is_a_node(films):
    result = execute(Filter(ACTED, YEAR, Comparison.LESS, 2000), films)
    assert (names(films, result), result.edges.tolist()) == (["Seven"], [0, 5])
    assert not result.closed_world


def test_superlative_cites_what_it_was_compared_with(films):
    result = execute(TopK(ACTED, YEAR), films)
    assert (names(films, result), result.edges.tolist()) == (["Troy"], [0, 2, 5, 6])
    assert result.closed_world
    oldest = execute(TopK(HavingStep(Step("release_year")), YEAR, k=2, ascending=True), films)
    assert names(films, oldest) == ["Das Boot", "Seven"]


def test_count_exists_and_their_absence(films):
    count = execute(Count(ACTED), films)
    assert (count.values, count.edges.tolist(), count.closed_world) == ((2,), [0, 2], True)
    french = Intersect(ACTED, Follow(Entities(("English",)), Step("in_language")))
    no = execute(Exists(french), films)
    assert (no.values, no.closed_world, no.edges.tolist()) == ((False,), True, [0, 2])
    yes = execute(Exists(ACTED), films)
    assert (yes.values, yes.closed_world) == ((True,), False)


def test_group_count(films):
    result = execute(GroupCount(HavingStep(Step("directed_by")), Step("directed_by")), films)
    assert names(films, result) == ["Wolfgang Petersen", "David Fincher"]
    assert result.values == (2, 1)


def test_degree_below_rests_on_absence(films):
    directors = Follow(HavingStep(Step("directed_by")), Step("directed_by"))
    directed = Degree(Step("directed_by", inverse=True))
    few = execute(Filter(directors, directed, Comparison.LESS, 2), films)
    many_films = execute(Filter(directors, directed, Comparison.AT_LEAST, 2), films)
    assert (names(films, few), few.closed_world) == (["David Fincher"], True)
    assert (names(films, many_films), many_films.closed_world) == (["Wolfgang Petersen"], False)


def test_nothing_found_is_empty(films):
    result = execute(Follow(PITT, Step("directed_by")), films)
    assert result.is_empty
    assert not result.closed_world


def test_paths_and_facts(films):
    path = execute(ShortestPath(PITT, Entities(("Das Boot",))), films)
    assert path.paths == ((2, 3, 4),)
    assert execute(ShortestPath(PITT, Entities(("Das Boot",)), max_hops=2), films).is_empty
    assert execute(ShortestPath(PITT, PITT), films).paths == ((),)
    facts = execute(FactsOf(Entities(("Troy",))), films)
    assert facts.edges.tolist() == [2, 3, 6, 8]


@pytest.fixture
def laureates():
    builder = GraphBuilder()
    born = {"born": np.datetime64("1867-11-07", "us"), "prizes": 2}
    builder.node("curie", name="Marie Curie", type="Person", attributes=born)
    builder.node("bohr", name="Niels Bohr", type="Person", attributes={"prizes": 1})
    builder.edge("curie", "won", "nobel", attributes={"year": 1903, "for": "Physics"})
    builder.edge("curie", "won", "nobel", attributes={"year": 1911, "for": "Chemistry"})
    builder.edge("bohr", "won", "nobel", attributes={"year": 1922, "for": "Physics"})
    return builder.build()


def test_edge_values(laureates):
    curie = Entities(("curie",))
    when = EdgeValues(curie, Step("won"), "year", Entities(("nobel",)))
    assert execute(when, laureates).values == (1903, 1911)
    elsewhere = EdgeValues(curie, Step("won"), "year", Entities(("bohr",)))
    assert execute(elsewhere, laureates).is_empty
    chemistry = Condition("for", Comparison.EQUALS, "chemistry")
    result = execute(EdgeValues(curie, Step("won", condition=chemistry), "year"), laureates)
    assert (result.values, result.edges.tolist()) == ((1911,), [1])
    assert [(f.attribute, f.value) for f in result.attributes] == [
        ("for", "Chemistry"),
        ("year", 1911),
    ]


@pytest.mark.parametrize(
    ("comparison", "value", "expected"),
    [
        (Comparison.LESS, 1868, True),
        (Comparison.LESS, 1867, False),
        (Comparison.EQUALS, 1867, True),
        (Comparison.MORE, 1867, False),
        (Comparison.AT_MOST, 1867, True),
        (Comparison.EQUALS, np.datetime64("1867-11-07"), True),
        (Comparison.MORE, np.datetime64("1867-11-06"), True),
        (Comparison.EQUALS, "1867-11-07", False),
        (Comparison.NOT_EQUALS, "Curie", False),
        (Comparison.EQUALS, 1867.5, False),
    ],
)
def test_dates_compare_with_dates_and_years(laureates, comparison, value, expected):
    plan = Filter(OfType("Person"), Attribute("born"), comparison, value)
    assert (len(execute(plan, laureates).nodes) == 1) is expected


def test_aggregates(laureates):
    people, prizes = OfType("Person"), Attribute("prizes")
    results = {a: execute(Aggregated(people, prizes, a), laureates) for a in Aggregate}
    assert {a.value: r.values for a, r in results.items()} == {
        "min": (1,),
        "max": (2,),
        "sum": (3,),
        "average": (1.5,),
    }
    assert all(len(r.attributes) == 2 and r.closed_world for r in results.values())
    assert execute(Aggregated(people, Attribute("born"), Aggregate.SUM), laureates).is_empty
    assert execute(Values(people, "born"), laureates).values == (np.datetime64("1867-11-07"),)


def test_a_sum_counts_a_value_once_for_each_node_reached():
    builder = GraphBuilder()
    for key in ("five", "other five", "six"):
        builder.node(key, name={"six": "6"}.get(key, "5"))
        builder.edge("a", "has", key)
    builder.edge("a", "has", "six")
    builder.node("a", attributes={"score": "05"})
    builder.node("a", attributes={"score": "5.0"})
    graph, a = builder.build(), Entities(("a",))
    assert execute(Aggregated(a, Reached(Step("has")), Aggregate.SUM), graph).values == (16,)
    assert execute(Aggregated(a, Attribute("score"), Aggregate.SUM), graph).values == (5,)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (Follow(PITT, Step("directed")), "relation 'directed'.*did you mean 'directed_by'"),
        (Entities(("brad pit",)), "'brad pit'.*did you mean 'Brad Pitt'"),
        (OfType("Film"), "node type 'Film'; this graph has none at all"),
        (Values(PITT, "born"), "node attribute 'born'"),
        (EdgeValues(PITT, Step("directed_by"), "year"), "edge attribute 'year'"),
        (Follow(PITT, Step("zzz")), "it has for example 'starred_actors'"),
    ],
)
def test_what_the_graph_does_not_have(films, plan, message):
    with pytest.raises(PlanError, match=message):
        execute(plan, films)


def test_a_plan_too_deep_is_refused(films):
    plan = PITT
    for _ in range(5000):
        plan = Follow(plan, Step("directed_by"))
    with pytest.raises(PlanError, match="deeper than 64"):
        execute(plan, films)


def test_a_path_may_be_long():
    chain = TextualGraph.from_triples((str(i), "next", str(i + 1)) for i in range(1200))
    result = execute(ShortestPath(Entities(("0",)), Entities(("1200",)), max_hops=1200), chain)
    assert result.paths == (tuple(range(1200)),)


def test_many_shortest_paths_are_cut_in_order_of_edges():
    """2 ** 40 of them: only those asked for may be looked at."""
    doubled = [(str(i // 2), "next", str(i // 2 + 1)) for i in range(80)]
    ends = Entities(("0",)), Entities(("40",))
    result = execute(ShortestPath(*ends, 40, 3), TextualGraph.from_triples(doubled))
    first = tuple(range(0, 80, 2))
    assert result.paths == (first, (*first[:-1], 79), (*first[:-2], 77, 78))


def test_an_index_on_disk_gives_the_same(laureates, tmp_path):
    plans_over_all = [
        TopK(OfType("Person"), Attribute("prizes")),
        EdgeValues(Entities(("curie",)), Step("won"), "year"),
        ShortestPath(Entities(("curie",)), Entities(("bohr",))),
        FactsOf(Entities(("curie",))),
    ]
    with GraphIndex.build(laureates, tmp_path / "laureates.gllm") as index:
        for plan in plans_over_all:
            on_disk, in_memory = execute(plan, index), execute(plan, laureates)
            assert on_disk.nodes.tolist() == in_memory.nodes.tolist()
            assert on_disk.edges.tolist() == in_memory.edges.tolist()
            for field in ("values", "attributes", "paths", "closed_world"):
                assert getattr(on_disk, field) == getattr(in_memory, field)
            again = execute(plan, proof_subgraph(on_disk, index))
            assert again.values == in_memory.values
            assert again.nodes.tolist() == in_memory.nodes.tolist()


@pytest.mark.data
def test_proofs_on_real_films(data_dir):
    lines = (data_dir / "metaqa/kb.txt").read_text("utf-8").splitlines()
    graph = TextualGraph.from_triples(line.split("|") for line in lines)
    rng = np.random.default_rng(0)
    steps = [Step(name, inverse) for name in graph.relations for inverse in (False, True)]
    for node in rng.integers(graph.num_nodes, size=20).tolist():
        plan = Entities((graph.keys[node],))
        for _ in range(rng.integers(1, 4)):
            walks = [Follow(plan, step) for step in steps]
            walks = [walk for walk in walks if not execute(walk, graph).is_empty]
            plan = walks[rng.integers(len(walks))]
        for wider in (plan, TopK(plan, YEAR, k=2), Count(plan)):
            result = execute(wider, graph)
            again = execute(wider, proof_subgraph(result, graph))
            assert again.nodes.tolist() == result.nodes.tolist()
            assert again.values == result.values
            assert len(result.edges) > 0 or isinstance(wider, TopK)
