"""Warm latency of plans of two and three hops on the graph of MetaQA.

GRAPHLLM_DATA=DIR pytest benchmarks/speed/bench_execute.py -o addopts= -p no:randomly \
    -p no:jaxtyping -m data --benchmark-only

Each plan runs from 200 starting nodes in turn, drawn with a fixed seed, five times over; one
round is one plan.
"""

import os
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from graphllm.graph import TextualGraph
from graphllm.query import (
    Comparison,
    Count,
    Degree,
    Entities,
    FactsOf,
    Filter,
    Follow,
    GroupCount,
    Reached,
    ShortestPath,
    Step,
    Subtract,
    TopK,
    execute,
)

pytestmark = pytest.mark.data
NUM_STARTS = 200


@pytest.fixture(scope="module")
def graph():
    folder = os.environ.get("GRAPHLLM_DATA", "")
    if not folder:
        pytest.skip("set GRAPHLLM_DATA to the folder of the datasets")
    lines = (Path(folder) / "metaqa/kb.txt").read_text("utf-8").splitlines()
    return TextualGraph.from_triples(line.split("|") for line in lines)


@pytest.fixture(scope="module")
def actors(graph):
    """Names that films name as their actors."""
    relation = graph.relations.index("starred_actors")
    tails = np.unique(graph.tails[graph.relation_ids == relation])
    chosen = np.random.default_rng(0).choice(tails, NUM_STARTS, replace=False)
    return [Entities((graph.keys[int(node)],)) for node in chosen]


def acted(actor):
    return Follow(actor, Step("starred_actors", inverse=True))


def colleagues(actor):
    films = Follow(Follow(acted(actor), Step("directed_by")), Step("directed_by", inverse=True))
    return Subtract(Follow(films, Step("starred_actors")), actor)


YEAR = Reached(Step("release_year"))
PLANS = {
    "1 hop": acted,
    "2 hops": lambda actor: Follow(acted(actor), Step("directed_by")),
    "3 hops": lambda actor: Follow(
        Follow(acted(actor), Step("directed_by")), Step("directed_by", inverse=True)
    ),
    "3 hops of a genre": lambda actor: Follow(
        Follow(acted(actor), Step("has_genre")), Step("has_genre", inverse=True)
    ),
    "4 hops without the start": colleagues,
    "2 hops, filter by year": lambda a: Filter(acted(a), YEAR, Comparison.LESS, 2000),
    "2 hops, latest": lambda actor: TopK(acted(actor), YEAR),
    "2 hops, count": lambda actor: Count(Follow(acted(actor), Step("has_genre"))),
    "2 hops, most often": lambda actor: GroupCount(acted(actor), Step("directed_by")),
    "2 hops, degree": lambda actor: Filter(
        acted(actor), Degree(Step("has_genre")), Comparison.AT_LEAST, 2
    ),
    "facts": FactsOf,
    "shortest path": lambda actor: ShortestPath(actor, Entities(("Kevin Bacon",))),
}


@pytest.mark.parametrize("name", PLANS)
def test_latency(benchmark, graph, actors, name):
    plans = [PLANS[name](actor) for actor in actors]
    run = cycle(plans)
    execute(plans[0], graph)  # builds both adjacencies
    result = benchmark.pedantic(lambda: execute(next(run), graph), rounds=5 * NUM_STARTS)
    assert result.edges.dtype == np.int32
