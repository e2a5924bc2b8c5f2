"""What puts soft prompts of a graph before a question, as the language-model road sees it."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from graphllm.graph.subgraph import Subgraph
from graphllm.graph.textualize import Textualized
from graphllm.graph.view import GraphView
from graphllm.llm import Decoding, Prompt
from graphllm.readers.judging import Named
from graphllm.readers.replies import Cite, Reply, read_reply
from graphllm.retrieval.linker import Seeds
from graphllm.text.encoder import TextEncoder


@runtime_checkable
class SaidByReferences(Protocol):
    """A reply of references: numbers of lines, and what they answer."""

    @property
    def cites(self) -> tuple[int, ...]:
        """Numbers of lines."""

    @property
    def answers(self) -> tuple[str, ...]:
        """Names or words; none where there is no answer."""


@runtime_checkable
class SoftPrompter(Protocol):
    """Writes prompts with soft tokens of a part of one graph, for the model trained with them."""

    @property
    def max_edges(self) -> int:
        """How many edges a part of the graph should have at most."""

    @property
    def decoding(self) -> Decoding:
        """How a reply is drawn."""

    @property
    def replies_with_references(self) -> bool:
        """Whether ``read`` reads replies; else they are JSON, as those of any model."""

    def shown(self, question: str, subgraph: Subgraph) -> Textualized:
        """Write the facts of ``subgraph`` that the model is told in words."""

    def prompt(
        self,
        question: str,
        names: Sequence[tuple[int, int, tuple[int, ...]]],
        subgraph: Subgraph,
        shown: Textualized,
    ) -> Prompt:
        """Return the prompt of a question.

        Args:
            names: Where it names something, in characters, and the nodes that may be meant.
            shown: The facts in words.
        """

    def read(self, reply: str, shown: Textualized) -> SaidByReferences:
        """Return what a reply of references says."""


@runtime_checkable
class Prompted(Protocol):
    """A language model with a prompter that was trained for it."""

    def over(self, view: GraphView, encoder: TextEncoder) -> SoftPrompter:
        """Return what asks about one graph."""


def spans_of(seeds: Seeds, names: Sequence[Named]) -> list[tuple[int, int, tuple[int, ...]]]:
    """Return where a question names something, in characters, with the nodes it may mean.

    What history named stands nowhere in the question.
    """
    tokens = seeds.tokens
    return [
        (tokens[name.span.first].start, tokens[name.span.last - 1].end, tuple(sorted(name.nodes)))
        for name in names
        if 0 <= name.span.first < name.span.last <= len(tokens)
    ]


def read_soft_reply(prompter: SoftPrompter, text: str, shown: Textualized) -> Reply:
    """Return what a reply says, in either form.

    Raises:
        ReplyError: It should be JSON and is none.
    """
    if not prompter.replies_with_references:
        return read_reply(text)
    said = prompter.read(text, shown)
    if not said.answers:
        return Reply(abstention="")
    return Reply(answers=said.answers, cites=tuple(Cite(number) for number in said.cites))
