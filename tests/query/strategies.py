"""Random small multigraphs and random plans over them."""

from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphllm.graph import GraphBuilder
from graphllm.query import (
    Aggregate,
    Aggregated,
    Attribute,
    By,
    Comparison,
    Condition,
    Count,
    CountValues,
    Degree,
    EdgeValues,
    Entities,
    Exists,
    FactsOf,
    Filter,
    Follow,
    GroupCount,
    Grouped,
    HavingAttribute,
    HavingStep,
    Intersect,
    OfType,
    Over,
    Part,
    Reached,
    ShortestPath,
    Step,
    Subtract,
    TopK,
    Union,
    Values,
)

RELATIONS = ("r", "wrote to", "año/'`\"\\")
TYPES = ("Film", "Person <x>")
KEYS = tuple("abcdefg")
NAMES = ("Ada", "ada!", "Bart Art", "1999", "2000", "7.5", "1999-05-01", "1999-12-31", "$", "-3")
NODE_ATTRIBUTES = {
    "born": [1899, 1900, 1950, -44],
    "height": [1.5, 2.0, 1999.0, 1999.25],
    "died": [np.datetime64(d, "us") for d in ("1950-01-01", "1950-12-31T23:00", "1951-01-01")],
    "alive": [True, False],
    "note": ["1999", "1999-05-01", "Silent films", "silent-film", "Ünder 7", "05", "5.0", "$"],
}
EDGE_ATTRIBUTES = {"year": [1903, 1911, 2000], "for": ["Physics", "chemistry", "1903-12-10"]}
LITERALS = (
    *(1899, 1950, 1999, 2000, 2, 7.5, 1999.0, 1999.5, True, False),
    *(np.datetime64(d, "us") for d in ("1950-01-01", "1999-05-01", "1951-01-01")),
    *("ada", "film", "Physics", "1999", "$", "art", "silent"),
)


def random_graph(seed: int):
    """A multigraph with duplicates, self-loops, isolated nodes and every attribute.

    Drawn by NumPy and not by hypothesis, which would take longer over it than the tests.
    """
    rng = np.random.default_rng(seed)

    def maybe(choices, share=0.7):
        return choices[rng.integers(len(choices))] if rng.random() < share else None

    builder = GraphBuilder()
    for key in KEYS:
        attributes = {name: maybe(values) for name, values in NODE_ATTRIBUTES.items()}
        builder.node(key, name=maybe(NAMES, 1), type=maybe(TYPES, 0.9), attributes=attributes)
        builder.node(key, attributes={"note": maybe(NODE_ATTRIBUTES["note"], 0.3)})
    for _ in range(rng.integers(40)):
        attributes = {name: maybe(values) for name, values in EDGE_ATTRIBUTES.items()}
        builder.edge(maybe(KEYS, 1), maybe(RELATIONS, 1), maybe(KEYS, 1), attributes=attributes)
    # everything a plan may name is in every graph
    for relation in RELATIONS:
        values = {name: v[0] for name, v in EDGE_ATTRIBUTES.items()}
        builder.edge("x", relation, "y", attributes=values)
    for node_type in TYPES:
        builder.node(f"a {node_type}", type=node_type)
    builder.node("x", attributes={name: v[0] for name, v in NODE_ATTRIBUTES.items()})
    return builder.build()


seeds = st.integers(0, 2**32 - 1)
conditions = st.builds(
    Condition,
    st.sampled_from(sorted(EDGE_ATTRIBUTES)),
    st.sampled_from(Comparison),
    st.sampled_from([1903, 1911, "physics", "chem", np.datetime64("1903-12-10", "us")]),
)
no_condition = st.none() | st.none() | st.none() | st.none()
steps = st.builds(Step, st.sampled_from(RELATIONS), st.booleans(), no_condition | conditions)


def attributes(*names):
    return st.builds(Attribute, st.sampled_from(names))


