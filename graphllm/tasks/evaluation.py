"""Measure ``GraphQA`` on a suite of questions."""

from collections.abc import Callable, Sequence

from graphllm.answer import Answer
from graphllm.errors import ConfigError
from graphllm.evaluate import Named, Predicted, Query
from graphllm.evaluate.chains import chain_of
from graphllm.evaluate.hallucination import Facts, grounds_of
from graphllm.evaluate.naive import nearest_node, nearest_relation
from graphllm.evaluate.runner import System
from graphllm.graph import GraphView
from graphllm.index import Names
from graphllm.query import parse_plan
from graphllm.tasks.graph_qa import GraphQA
from graphllm.text.encoder import TextEncoder, load_encoder
from graphllm.text.remembering import Remembering


def system(qa: GraphQA) -> Callable[[str], Predicted]:
    """Return ``qa`` as ``graphllm.evaluate.run`` asks it: a question in, a prediction out."""
    facts = Facts(qa.view)
    return lambda question: predicted(qa.ask(question), facts)


def on_own_graphs(reader: str = "plan", encoder: TextEncoder | None = None) -> System:
    """Return what answers each question from its own graph.

    Args:
        reader: ``"plan"``, ``"nearest_node"`` or ``"nearest_relation"``.
        encoder: One for all graphs, which share most of their words.
    """
    remembering = Remembering(encoder or load_encoder())
    naive = {"nearest_node": nearest_node, "nearest_relation": nearest_relation}
    if reader in naive:
        return lambda queries: [naive[reader](query, remembering) for query in queries]

    def answer(queries: Sequence[Query]) -> list[Predicted]:
        return [_ask(query.question, query.view, remembering) for query in queries]

    return answer


def _ask(question: str, view: GraphView | None, encoder: TextEncoder) -> Predicted:
    if view is None:
        raise ConfigError("these questions have no graph of their own")
    return system(GraphQA(view, Names.build(view), encoder))(question)


def predicted(answer: Answer, facts: Facts) -> Predicted:
    """Return what ``answer`` says, in the terms of a measurement.

    Args:
        facts: Of the graph that was asked, to look up the grounds that it names.
    """
    walked = chain_of(parse_plan(answer.plan.text)) if answer.plan else None
    return Predicted(
        entities=answer.entities,
        confidence=answer.confidence,
        abstained=not answer,
        plan=answer.plan.text if answer.plan else "",
        linked=answer.focus,
        chain=walked.chain if walked else None,
        named=_named(answer, facts),
        usage=answer.usage,
    )


def _named(answer: Answer, facts: Facts) -> Named | None:
    return facts.named(grounds_of(answer)) if answer.citations else None
