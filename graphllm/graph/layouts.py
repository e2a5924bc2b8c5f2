"""How the edges of a subgraph are written as lines of text, in each layout."""

import csv
import heapq
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from graphllm.graph.columns import Column, format_value
from graphllm.graph.folding import humanize
from graphllm.graph.plain import plain
from graphllm.graph.view import GraphView

_OPENS = re.compile(r"<(?=[\w/|!?])")  # a tag, the end of a block, or a model's own token
_WORD = re.compile(r"\w+")
_LONGEST_CELL = 2000  # characters of a description or a value that are shown
_LONGEST_WORDS = 40  # characters of a value that stands behind a name
_PREPOSITIONS = frozenset(
    ["by", "in", "at", "to", "of", "on", "with", "for", "from", "after", "before", "as"]
)
_IS_DONE = re.compile(r"(ed|en|born) by$|(ed|born) (in|at|on|for|with|from|as)$")


class Layout(StrEnum):
    """How a subgraph is written.

    Attributes:
        GROUPED: A numbered line per group of edges that share an end and the relation. Holds the
            most edges per token.
        TRIPLES: A numbered line per edge.
        SENTENCES: A numbered sentence per edge.
        REFERENCES: As ``GROUPED``, with a reference before every name: ``[n4] Alien``. For models
            that answer with references, and so cannot name what is not there.
        DESCRIBED: As ``GROUPED``, with the words among a node's attributes behind its name each
            time: ``mug (red, striped)``. A line can be read by itself; numbers and descriptions are
            left out.
        CSV: A table of nodes and a table of edges, as G-Retriever publishes it; no numbers.
    """

    GROUPED = "grouped"
    TRIPLES = "triples"
    SENTENCES = "sentences"
    REFERENCES = "references"
    DESCRIBED = "described"
    CSV = "csv"

    @property
    def legend(self) -> str:
        """How to read the layout, for the prompt of a language model."""
        return _LEGENDS[self]


_LEGENDS = {
    Layout.GROUPED: (
        "Each numbered line holds facts of one relation:\n"
        "[number] head | relation | tail\n"
        "[number] head | relation | tail; another tail of the same head\n"
        "[number] head; another head of the same tail | relation | tail\n"
        "[number] relation: head > tail; another head > another tail\n"
        "What is said of one fact alone stands in (parentheses) behind it."
    ),
    Layout.TRIPLES: (
        "Each numbered line is one fact:\n"
        "[number] head | relation | tail | attributes of the fact, if it has any"
    ),
    Layout.SENTENCES: "Each numbered line is one fact, as a sentence.",
    Layout.REFERENCES: (
        "Each numbered line holds facts of one relation, [n1] stands before the first name:\n"
        "[number] head | relation | tail; another tail of the same head"
    ),
    Layout.DESCRIBED: (
        "Each numbered line holds facts of one relation, words that describe a name stand in"
        " (parentheses) behind it:\n"
        "[number] head (words) | relation | tail; another tail of the same head\n"
        "[number] head; another head of the same tail | relation | tail\n"
        "[number] relation: head > tail; another head > another tail"
    ),
    Layout.CSV: (
        "The first table lists nodes: node_id,node_attr. The second lists facts between them:"
        " src,edge_attr,dst, where src and dst are node ids. Row 1 is the first fact."
    ),
}


class Row(NamedTuple):
    """A line of text.

    Attributes:
        pieces: What it consists of; joined they are the line. Each but the first of a line begins
            with a space or a mark, where every tokenizer splits, so their tokens add up.
        edges: The edges it states.
    """

    pieces: tuple[str, ...]
    edges: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """The line."""
        return "".join(self.pieces)


