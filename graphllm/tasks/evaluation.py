"""Measure ``GraphQA`` on a suite of questions."""

from collections.abc import Callable

from graphllm.evaluate import Predicted
from graphllm.evaluate.chains import chain_of
from graphllm.query import parse_plan
from graphllm.tasks.graph_qa import GraphQA


def system(qa: GraphQA) -> Callable[[str], Predicted]:
    """Return ``qa`` as ``graphllm.evaluate.run`` asks it: a question in, a prediction out."""

    def predict(question: str) -> Predicted:
        answer = qa.ask(question)
        walked = chain_of(parse_plan(answer.plan.text)) if answer.plan else None
        return Predicted(
            entities=answer.entities,
            confidence=answer.confidence,
            abstained=not answer,
            plan=answer.plan.text if answer.plan else "",
            linked=answer.focus,
            chain=walked.chain if walked else None,
        )

    return predict
