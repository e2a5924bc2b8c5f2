"""Measure ``GraphQA`` and what it is compared with on a suite of questions."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from graphllm.answer import Answer
from graphllm.errors import ConfigError
from graphllm.evaluate import Named, Predicted, Query
from graphllm.evaluate.chains import chain_of
from graphllm.evaluate.hallucination import Facts, grounds_of
from graphllm.evaluate.naive import nearest_node, nearest_relation
from graphllm.evaluate.runner import System
from graphllm.graph import GraphView
from graphllm.query import parse_plan
from graphllm.tasks.graph_qa import GraphQA
from graphllm.text.encoder import TextEncoder
from graphllm.text.remembering import Remembering

if TYPE_CHECKING:
    from graphllm.readers.text_only import TextOnly

NAIVE = {"nearest_node": nearest_node, "nearest_relation": nearest_relation}

QAOf = Callable[[Query], GraphQA]
"""Returns what answers, or retrieves, from the graph of a question."""


def system(qa: GraphQA) -> Callable[[str], Predicted]:
    """Return ``qa`` as ``graphllm.evaluate.run`` asks it: a question in, a prediction out."""
    facts = Facts(qa.view)
    return lambda question: predicted(qa.ask(question), facts)


def batch_system(qa: GraphQA) -> System:
    """Return ``qa`` as ``graphllm.evaluate.run_system`` asks it, several questions at once."""
    facts = Facts(qa.view)
    return lambda queries: [
        predicted(answer, facts) for answer in qa.ask_many([query.question for query in queries])
    ]


def own_graph_system(make: QAOf) -> System:
    """Return what answers each question from a graph of its own.

    Args:
        make: Called once for each question.
    """
    return lambda queries: [system(make(query))(query.question) for query in queries]


def on_own_graph(make: Callable[[GraphView], GraphQA]) -> QAOf:
    """Return ``make`` as it is called with a question: on that question's graph.

    Args:
        make: Makes what answers from a graph. Let all have one encoder.
    """

    def of_query(query: Query) -> GraphQA:
        if query.view is None:
            raise ConfigError("these questions have no graph of their own")
        return make(query.view)

    return of_query


def naive_system(name: str, encoder: TextEncoder) -> System:
    """Return the naive baseline called ``name``, one of ``NAIVE``."""
    remembering = Remembering(encoder)
    return lambda queries: [NAIVE[name](query, remembering) for query in queries]


def text_only_system(baseline: "TextOnly", make: QAOf) -> System:
    """Return a text-only baseline; all questions of a batch are asked at once.

    Args:
        make: Returns what retrieves from the graph of a question.
    """

    def answer(queries: Sequence[Query]) -> list[Predicted]:
        qas = [make(query) for query in queries]
        prompts = [
            baseline.prompt(query.question, qa.view, qa.retrieve)
            for query, qa in zip(queries, qas, strict=True)
        ]
        return [
            Predicted(
                entities=said.entities,
                abstained=not said.entities,
                text=said.text,
                usage=said.usage,
            )
            for said in baseline.ask(prompts)
        ]

    return answer


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
