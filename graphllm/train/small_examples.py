"""What graphllm-small learns from: a question and lines of a graph, and the references to answer.

An example keeps the text as `textualize` writes it, so that training sees what reading will.
References and the order of lines are drawn anew each time an example is used.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphllm.graph.layouts import Layout
from graphllm.graph.subgraph import Subgraph
from graphllm.graph.textualize import Textualized, textualize
from graphllm.graph.view import GraphView, edges_of
from graphllm.llm.small.prompt import marked_question
from graphllm.query.execute import execute
from graphllm.query.plan import Count, Exists
from graphllm.query.result import PlanResult
from graphllm.questions import BuiltQuestion
from graphllm.train.json_lines import read_json_lines, write_json_lines

NONE = "none"
MOST_ANSWERS = 10
MOST_CITED = 8  # lines
_MOST_EDGES = 20  # that prove an answer
_MOST_DEGREE = 40  # edges of a node that may stand beside the right ones
_BUDGETS = (24, 32, 48, 48, 64, 64, 96, 96, 128, 192, 256)  # tokens of the lines
_SLACK = 8  # tokens that the same edges may take more in another order
_WITHHELD = 0.12  # share of answerable questions whose answer is kept from the text
_UNMARKED = 0.15  # share of questions whose names have no references


@dataclass(frozen=True, slots=True)
class SmallExample:
    """A question over lines of text, and what to reply.

    Attributes:
        question: With a reference before each name that was found: ``who wrote [n2] Alien?``
        lines: Of the text, in the layout of references.
        cites: The numbers of the lines that the answer rests on.
        answers: The references of the answers.
        words: What is answered in words: ``yes``, a count, ``none``, or a text.
        source: Where it comes from.
        kind: Of the question.
        hops: The longest chain of steps.
    """

    question: str
    lines: tuple[str, ...]
    cites: tuple[int, ...]
    answers: tuple[int, ...]
    words: str
    source: str
    kind: str
    hops: int


@dataclass(frozen=True, slots=True)
class AskedFacts:
    """A question with the edges that answer it.

    Attributes:
        question: As a person wrote it.
        names: Where it names nodes, and which.
        answers: The answering nodes.
        words: The answer in words, where it is no node; empty otherwise.
        edges: That prove the answer; empty when the graph does not answer.
    """

    question: str
    names: tuple[tuple[int, int, tuple[int, ...]], ...]
    answers: tuple[int, ...]
    words: str
    edges: tuple[int, ...]
    kind: str
    hops: int


def facts_of(built: BuiltQuestion, view: GraphView) -> AskedFacts | None:
    """Return what answers a built question; ``None`` when lines of text could not.

    Answers that are attributes, or were worked out from many, are for plans.
    """
    names = tuple(
        (m.start, m.end, tuple(n for key in m.keys if (n := view.find_key(key)) is not None))
        for m in built.mentions
    )
    if built.refusal is not None:
        known = any(nodes for _, _, nodes in names)
        return _asked(built, names, (), NONE, ()) if known else None
    if built.plan is None:
        return None
    result = execute(built.plan, view)
    words = _in_words(built, result)
    nodes = tuple(result.nodes.tolist()) if words == "" else ()
    is_said = bool(words or nodes) and 0 < len(result.edges) <= _MOST_EDGES
    ends = {int(e) for e in [*view.heads[result.edges], *view.tails[result.edges]]}
    off_edges = not ends.issuperset(nodes) or any(not fact.on_edge for fact in result.attributes)
    if not is_said or off_edges or len(nodes) > MOST_ANSWERS or (result.values and not words):
        return None
    return _asked(built, names, nodes, words, tuple(result.edges.tolist()))


def _asked(
    built: BuiltQuestion,
    names: tuple[tuple[int, int, tuple[int, ...]], ...],
    answers: tuple[int, ...],
    words: str,
    edges: tuple[int, ...],
) -> AskedFacts:
    hops = built.hops
    return AskedFacts(built.question, names, answers, words, edges, built.operation, hops)


def _in_words(built: BuiltQuestion, result: PlanResult) -> str:
    if isinstance(built.plan, Exists):
        return "yes" if result.values == (True,) else "no"
    if isinstance(built.plan, Count):
        return str(result.values[0])
    return ""


def of_graph(
    view: GraphView,
    asked: Iterable[AskedFacts],
    rng: np.random.Generator,
    count_tokens: Callable[[str], int],
    *,
    source: str,
) -> Iterator[SmallExample]:
    """Yield an example for each question that fits a budget drawn at random."""
    for one in asked:
        found = _Builder(view, one, rng, count_tokens, source).build()
        if found is not None:
            yield found


def _budgets_from(first: int) -> Iterator[int]:
    """Yield a budget, and larger ones for answers that rest on more."""
    while first <= max(_BUDGETS):
        yield first
        first *= 2


class _Builder:
    def __init__(
        self,
        view: GraphView,
        asked: AskedFacts,
        rng: np.random.Generator,
        count_tokens: Callable[[str], int],
        source: str,
    ) -> None:
        self.view, self.asked, self.rng = view, asked, rng
        self.count_tokens, self.source = count_tokens, source

    def build(self) -> SmallExample | None:
        asked = self.asked
        withheld = bool(asked.edges) and self.rng.random() < _WITHHELD
        if withheld and asked.words:
            return None  # of a count or a yes, less text gives another answer, not none
        proof = self._without_answers() if withheld else asked.edges
        shown = self._shown(proof, set(asked.edges) - set(proof))
        if shown is None:
            return None
        words = NONE if withheld else asked.words
        return self._example(shown, () if words == NONE else proof, words)

    def _without_answers(self) -> tuple[int, ...]:
        answers = set(self.asked.answers)
        return tuple(e for e in self.asked.edges if answers.isdisjoint(self._ends(e)))

    def _ends(self, edge: int) -> tuple[int, int]:
        return int(self.view.heads[edge]), int(self.view.tails[edge])

    def _shown(self, proof: Sequence[int], withheld: set[int]) -> Textualized | None:
        """Write the proof among other edges; ``None`` when the text has no room for all of it."""
        others = [e for e in self._distractors() if e not in withheld]
        scores = dict(zip(others, self.rng.random(len(others)).tolist(), strict=True))
        scores |= {edge: 1 + float(self.rng.random()) for edge in proof}
        for max_tokens in _budgets_from(int(self.rng.choice(_BUDGETS))):
            shown = self._text(scores, max_tokens)
            if shown.lines and set(proof) <= set(shown.edges):
                again = self._in_any_order(shown)
                return again if set(proof) <= set(again.edges) else shown
        return None

    def _in_any_order(self, shown: Textualized) -> Textualized:
        """Write the same edges again, so that what proves the answer is not what comes first."""
        chances = self.rng.random(len(shown.edges)).tolist()
        scores = dict(zip(shown.edges, chances, strict=True))
        return self._text(scores, shown.num_tokens + _SLACK)

    def _text(self, scores: Mapping[int, float], max_tokens: int) -> Textualized:
        return textualize(
            self.view,
            self._subgraph(scores),
            max_tokens=max_tokens,
            count_tokens=self.count_tokens,
            layout=Layout.REFERENCES,
        )

    def _subgraph(self, scores: Mapping[int, float]) -> Subgraph:
        edges = np.array(sorted(scores), dtype=np.int32)
        nodes = np.union1d(self.view.heads[edges], self.view.tails[edges]).astype(np.int32)
        return Subgraph(
            nodes=nodes,
            edges=edges,
            node_scores=self.rng.random(len(nodes)).astype(np.float32),
            edge_scores=np.array([scores[e] for e in edges.tolist()], dtype=np.float32),
        )

    def _distractors(self) -> list[int]:
        """Return edges near the question's names and its proof, and others that look like it."""
        view, asked = self.view, self.asked
        starts = {n for _, _, nodes in asked.names for n in nodes}
        starts.update(end for edge in asked.edges for end in self._ends(edge))
        near = self._around(sorted(starts))
        ends = sorted({end for edge in near for end in self._ends(edge)} - starts)
        further = self._around(self.rng.permutation(np.array(ends, dtype=np.int64))[:6].tolist())
        alike = self.rng.integers(view.num_edges, size=4).tolist()
        return list(dict.fromkeys([*near, *further, *alike]))

    def _around(self, nodes: Sequence[int]) -> list[int]:
        found: list[int] = []
        for node in nodes:
            here = np.array([node], dtype=np.int32)
            for inverse in (False, True):
                edges = edges_of(self.view, here, inverse=inverse)
                if len(edges) > _MOST_DEGREE:
                    edges = self.rng.choice(edges, _MOST_DEGREE, replace=False)
                found += edges.tolist()
        return found

    def _example(self, shown: Textualized, proof: Sequence[int], words: str) -> SmallExample | None:
        wanted = set(proof)
        cites = tuple(n for n, line in enumerate(shown.lines, 1) if wanted & set(line))
        number = {node: i for i, node in enumerate(shown.references, 1)}
        answers = () if words else tuple(sorted(number[node] for node in self.asked.answers))
        if len(cites) > MOST_CITED:
            return None
        return SmallExample(
            question=self._question(number),
            lines=tuple(shown.text.split("\n")),
            cites=cites,
            answers=answers,
            words=words,
            source=self.source,
            kind=self.asked.kind,
            hops=self.asked.hops,
        )

    def _question(self, number: Mapping[int, int]) -> str:
        names = [] if self.rng.random() < _UNMARKED else self.asked.names
        return marked_question(
            self.asked.question,
            [(s, e, [number[n] for n in nodes if n in number]) for s, e, nodes in names],
        )


def write_small_examples(path: Path, examples: Iterable[SmallExample]) -> int:
    """Write examples as JSON lines; return how many."""
    return write_json_lines(path, examples)


def read_small_examples(path: Path) -> list[SmallExample]:
    """Return the examples of a file of JSON lines.

    Raises:
        DataError: There is no such file, or a line cannot be read; the message says which.
    """
    return read_json_lines(path, _from_record)


def _from_record(record: dict[str, Any]) -> SmallExample:
    lists = {key: tuple(record[key]) for key in ("lines", "cites", "answers")}
    return SmallExample(**{**record, **lists})
