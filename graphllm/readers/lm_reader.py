"""Answer with a language model: retrieve, show it the facts as numbered lines, hold it to them.

A question can take up to four calls of the model, each only where it can help:

1. *rewrite*, where a question points back in the conversation;
2. *plan*, and once more to repair it, where lines of text cannot give the answer: how many, the
   most, yes or no, or a list longer than the text holds. The plan is run on the whole graph;
3. *answer*, from the lines, which it cites by number (``graphllm.readers.judging``).

A model that was trained with a prompter is only asked for the answer, in the words it was trained
with, behind the soft tokens of the part of the graph.
"""

import os
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

from graphllm.answer import Abstention, Reason, Turn, Usage
from graphllm.assets import prompt
from graphllm.errors import ConfigError, LanguageModelError, PlanError
from graphllm.graph.layouts import Layout
from graphllm.graph.subgraph import Subgraph
from graphllm.graph.textualize import Textualized, textualize
from graphllm.llm import Decoding, Generation, LanguageModel, Message, Prompt
from graphllm.readers.asking import Asked, Asking, Clock, Estimate, Steps
from graphllm.readers.judging import Named, judged, named, refused
from graphllm.readers.needs import breaks_off, points_back, wants_plan
from graphllm.readers.prompting import (
    MOST_TURNS,
    NO_HISTORY,
    as_data,
    conversation,
    vocabulary,
)
from graphllm.readers.reading import Reading
from graphllm.readers.replies import Reply, ReplyError, read_plan_text, read_reply
from graphllm.readers.soft_prompts import SoftPrompter, read_soft_reply, spans_of
from graphllm.readers.written_plans import run_written
from graphllm.retrieval.intents import Want, intent
from graphllm.retrieval.linker import Linker, Match, Seeds
from graphllm.retrieval.retriever import Retriever
from graphllm.retrieval.schema import GraphSchema

DEFAULT_MAX_TOKENS = 3000

_REPLY_TOKENS = 1024  # of a model on this machine
_SERVER_REPLY_TOKENS = 4096  # models that reason before they reply spend most of it on that
_TEMPLATE_TOKENS = 64  # what a chat template puts around a prompt
_REPAIR_TOKENS = 128  # the error message and what is asked about it
_LEAST_ROOM = 64  # tokens of facts that are worth asking about
_LONGEST_REPEATED = 2000  # characters of a reply that are sent back
_LONGEST_REWRITTEN = 1000
_BATCH = 32  # questions that are asked together
_LEFT_OUT = (
    "The graph goes on: these are the facts nearest to the question, and others were left out. "
    "Give the answers that these lines support."
)


