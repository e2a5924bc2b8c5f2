"""Tokens of a part of a graph: what its nodes and relations say, and how its graph is wired."""

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol, cast, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float32, Int, Int32

from graphllm.errors import DataError
from graphllm.graph.subgraph import Subgraph
from graphllm.graph.view import GraphView
from graphllm.index.graph_index import GraphIndex
from graphllm.index.vectors import Vectors
from graphllm.nn import GraphTokens
from graphllm.registry import load
from graphllm.text.encoder import TextEncoder
from graphllm.text.remembering import Remembering
from graphllm.tokenizers.topology import TopologySettings, graph_topology, topology_of_many

TOKENIZERS = {
    "text": "graphllm.tokenizers.features:TextTokenizer",
    "topology": "graphllm.tokenizers.features:TopologyTokenizer",
}


@runtime_checkable
class GraphTokenizer(Protocol):
    """Turns a part of one graph into what a graph encoder reads.

    ``graphllm.testing.assert_graph_tokenizer_contract`` checks what else it promises.
    """

    @property
    def dim(self) -> int:
        """Length of a node's vector."""

    @property
    def edge_dim(self) -> int | None:
        """Length of an edge's vector; ``None`` when edges have none."""

    def tokenize(self, subgraph: Subgraph) -> GraphTokens:
        """Return one graph: nodes and edges in the order of ``subgraph``.

        A node's vector depends on the node and the whole graph only, an edge's on its relation.

        Raises:
            DataError: An edge has an end that is not among the nodes.
        """


def load_tokenizer(
    name: str,
    view: GraphView,
    encoder: TextEncoder,
    topology: TopologySettings | None = None,
) -> GraphTokenizer:
    """Return the tokenizer called ``name`` over a graph.

    Raises:
        ConfigError: There is no such tokenizer.
    """
    kind = cast("type", load("tokenizer", TOKENIZERS, name))
    return cast(GraphTokenizer, kind(view, encoder, topology))


class TextTokenizer:
    """Vectors of what nodes are called and described as, and of what relations are called.

    A node's vector is that of its name, or of name and description, half each, where it has one;
    an edge's is that of its relation. With ``topology``, the node's topology token follows: scaled
    to length one, as texts are, so that neither outweighs the other. It says where the node stands
    in the whole graph, of which the subgraph is a part.

    No text is encoded twice: vectors that the index keeps are taken from there, others are
    remembered as long as the tokenizer lives. Embed the index of a large graph before tokenizing
    much of it.

    Args:
        view: The graph that subgraphs are parts of.
        encoder: Encodes names, texts and relations.
        topology: Adds topology tokens.

    Examples:
        >>> from graphllm.graph import TextualGraph
        >>> from graphllm.text.encoder import load_encoder
        >>> graph = TextualGraph.from_triples([("Ada", "wrote to", "Babbage")])
        >>> topology = TopologySettings(dim=8)
        >>> tokenizer = TextTokenizer(graph, load_encoder("minilm"), topology)
        >>> ones = np.ones(2, np.float32)
        >>> part = Subgraph(
        ...     nodes=np.arange(2, dtype=np.int32),
        ...     edges=np.zeros(1, dtype=np.int32),
        ...     node_scores=ones,
        ...     edge_scores=ones[:1],
        ... )
        >>> tokens = tokenizer.tokenize(part)
        >>> tuple(tokens.x.shape), tokens.edge_index.tolist(), tokenizer.edge_dim
        ((2, 392), [[0], [1]], 384)
    """

    def __init__(
        self, view: GraphView, encoder: TextEncoder, topology: TopologySettings | None = None
    ) -> None:
        self.view = view
        self.topology = topology
        self._encoder = Remembering(encoder)
        self._names = _Texts(view.names, self._encoder, _kept(view, encoder, "names"))
        self._texts = _Texts(view.texts, self._encoder, _kept(view, encoder, "texts"))
        self._relations = _Texts(view.relations, self._encoder, _kept(view, encoder, "relations"))

    @classmethod
    def of_many(
        cls,
        views: Sequence[GraphView],
        encoder: TextEncoder,
        topology: TopologySettings | None = None,
    ) -> "list[TextTokenizer]":
        """Return a tokenizer of each of many small graphs, sooner than one by one.

        A text that several graphs have is encoded once; their topology is computed together.
        """
        shared = Remembering(encoder)
        tokenizers = [cls(view, shared, topology) for view in views]
        if topology is not None:
            for one, wiring in zip(tokenizers, topology_of_many(views, topology), strict=True):
                one._wiring = wiring
        return tokenizers

    @property
    def dim(self) -> int:
        """Length of a node's vector."""
        return self._encoder.dim + (self.topology.dim if self.topology else 0)

    @property
    def edge_dim(self) -> int:
        """Length of an edge's vector."""
        return self._encoder.dim

    def tokenize(self, subgraph: Subgraph) -> GraphTokens:
        """Return one graph: nodes and edges in the order of ``subgraph``.

        Raises:
            DataError: An edge has an end that is not among the nodes.
        """
        x = self._said_of(subgraph.nodes)
        if self.topology is not None:
            x = np.concatenate([x, _of_length_one(self._wiring[subgraph.nodes])], axis=1)
        relation_ids = np.asarray(self.view.relation_ids[subgraph.edges])
        distinct, which = np.unique(relation_ids, return_inverse=True)
        return GraphTokens.single(
            torch.from_numpy(x),
            torch.from_numpy(_positions(self.view, subgraph)),
            torch.from_numpy(self._relations.of(distinct)[which]),
        )

    @cached_property
    def _wiring(self) -> Float32[np.ndarray, "num_nodes topology_dim"]:
        """The topology tokens of the whole graph; those of an index are memory-mapped."""
        return graph_topology(self.view, self.topology or TopologySettings())

    def _said_of(self, nodes: Int32[np.ndarray, "n"]) -> Float32[np.ndarray, "n text_dim"]:
        vectors = self._names.of(nodes)
        described = np.array([bool(self.view.texts[node]) for node in nodes.tolist()], dtype=bool)
        if described.any():
            both = vectors[described] + self._texts.of(nodes[described])
            vectors[described] = _of_length_one(both)
        return vectors


