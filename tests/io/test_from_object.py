"""Any graph object becomes a graph, or a clear error."""

import networkx
import pytest

from graphllm import GraphQA
from graphllm.errors import DataError
from graphllm.io import from_object


def test_pyg_data_is_asked_directly():
    torch = pytest.importorskip("torch")
    from torch_geometric.data import Data

    data = Data(edge_index=torch.tensor([[0, 1], [1, 2]]), num_nodes=3)
    data.node_name = ["Ada", "Babbage", "Herschel"]
    qa = GraphQA.from_graph(data)
    assert qa.view.num_edges == 2
    assert list(qa.view.names) == ["Ada", "Babbage", "Herschel"]


def test_networkx_is_told_by_what_it_can_do():
    graph = networkx.MultiDiGraph()
    graph.add_edge("Alien", "Ridley Scott", label="directed by")
    assert GraphQA.from_graph(graph).ask("Who directed Alien?").entities == ("Ridley Scott",)


def test_something_else_is_refused_with_what_to_give():
    with pytest.raises(DataError, match=r"a dict is no graph; expected .* give its path"):
        from_object({"a": 1})