class LMReader:
    """Reads a question with a language model and the part of the graph that bears on it.

    Args:
        linker: Finds what a question names.
        retriever: Picks the part of the graph.
        llm: Is asked.
        schema: Of the graph: what plans may name.
        max_tokens: Of one prompt at most; less where the model's context is smaller.
        prompts: A folder of your own prompts.
        layout: How facts are written.
        on_send: Told of each prompt before it goes to the model.
        prompter: Of a model that was trained with soft prompts; its form of prompts is then used,
            and not ``prompts``, ``layout`` and ``max_tokens``.
    """

    def __init__(
        self,
        linker: Linker,
        retriever: Retriever,
        llm: LanguageModel,
        schema: GraphSchema,
        *,
        max_tokens: int | None = None,
        prompts: str | os.PathLike[str] | None = None,
        layout: Layout = Layout.GROUPED,
        on_send: Callable[[Asked], None] | None = None,
        prompter: SoftPrompter | None = None,
    ) -> None:
        if max_tokens is not None and max_tokens < 1:
            raise ConfigError(f"max_tokens must be 1 or more, got {max_tokens}")
        if layout is Layout.CSV:
            raise ConfigError("lines of CSV have no numbers to cite; take another layout")
        self.view, self.linker, self.retriever = linker.view, linker, retriever
        self.llm, self.schema = llm, schema
        self.prompts, self.layout, self.on_send = prompts, layout, on_send
        self.prompter = prompter
        context = llm.context_tokens
        longest = _SERVER_REPLY_TOKENS if llm.sends_to else _REPLY_TOKENS
        fits = longest if context is None else max(context // 4, 1)
        usual = Decoding(max_new_tokens=min(longest, fits))
        self.decoding = prompter.decoding if prompter else usual
        most = DEFAULT_MAX_TOKENS if max_tokens is None else max_tokens
        reply = self.decoding.max_new_tokens
        self.max_tokens = most if context is None else min(most, context - reply)
        before_repair = 2 * reply + _REPAIR_TOKENS + 2 * _TEMPLATE_TOKENS
        self.max_plan_tokens = most if context is None else min(most, context - before_repair)

    def read(self, question: str, history: Sequence[Turn] = ()) -> Reading:
        """Return what the model answers from the graph, or why nothing can be made of it.

        Raises:
            LanguageModelError: The model cannot be reached, or fails.
            ConfigError: ``max_tokens`` leaves no room for facts.
        """
        return self.read_many([question], history)[0]

    def read_many(self, questions: Sequence[str], history: Sequence[Turn] = ()) -> list[Reading]:
        """Return a reading of each question; what they ask the model is asked in batches."""
        readings: list[Reading] = []
        for start in range(0, len(questions), _BATCH):
            asking = [Asking(self._asking(q, history)) for q in questions[start : start + _BATCH]]
            while waiting := [one for one in asking if one.asked is not None]:
                self._reply(waiting)
            readings += [one.reading for one in asking]
        return readings

    def _reply(self, waiting: Sequence[Asking]) -> None:
        """Ask the model what each of ``waiting`` asks, and go on with the replies."""
        asked = [one.asked for one in waiting if one.asked is not None]
        if self.on_send:
            for sent in asked:
                self.on_send(sent)
        start = time.perf_counter()
        replies = self.llm.generate([one.prompt for one in asked], self.decoding)
        if len(replies) != len(asked):
            raise LanguageModelError(
                f"{self.llm.id} gave {len(replies)} replies to {len(asked)} prompts"
            )
        seconds = time.perf_counter() - start
        for one, reply in zip(waiting, replies, strict=True):
            one.go_on(reply, seconds)

    def estimate(self, question: str, history: Sequence[Turn] = ()) -> Estimate:
        """Return what asking would take at most; sends nothing."""
        asking, prompts = Asking(self._asking(question, history)), []
        while asking.asked is not None:
            prompts.append(asking.asked)
            asking.go_on(Generation(text=""), 0.0)
        tokens = tuple(self._count_at_most(one.prompt) for one in prompts)
        usage = Usage(
            calls=len(prompts),
            prompt_tokens=sum(tokens),
            completion_tokens=len(prompts) * self.decoding.max_new_tokens,
        )
        return Estimate(
            model=self.llm.id,
            sends_to=self.llm.sends_to,
            prompts=tuple(prompts),
            prompt_tokens=tokens,
            usage=usage,
        )

    def _count_at_most(self, asked: Prompt) -> int:
        """Return the tokens of a prompt with its template; a reply in it may be as long as any."""
        told = sum(self._count(m.text) for m in asked.messages if m.role != "assistant")
        told += sum(int(part.shape[0]) for part in asked.soft_parts)
        replies = sum(m.role == "assistant" for m in asked.messages)
        return told + replies * self.decoding.max_new_tokens + _TEMPLATE_TOKENS

    def _count(self, text: str) -> int:
        return self.llm.count_tokens(text)

    def _render(self, name: str, **values: str) -> str:
        return prompt(f"graph_qa/{name}", folder=self.prompts, **values)

    # the steps: each yields a prompt, is sent the reply, and goes on

    def _asking(self, question: str, history: Sequence[Turn]) -> Steps:
        if self.prompter is None:
            return self._steps(question, history)
        return self._by_soft_prompt(self.prompter, question, history)

    def _by_soft_prompt(
        self, prompter: SoftPrompter, question: str, history: Sequence[Turn]
    ) -> Steps:
        """Ask the model for an answer in the form that it was trained with."""
        clock = Clock()
        seeds = self.linker.link(question, history)
        clock.lap("link")
        subgraph = self.retriever.retrieve(seeds, max_edges=prompter.max_edges)
        clock.lap("retrieve")
        names = named(seeds)
        shown = prompter.shown(question, subgraph)
        reading = Reading(abstention=_nothing(seeds, names))
        if len(subgraph.edges):
            prompt = prompter.prompt(question, spans_of(seeds, names), subgraph, shown)
            clock.lap("prompt")
            holds = f"the question and {_counted(len(subgraph.edges), 'fact')}"
            reply = yield Asked("soft_prompt/answer", prompt, len(subgraph.edges), holds)
            clock.skip()
            reading = self._judged(
                reply, shown, seeds, lambda text: read_soft_reply(prompter, text, shown)
            )
        return replace(
            reading,
            focus=tuple(self.view.keys[n] for name in names[:1] for n in sorted(name.nodes)),
            truncated=shown.truncated,
            timings=clock.laps,
        )

    def _steps(self, question: str, history: Sequence[Turn]) -> Steps:
        clock = Clock()
        seeds, history = yield from self._understood(question, history, clock)
        clock.skip()
        subgraph = self.retriever.retrieve(seeds)
        clock.lap("retrieve")
        names = named(seeds)
        shown = self._shown(seeds.question, history, subgraph)
        clock.lap("textualize")
        reading = None
        if wants_plan(seeds) or breaks_off(shown, names, self.view):
            reading = yield from self._by_plan(seeds, names, shown)
        if reading is None and shown.text:
            reading = yield from self._by_citing(seeds, history, shown)
        if reading is None:
            reading = Reading(abstention=_nothing(seeds, names))
        return replace(
            reading,
            focus=tuple(self.view.keys[n] for name in names[:1] for n in sorted(name.nodes)),
            resolved="" if seeds.question == question else seeds.question,
            truncated=reading.plan is None and shown.truncated,
            timings=clock.laps,
        )

    def _understood(
        self, question: str, history: Sequence[Turn], clock: Clock
    ) -> Generator[Asked, Generation, tuple[Seeds, Sequence[Turn]]]:
        """Link the question, and return with it the turns that it still needs.

        One that points back is rewritten and then needs none. If that fails, the linker resolves
        its pronouns, and the model that answers sees the conversation too.
        """
        alone = self.linker.link(question)
        if not history or not points_back(alone):
            clock.lap("link")
            return alone, ()
        seeds = self.linker.link(question, history)
        clock.lap("link")
        text = self._render("rewrite", history=conversation(history), question=as_data(question))
        reply = yield Asked(
            "graph_qa/rewrite", Prompt.of(text), 0, "the question and the conversation"
        )
        clock.skip()
        resolved = self._resolved(reply, alone, seeds, history)
        clock.lap("link")
        return (seeds, history) if resolved is None else (resolved, ())

    def _resolved(
        self, reply: Generation, alone: Seeds, seeds: Seeds, history: Sequence[Turn]
    ) -> Seeds | None:
        """Link a rewritten question; ``None`` when it is none, or says more or less than was asked.

        It may name only what the question or the conversation names, and must name what the
        question names by itself.
        """
        rewritten = reply.text.strip().strip('"')
        if reply.cut_off or not 0 < len(rewritten) <= _LONGEST_REWRITTEN or "\n" in rewritten:
            return None
        resolved, known = self.linker.link(rewritten), self._known(seeds, history)
        said = frozenset(node for name in named(resolved) for node in name.nodes)
        adds = any(name.nodes.isdisjoint(known) for name in named(resolved))
        surely = tuple(m for m in alone.mentions if m.match in (Match.EXACT, Match.FOLDED))
        drops = any(name.nodes.isdisjoint(said) for name in named(replace(alone, mentions=surely)))
        return None if adds or drops or (named(seeds) and not said) else resolved

    def _known(self, seeds: Seeds, history: Sequence[Turn]) -> frozenset[int]:
        """Return the nodes that a question or its conversation names: none else may come in."""
        known = {node for mention in seeds.mentions for node in mention.nodes}
        for turn in history[-MOST_TURNS:]:
            said = self.linker.link(turn.question)
            known.update(node for mention in said.mentions for node in mention.nodes)
            for name in turn.entities:
                known.update(self.linker.names.exact(name).tolist())
            keys = (self.view.find_key(key) for key in turn.focus)
            known.update(node for node in keys if node is not None)
        return frozenset(known)

    def _shown(self, question: str, history: Sequence[Turn], subgraph: Subgraph) -> Textualized:
        """Write the facts, as many as fit beside the rest of the prompt."""
        around = self._count(self._answer_prompt(question, history, "", truncated=True))
        room = self.max_tokens - around - _TEMPLATE_TOKENS
        if room < _LEAST_ROOM:
            needed = around + _TEMPLATE_TOKENS + _LEAST_ROOM
            raise ConfigError(
                f"{self.max_tokens} tokens leave no room for facts beside the prompt; it needs"
                f" {needed} or more: raise max_tokens, or take a model with a longer context"
            )
        return textualize(
            self.view,
            subgraph,
            max_tokens=room,
            count_tokens=self._count,
            layout=self.layout,
        )

    def _answer_prompt(
        self, question: str, history: Sequence[Turn], graph: str, *, truncated: bool
    ) -> str:
        return self._render(
            "answer",
            legend=self.layout.legend,
            graph=graph,
            left_out=_LEFT_OUT if truncated else "",
            history=conversation(history) if history else NO_HISTORY,
            question=as_data(question),
        )

    def _by_citing(self, seeds: Seeds, history: Sequence[Turn], shown: Textualized) -> Steps:
        """Ask for an answer from the lines, and judge it by what it cites."""
        text = self._answer_prompt(seeds.question, history, shown.text, truncated=shown.truncated)
        facts = len(shown.edges)
        holds = f"the question and {_counted(facts, 'fact')}"
        reply = yield Asked("graph_qa/answer", Prompt.of(text), facts, holds)
        return self._judged(reply, shown, seeds, read_reply)

    def _judged(
        self, reply: Generation, shown: Textualized, seeds: Seeds, read: Callable[[str], Reply]
    ) -> Reading:
        """Hold a reply to the lines that it cites."""
        edges = frozenset(shown.edges)
        if reply.cut_off:
            message = "The language model's reply was cut off before it was complete."
            return Reading(abstention=refused(message, Reason.NO_REPLY), shown=edges)
        try:
            said = read(reply.text)
        except ReplyError as error:
            message = f"The language model's reply cannot be read: {error}."
            return Reading(abstention=refused(message, Reason.NO_REPLY), shown=edges)
        if said.abstention is not None:
            why = f": {said.abstention}" if said.abstention else "."
            message = f"The language model finds no answer in the facts{why}"
            return Reading(abstention=refused(message), shown=edges)
        found = judged(said, shown, seeds, self.view)
        if isinstance(found, Abstention):
            return Reading(abstention=found, shown=edges)
        return Reading(draft=found, shown=edges)

    def _by_plan(
        self, seeds: Seeds, names: Sequence[Named], shown: Textualized
    ) -> Generator[Asked, Generation, Reading | None]:
        """Ask for a plan and run it; ``None`` when no plan can be run, or it finds nothing."""
        text = self._plan_prompt(seeds.question, names, shown)
        confirms = intent(seeds.tokens).want is Want.CONFIRM
        if text is None:
            return None
        messages: tuple[Message, ...] = (Message(role="user", text=text),)
        holds = (
            f"the question, {_counted(len(names), 'name')} and the relations with an example each"
        )
        for attempt in ("plan", "plan_repair"):
            asked = Asked(f"graph_qa/{attempt}", Prompt(messages=messages), 0, holds)
            reply = yield asked
            try:
                written = read_plan_text(reply.text)
                if not written and reply.text.strip():
                    return None  # the model says that no plan fits
                return run_written(written, self.view, names, at_least=2 if confirms else 1)
            except (PlanError, ReplyError) as error:
                repair = self._render("plan_repair", error=as_data(str(error))[:500])
                said = reply.text[:_LONGEST_REPEATED] or "(nothing)"
                messages = (
                    *messages,
                    Message(role="assistant", text=said),
                    Message(role="user", text=repair),
                )
        return None

    def _plan_prompt(self, question: str, names: Sequence[Named], shown: Textualized) -> str | None:
        """Return the prompt, with as many relations as fit; ``None`` when too few do."""
        around = self._count(self._render("plan", vocabulary="", question=as_data(question)))
        room = self.max_plan_tokens - around - _TEMPLATE_TOKENS
        if room < _LEAST_ROOM:
            return None
        text = vocabulary(
            self.schema,
            names,
            shown.edges,
            fits=lambda text: self._count(text) <= room,
        )
        if self._count(text) > room:
            return None
        return self._render("plan", vocabulary=text, question=as_data(question))


def _nothing(seeds: Seeds, names: Sequence[Named]) -> Abstention:
    if not names:
        return Abstention(
            reason=Reason.NO_ENTITY,
            message="Nothing that the question names is in this graph.",
            near_misses=seeds.near_misses,
        )
    return refused("Nothing in this graph bears on the question.")


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
