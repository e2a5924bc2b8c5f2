"""Questions whose answer was taken out of the graph, beside questions that still have one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from jaxtyping import Int32

from graphllm.errors import ConfigError, DataError
from graphllm.evaluate.chains import last_hop_edges
from graphllm.evaluate.examples import Example, Suite
from graphllm.evaluate.predictions import Prediction
from graphllm.evaluate.runner import Answerer, Progress, ask
from graphllm.graph.view import GraphView
from graphllm.graph.without import WithoutEdges


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A question, and the edges of the graph that it must do without.

    Attributes:
        example: Its ``gold`` is empty when edges are removed.
        removed: The edges of the last hop of its gold chain; none for an untouched question.
    """

    example: Example
    removed: Int32[np.ndarray, "num_removed"]


def abstention_cases(
    suites: Sequence[Suite], view: GraphView, num_each: int, rng: np.random.Generator
) -> list[Case]:
    """Draw ``num_each`` untouched questions and as many others whose last hop is cut.

    The suites give equal parts. No question is drawn twice. Only the edges into the answers go:
    the topic and every earlier hop stay, so nothing but the missing facts tells a system to
    decline. A question whose gold chain leads nowhere in ``view`` has nothing to cut and is passed
    over. Cases are numbered anew, from 1.

    Raises:
        ConfigError: A suite has too few questions.
        DataError: A suite does not say topic and chain.
    """
    cases: list[Case] = []
    for position, suite in enumerate(suites):
        share = (num_each + len(suites) - 1 - position) // len(suites)
        if 2 * share > len(suite):
            raise ConfigError(f"{suite.name} has {len(suite)} questions, {2 * share} are needed")
        drawn = [suite.examples[i] for i in rng.permutation(len(suite)).tolist()]
        nothing = np.zeros(0, dtype=np.int32)
        cases += [Case(example=example, removed=nothing) for example in drawn[:share]]
        cut = (_cut(example, suite, view) for example in drawn[share:])
        cases += islice((case for case in cut if len(case.removed)), share)
    return [
        replace(case, example=replace(case.example, id=number))
        for number, case in enumerate(cases, 1)
    ]


def _cut(example: Example, suite: Suite, view: GraphView) -> Case:
    if example.topic is None or not example.chain:
        raise DataError(f"{suite.name}, question {example.id}: no topic and chain to cut")
    edges = last_hop_edges(view, example.topic, example.chain, never_returns=suite.never_returns)
    return Case(example=replace(example, gold=()), removed=edges)


def ask_cases(
    cases: Sequence[Case],
    view: GraphView,
    system: Callable[[GraphView], Answerer],
    progress: Progress | None = None,
) -> list[Prediction]:
    """Ask each question on its own graph.

    Args:
        system: Makes what answers questions from a graph; called once for the untouched graph,
            and once for each graph with edges removed. The time it takes is not counted.
    """
    whole = system(view)
    predictions = []
    for case in cases:
        answer = system(WithoutEdges(view, case.removed)) if len(case.removed) else whole
        predictions.append(ask(case.example, answer))
        if progress:
            progress(len(predictions), len(cases))
    return predictions
