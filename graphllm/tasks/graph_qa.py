"""Ask questions of a graph."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from graphllm.answer import (
    Abstention,
    Alternative,
    Answer,
    Draft,
    PlanPrint,
    Reason,
    Turn,
    Verified,
    cite,
    cited_subgraph,
    verify,
)
from graphllm.errors import ConfigError, DataError, PlanError
from graphllm.graph import GraphView, Subgraph, TextualGraph
from graphllm.graph.taught import Taught
from graphllm.index import GraphIndex, Names
from graphllm.index.cache import index_for, is_index
from graphllm.index.kept import Kept
from graphllm.index.progress import Progress, silent
from graphllm.index.taught_file import TaughtFile
from graphllm.io import read_graph
from graphllm.query import Plan, parse_plan, to_cypher, to_sparql, to_text, to_words
from graphllm.query.plan import Entities, children
from graphllm.readers.drafting import SPOKEN
from graphllm.readers.plan_reader import PlanReader
from graphllm.readers.reading import Reader, Reading
from graphllm.retrieval.adapted import adapted_scorer
from graphllm.retrieval.calibration import shipped_calibration
from graphllm.retrieval.lessons import read_lesson
from graphllm.retrieval.retriever import MAX_EDGES, Retriever
from graphllm.retrieval.retrievers import DEFAULT_RETRIEVER, load_retriever
from graphllm.retrieval.scorer import PlanScorer
from graphllm.tasks.conversation import Conversation
from graphllm.text.encoder import TextEncoder, load_encoder

if TYPE_CHECKING:
    import networkx
    from torch_geometric.data.data import BaseData  # type: ignore[import-untyped]

    from graphllm.llm import LanguageModel
    from graphllm.readers.asking import Asked, Estimate
    from graphllm.readers.lm_reader import LMReader

LONGEST_QUESTION = 4000  # characters; a longer text is a document
NUM_ALTERNATIVES = 3


class GraphQA:
    """Answers questions from one graph, with the edges each answer stands on.

    Make one with ``from_file``, ``from_graph`` or ``open``. It may be shared between threads.

    Without a language model a question is read as a plan, here, and nothing is sent anywhere. With
    one, the model answers every question: from the facts that the retriever finds, or with a plan
    that is run. Either way each claim is held against the graph, and what it does not support is
    taken out.

    Args:
        view: The graph.
        names: Search over its names.
        encoder: Meaning of words; the shipped one when ``None``.
        llm: A language model, or what ``load_language_model`` takes: a folder, ``"hf:ORG/NAME"``,
            or a model's name on an OpenAI-compatible server.
        retriever: A retriever, or the name of one: ``graphllm.retrieval.retrievers.RETRIEVERS``.
        max_tokens: Of a prompt at most; 3,000, or what the model's context holds, when ``None``.
        prompts: A folder of your own prompts, as ``graphllm prompts copy --all`` makes one.
        on_send: Told of each prompt before it goes to the model.
        max_error: Withhold answers of which it is not sure enough, so that at most this share of
            those given is wrong, as measured on held-out questions over invented graphs.
        kept: Where what is taught is kept, and the weights of an adapted planner; nothing is kept
            when ``None``.

    Raises:
        ConfigError: There is a language model, and ``max_error``, which it does not know; or no
            limit is known that keeps the error so low.

    Examples:
        >>> from graphllm import GraphQA, TextualGraph
        >>> films = TextualGraph.from_triples([("Alien", "directed by", "Ridley Scott")])
        >>> qa = GraphQA.from_graph(films)
        >>> qa.ask("Who directed Alien?").entities
        ('Ridley Scott',)
    """

    def __init__(
        self,
        view: GraphView,
        names: Names,
        encoder: TextEncoder | None = None,
        *,
        llm: "LanguageModel | str | None" = None,
        retriever: Retriever | str = DEFAULT_RETRIEVER,
        max_tokens: int | None = None,
        prompts: str | os.PathLike[str] | None = None,
        on_send: "Callable[[Asked], None] | None" = None,
        max_error: float | None = None,
        kept: Kept | None = None,
    ) -> None:
        self.view = view
        self._names = names
        self._encoder = encoder
        self._llm, self._asked_retriever = llm, retriever
        self._max_tokens, self._prompts, self._on_send = max_tokens, prompts, on_send
        self._max_error = _checked_max_error(max_error, with_model=llm is not None)
        self.kept = kept
        self._lessons = TaughtFile(kept.taught if kept else None)
        self._reader: PlanReader | None = None
        self._retriever: Retriever | None = None
        self._lm_reader: LMReader | None = None
        self._lock = threading.RLock()

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *,
        mapping: str | None = None,
        format: str | None = None,
        cache: bool = True,
        on_mapping: Callable[[str], None] | None = None,
        progress: Progress = silent,
        llm: "LanguageModel | str | None" = None,
        retriever: Retriever | str = DEFAULT_RETRIEVER,
        max_tokens: int | None = None,
        prompts: str | os.PathLike[str] | None = None,
        on_send: "Callable[[Asked], None] | None" = None,
        max_error: float | None = None,
    ) -> "GraphQA":
        """Return what answers questions about the graph in a file, a folder or an index.

        Args:
            path: Anything ``read_graph`` reads, or an index folder.
            mapping: Which column plays which part, e.g. ``"head=from,relation=type,tail=to"``.
            format: One of ``graphllm.io.READERS``; guessed when ``None``.
            cache: Keep an index in the user's cache, so that the next time is quick.
            on_mapping: Told how the columns of each table were understood.
            progress: Told ``(stage, done, total)`` while the file is read and indexed.
            llm: As the class describes it, like all that follows.

        Raises:
            DataError: The file is not there, not what its format says, or holds no edge.
            ConfigError: The format or a part of the mapping is unknown.
        """
        graph: TextualGraph | GraphIndex
        if cache or (isinstance(path, str | os.PathLike) and is_index(path)):
            graph = index_for(
                path, mapping=mapping, format=format, on_mapping=on_mapping, progress=progress
            )
        else:
            graph = read_graph(path, mapping=mapping, format=format, on_mapping=on_mapping)
        return cls.from_graph(
            graph,
            llm=llm,
            retriever=retriever,
            max_tokens=max_tokens,
            prompts=prompts,
            on_send=on_send,
            max_error=max_error,
            kept=Kept.of(path),
        )

    @classmethod
    def from_graph(
        cls,
        graph: "TextualGraph | GraphIndex | networkx.Graph | BaseData",
        *,
        llm: "LanguageModel | str | None" = None,
        retriever: Retriever | str = DEFAULT_RETRIEVER,
        max_tokens: int | None = None,
        prompts: str | os.PathLike[str] | None = None,
        on_send: "Callable[[Asked], None] | None" = None,
        max_error: float | None = None,
        kept: Kept | None = None,
    ) -> "GraphQA":
        """Return what answers questions about a graph in memory: ours, networkx's or PyG's.

        Args:
            llm: As the class describes it, like all that follows.
            kept: As the class describes it; with an index when ``None``.

        Raises:
            DataError: It is none of these.
        """
        if not isinstance(graph, TextualGraph | GraphIndex):
            from graphllm.io import from_object

            graph = from_object(graph)
        if kept is None and isinstance(graph, GraphIndex):
            kept = Kept.of(graph.path)
        return cls(
            graph,
            graph.lexicon if isinstance(graph, GraphIndex) else Names.build(graph),
            llm=llm,
            retriever=retriever,
            max_tokens=max_tokens,
            prompts=prompts,
            on_send=on_send,
            max_error=max_error,
            kept=kept,
        )

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        llm: "LanguageModel | str | None" = None,
        retriever: Retriever | str = DEFAULT_RETRIEVER,
        max_tokens: int | None = None,
        prompts: str | os.PathLike[str] | None = None,
        on_send: "Callable[[Asked], None] | None" = None,
        max_error: float | None = None,
    ) -> "GraphQA":
        """Return what answers questions about the index folder at ``path``.

        Args:
            llm: As the class describes it, like all that follows.

        Raises:
            DataError: There is no index there.
            IndexDamagedError: It is damaged.
        """
        return cls.from_graph(
            GraphIndex.open(path),
            llm=llm,
            retriever=retriever,
            max_tokens=max_tokens,
            prompts=prompts,
            on_send=on_send,
            max_error=max_error,
        )

    def ask(self, question: str, *, history: Sequence[Turn] = ()) -> Answer:
        """Answer ``question``, or say why the graph does not.

        Args:
            history: Earlier turns (``answer.turn()``), oldest first, that "it" may point back at.

        Raises:
            DataError: There is no question, or it is longer than any question.
            LanguageModelError: The language model, where there is one, cannot be asked.
        """
        _check_question(question)
        start = time.perf_counter()
        return self._answer(question, self._answering().read(question, history), start)

    def ask_many(self, questions: Iterable[str]) -> list[Answer]:
        """Answer each question on its own; a language model is asked them in batches.

        Raises:
            DataError: One of them is no question.
            LanguageModelError: The language model cannot be asked; then none is answered.
        """
        reader = self._answering()
        if isinstance(reader, PlanReader):
            return [self.ask(question) for question in questions]
        asked = list(questions)
        for question in asked:
            _check_question(question)
        start = time.perf_counter()
        readings = self.lm_reader.read_many(asked)
        return [
            self._answer(question, reading, start)
            for question, reading in zip(asked, readings, strict=True)
        ]

    async def aask(self, question: str, *, history: Sequence[Turn] = ()) -> Answer:
        """Answer ``question`` in a thread, so that an event loop goes on meanwhile."""
        return await asyncio.to_thread(self.ask, question, history=history)

    def chat(self) -> Conversation:
        """Begin a conversation, in which a question may point back at earlier ones."""
        return Conversation(self)

    def run(self, plan_text: str) -> Answer:
        """Run a plan as ``answer.plan.text`` prints it; perhaps edited, or kept from earlier.

        Raises:
            PlanError: It cannot be read, or names what the graph does not have.
        """
        start = time.perf_counter()
        return self._answer(plan_text, self.reader.run(parse_plan(plan_text)), start)

    def retrieve(
        self, question: str, *, history: Sequence[Turn] = (), max_edges: int = MAX_EDGES
    ) -> Subgraph:
        """Return the part of the graph that bears on ``question``; asks no language model.

        Args:
            history: Earlier turns, oldest first.
            max_edges: How many edges at most.

        Raises:
            DataError: There is no question, or it is longer than any question.
        """
        _check_question(question)
        seeds = self.reader.linker.link(question, history)
        return self.retriever.retrieve(seeds, max_edges=max_edges)

    def estimate(self, question: str, *, history: Sequence[Turn] = ()) -> "Estimate":
        """Return what asking the language model would take at most; sends nothing.

        Raises:
            DataError: There is no question, or it is longer than any question.
            ConfigError: There is no language model.
        """
        _check_question(question)
        return self.lm_reader.estimate(question, history)

    def suggest(self, num_questions: int = 8) -> list[str]:
        """Return questions over the graph's own relations and names that it answers rightly.

        No language model is asked.
        """
        from graphllm.tasks.suggestions import suggestions  # what questions are made of takes time

        def answers(question: str) -> tuple[str, ...]:
            return self._answer(question, self.reader.read(question), 0.0).entities

        def run(plan: Plan) -> tuple[str, ...]:
            draft = self.reader.run(plan).draft
            return draft.entities if draft else ()

        wording = self.reader.planner.schema.wording
        return suggestions(self.view, answers, run, num_questions, wording)

    @property
    def taught(self) -> Taught:
        """What people taught about this graph, with the number of each lesson.

        Raises:
            DataError: The file that keeps it is damaged.
        """
        return self._lessons.taught

    def teach(self, lesson: str) -> int:
        """Learn what a relation means, or another name, and return the number of the lesson.

        It holds from the next question on, for all who ask this graph, until it is forgotten; of
        a graph from a file or an index it is kept.

        Args:
            lesson: ``R17 means "supplies"``; ``~R17 means "supplied by"`` for how a relation
                reads from tail to head; ``"IBM" is "International Business Machines"``.

        Raises:
            ConfigError: It is none of these, or names what is not in the graph.
            BusyError: Another process is teaching.

        Examples:
            >>> from graphllm import GraphQA, TextualGraph
            >>> qa = GraphQA.from_graph(TextualGraph.from_triples([("Arbel", "R17", "Bolt AG")]))
            >>> qa.teach('R17 means "supplies"')
            1
            >>> qa.ask("Who supplies Bolt AG?").entities
            ('Arbel',)
        """
        return self.teach_many([lesson])[0]

    def teach_many(self, lessons: Iterable[str]) -> tuple[int, ...]:
        """Learn several things as ``teach`` does, all of them or none; return their numbers."""
        read = [read_lesson(lesson, self.view, self._names) for lesson in lessons]
        return self._lessons.teach(*read)

    def forget(self, number: int) -> str:
        """Take back the lesson of that number and return it; ``undo`` brings it back.

        Raises:
            ConfigError: There is none.
        """
        return str(self._lessons.forget(number))

    def undo(self) -> str:
        """Take back what was last taught, or forgotten, and return what that was.

        Raises:
            ConfigError: Nothing was.
        """
        return str(self._lessons.undo())

    def describe(self) -> str:
        """Return the size of the graph in words."""
        view = self.view
        counts = (
            (view.num_nodes, "node"),
            (view.num_edges, "edge"),
            (len(view.relations), "relation"),
        )
        return ", ".join(f"{n:,} {what}{'' if n == 1 else 's'}" for n, what in counts)

    def __repr__(self) -> str:
        return f"GraphQA({self.describe()})"

    @property
    def reader(self) -> PlanReader:
        """What turns a question into a draft; made when first used, and when more was taught."""
        with self._lock:
            taught = self._lessons.taught
            if self._reader is None or self._reader.taught is not taught:
                scorer = adapted_scorer(self.kept.planner) if self.kept else None
                self._reader = self.reader_with(scorer)
                self._retriever = self._lm_reader = None
            return self._reader

    def reader_with(self, scorer: PlanScorer | None) -> PlanReader:
        """Return another reader of the graph, with a plan scorer; the shipped one when ``None``."""
        self._encoder = self._encoder or load_encoder()
        return PlanReader(
            self.view,
            self._names,
            self._encoder,
            self.taught,
            max_error=self._max_error,
            scorer=scorer,
        )

    @property
    def retriever(self) -> Retriever:
        """What picks the part of the graph that a language model is shown; made when first used."""
        with self._lock:
            planner = self.reader.planner
            if self._retriever is None:
                asked = self._asked_retriever
                self._retriever = (
                    load_retriever(asked, planner) if isinstance(asked, str) else asked
                )
            return self._retriever

    @property
    def lm_reader(self) -> "LMReader":
        """What asks the language model; made when first used.

        Raises:
            ConfigError: There is no language model.
        """
        if self._llm is None:
            raise ConfigError("there is no language model; name one with llm=")
        with self._lock:
            reader = self.reader
            if self._lm_reader is None:
                from graphllm.llm import load_language_model
                from graphllm.readers.lm_reader import LMReader
                from graphllm.readers.soft_prompts import prompter_of

                if isinstance(self._llm, str):
                    self._llm = load_language_model(self._llm)
                prompter = prompter_of(
                    self._llm,
                    self.view,
                    lambda: self._encoder or load_encoder(),
                    self._max_tokens,
                )
                self._lm_reader = LMReader(
                    reader.linker,
                    self.retriever,
                    self._llm,
                    reader.planner.schema,
                    max_tokens=self._max_tokens,
                    prompts=self._prompts,
                    on_send=self._on_send,
                    prompter=prompter,
                )
            return self._lm_reader

    def _answering(self) -> Reader:
        return self.reader if self._llm is None else self.lm_reader

    def _answer(self, question: str, reading: Reading, start: float) -> Answer:
        verified, checked_s = self._check(reading)
        if verified is None or verified.abstention is not None:
            answer = self._refusal(
                question, reading, verified.abstention if verified else reading.abstention
            )
        else:
            answer = self._supported(question, reading, verified.draft)
        total_s = time.perf_counter() - start
        return replace(answer, timings={**reading.timings, "check": checked_s, "total": total_s})

    def _supported(self, question: str, reading: Reading, draft: Draft) -> Answer:
        paths = reading.result.paths if reading.result else ()
        return Answer(
            question=question,
            text=_with_total(draft),
            entities=draft.entities,
            plan=_printed(reading.plan, self.view, self._wording),
            citations=cite(draft.claims, self.view),
            subgraph=replace(
                cited_subgraph(draft.claims, self.view, paths=paths), truncated=reading.truncated
            ),
            confidence=draft.confidence,
            closed_world=draft.closed_world,
            alternatives=_alternatives(reading, self.view, self._wording),
            focus=_focus(reading.plan) or reading.focus,
            resolved=reading.resolved,
            usage=reading.usage,
            view=self.view,
        )

    def _refusal(self, question: str, reading: Reading, abstention: Abstention | None) -> Answer:
        abstention = abstention or Abstention(
            reason=Reason.NOT_UNDERSTOOD, message="The question was not understood."
        )
        return Answer(
            question=question,
            text=abstention.message,
            abstained=abstention,
            plan=_printed(reading.plan, self.view, self._wording),
            alternatives=_alternatives(reading, self.view, self._wording),
            focus=_focus(reading.plan) or reading.focus,
            resolved=reading.resolved,
            usage=reading.usage,
            view=self.view,
        )

    @property
    def _wording(self) -> Mapping[str, str]:
        return self.reader.planner.schema.wording

    def _check(self, reading: Reading) -> tuple[Verified | None, float]:
        """Hold the draft against the graph, and against what the plan's run or the model saw."""
        if reading.draft is None:
            return None, 0.0
        start = time.perf_counter()
        retrieved = reading.shown
        if reading.result is not None:
            retrieved = frozenset(reading.result.edges.tolist())
        verified = verify(reading.draft, self.view, retrieved=retrieved)
        return verified, time.perf_counter() - start


