"""The part of the graph that a page draws: what is cited, and a little of what lies around it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

import numpy as np

from graphllm.answer.citation import edge_attributes
from graphllm.answer.layout import Box, layout
from graphllm.answer.markup import shortened
from graphllm.graph.columns import format_value
from graphllm.graph.plain import plain
from graphllm.graph.view import Adjacency, GraphView

if TYPE_CHECKING:
    from graphllm.answer.answer import Answer
    from graphllm.answer.citation import Citation

DRAWN_CITATIONS = 120  # cited edges and attributes; more of them are no picture any more
DRAWN_EDGES = 60  # context is added up to here
CONTEXT_PER_NODE = 8
OPEN_CONTEXT = 24  # a page with more of it opens without it
MANY_EDGES = 40  # edges of more than these stand closer; their labels show when zoomed in
EDGE_LENGTH = 80.0  # pixels, and room for the label
SHOWN_ATTRIBUTES = 40  # of one node
SHOWN_VALUES = 12  # of one attribute
LONGEST_VALUE = 300
LINE, LINES = 20, 2  # a label: characters of a line (half of it for wide letters), lines
LINE_HEIGHT = 16.0  # pixels
LETTER = 7.2  # pixels of a letter, about
DISC = 30.0  # pixels, the disc of a node

Attributes = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnNode:
    """A node with what is known of it, and where it stands.

    Attributes:
        key: The source's identifier of it, which is not shown.
        name: Shortened, as all texts that are shown.
        label: The lines that are written at it.
        is_answer: The answer names it.
        is_topic: The question was about it.
        is_context: Nothing that is cited touches it.
        x: Where it stands, in pixels; ``y`` grows downward.
        x_alone: Where it stands when no context is shown.
    """

    key: str
    name: str
    label: tuple[str, ...]
    type: str = ""
    text: str = ""
    aliases: tuple[str, ...] = ()
    attributes: Attributes = ()
    is_answer: bool = False
    is_topic: bool = False
    is_context: bool = False
    x: int = 0
    y: int = 0
    x_alone: int = 0
    y_alone: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnEdge:
    """An edge between two drawn nodes.

    Attributes:
        head: A position among the drawn nodes, as ``tail``.
        label: The relation, on one short line.
        citation: Its position among the citations; ``None`` for context.
        edge: Its id in the graph.
    """

    head: int
    tail: int
    relation: str
    label: str
    attributes: Attributes = ()
    citation: int | None = None
    edge: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What is drawn, and how many citations are not.

    Attributes:
        types: The types of the drawn nodes; those of what is cited, and the frequent, come first.
    """

    nodes: tuple[DrawnNode, ...] = ()
    edges: tuple[DrawnEdge, ...] = ()
    types: tuple[str, ...] = ()
    num_left_out: int = 0

    @property
    def num_context(self) -> int:
        """How many edges are there for context only."""
        return sum(edge.citation is None for edge in self.edges)

    @property
    def opens_with_context(self) -> bool:
        """Whether context is shown at first: where there is little of it, or nothing else."""
        return self.num_context <= OPEN_CONTEXT or self.num_context == len(self.edges)


def drawing_of(answer: "Answer") -> Drawing:
    """Return what a page of ``answer`` draws; texts and context need ``answer.view``."""
    sketch = _Sketch(answer.view)
    for position, citation in enumerate(answer.citations[:DRAWN_CITATIONS]):
        sketch.cite(position, citation)
    sketch.add_focus(answer.focus)
    sketch.add_context()
    names = {shortened(name, LONGEST_VALUE) for name in answer.entities}
    nodes = [sketch.node(key, names, answer.focus) for key in sketch.names]
    return Drawing(
        nodes=tuple(_placed(nodes, sketch.edges)),
        edges=tuple(sketch.edges),
        types=_types(nodes),
        num_left_out=max(0, len(answer.citations) - DRAWN_CITATIONS),
    )


def _types(nodes: list[DrawnNode]) -> tuple[str, ...]:
    """Return the types of ``nodes``: those of what is cited first, then the most frequent."""
    central = Counter(node.type for node in nodes if node.type and not node.is_context)
    total = Counter(node.type for node in nodes if node.type)
    return tuple(sorted(total, key=lambda type_: (-central[type_], -total[type_], type_)))