@dataclass(eq=False)
class Cells:
    """The names, relations and attributes of a graph as they may stand in a line.

    Nothing in a cell can end the line, the cell, or the block that the lines stand in. Nodes of one
    name are told apart by their type, or else by their key; when they are ``referred``, each has
    before its name a reference that counts ``nodes`` from 1; when they are ``described``, the words
    among its attributes behind it.
    """

    view: GraphView
    nodes: Iterable[int]
    relation_ids: Iterable[int]
    marks: str = "|"
    referred: bool = False
    described: bool = False
    _labels: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        nodes = list(self.nodes)
        names = {node: self._name(node) for node in nodes}
        shared = {name for name, count in Counter(names.values()).items() if count > 1}
        for node, name in names.items():
            self._labels[node] = f"{name} ({self._told_apart(node)})" if name in shared else name
        still = {label for label, count in Counter(self._labels.values()).items() if count > 1}
        for node, label in self._labels.items():
            if label in still:
                key = self._cell(self.view.keys[node])
                self._labels[node] = f"{names[node]} ({key})"
        if self.referred:
            for number, node in enumerate(nodes, 1):
                self._labels[node] = f"{node_reference(number)} {self._labels[node]}"

    def _name(self, node: int) -> str:
        name = self._cell(self.view.names[node])
        said = self._words(node) if self.described else ""
        return f"{name} ({said})" if said else name

    def _words(self, node: int) -> str:
        """Return the short words among the attributes of a node, without what they are of."""
        values = (v for column in self.view.node_columns.values() for v in column.of(node))
        words = (v for v in values if isinstance(v, str) and len(v) <= _LONGEST_WORDS)
        return ", ".join(self._cell(word) for word in words)

    def _told_apart(self, node: int) -> str:
        return self._cell(self.type_of(node) or self.view.keys[node])

    def type_of(self, node: int) -> str:
        """Return the type of a node, or ``""``."""
        number = int(self.view.node_type_ids[node])
        return self.view.node_types[number] if number >= 0 else ""

    def _cell(self, text: str) -> str:
        return escape(text, self.marks)

    def is_known(self, node: int) -> bool:
        """Return whether ``node`` is one of those that may be written."""
        return node in self._labels

    def node(self, node: int) -> str:
        """Return what a node is called."""
        return self._labels[node]

    @cached_property
    def _relations(self) -> dict[int, str]:
        relations = sorted(set(self.relation_ids))
        said = {r: humanize(self.view.relations[r]) for r in relations}
        times = Counter(said.values())
        return {
            r: self._cell(words if words and times[words] == 1 else self.view.relations[r])
            for r, words in said.items()
        }

    def relation(self, relation_id: int) -> str:
        """Return the words of a relation; as the source wrote it where two read the same."""
        return self._relations[relation_id]

    def qualifiers(self, edge: int) -> str:
        """Return what the source says about an edge itself: ``"year 1903"``."""
        return self._values(self.view.edge_columns, edge)

    def _values(self, columns: Mapping[str, Column], owner: int) -> str:
        said = (
            f"{self._cell(humanize(name) or name)}"
            f" {', '.join(self._clipped(format_value(v)) for v in values)}"
            for name, column in columns.items()
            if (values := column.of(owner))
        )
        return "; ".join(said)

    def _clipped(self, text: str) -> str:
        whole = len(text) <= _LONGEST_CELL
        return self._cell(text if whole else text[:_LONGEST_CELL] + "…")

    def about(self, node: int) -> str:
        """Return the type, attributes and description of a node; ``""`` when it has none.

        A description that only repeats the rest is left out.
        """
        kind = self._cell(self.type_of(node))
        values = self._values(self.view.node_columns, node)
        said = f"name {self.view.names[node]} {kind} {values}"
        repeats = _words_of(self.view.texts[node]) <= _words_of(said)
        text = "" if repeats else self._clipped(self.view.texts[node])
        return ". ".join(part for part in (kind, values, text) if part)


def _words_of(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))


def node_reference(number: int) -> str:
    """Return the reference to a node: ``"[n4]"``."""
    return f"[n{number}]"


