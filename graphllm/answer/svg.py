"""A still picture of a drawing, for where no script runs: on paper, and in a careful browser."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from math import hypot

from graphllm.answer.drawing import Drawing, DrawnEdge, DrawnNode
from graphllm.answer.markup import Html, element, joined

RADIUS = 13  # pixels of a node's disc
MARGIN = 90
BEND = 34.0  # pixels between the curves of edges that join the same two nodes
LINE_HEIGHT = 15


def picture(drawing: Drawing) -> Html:
    """Return the drawing as an ``<svg>``; classes say what its style sheet may colour."""
    drawing = drawing if drawing.opens_with_context else _alone(drawing)
    xs, ys = [node.x for node in drawing.nodes], [node.y for node in drawing.nodes]
    left, top = min(xs) - MARGIN, min(ys) - MARGIN
    width, height = max(xs) + MARGIN - left, max(ys) + MARGIN - top
    arrow = element(
        "marker",
        element("path", d="M0 0L10 5L0 10z"),
        id="arrow",
        viewBox="0 0 10 10",
        refX=9,
        refY=5,
        markerWidth=6,
        markerHeight=6,
        orient="auto",
    )
    edges = [_edge(edge, bend, drawing) for edge, bend in _bends(drawing.edges)]
    nodes = [_node(node, drawing.types) for node in drawing.nodes]
    return element(
        "svg",
        element("defs", arrow),
        joined(edges),
        joined(nodes),
        viewBox=f"{left} {top} {width} {height}",
        role="img",
        aria_label="The drawn part of the graph",
    )


def _alone(drawing: Drawing) -> Drawing:
    nodes = (
        replace(node, x=node.x_alone, y=node.y_alone)
        for node in drawing.nodes
        if not node.is_context
    )
    edges = tuple(edge for edge in drawing.edges if edge.citation is not None)
    return replace(drawing, nodes=tuple(nodes), edges=edges)


def _bends(edges: tuple[DrawnEdge, ...]) -> Iterator[tuple[DrawnEdge, float]]:
    """Yield each edge with how far its curve stands off the straight line."""
    pairs = [frozenset((edge.head, edge.tail)) for edge in edges]
    total, seen = Counter(pairs), Counter[frozenset[int]]()
    for edge, pair in zip(edges, pairs, strict=True):
        side = seen[pair] - (total[pair] - 1) / 2
        seen[pair] += 1
        yield edge, side * BEND * (1 if edge.head <= edge.tail else -1)


def _edge(edge: DrawnEdge, bend: float, drawing: Drawing) -> Html:
    head, tail = drawing.nodes[edge.head], drawing.nodes[edge.tail]
    kind = "edge context" if edge.citation is None else "edge cited"
    path, x, y = _loop(head) if edge.head == edge.tail else _curve(head, tail, bend)
    return element(
        "g",
        element("path", d=path, marker_end="url(#arrow)"),
        element("text", edge.label, x=x, y=y - 4),
        class_=kind,
    )


def _curve(head: DrawnNode, tail: DrawnNode, bend: float) -> tuple[str, int, int]:
    """Return a path from disc to disc, and its middle."""
    far = hypot(tail.x - head.x, tail.y - head.y) or 1.0
    along_x, along_y = (tail.x - head.x) / far, (tail.y - head.y) / far
    middle_x = (head.x + tail.x) / 2 - along_y * bend
    middle_y = (head.y + tail.y) / 2 + along_x * bend
    control = (
        f"{2 * middle_x - (head.x + tail.x) / 2:.0f} {2 * middle_y - (head.y + tail.y) / 2:.0f}"
    )
    off = RADIUS + 4
    begins = f"{head.x + along_x * off:.0f} {head.y + along_y * off:.0f}"
    ends = f"{tail.x - along_x * off:.0f} {tail.y - along_y * off:.0f}"
    return f"M{begins}Q{control} {ends}", round(middle_x), round(middle_y)


def _loop(node: DrawnNode) -> tuple[str, int, int]:
    x, y, off = node.x, node.y, RADIUS
    path = f"M{x - off} {y - off}C{x - 50} {y - 70} {x + 50} {y - 70} {x + off} {y - off}"
    return path, x, y - 56


def _node(node: DrawnNode, types: tuple[str, ...]) -> Html:
    about = ": ".join(filter(None, (node.name, node.type)))
    lines = [
        element("tspan", line, x=node.x, y=node.y + RADIUS + LINE_HEIGHT * (row + 1))
        for row, line in enumerate(node.label)
    ]
    ring = element("circle", cx=node.x, cy=node.y, r=RADIUS + 4, class_="ring")
    return element(
        "g",
        element("title", about),
        ring if node.is_answer or node.is_topic else Html(""),
        element("circle", cx=node.x, cy=node.y, r=RADIUS, class_="disc"),
        element("text", joined(lines)),
        class_=f"node {role_of(node)} {colour_of(node, types)}",
    )


def role_of(node: DrawnNode) -> str:
    """Return ``answer``, ``topic``, ``context`` or ``between``."""
    if node.is_answer:
        return "answer"
    if node.is_topic:
        return "topic"
    return "context" if node.is_context else "between"


NUM_COLOURS = 7


def colour_of(node: DrawnNode, types: tuple[str, ...]) -> str:
    """Return the colour class of a node: one for each of the most frequent types, one for all else.

    Without types, every node has the first colour.
    """
    place = types.index(node.type) if node.type else (NUM_COLOURS if types else 0)
    return f"colour-{place}" if place < NUM_COLOURS else "colour-other"