@dataclass(slots=True)
class _Sketch:
    """Nodes by their key and edges between them, while they are gathered."""

    view: GraphView | None
    names: dict[str, str] = field(default_factory=dict)  # by key, in the order of drawing
    ids: dict[str, int] = field(default_factory=dict)  # the keys that the view has
    positions: dict[str, int] = field(default_factory=dict)
    edges: list[DrawnEdge] = field(default_factory=list)
    num_central: int = 0  # the nodes before it are cited or asked about, those after it context

    def add(self, key: str, name: str, node: int | None = None) -> int:
        """Return the position of a node, which is new or known."""
        if key not in self.names:
            self.positions[key] = len(self.names)
            self.names[key] = name
            if node is None and self.view is not None:
                node = self.view.find_key(key)
            if node is not None:
                self.ids[key] = node
        return self.positions[key]

    def cite(self, position: int, citation: "Citation") -> None:
        """Add what a citation is about; an attribute shows at its node."""
        head = self.add(citation.head_key, citation.head)
        if citation.tail_key is None:
            return
        tail = self.add(citation.tail_key, citation.tail)
        self.edges.append(
            DrawnEdge(
                head=head,
                tail=tail,
                relation=shortened(citation.relation, LONGEST_VALUE),
                label=" ".join(label_lines(citation.relation, 1)),
                attributes=_grouped(citation.attributes),
                citation=position,
                edge=citation.edge,
            )
        )

    def add_focus(self, keys: tuple[str, ...]) -> None:
        """Add what was asked about, where the graph is there to say what it is called."""
        for key in keys[:SHOWN_VALUES]:
            node = self.view.find_key(key) if self.view is not None else None
            if self.view is not None and node is not None:
                self.add(key, self.view.names[node], node)
        self.num_central = len(self.names)

    def add_context(self) -> None:
        """Add edges around the nodes so far, a few of each node in turn."""
        if self.view is None:
            return
        view, known = self.view, {edge.edge for edge in self.edges}
        around = [_edges_around(view, node) for node in self.ids.values()]
        fair = (edge for edge in chain(*zip_longest(*around)) if edge is not None)
        new = (edge for edge in dict.fromkeys(fair) if edge not in known)
        found = list(islice(new, max(0, DRAWN_EDGES - len(self.edges))))
        attributes = edge_attributes(found, view)
        for edge in found:
            ends = (int(view.heads[edge]), int(view.tails[edge]))
            head, tail = (self.add(view.keys[node], view.names[node], node) for node in ends)
            relation = view.relations[int(view.relation_ids[edge])]
            self.edges.append(
                DrawnEdge(
                    head=head,
                    tail=tail,
                    relation=shortened(relation, LONGEST_VALUE),
                    label=" ".join(label_lines(relation, 1)),
                    attributes=_grouped(attributes.get(edge, ())),
                    edge=edge,
                )
            )

    def node(self, key: str, answers: set[str], focus: tuple[str, ...]) -> DrawnNode:
        """Return the node with everything that the view says of it."""
        name, node, view = self.names[key], self.ids.get(key), self.view
        is_context = self.positions[key] >= self.num_central
        return DrawnNode(
            key=key,
            name=shortened(name, LONGEST_VALUE),
            label=label_lines(name, LINES),
            type=_type(view, node),
            text=shortened(view.texts[node]) if view is not None and node is not None else "",
            aliases=_aliases(view, node),
            attributes=_node_attributes(view, node),
            is_answer=not is_context and shortened(name, LONGEST_VALUE) in answers,
            is_topic=key in focus,
            is_context=is_context,
        )


def _edges_around(view: GraphView, node: int) -> list[int]:
    """Return some edges of ``node``, spread over its relations; cheap for the largest hub too."""
    rows = [_row(side, node) for side in (view.outgoing, view.incoming)]
    degree = sum(map(len, rows))
    picks = np.linspace(0, max(degree - 1, 0), min(degree, CONTEXT_PER_NODE)).astype(int).tolist()
    return [int(_at(rows, pick)) for pick in picks]


def _row(side: Adjacency, node: int) -> np.ndarray:
    return side.edge_ids[int(side.indptr[node]) : int(side.indptr[node + 1])]