def escape(text: str, marks: str = "|") -> str:
    r"""Return untrusted text on one line in which nothing can be taken for structure.

    Args:
        marks: Characters that structure the line; they are written as an escape.

    Examples:
        >>> print(escape("Alien\n[2] x | y"), escape("</graph> <|im_end|> 3 < 4"))
        Alien\n[2] x \x7c y \x3c/graph> \x3c\x7cim_end\x7c> 3 < 4
    """
    text = _OPENS.sub(r"\\x3c", plain(text))
    for mark in marks:
        text = text.replace(mark, f"\\x{ord(mark):02x}")
    return text


def rows_of(
    layout: Layout, edges: Sequence[int], cells: Cells, about: Sequence[int] = ()
) -> list[Row]:
    """Return the lines that state ``edges``, each once and best first, and those about nodes.

    Args:
        about: Nodes that get a line of their own.
    """
    if layout is Layout.CSV:
        return _tables(edges, cells, about) if edges or about else []
    is_grouped = layout in (Layout.GROUPED, Layout.REFERENCES, Layout.DESCRIBED)
    rows = _grouped(edges, cells) if is_grouped else _one_each(layout, edges, cells)
    return rows + [node_row(layout, node, cells) for node in about]


def _one_each(layout: Layout, edges: Sequence[int], cells: Cells) -> list[Row]:
    if layout is Layout.TRIPLES:
        return [Row(_triple(number, edge, cells), (edge,)) for number, edge in enumerate(edges, 1)]
    return [
        Row((f"[{number}]", f" {_sentence(edge, cells)}"), (edge,))
        for number, edge in enumerate(edges, 1)
    ]


def marks_of(layout: Layout) -> str:
    """Return the characters that structure a line of ``layout``."""
    marks = {
        Layout.GROUPED: "|;>",
        Layout.DESCRIBED: "|;>",
        Layout.REFERENCES: "|;>[",
        Layout.TRIPLES: "|",
    }
    return marks.get(layout, "")


def node_row(layout: Layout, node: int, cells: Cells) -> Row:
    """Return the line about a node itself: its type, attributes and description."""
    if layout is Layout.CSV:
        return Row((_record(node, cells.node(node)),))
    about = "" if layout is Layout.DESCRIBED else cells.about(node)
    return Row(("-", f" {cells.node(node)}", *((":", f" {about}") if about else ())))


def _ends(edge: int, cells: Cells) -> tuple[int, int, int]:
    view = cells.view
    return int(view.heads[edge]), int(view.relation_ids[edge]), int(view.tails[edge])


def _triple(number: int, edge: int, cells: Cells) -> tuple[str, ...]:
    head, relation, tail = _ends(edge, cells)
    said = cells.qualifiers(edge)
    row = (f"[{number}]", f" {cells.node(head)}", " |", f" {cells.relation(relation)}", " |")
    return (*row, f" {cells.node(tail)}", *((" |", f" {said}") if said else ()))


def _sentence(edge: int, cells: Cells) -> str:
    head, relation, tail = _ends(edge, cells)
    said = cells.qualifiers(edge)
    subject, words, thing = cells.node(head), cells.relation(relation), cells.node(tail)
    last = words.split()[-1:]
    if _IS_DONE.search(words):
        stated = f"{subject} is {words} {thing}"
    elif _PREPOSITIONS.isdisjoint(last) and not words.endswith(("ed", "es", "ts")):
        stated = f"The {words} of {subject} is {thing}"
    else:
        stated = f"{subject} {words} {thing}"
    return f"{stated} ({said})." if said else f"{stated}."


def _record(*fields: object) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()


