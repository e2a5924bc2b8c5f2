"""Answer with a model that replies in references: ``[2] [n7]``, a line and a node it names.

The reply is held to the facts as that of any language model is (``graphllm.readers.judging``): of
the lines it cites an answer is made, or none.
"""

from collections.abc import Sequence
from dataclasses import replace

from graphllm.answer import Abstention, Turn
from graphllm.errors import ConfigError
from graphllm.graph.layouts import Layout
from graphllm.graph.textualize import Textualized, textualize
from graphllm.llm import Decoding, Generation, LanguageModel, Prompt
from graphllm.llm.small.prompt import marked_question, reply_of, small_prompt
from graphllm.llm.small.replies import SmallReply
from graphllm.readers.asking import Clock
from graphllm.readers.judging import judged, named, refused
from graphllm.readers.reading import Reading
from graphllm.readers.replies import Cite, Reply
from graphllm.retrieval.linker import Linker, Seeds
from graphllm.retrieval.retriever import Retriever

DEFAULT_MAX_TOKENS = 192
_REPLY_TOKENS = 32
_TEMPLATE_TOKENS = 8  # what stands around a prompt, and the references in the question
_LEAST_ROOM = 16


class ReferenceReader:
    """Reads a question with a model that answers with references.

    Args:
        linker: Finds what a question names.
        retriever: Picks the part of the graph.
        llm: Is asked; one whose vocabulary has the references, such as graphllm-small.
        max_tokens: Of one prompt at most.
    """

    def __init__(
        self,
        linker: Linker,
        retriever: Retriever,
        llm: LanguageModel,
        *,
        max_tokens: int = DEFAULT_MAX_TOKENS,
    ) -> None:
        if max_tokens < 1:
            raise ConfigError(f"max_tokens must be 1 or more, got {max_tokens}")
        self.view, self.linker, self.retriever, self.llm = linker.view, linker, retriever, llm
        context = llm.context_tokens
        self.max_tokens = max_tokens if context is None else min(max_tokens, context)
        self.decoding = Decoding(max_new_tokens=_REPLY_TOKENS, references=True)

    def read(self, question: str, history: Sequence[Turn] = ()) -> Reading:
        """Return what the model answers from the graph, or why nothing can be made of it."""
        return self.read_many([question], history)[0]

    def read_many(self, questions: Sequence[str], history: Sequence[Turn] = ()) -> list[Reading]:
        """Return a reading of each question; the model is asked all of them together."""
        clock = Clock()
        linked = [self.linker.link(question, history) for question in questions]
        clock.lap("link")
        told = [(seeds, self._shown(seeds)) for seeds in linked]
        clock.lap("retrieve")
        asked = [number for number, (_, shown) in enumerate(told) if shown.lines]
        prompts = [Prompt.of(self._prompt(*told[number])) for number in asked]
        replies = self.llm.generate(prompts, self.decoding) if prompts else []
        clock.lap("generate")
        said = dict(zip(asked, replies, strict=True))
        return [
            self._reading(seeds, shown, said.get(number), clock.laps)
            for number, (seeds, shown) in enumerate(told)
        ]

    def _shown(self, seeds: Seeds) -> Textualized:
        reserved = _TEMPLATE_TOKENS
        room = self.max_tokens - reserved - self.llm.count_tokens(seeds.question)
        if room < _LEAST_ROOM:
            raise ConfigError(
                f"max_tokens={self.max_tokens} leaves {room} tokens for facts; raise it"
            )
        return textualize(
            self.view,
            self.retriever.retrieve(seeds),
            max_tokens=self.max_tokens,
            count_tokens=self.llm.count_tokens,
            layout=Layout.REFERENCES,
            question=seeds.question,
            reserved=reserved,
        )

    def _prompt(self, seeds: Seeds, shown: Textualized) -> str:
        number = {node: n for n, node in enumerate(shown.references, 1) if node in shown.nodes}
        names = [
            (
                seeds.tokens[name.span.first].start,
                seeds.tokens[name.span.last - 1].end,
                [number[node] for node in sorted(name.nodes) if node in number],
            )
            for name in named(seeds)
            if name.span.last > name.span.first
        ]
        return small_prompt(marked_question(seeds.question, names), shown.text)

    def _reading(
        self,
        seeds: Seeds,
        shown: Textualized,
        reply: Generation | None,
        timings: dict[str, float],
    ) -> Reading:
        names = named(seeds)
        return replace(
            self._judged(seeds, shown, reply),
            shown=frozenset(shown.edges),
            focus=tuple(self.view.keys[n] for name in names[:1] for n in sorted(name.nodes)),
            truncated=shown.truncated,
            timings=timings,
        )

    def _judged(self, seeds: Seeds, shown: Textualized, reply: Generation | None) -> Reading:
        if reply is None:
            return Reading(abstention=refused("Nothing in this graph bears on the question."))
        said = reply_of(reply.text)
        if said.is_none:
            found = refused("The language model finds no answer in the facts.")
            return Reading(abstention=found, usage=reply.usage)
        judgement = judged(self._named(said, shown), shown, seeds, self.view)
        if isinstance(judgement, Abstention):
            return Reading(abstention=judgement, usage=reply.usage)
        return Reading(draft=judgement, usage=reply.usage)

    def _named(self, said: SmallReply, shown: Textualized) -> Reply:
        """Return the reply in names, as one is judged."""
        nodes = [shown.references[n - 1] for n in said.answers if n <= len(shown.references)]
        answers = [self.view.names[node] for node in nodes] or [said.words]
        return Reply(answers=tuple(dict.fromkeys(answers)), cites=tuple(map(Cite, said.cites)))
