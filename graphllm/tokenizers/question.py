"""What a question says to the tokens of a graph: what it names, and what means about the same.

A graph encoder sees a part of the graph, but not what was asked of it. It is told of each node
whether the question names it, the cosine of its text with the question, and the question's vector;
of each edge the cosine of its relation with the question. Graph networks that answer questions,
such as ReaRev (Mavromatis and Karypis 2022, arXiv 2210.13650), start their messages from the named
nodes and weigh relations by the question.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from graphllm.graph.subgraph import Subgraph
from graphllm.nn import GraphTokens
from graphllm.text.encoder import TextEncoder

EDGE_MARKS = 1  # numbers that are added to an edge's vector


def node_marks(text_dim: int) -> int:
    """Return how many numbers are added to a node's vector, where texts have ``text_dim``."""
    return 2 + text_dim


class Asked(NamedTuple):
    """A question as a graph encoder is told of it.

    Attributes:
        vector: Of the question, of length one.
        named: Places of the nodes that it names, among those of the subgraph.
    """

    vector: Float[Tensor, "text_dim"]
    named: Int64[Tensor, "num_named"]

    @property
    def blank(self) -> "Asked":
        """A question that says nothing."""
        return Asked(torch.zeros_like(self.vector), self.named[:0])


def asked_of(
    question: str, named: Iterable[int], subgraph: Subgraph, encoder: TextEncoder
) -> Asked:
    """Return a question as it is told to the tokens of a part of the graph.

    Args:
        named: The nodes that it names; some may be outside the part.
        encoder: Of texts; the one of the tokens.
    """
    places = np.flatnonzero(np.isin(subgraph.nodes, np.array([*named], dtype=np.int64)))
    return Asked(torch.from_numpy(encoder.encode([question])[0]), torch.from_numpy(places))


def with_question(tokens: GraphTokens, asked: Asked) -> GraphTokens:
    """Return the tokens of one graph with what a question says to them.

    Args:
        tokens: Whose node and edge vectors begin with those of texts, each of length one.

    Returns:
        The same with `node_marks` more numbers for each node and `EDGE_MARKS` for each edge.
    """
    is_named = tokens.x.new_zeros(tokens.num_nodes, 1)
    is_named[asked.named] = 1.0
    attr = tokens.edge_attr
    question = asked.vector.to(tokens.x).expand(tokens.num_nodes, -1)
    return GraphTokens(
        x=torch.cat([tokens.x, is_named, _cosines(tokens.x, asked), question], dim=1),
        edge_index=tokens.edge_index,
        edge_attr=None if attr is None else torch.cat([attr, _cosines(attr, asked)], dim=1),
        batch=tokens.batch,
        num_graphs=tokens.num_graphs,
    )


def _cosines(x: Float[Tensor, "n dim"], asked: Asked) -> Float[Tensor, "n 1"]:
    return x[:, : len(asked.vector)] @ asked.vector[:, None]
