import numpy as np
import pytest

from graphllm.evaluate.proof import check_proof
from graphllm.graph import TextualGraph
from graphllm.query import Count, Entities, Follow, Step, execute

GRAPH = TextualGraph.from_triples(
    [
        ("Heat", "starred", "Pacino"),
        ("Heat", "starred", "De Niro"),
        ("Ali", "starred", "Smith"),
        ("Heat", "starred", "Pacino"),
    ]
)
CAST = Follow(Entities(("Heat",)), Step("starred"))


@pytest.mark.parametrize("plan", [CAST, Count(CAST)])
def test_what_the_executor_cites_is_a_proof(plan):
    assert check_proof(plan, GRAPH, execute(plan, GRAPH).edges) == (True, True)


@pytest.mark.parametrize(
    ("cited", "check"),
    [
        ([0], (False, False)),  # half of the answer; the fourth edge says the first again
        ([1, 3], (True, True)),
        ([2], (False, False)),
        ([], (False, False)),
        ([0, 1, 2, 3], (True, True)),
    ],
)
def test_edges_that_are_missing_or_beside_the_point(cited, check):
    assert check_proof(CAST, GRAPH, np.array(cited, dtype=np.int64)) == check
    assert check_proof(Count(CAST), GRAPH, np.array(cited, dtype=np.int64)) == check
