import numpy as np
from graphllm.retrieval.pcst import EdgeRows, pcst
from graphllm.retrieval.prizes import Prizes
def test_a():
    rows = EdgeRows.from_edges([(0, 1), (1, 2), (2, 3)], num_nodes=4)
    t=pcst(rows, Prizes(node_ids=np.array([0, 2], np.int32), node_prizes=np.array([2.0, 2.0])))
    assert t.edges.tolist()==[0,1]
