"""One page that shows an answer, its proof and the graph around it, and needs nothing else.

What it says, it says as HTML; the script adds a graph that can be moved and explored. Nothing is
fetched, and a policy in the page forbids it. All text of unknown origin goes through
``element``, which escapes it; the script puts text in as text and never as markup.
"""

import base64
import gzip
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from itertools import islice
from string import Template
from typing import TYPE_CHECKING

from graphllm.answer.drawing import Attributes, Drawing, DrawnEdge, DrawnNode, drawing_of
from graphllm.answer.markup import Html, element, joined, paragraphs, script_json
from graphllm.answer.svg import NUM_COLOURS, colour_of, picture, role_of
from graphllm.graph.plain import plain

if TYPE_CHECKING:
    from graphllm.answer.answer import Answer
    from graphllm.answer.citation import Citation

LISTED_CITATIONS = 500
LONG_ANSWER = 120  # characters; a longer one is written smaller
FRAME_HEIGHT = 700  # pixels of a notebook
LIBRARY_STYLE = ".__________cytoscape_container{position:relative}"
"""What Cytoscape.js would put into the page itself, which the page's policy forbids."""
NOTHING = Html("")


def page_of(answer: "Answer", *, framed: bool = False) -> str:
    """Return ``answer`` as a whole HTML document; the same answer gives the same text.

    Args:
        framed: The question and the answer already stand around it.
    """
    drawing = drawing_of(answer)
    style, script, library = _web("page.css"), _web("page.js"), _web("cytoscape.min.js")
    parts = (
        _head(answer),
        element(
            "main",
            _graph(drawing),
            element("div", _proof(answer, drawing)),
            element("div", _plan(answer), _others(answer)),
        ),
        _foot(drawing),
    )
    return Template(_web("page.html")).substitute(
        script_hashes=f"{_hash(script)} {_hash(library)}",
        style_hashes=f"{_hash(style)} {_hash(LIBRARY_STYLE)}",
        title=element("b", answer.question)[3:-4],
        style=style,
        library_style=LIBRARY_STYLE,
        kind="framed" if framed else "whole",
        body="\n".join(parts),
        drawing=script_json(_data(drawing)),
        library=_library() if drawing.nodes else "",
        script=script,
    )


def notebook_html(answer: "Answer") -> str:
    """Return what a notebook shows of ``answer``: the page in a frame that can reach nothing.

    In the frame, scripts have neither the notebook's origin nor a network. The whole page goes in,
    not a picture, because exploring a proof is what it is for. The answer and its citations stand
    outside too, for viewers that take frames away.
    """
    lines = [element("p", element("b", answer.text))]
    if answer.abstained and answer.abstained.near_misses:
        names = [element("li", name) for name in answer.abstained.near_misses]
        lines += [element("p", answer.abstained.near_title), element("ul", *names)]
    if answer.closed_world:
        lines.append(element("p", element("i", "As far as this graph knows.")))
    if answer.citations:
        proof = [element("li", line.strip()) for line in answer.proof()]
        lines.append(element("details", element("summary", "Proof as text"), element("ul", *proof)))
    if answer.citations or answer.focus:
        frame = element(
            "iframe",
            srcdoc=Html(escape(page_of(answer, framed=True))),
            sandbox="allow-scripts",
            title="The answer, its proof and the graph around it",
            width="100%",
            height=FRAME_HEIGHT,
            loading="lazy",
            frameborder=0,
        )
        lines.append(frame)
    return joined(lines)


@cache
def _web(name: str) -> str:
    return (files("graphllm.answer") / "web" / name).read_text("utf-8")


@cache
def _library() -> Html:
    """Return the drawing library as the page carries it.

    Compressed, because a notebook stores a page for each of its answers: 180 KB instead of 435.
    """
    packed = gzip.compress(_web("cytoscape.min.js").encode("utf-8"), compresslevel=9, mtime=0)
    text = base64.b64encode(packed).decode("ascii")
    notice = f"Cytoscape.js 3.34.4\n{_web('cytoscape.LICENSE')}"
    carried = element("script", Html(text), type="text/plain", id="library")
    return Html(f"<!--\n{notice}\n-->\n{carried}")