class TopologyTokenizer:
    """Topology tokens alone: how a graph is wired, whatever its nodes and relations are called.

    For graphs without texts, and for models that are to be used on graphs they have not seen.
    Vectors of nodes are scaled to length one; edges have none.

    Args:
        view: The graph that subgraphs are parts of.
        encoder: Is not used: tokenizers are all made from the same.
        topology: Of the tokens; the usual settings when ``None``.
    """

    edge_dim: int | None = None

    def __init__(
        self,
        view: GraphView,
        encoder: TextEncoder | None = None,
        topology: TopologySettings | None = None,
    ) -> None:
        self.view = view
        self.topology = topology or TopologySettings()

    @property
    def dim(self) -> int:
        """Length of a node's vector."""
        return self.topology.dim

    def tokenize(self, subgraph: Subgraph) -> GraphTokens:
        """Return one graph: nodes and edges in the order of ``subgraph``.

        Raises:
            DataError: An edge has an end that is not among the nodes.
        """
        x = _of_length_one(self._wiring[subgraph.nodes])
        return GraphTokens.single(
            torch.from_numpy(x), torch.from_numpy(_positions(self.view, subgraph))
        )

    @cached_property
    def _wiring(self) -> Float32[np.ndarray, "num_nodes dim"]:
        return graph_topology(self.view, self.topology)


class _Texts:
    """The vectors of some strings, by place: kept ones, or encoded when they are asked for.

    Those encoded here are rounded as the kept ones are, so that tokens do not depend on which.
    """

    def __init__(self, strings: Sequence[str], encoder: TextEncoder, kept: Vectors | None) -> None:
        self._strings = strings
        self._encoder = encoder
        self._kept = kept

    def of(self, places: Int[np.ndarray, "num_asked"]) -> Float32[np.ndarray, "num_asked dim"]:
        if self._kept is not None:
            return self._kept.of(places)
        encoded = self._encoder.encode([self._strings[place] for place in places.tolist()])
        return encoded.astype(np.float16).astype(np.float32)


def _kept(view: GraphView, encoder: TextEncoder, what: str) -> Vectors | None:
    return view.vectors(encoder.id, what) if isinstance(view, GraphIndex) else None


def _of_length_one(x: Float32[np.ndarray, "n dim"]) -> Float32[np.ndarray, "n dim"]:
    """Return each row over its length; a row of zeros stays so."""
    lengths = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(lengths > 0, lengths, 1).astype(np.float32)


def _positions(view: GraphView, subgraph: Subgraph) -> Int[np.ndarray, "2 num_edges"]:
    """Return where the head and the tail of each edge stand among the nodes of the subgraph."""
    edges, nodes = subgraph.edges, subgraph.nodes
    ends = np.stack([view.heads[edges], view.tails[edges]])
    places = np.searchsorted(nodes, ends)
    missing = np.append(nodes, -1)[np.minimum(places, len(nodes))] != ends
    if missing.any():
        at = int(np.flatnonzero(missing.any(axis=0))[0])
        raise DataError(
            f"edge {edges[at]} {tuple(ends[:, at].tolist())} has an end that is not among the"
            f" {len(nodes)} nodes of the subgraph; expected both, nodes ascending"
        )
    return places.astype(np.int64)
