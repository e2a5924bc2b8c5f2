"""How well a graph of one's own is answered: questions built from it, asked and judged."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from graphllm.errors import ConfigError, DataError, PlanError
from graphllm.evaluate.metrics import Mean, defined, mean
from graphllm.evaluate.selective import Answered, answered_above, expected_calibration_error
from graphllm.graph import GraphView
from graphllm.query import NodePlan, Plan, PlanResult, execute, to_text
from graphllm.questions import BuiltQuestion, questions_for
from graphllm.retrieval.ground import PlanCandidate
from graphllm.tasks.built import is_right
from graphllm.tasks.graph_qa import GraphQA

SCHEMA = "graphllm.own/1"
CAVEAT = (
    "Built questions are easier than people's: they use the graph's own words, and ask for what is"
    " in it. Read the numbers as an upper bound, and compare them with each other."
)
_ERRORS = (0.02, 0.05, 0.1, 0.2)
_RETRIEVED = 100  # edges, or as many as the right answer rests on
_RUN = 30  # candidates that are run to see whether one gives the right answer


class Asked(NamedTuple):
    """A built question, and what was made of it.

    Attributes:
        entities: The answer given; empty when it was declined.
        confidence: In the answer; 0 when it was declined.
        has_plan: Whether a plan that gives the right answer was among those considered; ``None``
            of a question without an answer.
        edges_found: The share of the edges the right answer rests on that retrieval finds;
            ``None`` where it rests on none.
        plan: That was run, as text.
    """

    question: BuiltQuestion
    entities: tuple[str, ...]
    confidence: float
    has_plan: bool | None
    edges_found: float | None
    plan: str

    @property
    def is_declined(self) -> bool:
        """Whether no answer was given."""
        return not self.entities

    @property
    def is_right(self) -> bool:
        """Whether the answer is the whole set of right ones; or none where there is none."""
        return is_right(self.entities, self.question)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnReport:
    """What asking a graph its own questions came to.

    Attributes:
        seed: Of the questions.
        asked: Each question with what was made of it.
        limits: The least confidence to answer with, by tolerated error.
    """

    seed: int
    asked: tuple[Asked, ...]
    limits: Mapping[float, float] = field(default_factory=dict)

    @property
    def means(self) -> dict[str, Mean]:
        """Averages with their standard errors, by what they say."""
        found = {
            name: mean(np.array(of(self.asked), dtype=np.float64)) for name, of in _MEANS.items()
        }
        return {name: average for name, average in found.items() if average.n}

    @property
    def by_kind(self) -> dict[str, Mean]:
        """The share right, of the questions that have an answer, by kind of question."""
        answerable = [a for a in self.asked if a.question.is_answerable]
        counts = Counter(a.question.operation for a in answerable)
        kinds = sorted(counts, key=lambda kind: (-counts[kind], kind))
        return {
            kind: mean(np.array([a.is_right for a in answerable if a.question.operation == kind]))
            for kind in kinds
        }

    @property
    def calibration_error(self) -> float:
        """The expected calibration error of the answers given; NaN when none was."""
        given = [a for a in self.asked if not a.is_declined]
        return expected_calibration_error(
            np.array([a.confidence for a in given], dtype=np.float64),
            np.array([a.is_right for a in given], dtype=np.bool_),
        )

    @property
    def withheld(self) -> dict[float, Answered]:
        """What withholding answers of less confidence comes to, by tolerated error."""
        given = [a for a in self.asked if not a.is_declined]
        confidence = np.array([a.confidence for a in given], dtype=np.float64)
        right = np.array([a.is_right for a in given], dtype=np.bool_)
        return {
            max_error: answered_above(least, confidence, right, len(self.asked))
            for max_error, least in self.limits.items()
        }

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain data; what is not defined is ``None``."""
        return {
            "schema": SCHEMA,
            "questions": len(self.asked),
            "seed": self.seed,
            "means": {name: found.to_dict() for name, found in self.means.items()},
            "by_kind": {name: found.to_dict() for name, found in self.by_kind.items()},
            **defined({"calibration_error": self.calibration_error}),
            "max_error": {
                f"{max_error:g}": {
                    "error": kept.error.to_dict(),
                    "answered": kept.coverage.to_dict(),
                }
                for max_error, kept in self.withheld.items()
            },
            "caveat": CAVEAT,
            "asked": [_record(asked) for asked in self.asked],
        }


