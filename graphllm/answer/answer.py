"""A checked answer: what was found, how, and the edges it stands on.

``Answer.to_dict()`` follows the schema ``graphllm.answer/1``, which only ever gains keys:

    schema        "graphllm.answer/1"
    question      as it was asked
    answered      false when the answer abstained
    text          the answer as a sentence, or why there is none
    entities      the answering names or values, best first
    confidence    0 to 1
    closed_world  the answer also rests on the absence of facts
    abstained     null, or {reason, message, near_misses}
    plan          null, or {text, words, cypher, sparql}; "text" replays with `ask --run`
    citations     [{head, relation, tail, head_key, tail_key, edge, attributes: {name: [value]}}];
                  edge and tail_key are null where an attribute of a node is cited
    subgraph      null, or {nodes, edges, paths, truncated}: positions in the graph
    alternatives  [{text, words, confidence}]: other plans that came near, best first
    resolved      the question as a language model rewrote it to stand alone; "" when it did not
    usage         {calls, prompt_tokens, completion_tokens} of a language model
    timings       seconds of each stage
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from graphllm.answer.abstention import Abstention, Reason
from graphllm.answer.citation import Citation
from graphllm.answer.history import Turn
from graphllm.graph.plain import plain
from graphllm.graph.subgraph import Subgraph
from graphllm.graph.view import GraphView

if TYPE_CHECKING:
    import networkx

SCHEMA = "graphllm.answer/1"
SHOWN_CITATIONS = 12  # a proof longer than this is cut when printed; ``citations`` has all of it

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPrint:
    """A plan in four notations.

    Attributes:
        text: Loads back and replays.
        words: An English sentence.
        cypher: For Neo4j and its like.
        sparql: For RDF stores.
    """

    text: str
    words: str
    cypher: str = ""
    sparql: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another plan that the question could have meant."""

    text: str
    words: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a language model was asked for; zeros when there was none."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            calls=self.calls + other.calls,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer and its proof. True in a condition when there is an answer, even if it is "no".

    Attributes:
        question: As it was asked.
        text: The answer as a sentence; why there is none when it abstained.
        entities: The answering names or values, best first; empty when it abstained.
        plan: What was run, in several notations.
        citations: The edges and attributes the answer stands on.
        subgraph: The same as ids of the graph.
        confidence: Between 0 and 1.
        abstained: Why there is no answer; ``None`` when there is one.
        closed_world: The answer also rests on the absence of facts.
        alternatives: Other readings of the question, best first.
        focus: The keys of the entities the question was about.
        resolved: The question as a language model rewrote it to stand alone; ``""`` else.
        usage: What a language model was asked for.
        timings: Seconds of each stage.
        view: The graph that was asked, for what a page shows of it; no part of the answer itself.
    """

    question: str
    text: str
    entities: tuple[str, ...] = ()
    plan: PlanPrint | None = None
    citations: tuple[Citation, ...] = ()
    subgraph: Subgraph | None = None
    confidence: float = 0.0
    abstained: Abstention | None = None
    closed_world: bool = False
    alternatives: tuple[Alternative, ...] = ()
    focus: tuple[str, ...] = ()
    resolved: str = ""
    usage: Usage = Usage()
    timings: Mapping[str, float] = field(default_factory=dict)
    view: GraphView | None = field(default=None, repr=False, compare=False)

    def __bool__(self) -> bool:
        return self.abstained is None

    def __str__(self) -> str:
        lines = [plain(self.text)]
        if self.abstained:
            if self.abstained.near_misses:
                lines.append(plain(near_line(self.abstained)))
            return "\n".join(lines)
        if self.closed_world:
            lines.append("(as far as this graph knows: the answer also rests on what is not in it)")
        return "\n".join([*lines, *self.proof()])

    def proof(self, shown: int = SHOWN_CITATIONS) -> list[str]:
        """Return the citations as lines of text, at most ``shown`` of them."""
        lines = [f"  {citation}" for citation in self.citations[:shown]]
        if len(self.citations) > shown:
            lines.append(f"  ... and {len(self.citations) - shown} more")
        return lines

    def turn(self) -> Turn:
        """Return what a conversation remembers of this answer."""
        return Turn(
            question=self.question,
            entities=self.entities,
            focus=self.focus,
            plan_text=self.plan.text if self.plan else None,
        )

    def to_dict(self) -> dict[str, Json]:
        """Return the answer as plain data; the schema is described at the top of this module."""
        return {
            "schema": SCHEMA,
            "question": self.question,
            "answered": bool(self),
            "text": self.text,
            "entities": list(self.entities),
            "confidence": round(float(self.confidence), 4),
            "closed_world": self.closed_world,
            "abstained": _abstention_dict(self.abstained),
            "plan": asdict(self.plan) if self.plan else None,
            "citations": [_citation_dict(citation) for citation in self.citations],
            "subgraph": _subgraph_dict(self.subgraph),
            "alternatives": [asdict(alternative) for alternative in self.alternatives],
            "resolved": self.resolved,
            "usage": asdict(self.usage),
            "timings": {stage: round(seconds, 6) for stage, seconds in self.timings.items()},
        }

    def to_networkx(self) -> "networkx.MultiDiGraph":
        """Return what is cited as a networkx graph.

        Nodes are the source's keys with a ``name``; edges have their id as key, a ``relation``
        and the edge's attributes. A cited node attribute is in the node's ``attributes``.
        """
        import networkx

        graph = networkx.MultiDiGraph()
        for citation in self.citations:
            graph.add_node(citation.head_key, name=citation.head)
            if citation.tail_key is None:
                values = graph.nodes[citation.head_key].setdefault("attributes", {})
                values.setdefault(citation.relation, []).append(citation.tail)
                continue
            graph.add_node(citation.tail_key, name=citation.tail)
            graph.add_edge(
                citation.head_key,
                citation.tail_key,
                key=citation.edge,
                relation=citation.relation,
                attributes=_by_name(citation.attributes),
            )
        return graph

    def to_html(self) -> str:
        """Return a page that shows the answer, its plan, its proof and the graph around it.

        It is one whole document that fetches nothing: its graph can be zoomed and explored.
        """
        from graphllm.answer.page import page_of

        return page_of(self)

    def _repr_html_(self) -> str:
        from graphllm.answer.page import notebook_html

        return notebook_html(self)


def near_line(abstention: Abstention) -> str:
    """Return what came near as a line: names to ask for, or else what the graph does say."""
    near = "; ".join(abstention.near_misses)
    end = "?" if abstention.reason is Reason.NO_ENTITY else ""
    return f"{abstention.near_title}: {near}{end}"


def _by_name(pairs: tuple[tuple[str, str], ...]) -> dict[str, Json]:
    values: dict[str, list[Json]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return dict(values)


def _citation_dict(citation: Citation) -> Json:
    return {
        "head": citation.head,
        "relation": citation.relation,
        "tail": citation.tail,
        "head_key": citation.head_key,
        "tail_key": citation.tail_key,
        "edge": citation.edge,
        "attributes": _by_name(citation.attributes),
    }


def _abstention_dict(abstention: Abstention | None) -> Json:
    if abstention is None:
        return None
    return {
        "reason": str(abstention.reason),
        "message": abstention.message,
        "near_misses": list(abstention.near_misses),
    }


def _subgraph_dict(subgraph: Subgraph | None) -> Json:
    if subgraph is None:
        return None
    return {
        "nodes": subgraph.nodes.tolist(),
        "edges": subgraph.edges.tolist(),
        "paths": [list(path) for path in subgraph.paths],
        "truncated": subgraph.truncated,
    }
