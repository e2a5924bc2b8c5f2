"""Ask questions of a graph."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
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
from graphllm.errors import DataError, PlanError
from graphllm.graph import GraphView, TextualGraph
from graphllm.index import GraphIndex, Names
from graphllm.index.cache import index_for, is_index
from graphllm.index.progress import Progress, silent
from graphllm.io import read_graph
from graphllm.query import Plan, parse_plan, to_cypher, to_sparql, to_text, to_words
from graphllm.query.plan import Entities, children
from graphllm.readers.drafting import SPOKEN
from graphllm.readers.plan_reader import PlanReader
from graphllm.readers.reading import Reading
from graphllm.tasks.conversation import Conversation
from graphllm.tasks.suggestions import suggestions
from graphllm.text.encoder import TextEncoder, load_encoder

if TYPE_CHECKING:
    import networkx
    from torch_geometric.data.data import BaseData  # type: ignore[import-untyped]

LONGEST_QUESTION = 4000  # characters; a longer text is a document
NUM_ALTERNATIVES = 3


class GraphQA:
    """Answers questions from one graph, with the edges each answer stands on.

    Make one with ``from_file``, ``from_graph`` or ``open``. It may be shared between threads.

    Examples:
        >>> from graphllm import GraphQA, TextualGraph
        >>> films = TextualGraph.from_triples([("Alien", "directed by", "Ridley Scott")])
        >>> qa = GraphQA.from_graph(films)
        >>> qa.ask("Who directed Alien?").entities
        ('Ridley Scott',)
    """

    def __init__(self, view: GraphView, names: Names, encoder: TextEncoder | None = None) -> None:
        self.view = view
        self._names = names
        self._encoder = encoder
        self._reader: PlanReader | None = None
        self._lock = threading.Lock()

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
    ) -> "GraphQA":
        """Return what answers questions about the graph in a file, a folder or an index.

        Args:
            path: Anything ``read_graph`` reads, or an index folder.
            mapping: Which column plays which part, e.g. ``"head=from,relation=type,tail=to"``.
            format: One of ``graphllm.io.READERS``; guessed when ``None``.
            cache: Keep an index in the user's cache, so that the next time is quick.
            on_mapping: Told how the columns of each table were understood.
            progress: Told ``(stage, done, total)`` while the file is read and indexed.

        Raises:
            DataError: The file is not there, not what its format says, or holds no edge.
            ConfigError: The format or a part of the mapping is unknown.
        """
        if cache or (isinstance(path, str | os.PathLike) and is_index(path)):
            return cls.from_graph(
                index_for(
                    path, mapping=mapping, format=format, on_mapping=on_mapping, progress=progress
                )
            )
        return cls.from_graph(
            read_graph(path, mapping=mapping, format=format, on_mapping=on_mapping)
        )

    @classmethod
    def from_graph(
        cls, graph: "TextualGraph | GraphIndex | networkx.Graph | BaseData"
    ) -> "GraphQA":
        """Return what answers questions about a graph in memory: ours, networkx's or PyG's.

        Raises:
            DataError: It is none of these.
        """
        if isinstance(graph, GraphIndex):
            return cls(graph, graph.lexicon)
        if not isinstance(graph, TextualGraph):
            from graphllm.io import from_object

            graph = from_object(graph)
        return cls(graph, Names.build(graph))

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "GraphQA":
        """Return what answers questions about the index folder at ``path``.

        Raises:
            DataError: There is no index there.
            IndexDamagedError: It is damaged.
        """
        return cls.from_graph(GraphIndex.open(path))

    def ask(self, question: str, *, history: Sequence[Turn] = ()) -> Answer:
        """Answer ``question``, or say why the graph does not.

        Args:
            history: Earlier turns (``answer.turn()``), oldest first, that "it" may point back at.

        Raises:
            DataError: There is no question, or it is longer than any question.
        """
        if not question.strip():
            raise DataError("the question is empty; ask something, e.g. 'Who directed Alien?'")
        if len(question) > LONGEST_QUESTION:
            raise DataError(
                f"the question has {len(question)} characters; ask in {LONGEST_QUESTION} or fewer"
            )
        start = time.perf_counter()
        return self._answer(question, self.reader.read(question, history), start)

    def ask_many(self, questions: Iterable[str]) -> list[Answer]:
        """Answer each question on its own."""
        return [self.ask(question) for question in questions]

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

    def suggest(self, num_questions: int = 8) -> list[str]:
        """Return questions over the graph's own relations and names that it answers rightly."""
        return suggestions(self.view, lambda question: self.ask(question).entities, num_questions)

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
        """What turns a question into a draft; made when first used."""
        with self._lock:
            if self._reader is None:
                encoder = self._encoder or load_encoder()
                self._reader = PlanReader(self.view, self._names, encoder)
            return self._reader

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
            plan=_printed(reading.plan, self.view),
            citations=cite(draft.claims, self.view),
            subgraph=cited_subgraph(draft.claims, self.view, paths=paths),
            confidence=draft.confidence,
            closed_world=draft.closed_world,
            alternatives=_alternatives(reading, self.view),
            focus=_focus(reading.plan),
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
            plan=_printed(reading.plan, self.view),
            alternatives=_alternatives(reading, self.view),
            focus=_focus(reading.plan),
            view=self.view,
        )

    def _check(self, reading: Reading) -> tuple[Verified | None, float]:
        """Hold the draft against the graph, and against what the plan's run gave."""
        if reading.draft is None:
            return None, 0.0
        start = time.perf_counter()
        retrieved = None if reading.result is None else frozenset(reading.result.edges.tolist())
        verified = verify(reading.draft, self.view, retrieved=retrieved)
        return verified, time.perf_counter() - start


def _with_total(draft: Draft) -> str:
    """Return the sentence; where it breaks off a long list, with how many there are in all."""
    total = len(draft.entities)
    is_cut = draft.text.endswith(f" and {total - SPOKEN} more")
    return f"{draft.text} ({total:,} in all)" if is_cut else draft.text


def _printed(plan: Plan | None, view: GraphView) -> PlanPrint | None:
    """Print ``plan`` in every notation that can say it."""
    if plan is None:
        return None
    return PlanPrint(
        text=to_text(plan),
        words=to_words(plan, view),
        cypher=_unless_inexpressible(to_cypher, plan),
        sparql=_unless_inexpressible(to_sparql, plan),
    )


def _unless_inexpressible(notation: Callable[[Plan], str], plan: Plan) -> str:
    try:
        return notation(plan)
    except PlanError:  # not everything has a Cypher or SPARQL form
        return ""


def _alternatives(reading: Reading, view: GraphView) -> tuple[Alternative, ...]:
    return tuple(
        Alternative(text=to_text(plan), words=to_words(plan, view), confidence=confidence)
        for plan, confidence in reading.alternatives[:NUM_ALTERNATIVES]
    )


def _focus(plan: Plan | None) -> tuple[str, ...]:
    """Return the keys of the entities that ``plan`` names, as written."""
    if plan is None:
        return ()
    own = plan.keys if isinstance(plan, Entities) else ()
    inside = (key for part in children(plan) for key in _focus(part))
    return tuple(dict.fromkeys((*own, *inside)))