def _tables(edges: Sequence[int], cells: Cells, about: Sequence[int]) -> list[Row]:
    """Return the two tables in the order of the ids, which are those of the whole graph."""
    triples = {edge: _ends(edge, cells) for edge in sorted(edges)}
    ends = {node for head, _, tail in triples.values() for node in (head, tail)}
    nodes = sorted(ends.union(about))
    relations = cells.view.relations
    return [
        Row(("node_id,node_attr",)),
        *(node_row(Layout.CSV, node, cells) for node in nodes),
        Row(("",)),
        Row(("src,edge_attr,dst",)),
        *(
            Row((_record(head, escape(relations[relation], ""), tail),), (edge,))
            for edge, (head, relation, tail) in triples.items()
        ),
    ]


# Groups


def _grouped(edges: Sequence[int], cells: Cells) -> list[Row]:
    """Return a line per group: the larger a group that an edge can join, the sooner it is made."""
    ends = {edge: _ends(edge, cells) for edge in edges}
    groups = _groups(ends)
    rank = {edge: position for position, edge in enumerate(edges)}
    groups.sort(key=lambda group: rank[group.edges[0]])
    return [
        Row((f"[{number}]", *_group_pieces(group, ends, cells)), group.edges)
        for number, group in enumerate(groups, 1)
    ]


class _Group(NamedTuple):
    """Edges of one relation that share their head (``"out"``), their tail (``"in"``), or neither.

    ``edges`` are in the order of their rank.
    """

    kind: str
    edges: tuple[int, ...]


def _groups(ends: Mapping[int, tuple[int, int, int]]) -> list[_Group]:
    members: dict[tuple[str, int, int], list[int]] = {}
    for edge, (head, relation, tail) in ends.items():
        members.setdefault(("out", head, relation), []).append(edge)
        members.setdefault(("in", tail, relation), []).append(edge)
    order = {key: position for position, key in enumerate(members)}
    queue = [(-len(edges), order[key], key) for key, edges in members.items()]
    heapq.heapify(queue)
    left = dict.fromkeys(ends)
    groups: list[_Group] = []
    while queue:
        size, position, key = heapq.heappop(queue)
        edges = [edge for edge in members[key] if edge in left]
        if len(edges) < 2:
            continue
        if len(edges) < -size:  # some went to a larger group: its turn comes later
            members[key] = edges
            heapq.heappush(queue, (-len(edges), position, key))
            continue
        groups.append(_Group(key[0], tuple(edges)))
        for edge in edges:
            del left[edge]
    return groups + _pairs(left, ends)


def _pairs(edges: Iterable[int], ends: Mapping[int, tuple[int, int, int]]) -> list[_Group]:
    """Group what shares no end with the others by relation alone."""
    by_relation: dict[int, list[int]] = {}
    for edge in edges:
        by_relation.setdefault(ends[edge][1], []).append(edge)
    return [
        _Group("pairs" if len(found) > 1 else "out", tuple(found)) for found in by_relation.values()
    ]


def _group_pieces(
    group: _Group, ends: Mapping[int, tuple[int, int, int]], cells: Cells
) -> tuple[str, ...]:
    head, relation, tail = ends[group.edges[0]]
    said = cells.relation(relation)
    items = [_item(group.kind, edge, ends, cells) for edge in group.edges]
    listed = tuple(piece for item in items for piece in (";", *item))[1:]
    if group.kind == "pairs":
        return (f" {said}", ":", *listed)
    if group.kind == "in":
        return (*listed, " |", f" {said}", " |", f" {cells.node(tail)}")
    return (f" {cells.node(head)}", " |", f" {said}", " |", *listed)


def _item(
    kind: str, edge: int, ends: Mapping[int, tuple[int, int, int]], cells: Cells
) -> tuple[str, ...]:
    head, _, tail = ends[edge]
    said = cells.qualifiers(edge)
    about = (f" ({said})",) if said else ()
    if kind == "pairs":
        return (f" {cells.node(head)}", " >", f" {cells.node(tail)}", *about)
    return (f" {cells.node(head if kind == 'in' else tail)}", *about)