def _checked_max_error(max_error: float | None, *, with_model: bool) -> float | None:
    """Return ``max_error``, which a limit is known for.

    Raises:
        ConfigError: It is no share, smaller than any that is calibrated, or for a language model.
    """
    if max_error is not None and with_model:
        raise ConfigError(
            "max_error is for answers by plan: a language model does not say how sure it is;"
            " leave one of them out"
        )
    if max_error is not None:
        shipped_calibration().limit(max_error)
    return max_error


def _check_question(question: str) -> None:
    if not question.strip():
        raise DataError("the question is empty; ask something, e.g. 'Who directed Alien?'")
    if len(question) > LONGEST_QUESTION:
        raise DataError(
            f"the question has {len(question)} characters; ask in {LONGEST_QUESTION} or fewer"
        )


def _with_total(draft: Draft) -> str:
    """Return the sentence; where it breaks off a long list, with how many there are in all."""
    total = len(draft.entities)
    is_cut = draft.text.endswith(f" and {total - SPOKEN} more")
    return f"{draft.text} ({total:,} in all)" if is_cut else draft.text


def _printed(plan: Plan | None, view: GraphView, wording: Mapping[str, str]) -> PlanPrint | None:
    """Print ``plan`` in every notation that can say it."""
    if plan is None:
        return None
    return PlanPrint(
        text=to_text(plan),
        words=to_words(plan, view, wording),
        cypher=_unless_inexpressible(to_cypher, plan),
        sparql=_unless_inexpressible(to_sparql, plan),
    )


def _unless_inexpressible(notation: Callable[[Plan], str], plan: Plan) -> str:
    try:
        return notation(plan)
    except PlanError:  # not everything has a Cypher or SPARQL form
        return ""


def _alternatives(
    reading: Reading, view: GraphView, wording: Mapping[str, str]
) -> tuple[Alternative, ...]:
    return tuple(
        Alternative(text=to_text(plan), words=to_words(plan, view, wording), confidence=confidence)
        for plan, confidence in reading.alternatives[:NUM_ALTERNATIVES]
    )


def _focus(plan: Plan | None) -> tuple[str, ...]:
    """Return the keys of the entities that ``plan`` names, as written."""
    if plan is None:
        return ()
    own = plan.keys if isinstance(plan, Entities) else ()
    inside = (key for part in children(plan) for key in _focus(part))
    return tuple(dict.fromkeys((*own, *inside)))