reached, degrees = st.builds(Reached, steps), st.builds(Degree, steps)
measures = attributes(*NODE_ATTRIBUTES) | reached | degrees
comparisons = st.sampled_from(Comparison)
dates = st.sampled_from([value for value in LITERALS if isinstance(value, np.datetime64)])
texts = st.sampled_from([value for value in LITERALS if isinstance(value, str)])
# a measure and a value: of kinds that compare mostly, and of any
tests = st.one_of(
    st.tuples(attributes("born", "height"), comparisons, st.sampled_from([1899, 1950, 1999, 2])),
    st.tuples(
        attributes("died", "height") | reached, comparisons, dates | st.sampled_from([1950, 1999])
    ),
    st.tuples(attributes("note") | reached, comparisons, texts),
    st.tuples(degrees, comparisons, st.integers(0, 3)),
    st.tuples(attributes("alive"), comparisons, st.booleans()),
    st.tuples(measures, comparisons, st.sampled_from(LITERALS)),
)
entities = st.builds(
    Entities, st.lists(st.sampled_from((*KEYS, "x")), min_size=1, max_size=3).map(tuple)
)
start_sets = st.one_of(
    entities,
    st.builds(OfType, st.sampled_from(TYPES)),
    st.builds(HavingStep, steps),
    st.builds(HavingAttribute, st.sampled_from(sorted(NODE_ATTRIBUTES))),
)


def _wider(inner):
    return st.one_of(
        st.builds(Follow, inner, steps),
        st.builds(Intersect, inner, inner),
        st.builds(Union, inner, inner),
        st.builds(Subtract, inner, inner),
        st.builds(lambda source, test: Filter(source, *test), inner, tests),
        st.builds(TopK, inner, measures, st.integers(1, 3), st.booleans()),
    )


node_plans = st.recursive(start_sets, _wider, max_leaves=5)
places = st.builds(Entities, st.lists(st.sampled_from(KEYS), min_size=1, max_size=2).map(tuple))
paths = st.builds(
    ShortestPath, places, places, max_hops=st.integers(0, 3), max_paths=st.integers(1, 4)
)
keys = st.one_of(
    st.builds(By, st.lists(steps, min_size=1, max_size=2).map(tuple)),
    st.builds(By, st.lists(steps, max_size=1).map(tuple), st.sampled_from(sorted(NODE_ATTRIBUTES))),
    st.builds(By, st.just(()), st.just("died"), st.sampled_from(Part)),
)
number_comparisons = st.sampled_from([c for c in Comparison if c is not Comparison.CONTAINS])
groups = st.builds(
    lambda source, by, over, test, k, ascending: Grouped(source, by, over, *test, k, ascending),
    node_plans,
    keys,
    st.none() | st.builds(Over, st.sampled_from([Aggregate.SUM, Aggregate.AVERAGE]), measures),
    st.just((None, 0)) | st.tuples(number_comparisons, st.integers(0, 3)),
    st.none() | st.integers(1, 2),
    st.booleans(),
)
extremes = st.builds(
    Grouped,
    node_plans,
    keys,
    st.builds(Over, st.sampled_from([Aggregate.MINIMUM, Aggregate.MAXIMUM]), measures),
)
set_plans = st.one_of(
    node_plans,
    st.builds(Values, node_plans, st.sampled_from(sorted(NODE_ATTRIBUTES))),
    st.builds(
        EdgeValues,
        node_plans,
        steps,
        st.sampled_from(sorted(EDGE_ATTRIBUTES)),
        st.none() | node_plans,
    ),
    st.builds(Count, node_plans),
    st.builds(CountValues, node_plans, st.sampled_from(sorted(NODE_ATTRIBUTES))),
    groups,
    st.builds(Aggregated, node_plans, measures, st.sampled_from(Aggregate)),
    st.builds(GroupCount, node_plans, steps),
    st.builds(Exists, node_plans),
)
plans = st.one_of(set_plans, extremes, st.builds(FactsOf, node_plans), paths)


some = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def every_comparison(graph):
    """A filter for each attribute, and for names reached, with each comparison and literal."""
    everything = Entities(tuple(graph.keys))
    measured = [Attribute(name) for name in NODE_ATTRIBUTES]
    measured += [Reached(Step(RELATIONS[0])), Degree(Step(RELATIONS[0]))]
    for measure, comparison, literal in product(measured, Comparison, LITERALS):
        yield Filter(everything, measure, comparison, literal)


def few_and_many(check, *strategies, few=40, many=300):
    """The same property as a fast test and as a slow one with more examples."""
    fast = settings(some, max_examples=few)(given(*strategies)(check))
    at_length = settings(some, max_examples=many)(given(*strategies)(check))
    return fast, pytest.mark.slow(at_length)
