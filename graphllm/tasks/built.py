"""What a reader makes of built questions when it must say its best answer, however unsure."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from graphllm.evaluate.metrics import normalize
from graphllm.graph import GraphView
from graphllm.index import Names
from graphllm.questions import BuiltQuestion, curriculum, schemas
from graphllm.readers.plan_reader import PlanReader
from graphllm.retrieval.calibration import Calibration
from graphllm.retrieval.evidence import Evidence
from graphllm.text.encoder import TextEncoder, load_encoder
from graphllm.text.remembering import Remembering

_SMALLEST, _LARGEST = 60, 400  # nodes of an invented graph


class Outcome(NamedTuple):
    """A built question and the best answer to it.

    Attributes:
        evidence: What speaks for the answer; empty where there is none to give.
        is_right: Whether the answer is the whole set of right ones and nothing else; never, of a
            question that has no answer.
        is_refused: Whether the reader would not answer, however much error was tolerated.
    """

    question: BuiltQuestion
    evidence: Evidence
    is_right: bool
    is_refused: bool = False


class Judged(NamedTuple):
    """The probabilities of answers that could be given, and whether they are right."""

    confidence: Float[np.ndarray, "n"]
    is_right: Bool[np.ndarray, "n"]


def is_right(entities: Sequence[str], question: BuiltQuestion) -> bool:
    """Return whether an answer is the whole set of right ones and nothing else.

    Nothing is right where there is no answer.
    """
    return set(map(normalize, entities)) == set(map(normalize, question.answers))


def attempted(reader: PlanReader, questions: Iterable[BuiltQuestion]) -> Iterator[Outcome]:
    """Yield what ``reader`` makes of each question."""
    for question in questions:
        attempt = reader.attempt(question.question)
        draft = attempt.reading.draft
        right = draft is not None and question.is_answerable and is_right(draft.entities, question)
        yield Outcome(question, attempt.evidence if draft else {}, right, reader.refuses(attempt))


def attempted_on_invented(
    rng: np.random.Generator, domains: Collection[str], each: int
) -> Iterator[list[Outcome]]:
    """Yield what a reader makes of ``each`` questions over an invented graph, without an end.

    Args:
        domains: That the graphs are of; they differ in size.
    """
    encoder = Remembering(load_encoder())
    others = {schema.domain for schema in schemas()} - set(domains)
    while True:
        size = int(_SMALLEST * (_LARGEST / _SMALLEST) ** rng.random())
        built, questions = next(curriculum(rng, 1, each, num_nodes=size, without=others))
        yield list(attempted(reader_of(built.graph, encoder), questions))


def reader_of(view: GraphView, encoder: TextEncoder) -> PlanReader:
    """Return a reader of a graph in memory."""
    return PlanReader(view, Names.build(view), encoder)


def judged(outcomes: Sequence[Outcome], calibration: Calibration) -> Judged:
    """Return the answers that could be given; a question without one is left out."""
    given = [outcome for outcome in outcomes if outcome.evidence]
    return Judged(
        np.array([calibration.probability(o.evidence) for o in given], dtype=np.float64),
        np.array([o.is_right for o in given], dtype=np.bool_),
    )
