"""The numbers of a list of predictions."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from graphllm.evaluate.metrics import Mean, abstention, latency, mean, risk_coverage, score
from graphllm.evaluate.predictions import Prediction


def measure(predictions: Sequence[Prediction]) -> dict[str, Mean]:
    """Return the averages; a question counts where its metric is defined.

    ``linking`` is the share of questions whose first linked entity is the topic; ``path`` the
    share whose chain of relations is the gold one, and ``path_where_right`` the same among those
    whose first answer is right. ``abstention_precision`` is the share of the declined questions
    that have no answer, ``abstention_recall`` the share of those without an answer that it
    declined; both only where some have none. ``errors`` were refused with an error.
    """
    values = {
        name: mean(np.array(list(found.values()), dtype=np.float64))
        for name, found in per_question(predictions).items()
    }
    abstained = np.array([p.predicted.abstained for p in predictions], dtype=np.bool_)
    answerable = np.array([bool(p.example.gold) for p in predictions], dtype=np.bool_)
    declined = abstention(abstained, answerable)
    values["coverage"] = declined.coverage
    if not answerable.all():
        values["abstention_precision"] = declined.precision
        values["abstention_recall"] = declined.recall
    values["errors"] = mean(np.array([bool(p.error) for p in predictions], dtype=np.bool_))
    return {name: value for name, value in values.items() if value.n}


def per_question(predictions: Sequence[Prediction]) -> dict[str, dict[int, float]]:
    """Return each metric's value for each question it is defined for, by question id."""
    scores = {p.example.id: score(p.predicted.entities, p.example.gold) for p in predictions}
    values = {
        name: {question: getattr(s, name) for question, s in scores.items()}
        for name in ("hits_at_1", "exact_set", "precision", "recall", "f1")
    }
    values["linking"] = {
        p.example.id: float(p.predicted.linked[:1] == (p.example.topic,))
        for p in predictions
        if p.example.topic is not None
    }
    values["path"] = {
        p.example.id: float(p.predicted.chain == p.example.chain)
        for p in predictions
        if p.example.chain is not None
    }
    values["path_where_right"] = {
        question: is_gold
        for question, is_gold in values["path"].items()
        if values["hits_at_1"][question]
    }
    return values


def areas(predictions: Sequence[Prediction]) -> dict[str, float]:
    """Return how well confidence ranks right answers before wrong ones.

    ``aurc`` is the area under the risk-coverage curve of Hits@1; ``aurc_ideal`` is what the best
    possible confidence would have with the same answers.
    """
    confidence, is_right = confidence_and_right(predictions)
    return {
        "aurc": risk_coverage(confidence, is_right).aurc,
        "aurc_ideal": risk_coverage(is_right.astype(np.float64), is_right).aurc,
    }


class Ranked(NamedTuple):
    """What a risk-coverage curve is drawn from, one of each per question."""

    confidence: Float[np.ndarray, "n"]
    is_right: Bool[np.ndarray, "n"]


def confidence_and_right(predictions: Sequence[Prediction]) -> Ranked:
    """Return confidences, declined questions last, and whether each first answer is right.

    A declined question, and one that has no answer, is never right: the curve asks what the risk
    would be if the system had to speak.
    """
    confidence = np.array(
        [-math.inf if p.predicted.abstained else p.predicted.confidence for p in predictions],
        dtype=np.float64,
    )
    is_right = np.array(
        [
            bool(p.example.gold) and score(p.predicted.entities, p.example.gold).hits_at_1 > 0
            for p in predictions
        ],
        dtype=np.bool_,
    )
    return Ranked(confidence, is_right)


def seconds(predictions: Sequence[Prediction]) -> dict[str, float]:
    """Return the latency of the questions."""
    return latency(np.array([p.seconds for p in predictions], dtype=np.float64))._asdict()
