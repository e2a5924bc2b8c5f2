"""Published baselines that give a language model the text of a graph, and check nothing.

They are here to be measured beside ``LMReader``, which holds the model to the graph.
"""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from graphllm.answer import Usage
from graphllm.assets import prompt
from graphllm.errors import ConfigError
from graphllm.graph.folding import fold
from graphllm.graph.layouts import Layout
from graphllm.graph.subgraph import Subgraph
from graphllm.graph.textualize import textualize
from graphllm.graph.view import GraphView
from graphllm.llm import Decoding, LanguageModel, Prompt
from graphllm.readers.prompting import as_data
from graphllm.retrieval.retriever import MAX_EDGES

BASELINES = ("zero_shot", "zero_cot", "cot_bag", "kaping")
NUM_TRIPLES = 10  # of KAPING, as its authors have it

_MAX_TOKENS = 3000
_REPLY_TOKENS = 512  # G-Retriever cuts at 32, which leaves no room to reason in
_TEMPLATE_TOKENS = 64  # what a chat template puts around a prompt
_LEAST_ROOM = 64
_ANSWER = re.compile(r"^\W*(?:final |the )?answers?\W*?:(?P<said>.*)$", re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s+")
_MARKS = "*`\"'“”_ \t"
_THOUGHTS_END = "</think>"
_LONGEST_REPLY = 100_000  # characters; what is before is not looked at
_MOST_ANSWERS = 1_000
_NOTHING = frozenset(
    [
        "",
        "none",
        "unknown",
        "n a",
        "no answer",
        "i don t know",
        "i do not know",
        "not in the graph",
        "not given",
        "not mentioned",
        "not specified",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a model replied.

    Attributes:
        entities: The answers it gives, in its order; empty when it says that it knows none.
        text: The whole reply.
        usage: Of the call.
    """

    entities: tuple[str, ...]
    text: str
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class TextOnly:
    """One of the published text-only baselines with a language model.

    Source: G-Retriever, section 6.1, "inference-only": zero-shot, Zero-CoT (Kojima et al. 2022),
    CoT-BAG (Wang et al. 2023), KAPING (Baek et al. 2023).
    Differs from the paper: the model is asked to give its answers on a line of their own, which is
    what is scored; a graph that does not fit is cut by a retriever, not after 512 tokens.

    Attributes:
        name: One of ``BASELINES``.
        llm: Is asked.
        max_tokens: Of one prompt at most; less where the model's context is smaller.
        prompts: A folder of your own prompts.

    Raises:
        ConfigError: There is no such baseline, or ``max_tokens`` is below 1.
    """

    name: str
    llm: LanguageModel
    max_tokens: int = _MAX_TOKENS
    prompts: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        if self.name not in BASELINES:
            raise ConfigError(f"unknown baseline {self.name!r}; there are {', '.join(BASELINES)}")
        if self.max_tokens < 1:
            raise ConfigError(f"max_tokens must be 1 or more, got {self.max_tokens}")

    def prompt(self, question: str, view: GraphView, retrieve: Callable[[str], Subgraph]) -> Prompt:
        """Return what the model is asked.

        Args:
            retrieve: Picks the part of the graph that is shown, where it is too large to be shown
                whole; for KAPING always.

        Raises:
            ConfigError: The budget leaves no room for a graph.
        """
        around = self.llm.count_tokens(self._filled("", question))
        room = self._budget - around - _TEMPLATE_TOKENS
        if room < _LEAST_ROOM:
            raise ConfigError(
                f"a prompt of {self._budget} tokens leaves {max(room, 0)} for the graph;"
                " give a larger max_tokens, or a shorter question"
            )
        if self.name == "kaping":
            return Prompt.of(self._filled(self._triples(view, retrieve(question), room), question))
        return Prompt.of(self._filled(self._tables(view, question, retrieve, room), question))

    def ask(self, prompts: Sequence[Prompt]) -> list[Said]:
        """Return the reply to each prompt.

        Raises:
            LanguageModelError: The model cannot be asked.
        """
        replies = self.llm.generate(prompts, Decoding(max_new_tokens=self._reply_tokens))
        return [Said(entities=read_answers(r.text), text=r.text, usage=r.usage) for r in replies]

    @property
    def _reply_tokens(self) -> int:
        context = self.llm.context_tokens
        return _REPLY_TOKENS if context is None else max(1, min(_REPLY_TOKENS, context // 4))

    @property
    def _budget(self) -> int:
        context = self.llm.context_tokens
        return (
            self.max_tokens
            if context is None
            else min(self.max_tokens, context - self._reply_tokens)
        )

    def _filled(self, graph: str, question: str) -> str:
        return prompt(
            f"graph_qa/{self.name}", folder=self.prompts, graph=graph, question=as_data(question)
        )

    def _tables(
        self, view: GraphView, question: str, retrieve: Callable[[str], Subgraph], room: int
    ) -> str:
        """Return the graph as G-Retriever writes it; the whole of it when it fits."""
        count = self.llm.count_tokens
        if view.num_edges <= MAX_EDGES and view.num_nodes <= 2 * MAX_EDGES:
            whole = textualize(
                view, _whole(view), max_tokens=room, count_tokens=count, layout=Layout.CSV
            )
            if not whole.truncated:
                return whole.text
        found = retrieve(question)
        return textualize(view, found, max_tokens=room, count_tokens=count, layout=Layout.CSV).text

    def _triples(self, view: GraphView, found: Subgraph, room: int) -> str:
        """Return the triples of the highest scores, one a line, as many as fit."""
        order = np.lexsort((found.edges, -found.edge_scores))[:NUM_TRIPLES]
        lines: list[str] = []
        for edge in found.edges[order].tolist():
            head, tail = view.names[int(view.heads[edge])], view.names[int(view.tails[edge])]
            relation = view.relations[int(view.relation_ids[edge])]
            line = f"({', '.join(map(as_data, (head, relation, tail)))})"
            room -= self.llm.count_tokens(line + "\n")
            if room < 0:
                break
            lines.append(line)
        return "\n".join(lines)


def _whole(view: GraphView) -> Subgraph:
    return Subgraph(
        nodes=np.arange(view.num_nodes, dtype=np.int32),
        edges=np.arange(view.num_edges, dtype=np.int32),
        node_scores=np.ones(view.num_nodes, dtype=np.float32),
        edge_scores=np.ones(view.num_edges, dtype=np.float32),
    )


def read_answers(reply: str) -> tuple[str, ...]:
    r"""Return the answers of a reply: what stands behind its last "Answer:", divided by ``|``.

    Where nothing stands on that line, the lines that follow are the answers; where there is no
    such line at all, the last line of the reply is.

    Examples:
        >>> read_answers("Let me see.\n**Answer:** Ada | Bo")
        ('Ada', 'Bo')
        >>> read_answers("Answer: unknown")
        ()
    """
    lines = reply[-_LONGEST_REPLY:].rpartition(_THOUGHTS_END)[2].strip().splitlines()
    found = [(i, match) for i, line in enumerate(lines) if (match := _ANSWER.match(line))]
    if not found:
        said = lines[-1:]
    else:
        position, match = found[-1]
        on_line = match["said"].strip("*_ \t")
        said = [on_line] if on_line else lines[position + 1 :]
    parts = (_stripped(part) for line in said for part in line.split("|"))
    answers = dict.fromkeys(part for part in parts if part and fold(part) not in _NOTHING)
    return tuple(answers)[:_MOST_ANSWERS]


def _stripped(part: str) -> str:
    """Return an answer without the marks of lists, quotes and emphasis around it."""
    part = _BULLET.sub("", part).strip()
    if part.endswith(".") and part.count(".") == 1:  # the end of a sentence, not of "U.S.A."
        part = part[:-1]
    return part.strip(_MARKS)