Means = Callable[[Sequence[Asked]], list[float]]
_MEANS: Mapping[str, Means] = {
    "right": lambda asked: [a.is_right for a in asked if a.question.is_answerable],
    "right, names misspelt": lambda asked: [
        a.is_right for a in asked if a.question.is_answerable and a.question.noise
    ],
    "declined though it has an answer": lambda asked: [
        a.is_declined for a in asked if a.question.is_answerable
    ],
    "declined for it has none": lambda asked: [
        a.is_declined for a in asked if not a.question.is_answerable
    ],
    "wrong, of the answers given": lambda asked: [
        not a.is_right for a in asked if not a.is_declined
    ],
    "right plan considered": lambda asked: [a.has_plan for a in asked if a.has_plan is not None],
    "right edges retrieved": lambda asked: [
        a.edges_found for a in asked if a.edges_found is not None
    ],
}


def evaluate_own(
    qa: GraphQA,
    *,
    num_questions: int = 200,
    seed: int = 0,
    dirt: float = 0.12,
    progress: Callable[[int, int], None] | None = None,
) -> OwnReport:
    """Ask a graph questions that are built from it, and judge the answers.

    One in ten or so has no answer, and some names are misspelt. No language model is asked.

    Args:
        dirt: Share of names that are misspelt.
        progress: Told how many questions were asked, and of how many.

    Raises:
        ConfigError: ``num_questions`` is below 1.
        DataError: No question can be built: none of the graph's labels reads as English.
    """
    if num_questions < 1:
        raise ConfigError(f"the number of questions must be 1 or more, got {num_questions}")
    taught = qa.reader.planner.schema.wording
    rng = np.random.default_rng(seed)
    built = questions_for(qa.view, rng, num_questions, glossary=taught, dirt=dirt)
    if not built:
        raise DataError(
            "no question can be built from this graph: none of its labels reads as English words;"
            " say what they mean: graphllm teach FILE 'R17 means \"supplies\"'"
        )
    asked = []
    for question in built:
        asked.append(_ask(qa, question))
        if progress:
            progress(len(asked), len(built))
    return OwnReport(seed=seed, asked=tuple(asked), limits=_limits(qa))


def _limits(qa: GraphQA) -> dict[float, float]:
    """Return the limits for usual errors that are calibrated and stricter than those of ``qa``."""
    reader = qa.reader
    known = {limit.max_error for limit in reader.calibration.limits}
    found = {e: reader.calibration.limit(e) for e in _ERRORS if e >= min(known, default=1)}
    return {max_error: least for max_error, least in found.items() if least > reader.least}


def _ask(qa: GraphQA, question: BuiltQuestion) -> Asked:
    attempt = qa.reader.attempt(question.question)
    draft = qa.reader.decided(attempt).draft
    gold = execute(question.plan, qa.view) if question.plan and question.is_answerable else None
    return Asked(
        question=question,
        entities=draft.entities if draft else (),
        confidence=draft.confidence if draft else 0.0,
        has_plan=None if gold is None else _considered(attempt.candidates, question, gold, qa.view),
        edges_found=None if gold is None else _edges_found(qa, question, gold),
        plan=to_text(attempt.reading.plan) if attempt.reading.plan else "",
    )


def _considered(
    candidates: Sequence[PlanCandidate],
    question: BuiltQuestion,
    gold: PlanResult,
    view: GraphView,
) -> bool:
    """Return whether one of the candidates is the right plan, or gives what it gives."""
    if any(candidate.plan == question.plan for candidate in candidates):
        return True
    is_list = isinstance(question.plan, NodePlan)
    alike = (c.plan for c in candidates[:_RUN] if isinstance(c.plan, NodePlan) == is_list)
    return any(_same(found, gold) for found in _results(alike, view))


def _results(plans: Iterator[Plan], view: GraphView) -> Iterator[PlanResult]:
    for plan in plans:
        try:
            yield execute(plan, view)
        except PlanError:  # a candidate that cannot be run is no right one
            continue


def _same(found: PlanResult, gold: PlanResult) -> bool:
    nodes = np.array_equal(np.sort(found.nodes), np.sort(gold.nodes))
    return nodes and found.values == gold.values and found.paths == gold.paths


def _edges_found(qa: GraphQA, question: BuiltQuestion, gold: PlanResult) -> float | None:
    if not len(gold.edges):
        return None
    found = qa.retrieve(question.question, max_edges=max(_RETRIEVED, len(gold.edges)))
    return float(np.isin(gold.edges, found.edges).mean())


def _record(asked: Asked) -> dict[str, object]:
    question = asked.question
    return {
        "question": question.question,
        "kind": question.operation if question.is_answerable else str(question.refusal),
        "right": list(question.answers),
        "right_plan": question.plan_text,
        "answer": list(asked.entities),
        "plan": asked.plan,
        "confidence": round(asked.confidence, 4),
        "is_right": asked.is_right,
    }
