"""What a model that reads soft prompts is told and replies: one form in training and in asking.

    ooooooo                  soft tokens of the whole part
    who wrote [n2] Alien?
    [1] [n2] Alien | written by | [n3] Dan O'Bannon
    [n2] o [n3] o            or soft tokens of nodes: behind the text, which stays where it was

    reply: [1] [n3]

A model that has a token for each reference replies with references, as graphllm-small does; any
other is told names alone, and replies with JSON.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from graphllm.assets import prompt
from graphllm.errors import ConfigError
from graphllm.graph.layouts import Layout, escape, node_reference
from graphllm.graph.subgraph import Subgraph
from graphllm.graph.textualize import Textualized, textualize
from graphllm.graph.view import GraphView
from graphllm.llm import Decoding, Prompt
from graphllm.llm.small.prompt import marked_question, reply_of, small_prompt

if TYPE_CHECKING:
    from torch import Tensor

NONE = "none"
MOST_ANSWERS, MOST_CITED = 10, 8  # of a reply that is trained on; a longer list is broken off
_AROUND = 24  # tokens around a prompt, between its parts, and before the names of a question
_LEAST_ROOM = 16  # tokens of question and facts


class ReplyForm(StrEnum):
    """How a model names what it answers."""

    REFERENCES = "references"
    JSON = "json"

    @property
    def layout(self) -> Layout:
        """How facts are written for it."""
        return Layout.REFERENCES if self is ReplyForm.REFERENCES else Layout.GROUPED

    @property
    def usual_tokens(self) -> int:
        """Of question and facts: graphllm-small is the surer the shorter its text is."""
        return 128 if self is ReplyForm.REFERENCES else 512

    @classmethod
    def of(cls, has_references: bool) -> "ReplyForm":
        """Return the form of a model, by whether a reference is one token of it."""
        return cls.REFERENCES if has_references else cls.JSON


class NamedSpan(NamedTuple):
    """Where a question names something, in characters, and the nodes that may be meant."""

    start: int
    end: int
    nodes: tuple[int, ...]


class Facts(NamedTuple):
    """What answers a question: nodes, or words, and the edges that prove it; nothing: no answer."""

    answers: tuple[int, ...] = ()
    words: str = ""
    edges: tuple[int, ...] = ()


class Said(NamedTuple):
    """What a reply says: numbers of lines, and names or words."""

    cites: tuple[int, ...] = ()
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FactSettings:
    """How much of a graph a model is told, and how.

    Attributes:
        form: How it replies.
        max_tokens: Of the question and the facts in words.
        max_edges: Edges that are retrieved.
        with_text: Whether facts are told in words.
        num_items: Nodes that get a soft token of their own behind their reference; 0 when the
            soft prompt is of the whole part.

    Raises:
        ConfigError: A number is out of range, or items are for a model without references.
    """

    form: ReplyForm
    max_tokens: int = 256
    max_edges: int = 64
    with_text: bool = True
    num_items: int = 0

    @property
    def decoding(self) -> Decoding:
        """How a reply is drawn: one of references to nodes of lines, where nothing else is told."""
        if self.form is ReplyForm.JSON:
            return Decoding(max_new_tokens=192)
        return Decoding(max_new_tokens=48, references=self.num_items == 0)

    def __post_init__(self) -> None:
        if self.max_tokens < 1 or self.max_edges < 1 or self.num_items < 0:
            raise ConfigError("max_tokens and max_edges must be 1 or more, num_items 0 or more")
        if self.num_items and self.form is not ReplyForm.REFERENCES:
            raise ConfigError(
                "soft tokens of nodes need a model that has tokens for references; take"
                " another pooling"
            )
        if self.form is ReplyForm.REFERENCES and not (self.with_text or self.num_items):
            raise ConfigError("without text, only soft tokens of nodes tell what to refer to")


class FactPrompts:
    """Writes the prompts of one graph, and reads the replies.

    Args:
        view: The graph.
        count_tokens: Of the model.
        settings: How.
        context_tokens: Of a prompt at most, where the model has a limit.
        num_soft: Soft tokens of a whole part that stand before the text.
    """

    def __init__(
        self,
        view: GraphView,
        count_tokens: Callable[[str], int],
        settings: FactSettings,
        *,
        context_tokens: int | None = None,
        num_soft: int = 0,
    ) -> None:
        self.view, self.settings = view, settings
        self._count = count_tokens
        taken = num_soft + 2 * settings.num_items + _AROUND + count_tokens(self._told("", ""))
        self._most = None if context_tokens is None else context_tokens - taken
        if self._most is not None and self._most < _LEAST_ROOM:
            raise ConfigError(
                f"soft tokens and instructions take {taken} tokens, and the context of the model"
                f" holds {context_tokens} beside the reply: give fewer, or take another model"
            )

    def without_items(self) -> "FactPrompts":
        """Return the same without soft tokens, told as much in words."""
        bare = copy(self)
        bare.settings = replace(self.settings, num_items=0)
        return bare

    def shown(self, question: str, subgraph: Subgraph) -> Textualized:
        """Write the best facts of ``subgraph``, as many as fit beside the question."""
        most = self.settings.max_tokens
        room = (most if self._most is None else min(most, self._most)) - self._count(question)
        return textualize(
            self.view,
            subgraph,
            max_tokens=max(room, 1),
            count_tokens=self._count,
            layout=self.settings.form.layout,
        )

    def items(self, shown: Textualized) -> tuple[int, ...]:
        """Return the nodes that get a soft token, in the order of their references."""
        return shown.references[: self.settings.num_items]

    def text(self, question: str, names: Iterable[NamedSpan], shown: Textualized) -> str:
        """Return what the model is told in words."""
        if self.settings.form is ReplyForm.REFERENCES:
            number = {node: n for n, node in enumerate(shown.references, 1)}
            question = marked_question(
                question,
                [
                    (one.start, one.end, [number[n] for n in one.nodes if n in number])
                    for one in names
                ],
            )
        facts = shown.text if self.settings.with_text else ""
        return self._told(facts, question)

    def _told(self, facts: str, question: str) -> str:
        if self.settings.form is ReplyForm.REFERENCES:
            return small_prompt(question, facts)
        return prompt("soft_prompt/answer", graph=facts, question=escape(question, ""))

    def prompt(self, text: str, soft: "Sequence[Tensor]") -> Prompt:
        """Return the prompt: soft tokens of all, then the text, then those of nodes.

        Args:
            soft: The rows of one graph: a matrix for each item, or one for the whole part.
        """
        if not self.settings.num_items:
            return Prompt.of(*soft, text)
        parts: list[str | Tensor] = [f"{text}\n"]
        for number, row in enumerate(soft, 1):
            parts += [node_reference(number), row]
        return Prompt.of(*parts)

    # replies

    def target(self, facts: Facts, shown: Textualized) -> str:
        """Return what is to be replied: as much of the answer as can be named, and its lines."""
        proof = set(facts.edges)
        numbered = enumerate(shown.lines, 1) if self.settings.with_text else ()
        cites = [number for number, line in numbered if proof & set(line)][:MOST_CITED]
        nameable = self._nameable(shown)
        nodes = [node for node in facts.answers if node in nameable][:MOST_ANSWERS]
        if self.settings.form is ReplyForm.REFERENCES:
            return _as_references(cites, sorted(map(shown.references.index, nodes)), facts.words)
        names = list(dict.fromkeys(self.view.names[node] for node in nodes))
        words = [] if facts.words in ("", NONE) else [facts.words]
        answers = names or (words if cites or not self.settings.with_text else [])
        said = {"answers": answers, "cites": cites if answers else []}
        return json.dumps(said, ensure_ascii=False)

    def _nameable(self, shown: Textualized) -> set[int]:
        told = set(shown.nodes) if self.settings.with_text else set()
        if self.settings.form is ReplyForm.JSON and not self.settings.with_text:
            return set(range(self.view.num_nodes))  # a name is words, which can be learnt
        return told.union(self.items(shown))

    def read(self, reply: str, shown: Textualized) -> Said:
        """Return what a reply of references says; what stands for nothing is passed over."""
        said = reply_of(reply)
        there = shown.references
        nodes = [there[number - 1] for number in said.answers if 0 < number <= len(there)]
        names = dict.fromkeys(self.view.names[node] for node in nodes)
        words = () if said.words in ("", NONE) else (said.words,)
        return Said(said.cites, tuple(names) or words)


class FactsInWords:
    """One graph as a model is asked about it in words alone; safe to share between threads.

    Args:
        prompts: Of the graph.
    """

    def __init__(self, prompts: FactPrompts) -> None:
        self.prompts = prompts

    @property
    def max_edges(self) -> int:
        """How many edges a part of the graph should have at most."""
        return self.prompts.settings.max_edges

    @property
    def decoding(self) -> Decoding:
        """How a reply is drawn."""
        return self.prompts.settings.decoding

    @property
    def replies_with_references(self) -> bool:
        """Whether ``read`` reads replies; else they are JSON, as those of any model."""
        return self.prompts.settings.form is ReplyForm.REFERENCES

    def shown(self, question: str, subgraph: Subgraph) -> Textualized:
        """Write the facts of ``subgraph`` that the model is told in words.

        Raises:
            ConfigError: There is room for none.
        """
        shown = self.prompts.shown(question, subgraph)
        if len(subgraph.edges) and not shown.lines:
            raise ConfigError(
                f"max_tokens={self.prompts.settings.max_tokens} leaves no room for facts beside"
                " the question; raise it"
            )
        return shown

    def prompt(
        self,
        question: str,
        names: Sequence[tuple[int, int, tuple[int, ...]]],
        subgraph: Subgraph,
        shown: Textualized,
    ) -> Prompt:
        """Return the prompt of a question."""
        return self.prompts.prompt(self.text(question, names, shown), [])

    def text(
        self,
        question: str,
        names: Sequence[tuple[int, int, tuple[int, ...]]],
        shown: Textualized,
    ) -> str:
        """Return what the model is told in words."""
        return self.prompts.text(question, [NamedSpan(*name) for name in names], shown)

    def read(self, reply: str, shown: Textualized) -> Said:
        """Return what a reply of references says."""
        return self.prompts.read(reply, shown)


def _as_references(cites: Sequence[int], places: Sequence[int], words: str) -> str:
    said = [node_reference(place + 1) for place in places]
    if not said:
        said = [words] if words and cites else []
    if not said:
        return NONE
    return " ".join([*(f"[{number}]" for number in cites), *said])
