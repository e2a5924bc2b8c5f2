"""What puts soft prompts of a graph before a question, as the language-model road sees it."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from graphllm.graph.subgraph import Subgraph
from graphllm.graph.textualize import Textualized
from graphllm.graph.view import GraphView
from graphllm.llm import Decoding, LanguageModel, Prompt
from graphllm.models.fact_prompts import FactPrompts, FactSettings, FactsInWords, ReplyForm
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


@runtime_checkable
class RepliesByReference(Protocol):
    """A language model that may have a token for each reference, as graphllm-small has."""

    @property
    def has_references(self) -> bool:
        """Whether it has."""

    @property
    def context_tokens(self) -> int | None:
        """How many tokens a prompt may have."""

    def count_tokens(self, text: str) -> int:
        """Return how many tokens ``text`` has."""


def prompter_of(
    llm: LanguageModel,
    view: GraphView,
    encoder: Callable[[], TextEncoder],
    max_tokens: int | None,
) -> SoftPrompter | None:
    """Return what writes the prompts of a model that has a form of its own, else ``None``.

    Args:
        encoder: Loads the encoder of texts, where soft tokens need it.
        max_tokens: Of question and facts in words; the usual number when ``None``.
    """
    if isinstance(llm, Prompted):
        return llm.over(view, encoder())
    if not isinstance(llm, RepliesByReference) or not llm.has_references:
        return None
    form = ReplyForm.REFERENCES
    made = FactSettings(
        form=form, max_tokens=form.usual_tokens if max_tokens is None else max_tokens
    )
    return FactsInWords(
        FactPrompts(view, llm.count_tokens, made, context_tokens=llm.context_tokens)
    )


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
