"""Questions over graphs of their own, told to a model that answers with references.

    who wrote [n2] Alien?
    [1] [n2] Alien | written by | [n3] Dan O'Bannon

    reply: [1] [n3]

Such a reply names nothing that was not told, and cites the lines that it stands on. Which lines
those are is not in the data of a suite: a label cites those that state a right answer, and of them
those that also name what the question names, where there are such.
"""

from collections.abc import Callable, Iterable

from graphllm.answer import Usage
from graphllm.evaluate import Compared, Example, Predicted
from graphllm.evaluate.hallucination import Facts as NamedFacts
from graphllm.evaluate.hallucination import Grounds
from graphllm.evaluate.metrics import loosely
from graphllm.graph.folding import fold
from graphllm.graph.subgraph import Subgraph
from graphllm.graph.textualize import Textualized
from graphllm.graph.view import GraphView
from graphllm.llm.small.prompt import reply_of
from graphllm.models.fact_prompts import (
    NONE,
    FactPrompts,
    Facts,
    FactSettings,
    NamedSpan,
    ReplyForm,
)
from graphllm.models.g_retriever import Told
from graphllm.questions.inventories import find_mention


class ReferencePrompts:
    """Writes prompts with references, each of another graph.

    Args:
        max_tokens: Of question and lines.
        count_tokens: Of the model.
    """

    def __init__(self, max_tokens: int, count_tokens: Callable[[str], int]) -> None:
        self._settings = FactSettings(form=ReplyForm.REFERENCES, max_tokens=max_tokens)
        self._count = count_tokens

    def told(self, question: str, view: GraphView, part: Subgraph) -> Told:
        """Return a question with the part of its graph, without a label or soft tokens."""
        prompts = FactPrompts(view, self._count, self._settings)
        shown = prompts.shown(question, part)
        names = [_span(question, view, node) for node in nodes_named(question, view)]
        return Told(question=prompts.text(question, names, shown), shown=shown)

    def label(self, example: Example, view: GraphView, shown: Textualized) -> str:
        """Return what is to be replied to a question that was told so.

        Answers that stand in no line cannot be cited and are left out; when none is left, and when
        the graph holds none, the label says that there is none.
        """
        if not example.in_graph:
            return NONE
        stated = {end for edge in shown.edges for end in _ends(view, edge)}
        gold = [node for node in _gold(example, view) if node in stated]
        named = nodes_named(example.question, view)
        edges = _touching(view, shown.edges, gold or named)
        both = _touching(view, edges, named) if gold else []
        words = "" if gold else "|".join(example.gold)
        facts = Facts(answers=tuple(gold), words=words, edges=tuple(both or edges))
        return FactPrompts(view, self._count, self._settings).target(facts, shown)


def read_references(reply: str, usage: Usage, view: GraphView, shown: Textualized) -> Predicted:
    """Return a reply as a prediction, in words; references to what was not told are passed over."""
    said = reply_of(reply)
    there = shown.references
    nodes = [there[number - 1] for number in said.answers if 0 < number <= len(there)]
    names = tuple(dict.fromkeys(view.names[node] for node in nodes))
    answers = names or (() if said.words in ("", NONE) else (said.words,))
    cites = [number for number in said.cites if number <= len(shown.lines)]
    edges = shown.cited(cites, view, nodes)
    grounds = Grounds(names, tuple(_triple(view, edge) for edge in edges))
    return Predicted(
        entities=answers,
        confidence=float(bool(answers)),
        abstained=not answers,
        text="|".join(answers),
        named=NamedFacts(view).named(grounds) if answers else None,
        usage=usage,
    )


def nodes_named(question: str, view: GraphView) -> list[int]:
    """Return the nodes whose names stand in a question as they are."""
    said = f" {fold(question)} "
    names = [fold(name) for name in view.names]
    return [node for node, name in enumerate(names) if name and f" {name} " in said]


def _span(question: str, view: GraphView, node: int) -> NamedSpan:
    return NamedSpan(*find_mention(question, view.names[node]), (node,))


def _gold(example: Example, view: GraphView) -> list[int]:
    """Return the nodes that a suite takes for right answers."""
    plain = loosely if example.compared is Compared.NORMALIZED else str
    right = {plain(answer) for answer in example.gold}
    return [node for node in range(view.num_nodes) if plain(view.names[node]) in right]


def _touching(view: GraphView, edges: Iterable[int], nodes: Iterable[int]) -> list[int]:
    there = set(nodes)
    return [edge for edge in edges if not there.isdisjoint(_ends(view, edge))]


def _ends(view: GraphView, edge: int) -> tuple[int, int]:
    return int(view.heads[edge]), int(view.tails[edge])


def _triple(view: GraphView, edge: int) -> tuple[str, str, str]:
    head, tail = _ends(view, edge)
    return view.names[head], view.relations[int(view.relation_ids[edge])], view.names[tail]
