"""Edges grouped by relation are the edges of each relation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.graph import TextualGraph
from graphllm.graph.view import edges_by_relation, group_by_relation


@given(st.lists(st.integers(0, 4), max_size=30))
def test_edges_are_grouped_by_relation(relation_ids):
    indptr, edge_ids = group_by_relation(np.array(relation_ids, dtype=np.int32), 5)
    for relation in range(5):
        expected = [edge for edge, other in enumerate(relation_ids) if other == relation]
        assert edge_ids[indptr[relation] : indptr[relation + 1]].tolist() == expected


@pytest.mark.parametrize("num_relations", [65_536, 65_537, 70_000])
def test_there_may_be_very_many_relations(num_relations):
    relation_ids = np.array([num_relations - 1, 0, 300, num_relations - 1], dtype=np.int32)
    indptr, edge_ids = group_by_relation(relation_ids, num_relations)
    assert edge_ids.tolist() == [1, 2, 0, 3]
    assert indptr[-2:].tolist() == [2, 4]


def test_a_graph_in_memory_is_grouped_when_asked():
    graph = TextualGraph.from_triples([("a", "r", "b"), ("b", "s", "c"), ("c", "r", "a")])
    assert edges_by_relation(graph).edge_ids.tolist() == [0, 2, 1]