def _hash(text: str) -> str:
    digest = base64.b64encode(sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"


def _head(answer: "Answer") -> Html:
    size = "long" if len(answer.text) > LONG_ANSWER else None
    notes = []
    if answer:
        notes.append(element("li", f"confidence {answer.confidence:.2f}"))
    else:
        notes.append(element("li", "no answer", class_="warn"))
    if answer.closed_world:
        notes.append(
            element("li", "as far as this graph knows: it also rests on what is not in it")
        )
    return element(
        "header",
        element("p", answer.question, class_="question", dir="auto"),
        element("h1", paragraphs(answer.text), dir="auto", class_=size),
        element("ul", *notes, class_="notes"),
        _near(answer),
    )


def _near(answer: "Answer") -> Html:
    if answer.abstained is None or not answer.abstained.near_misses:
        return NOTHING
    names = [element("li", name, dir="auto") for name in answer.abstained.near_misses[:40]]
    return element(
        "section",
        element("h2", answer.abstained.near_title),
        element("ul", *names, class_="near"),
        class_="near-misses",
    )


def _graph(drawing: Drawing) -> Html:
    if not drawing.nodes:
        return NOTHING
    size = f"{len(drawing.nodes)} nodes and {len(drawing.edges)} edges"
    stage = element(
        "div",
        picture(drawing),
        id="stage",
        tabindex=0,
        role="group",
        aria_label=f"Graph of {size}. Arrow keys move it, plus and minus zoom, 0 shows all.",
    )
    panel = element(
        "aside",
        element("p", "Choose a node or an edge to see what the graph says of it.", class_="hint"),
        id="panel",
        aria_live="polite",
        aria_label="What was chosen",
    )
    return element(
        "section",
        element("h2", "Graph", class_="unseen"),
        _tools(drawing),
        element("div", stage, panel, class_="view"),
        _legend(drawing),
        _left_out(drawing),
        _listed_nodes(drawing),
        class_="graph",
    )


def _tools(drawing: Drawing) -> Html:
    buttons = [
        element("button", sign, type="button", id=name, aria_label=label, title=label)
        for name, sign, label in (
            ("zoom-in", "+", "Zoom in"),
            ("zoom-out", "\N{MINUS SIGN}", "Zoom out"),
            ("fit", "Show all", "Show all of the graph"),
        )
    ]
    if drawing.num_context:
        is_on = drawing.opens_with_context
        box = element("input", type="checkbox", id="context", checked=is_on)
        buttons.append(element("label", box, f"context ({drawing.num_context} edges around it)"))
    return element("div", *buttons, class_="tools", role="toolbar", aria_label="Graph")


def _legend(drawing: Drawing) -> Html:
    roles = {role_of(node) for node in drawing.nodes}
    named = {"answer": "answer", "topic": "asked about"}
    marks = [
        element("li", element("i", class_=f"mark {role}"), text)
        for role, text in named.items()
        if role in roles
    ]
    if any(edge.citation is not None for edge in drawing.edges):
        marks.append(element("li", element("i", class_="line cited"), "cited edge"))
    if drawing.num_context:
        marks.append(element("li", element("i", class_="line"), "context"))
    marks += [
        element("li", element("i", class_=f"mark colour-{place}"), type_)
        for place, type_ in enumerate(drawing.types[:NUM_COLOURS])
    ]
    if any(colour_of(node, drawing.types) == "colour-other" for node in drawing.nodes):
        marks.append(element("li", element("i", class_="mark colour-other"), "other"))
    return element("ul", *marks, class_="legend", aria_label="Legend")


def _left_out(drawing: Drawing) -> Html:
    if not drawing.num_left_out:
        return NOTHING
    text = f"{drawing.num_left_out:,} more citations are not drawn, so that it stays readable."
    return element("p", text, class_="left-out")


def _listed_nodes(drawing: Drawing) -> Html:
    """Return every drawn node with what is known of it; the panel shows copies of these."""
    items = [
        element(
            "details",
            element("summary", element("span", node.name, dir="auto"), _kind(node.type)),
            element("div", *_known(node), class_="known"),
            id=f"node-{position}",
        )
        for position, node in enumerate(drawing.nodes)
    ]
    summary = element("summary", f"All {len(items)} drawn nodes, with what is known of them")
    return element("details", summary, *items, class_="listed")


def _kind(type_: str) -> Html:
    return element("small", type_, class_="kind") if type_ else NOTHING


def _known(node: DrawnNode) -> Iterator[Html]:
    if node.text:
        yield element("p", paragraphs(node.text), class_="text", dir="auto")
    rows = (*((("also called", node.aliases),) if node.aliases else ()), *node.attributes)
    yield _table(rows)
    if not node.text and not rows:
        yield element("p", "The graph has no text and no attributes for it.", class_="hint")


def _table(rows: Attributes) -> Html:
    if not rows:
        return NOTHING
    pairs = [
        joined([element("dt", name, dir="auto"), element("dd", "; ".join(values), dir="auto")])
        for name, values in rows
    ]
    return element("dl", *pairs)


def _proof(answer: "Answer", drawing: Drawing) -> Html:
    total = len(answer.citations)
    if not total:
        return NOTHING
    drawn = {edge.citation: place for place, edge in enumerate(drawing.edges)}
    places = {node.key: place for place, node in enumerate(drawing.nodes)}
    items = [
        _citation(citation, drawn.get(position), places.get(citation.head_key))
        for position, citation in enumerate(answer.citations[:LISTED_CITATIONS])
    ]
    more = (
        element("p", f"... and {total - LISTED_CITATIONS:,} more; --json prints all of them.")
        if total > LISTED_CITATIONS
        else NOTHING
    )
    count = element("small", f"{total:,} {'citation' if total == 1 else 'citations'}")
    return element(
        "section",
        element("h2", "Proof ", count),
        element("ol", *items, class_="proof"),
        more,
    )


def _citation(citation: "Citation", edge: int | None, head: int | None) -> Html:
    """Return a line of the proof; a click on it chooses the drawn edge, or the node it is of."""
    relation = citation.relation if citation.edge is not None else f"has {citation.relation}"
    where = f"edge {citation.edge}" if citation.edge is not None else "attribute"
    return element(
        "li",
        element(
            "button",
            element("span", citation.head, class_="name", dir="auto"),
            element("span", relation, class_="relation", dir="auto"),
            element("span", citation.tail, class_="name", dir="auto"),
            element("small", where),
            type="button",
            data_edge=edge,
            data_node=head if citation.edge is None else None,
        ),
        _table(tuple((name, (value,)) for name, value in citation.attributes[:12])),
    )


def _plan(answer: "Answer") -> Html:
    if answer.plan is None:
        return NOTHING
    steps = [element("li", _step(line), dir="auto") for line in answer.plan.words.split("\n")]
    notations = [
        element("details", element("summary", name), element("pre", paragraphs(text)))
        for name, text in (
            ("As a plan that can be run again", answer.plan.text),
            ("As Cypher", answer.plan.cypher),
            ("As SPARQL", answer.plan.sparql),
        )
        if text
    ]
    return element(
        "section", element("h2", "Understood as"), element("ol", *steps), *notations, class_="plan"
    )


def _step(line: str) -> str:
    """Return a step without the number that the list gives it."""
    number, dot, rest = line.partition(". ")
    return rest if dot and number.isdigit() else line


def _others(answer: "Answer") -> Html:
    if not answer.alternatives:
        return NOTHING
    items = [
        element(
            "li",
            element("span", " ".join(map(_step, other.words.split("\n"))), dir="auto"),
            element("small", f"confidence {other.confidence:.2f}"),
            element("code", other.text),
        )
        for other in answer.alternatives
    ]
    return element(
        "section",
        element("h2", "Could also mean"),
        element("ul", *items),
        class_="others",
    )


def _foot(drawing: Drawing) -> Html:
    made = "Made by graphllm."
    held = " Every citation was held against the graph."
    drawn = " The graph is drawn with Cytoscape.js, MIT licence."
    cites = any(edge.citation is not None for edge in drawing.edges)
    return element("footer", made, held if cites else "", drawn if drawing.nodes else "")


def _data(drawing: Drawing) -> dict[str, object]:
    """Return what the script draws; texts stay in the page's HTML, from where it copies them."""
    return {
        "nodes": [_node_data(node, drawing.types) for node in drawing.nodes],
        "edges": [_edge_data(edge) for edge in drawing.edges],
    }


def _node_data(node: DrawnNode, types: Sequence[str]) -> dict[str, object]:
    return {
        "name": plain(node.name),
        "label": "\n".join(node.label),
        "role": role_of(node),
        "context": node.is_context,
        "colour": colour_of(node, tuple(types)),
        "x": node.x,
        "y": node.y,
        "alone": [node.x_alone, node.y_alone],
    }


def _edge_data(edge: DrawnEdge) -> dict[str, object]:
    about = [
        [plain(name), plain("; ".join(values))] for name, values in islice(edge.attributes, 12)
    ]
    return {
        "head": edge.head,
        "tail": edge.tail,
        "relation": plain(edge.relation),
        "label": edge.label,
        "cited": edge.citation is not None,
        "edge": edge.edge,
        "attributes": about,
    }