def _at(rows: list[np.ndarray], position: int) -> int:
    first, second = rows
    return int(first[position] if position < len(first) else second[position - len(first)])


def _type(view: GraphView | None, node: int | None) -> str:
    type_id = -1 if view is None or node is None else int(view.node_type_ids[node])
    return shortened(view.node_types[type_id], LONGEST_VALUE) if view and type_id >= 0 else ""


def _aliases(view: GraphView | None, node: int | None) -> tuple[str, ...]:
    if view is None or node is None:
        return ()
    return tuple(shortened(name, LONGEST_VALUE) for name in view.aliases(node)[:SHOWN_VALUES])


def _node_attributes(view: GraphView | None, node: int | None) -> Attributes:
    return tuple(islice(_values(view, node), SHOWN_ATTRIBUTES))


def _values(view: GraphView | None, node: int | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    if view is None or node is None:
        return
    for name, column in view.node_columns.items():
        rows = column.rows(node)
        values = [format_value(column.value(row)) for row in rows[:SHOWN_VALUES]]
        if values:
            yield shortened(name, LONGEST_VALUE), _some(values, len(rows))


def _grouped(pairs: tuple[tuple[str, str], ...]) -> Attributes:
    values: dict[str, list[str]] = {}
    for name, value in pairs[:SHOWN_ATTRIBUTES]:
        values.setdefault(shortened(name, LONGEST_VALUE), []).append(value)
    return tuple((name, _some(of[:SHOWN_VALUES], len(of))) for name, of in values.items())


def _some(values: list[str], total: int) -> tuple[str, ...]:
    more = (f"… {total - len(values):,} more",) if total > len(values) else ()
    return (*(shortened(value, LONGEST_VALUE) for value in values), *more)


def label_lines(name: str, lines: int) -> tuple[str, ...]:
    """Return a name as at most ``lines`` short lines, cut with an ellipsis.

    Examples:
        >>> label_lines("The Nobel Prize in Physiology or Medicine", 2)
        ('The Nobel Prize in', 'Physiology or Medic…')
        >>> label_lines("short", 2)
        ('short',)
    """
    rest = " ".join(plain(name[: 4 * LINE * lines]).split())
    found: list[str] = []
    while rest and len(found) < lines:
        end = _fitting(rest)
        if end < len(rest) and len(found) == lines - 1:
            found.append(f"{rest[: max(end - 1, 1)].rstrip()}…")
            break
        if end < len(rest) and rest[end] != " " and " " in rest[1:end]:
            end = rest.rindex(" ", 1, end)
        found.append(rest[:end])
        rest = rest[end:].strip()
    return tuple(found) or ("(no name)",)


def _fitting(text: str) -> int:
    """Return how many characters of ``text`` fit on a line."""
    width = 0.0
    for position, letter in enumerate(text):
        width += _units(letter)
        if width > LINE:
            return position
    return len(text)


def _units(letter: str) -> int:
    return 2 if east_asian_width(letter) in "WF" else 1


def _width(line: str) -> float:
    return LETTER * sum(map(_units, line))


def _placed(nodes: list[DrawnNode], edges: list[DrawnEdge]) -> Iterator[DrawnNode]:
    """Yield the nodes where they stand; those that are no context come first among ``nodes``."""
    num_central = sum(not node.is_context for node in nodes)
    alone = _points(nodes[:num_central], [edge for edge in edges if edge.citation is not None])
    everywhere = _points(nodes, edges) if num_central < len(nodes) else alone
    alone = alone + [(0, 0)] * (len(nodes) - num_central)
    for node, (x, y), (x_alone, y_alone) in zip(nodes, everywhere, alone, strict=True):
        yield replace(node, x=x, y=y, x_alone=x_alone, y_alone=y_alone)


def _points(nodes: list[DrawnNode], edges: list[DrawnEdge]) -> list[tuple[int, int]]:
    boxes = [
        Box(
            width=max(DISC, *map(_width, node.label)),
            height=DISC + LINE_HEIGHT * len(node.label),
        )
        for node in nodes
    ]
    label = max((_width(edge.label) for edge in edges), default=0.0)
    length = EDGE_LENGTH + (label if len(edges) <= MANY_EDGES else 0)
    return layout(boxes, [(edge.head, edge.tail) for edge in edges], length)
