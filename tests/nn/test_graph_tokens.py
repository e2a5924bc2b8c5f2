"""Graphs as tensors: what is checked, and graphs side by side."""

import re
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data

from graphllm.errors import DataError
from graphllm.nn import GraphTokens, tokens_from_pyg, tokens_to_pyg
from graphllm.testing import random_graph_tokens

FIELDS = ("x", "edge_index", "edge_attr", "batch")


def chain(edge_attr=None):
    return GraphTokens.single(torch.zeros(3, 2), torch.tensor([[0, 1], [1, 2]]), edge_attr)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.zeros(3)}, "x: expected (num_nodes, dim) floats, got (3,) of float32"),
        ({"x": torch.zeros(3, 2).long()}, "got (3, 2) of int64"),
        ({"edge_index": torch.zeros(2, 1)}, "expected (2, num_edges) int64, got (2, 1) of float32"),
        ({"edge_index": torch.zeros(3, 1).long()}, "expected (2, num_edges) int64, got (3, 1)"),
        ({"edge_attr": torch.zeros(1, 2)}, "edge_attr: expected (2, dim) floats, got (1, 2)"),
        ({"edge_attr": torch.zeros(2)}, "edge_attr: expected (2, dim) floats, got (2,)"),
        ({"batch": torch.zeros(2).long()}, "batch: expected (3,) int64, got (2,)"),
        ({"batch": torch.tensor([0, 1, 0]), "num_graphs": 2}, "graph numbers must ascend"),
        ({"batch": torch.tensor([0, 0, 1])}, "batch: reaches over 0..1, outside 0..0"),
        ({"batch": torch.tensor([-1, 0, 0])}, "batch: reaches over -1..0, outside 0..0"),
        ({"num_graphs": 0}, "num_graphs must be 1 or more, got 0"),
        ({"edge_index": torch.tensor([[0, 1], [1, 3]])}, "edge 1 (1, 3) names a node outside 0..2"),
        ({"edge_index": torch.tensor([[-1], [1]])}, "edge 0 (-1, 1) names a node outside 0..2"),
        (
            {"batch": torch.tensor([0, 0, 1]), "num_graphs": 2},
            "edge 1 (1, 2) joins two graphs of the batch",
        ),
    ],
    ids=lambda value: None if isinstance(value, dict) else value[:30],
)
def test_what_does_not_fit_is_an_error(change, message):
    with pytest.raises(DataError, match=re.escape(message)):
        replace(chain(), **change)


graphs = st.builds(
    lambda num_nodes, num_edges, seed: random_graph_tokens(
        num_nodes, num_edges if num_nodes else 0, in_dim=3, edge_dim=2, seed=seed
    ),
    st.integers(0, 4),
    st.integers(0, 5),
    st.integers(0, 99),
)


@given(st.lists(graphs, min_size=1, max_size=4))
def test_collating_is_what_torch_geometric_does(parts):
    ours = GraphTokens.collate(parts)
    theirs = Batch.from_data_list(
        [Data(x=part.x, edge_index=part.edge_index, edge_attr=part.edge_attr) for part in parts]
    )
    assert ours.num_graphs == theirs.num_graphs
    for field in FIELDS:
        assert torch.equal(getattr(ours, field), getattr(theirs, field)), field


@given(st.lists(graphs, min_size=1, max_size=4))
def test_collating_batches_is_collating_their_graphs(parts):
    at_once = GraphTokens.collate(parts)
    in_steps = GraphTokens.collate([GraphTokens.collate(parts[:1]), *parts[1:]])
    twice = GraphTokens.collate([at_once, at_once])
    assert twice.num_graphs == 2 * len(parts)
    assert torch.equal(twice.batch[at_once.num_nodes :], at_once.batch + len(parts))
    for field in FIELDS:
        assert torch.equal(getattr(at_once, field), getattr(in_steps, field)), field


@given(st.lists(graphs, min_size=1, max_size=4))
def test_torch_geometric_and_back_is_the_same(parts):
    tokens = GraphTokens.collate(parts)
    data = tokens_to_pyg(tokens)
    back = tokens_from_pyg(data)
    assert back.num_graphs == tokens.num_graphs == len(data.to_data_list())
    for field in FIELDS:
        assert torch.equal(getattr(back, field), getattr(tokens, field)), field


def test_one_graph_of_torch_geometric_without_edge_attr():
    data = Data(x=torch.ones(2, 1), edge_index=torch.tensor([[0], [1]]))
    tokens = tokens_from_pyg(data)
    assert (tokens.num_graphs, tokens.num_nodes, tokens.num_edges) == (1, 2, 1)
    assert tokens.edge_attr is None
    assert tokens_to_pyg(tokens).edge_attr is None
    with pytest.raises(DataError, match="PyG data: no x; an encoder needs one"):
        tokens_from_pyg(Data(edge_index=data.edge_index))


def test_collating_what_does_not_go_together_is_an_error():
    with pytest.raises(DataError, match="no graphs"):
        GraphTokens.collate([])
    with pytest.raises(DataError, match="1 of 2 graphs have edge_attr"):
        GraphTokens.collate([chain(), chain(torch.zeros(2, 1))])
    with pytest.raises(DataError, match=r"edge_attr comes in widths \[1, 4\]"):
        GraphTokens.collate([chain(torch.zeros(2, 4)), chain(torch.zeros(2, 1))])
    wide = GraphTokens.single(torch.zeros(1, 5), torch.zeros(2, 0, dtype=torch.int64))
    with pytest.raises(DataError, match=r"x comes in widths \[2, 5\]"):
        GraphTokens.collate([chain(), wide])


def test_a_dtype_is_of_the_vectors_alone():
    tokens = chain(torch.zeros(2, 4)).to("cpu", torch.bfloat16)
    assert (tokens.x.dtype, tokens.edge_attr.dtype) == (torch.bfloat16, torch.bfloat16)
    assert (tokens.edge_index.dtype, tokens.batch.dtype) == (torch.int64, torch.int64)
    assert chain().to("cpu").edge_attr is None
