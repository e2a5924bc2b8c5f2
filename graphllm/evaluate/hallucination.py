"""Do the nodes and edges that an answer names as its grounds exist?

A reply that lists its grounds, as the prompt ``supporting`` asks for, ends in

    Nodes: Alien; Ridley Scott
    Edges: (Alien | directed by | Ridley Scott)

Source: G-Retriever, table "hallucination": valid nodes, valid edges, and fully valid answers.
Differs from the paper: there, people read 100 answers; here every name is looked up. Whether the
grounds are *good* grounds is not asked.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from graphllm.answer import Answer, Draft
from graphllm.evaluate.metrics import Mean, mean
from graphllm.graph.folding import fold, humanize
from graphllm.graph.view import GraphView, edges_of

Triple = tuple[str, str, str]


class Grounds(NamedTuple):
    """What an answer says it stands on.

    Attributes:
        nodes: Names, each once.
        edges: Head, relation and tail, each edge once; one that cannot be read as three parts is
            ``(text, "", "")`` and is in no graph.
    """

    nodes: tuple[str, ...] = ()
    edges: tuple[Triple, ...] = ()


class Named(NamedTuple):
    """How many nodes and edges an answer names, and how many of them are in the graph."""

    num_nodes: int
    true_nodes: int
    num_edges: int
    true_edges: int

    @property
    def valid_nodes(self) -> float | None:
        """The share of the named nodes that exist; ``None`` when none is named."""
        return self.true_nodes / self.num_nodes if self.num_nodes else None

    @property
    def valid_edges(self) -> float | None:
        """The share of the named edges that exist; ``None`` when none is named."""
        return self.true_edges / self.num_edges if self.num_edges else None

    @property
    def fully_valid(self) -> float | None:
        """1 when all that is named exists, else 0; ``None`` when nothing is named."""
        if not self.num_nodes + self.num_edges:
            return None
        return float(self.true_nodes == self.num_nodes and self.true_edges == self.num_edges)


class Validity(NamedTuple):
    """The averages over answers; ``n`` is the number of answers that name such a thing."""

    valid_nodes: Mean
    valid_edges: Mean
    fully_valid: Mean


def hallucination(answers: Iterable[Answer | Draft | str], view: GraphView) -> Validity:
    """Return which share of the nodes and edges that answers name exist in ``view``.

    Args:
        answers: Checked answers, drafts before they are checked, or replies that list their
            grounds.
    """
    facts = Facts(view)
    return averages([facts.named(grounds_of(answer)) for answer in answers])


def averages(named: Sequence[Named]) -> Validity:
    """Return the averages of many answers."""
    shares = (
        [getattr(one, field) for one in named if getattr(one, field) is not None]
        for field in Validity._fields
    )
    return Validity(*(mean(np.array(found, dtype=np.float64)) for found in shares))


def grounds_of(answer: Answer | Draft | str) -> Grounds:
    """Return the nodes and edges that an answer names; of an attribute, its node."""
    if isinstance(answer, str):
        return read_grounds(answer)
    if isinstance(answer, Draft):
        stated = [(c.head, c.relation, c.tail, c.edge) for c in answer.claims]
    else:
        stated = [(c.head, c.relation, c.tail, c.edge) for c in answer.citations]
    edges = [(head, relation, tail) for head, relation, tail, edge in stated if edge is not None]
    nodes = [name for head, _, tail in edges for name in (head, tail)]
    nodes += [head for head, _, _, edge in stated if edge is None]
    return Grounds(tuple(dict.fromkeys(nodes)), tuple(dict.fromkeys(edges)))


_RUN_ON = re.compile(r"(?<=\S)[ \t]+(nodes|edges) ?: ?", re.IGNORECASE)
_HEADING = re.compile(
    r"^\W*(supporting )?(?P<what>nodes|edges|triples)\W*?:\W*?(?P<rest>[^*:].*)?$"
)
_BULLET = re.compile(r"^\s*([-*•]|\d+[.)])\s+")
_BRACKETED = re.compile(r"\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
_ARROW = re.compile(r"\s*(?:-+>|→|--+)\s*")
_NOTHING = frozenset(["", "none", "n a", "no nodes", "no edges", "empty"])


def on_lines(reply: str) -> str:
    r"""Return a reply with its lists of grounds on lines of their own.

    A model whose vocabulary has no line ends runs them together.

    Examples:
        >>> on_lines("alien nodes : alien ; scott edges : ( alien | directed by | scott )")
        'alien\nNodes: alien ; scott\nEdges: ( alien | directed by | scott )'
    """
    return _RUN_ON.sub(lambda found: f"\n{found[1].capitalize()}: ", reply)


def read_grounds(text: str) -> Grounds:
    r"""Return the nodes and edges listed in a reply, after its last headings of that name.

    Lists may stand on the line of their heading, divided by semicolons, or below it, one an item;
    an edge may be written ``(h | r | t)``, ``h -> r -> t``, ``h --r--> t`` or ``(h, r, t)``.

    Examples:
        >>> read_grounds("Nodes: Alien; Scott\nEdges: (Alien | directed by | Scott)").edges
        (('Alien', 'directed by', 'Scott'),)
    """
    found: dict[str, list[str]] = {"nodes": [], "edges": []}
    current: list[str] | None = None
    for line in text.splitlines():
        heading = _HEADING.match(line.lower())
        if heading:
            what = "nodes" if heading["what"] == "nodes" else "edges"
            current = found[what] = []
            start = heading.start("rest")
            line = line[start:] if start >= 0 else ""
        if current is not None:
            current.append(_BULLET.sub("", line))
    nodes = (name for line in found["nodes"] for name in _cleaned(line.split(";")))
    edges = (_triple(part) for line in found["edges"] for part in _edge_texts(line))
    return Grounds(tuple(dict.fromkeys(nodes)), tuple(dict.fromkeys(edges)))


def _cleaned(items: Iterable[str]) -> Iterator[str]:
    for item in items:
        name = item.strip().strip("`\"'[]*").strip()
        if fold(name) not in _NOTHING or (name and not fold(name)):
            yield name


def _edge_texts(line: str) -> list[str]:
    line = line.strip()
    if not line.startswith("("):
        return list(_cleaned(line.split(";") if "|" in line or "->" in line else [line]))
    return list(_cleaned(_BRACKETED.findall(line))) or [line]


def _triple(text: str) -> Triple:
    for parts in (text.split("|"), _ARROW.split(text), text.split(";"), text.split(",")):
        if len(parts) == 3:
            head, relation, tail = (part.strip().strip("`\"'").strip() for part in parts)
            return head, relation, tail
    return text, "", ""


class Facts:
    """The nodes and edges of one graph by name; case, accents and punctuation do not matter."""

    def __init__(self, view: GraphView) -> None:
        self._view = view

    @cached_property
    def _nodes(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for node, (key, name) in enumerate(zip(self._view.keys, self._view.names, strict=True)):
            for written in {_folded(n) for n in (key, name, *self._view.aliases(node))}:
                found.setdefault(written, []).append(node)
        return found

    @cached_property
    def _relations(self) -> list[frozenset[str]]:
        """The ways to write each relation."""
        return [frozenset((_folded(r), _folded(humanize(r)))) for r in self._view.relations]

    def has_node(self, name: str) -> bool:
        """Return whether a node has this name, alias or key."""
        return _folded(name) in self._nodes

    def has_edge(self, head: str, relation: str, tail: str) -> bool:
        """Return whether such an edge leads from a node of the one name to one of the other."""
        heads = self._nodes.get(_folded(head), [])
        tails = set(self._nodes.get(_folded(tail), []))
        if not heads or not tails:
            return False
        edges = edges_of(self._view, np.array(heads, dtype=np.int64))
        said = _folded(relation)
        return any(
            tail_id in tails and said in self._relations[relation_id]
            for tail_id, relation_id in zip(
                self._view.tails[edges].tolist(),
                self._view.relation_ids[edges].tolist(),
                strict=True,
            )
        )

    def named(self, grounds: Grounds) -> Named:
        """Count what is named, and what of it exists.

        A name that is no node but holds commas is read as a list of names.
        """
        nodes = list(dict.fromkeys(name for item in grounds.nodes for name in self._names(item)))
        return Named(
            num_nodes=len(nodes),
            true_nodes=sum(map(self.has_node, nodes)),
            num_edges=len(grounds.edges),
            true_edges=sum(self.has_edge(*edge) for edge in grounds.edges),
        )

    def _names(self, item: str) -> list[str]:
        if "," not in item or self.has_node(item):
            return [item]
        return list(_cleaned(item.split(",")))


def _folded(name: str) -> str:
    return fold(name) or name.strip()
