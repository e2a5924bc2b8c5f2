"""What G-Retriever takes of a small graph for a question, and the text it makes of that.

>>> from graphllm.graph import TextualGraph
>>> graph = TextualGraph.from_triples([("cats", "is a", "pets"), ("pets", "need", "food")])
>>> part = published_part(graph, [0.9, 0.8, 0.1], [0.7, 0.2], PrizeSettings(top_k=2, top_k_edges=1))
>>> print(published_text(graph, part), end="")
node_id,node_attr
0,cats
1,pets
<BLANKLINE>
src,edge_attr,dst
0,is a,1
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32
from numpy.typing import ArrayLike

from graphllm.errors import ConfigError
from graphllm.graph.folding import fold
from graphllm.graph.subgraph import Subgraph
from graphllm.graph.view import GraphView
from graphllm.retrieval.pcst import pcst
from graphllm.retrieval.prizes import g_retriever_prizes
from graphllm.text.encoder import TextEncoder


@dataclass(frozen=True, slots=True, kw_only=True)
class PrizeSettings:
    """How much of a graph the published prizes take.

    Attributes:
        top_k: Nodes with a prize.
        top_k_edges: Distinct likenesses of edges with a prize: 3 for SceneGraphs, 5 for WebQSP.
        edge_cost: Of an edge, at most; the paper says 1 for SceneGraphs, its code 0.5 for both.

    Raises:
        ConfigError: A number is out of range.
    """

    top_k: int = 3
    top_k_edges: int = 5
    edge_cost: float = 0.5

    def __post_init__(self) -> None:
        if self.top_k < 0 or self.top_k_edges < 0 or not self.edge_cost >= 0:
            raise ConfigError("top_k, top_k_edges and edge_cost must be 0 or more")


def whole_graph(view: GraphView) -> Subgraph:
    """Return all of a graph, every node and edge of score 1."""
    return _part(
        np.arange(view.num_nodes, dtype=np.int32), np.arange(view.num_edges, dtype=np.int32)
    )


def published_part(
    view: GraphView,
    node_likeness: ArrayLike,
    relation_likeness: ArrayLike,
    settings: PrizeSettings,
) -> Subgraph:
    """Return the part of a graph that G-Retriever retrieves for a question.

    Source: He et al. 2024 (arXiv 2402.07630), section 5.3: prizes, cost and virtual nodes, then an
    unrooted tree of one cluster with Goemans-Williamson pruning. A graph without edges is taken
    whole, as by the published code.

    Args:
        node_likeness: The cosine of each node's text and the question.
        relation_likeness: That of each relation's text, which all edges of the relation have.
        settings: How much is taken.
    """
    if not view.num_nodes or not view.num_edges:
        return whole_graph(view)
    likeness = np.asarray(relation_likeness, np.float64)
    prizes = g_retriever_prizes(
        node_likeness,
        likeness[view.relation_ids],
        top_k=settings.top_k,
        top_k_edges=settings.top_k_edges,
        edge_cost=settings.edge_cost,
    )
    tree = pcst(view, prizes)
    return _part(tree.nodes, tree.edges)


def retrieve_published(
    view: GraphView, question: str, encoder: TextEncoder, settings: PrizeSettings
) -> Subgraph:
    """Return ``published_part`` by the likeness of texts: of nodes, of relations, of a question.

    Args:
        question: Alone, without a prompt around it.
        encoder: The published one is ``st:sentence-transformers/all-roberta-large-v1``. Give one
            that remembers where many graphs share their words.
    """
    query = encoder.encode([question])[0]
    return published_part(
        view,
        _likeness(encoder, node_texts(view), query),
        _likeness(encoder, list(view.relations), query),
        settings,
    )


def named_first(view: GraphView, part: Subgraph, question: str, max_edges: int) -> Subgraph:
    """Return the best edges of a part: those of which the question names both ends, then one.

    Edges that are named alike keep their order. A walk from the rarest name that a question holds
    reaches the common ones ("the mug on the table in ..."), but passes them no more than others.

    Examples:
        >>> from graphllm.graph import TextualGraph
        >>> graph = TextualGraph.from_triples([("cats", "eat", "fish"), ("cows", "eat", "grass")])
        >>> named_first(graph, whole_graph(graph), "What do cows eat?", 1).nodes.tolist()
        [2, 3]
    """
    said = f" {fold(question)} "
    named = [node for node in part.nodes.tolist() if f" {fold(view.names[node])} " in said]
    ends = np.stack([view.heads[part.edges], view.tails[part.edges]])
    order = np.lexsort((part.edges, -part.edge_scores, -np.isin(ends, named).sum(axis=0)))
    chosen = order[:max_edges]
    ascending = np.argsort(part.edges[chosen])
    ranks = 1 - np.arange(len(chosen), dtype=np.float32) / np.float32(max(len(chosen), 1))
    nodes = np.union1d(ends[:, chosen], named).astype(np.int32) if len(chosen) else part.nodes
    return Subgraph(
        nodes=nodes,
        edges=part.edges[chosen][ascending],
        node_scores=np.isin(nodes, named).astype(np.float32),
        edge_scores=ranks[ascending],
        truncated=part.truncated or len(chosen) < len(order),
    )


def node_texts(view: GraphView) -> list[str]:
    """Return the text of each node: its description where it has one, else its name."""
    return [view.texts[node] or view.names[node] for node in range(view.num_nodes)]


def published_text(view: GraphView, part: Subgraph) -> str:
    r"""Return a part of a graph as two tables of CSV, by the ids of the whole graph.

    Source: G-Retriever, section 5.3, "textualize", and its code.
    Differs from its code: edges come by their ids, where that leaves them as the solver has them;
    a text that pandas takes for a missing value, such as "None", stays a text.
    """
    nodes = ((node, view.texts[node] or view.names[node]) for node in part.nodes.tolist())
    edges = (
        (int(view.heads[e]), view.relations[int(view.relation_ids[e])], int(view.tails[e]))
        for e in part.edges.tolist()
    )
    return "\n".join(
        [_csv(("node_id", "node_attr"), nodes), _csv(("src", "edge_attr", "dst"), edges)]
    )


def nearest_triples(view: GraphView, question: str, encoder: TextEncoder, num: int) -> str:
    """Return the triples whose words are nearest to the question, one a line, nearest first.

    Source: Baek, Aji and Saffari 2023 (KAPING), section 3, over all triples of a small graph.
    """
    lines = [
        f"({view.names[head]}, {view.relations[relation]}, {view.names[tail]})"
        for head, relation, tail in zip(
            view.heads.tolist(), view.relation_ids.tolist(), view.tails.tolist(), strict=True
        )
    ]
    distinct = list(dict.fromkeys(lines))
    likeness = _likeness(encoder, distinct, encoder.encode([question])[0])
    return "\n".join(distinct[i] for i in np.argsort(-likeness, kind="stable")[:num].tolist())


def _csv(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _likeness(
    encoder: TextEncoder, texts: list[str], query: Float32[np.ndarray, "dim"]
) -> Float32[np.ndarray, "num_texts"]:
    return encoder.encode(texts) @ query if texts else np.zeros(0, np.float32)


def _part(nodes: Int32[np.ndarray, "n"], edges: Int32[np.ndarray, "m"]) -> Subgraph:
    return Subgraph(
        nodes=nodes,
        edges=edges,
        node_scores=np.ones(len(nodes), np.float32),
        edge_scores=np.ones(len(edges), np.float32),
    )
