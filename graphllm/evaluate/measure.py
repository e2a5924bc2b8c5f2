"""The numbers of a list of predictions."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from graphllm.evaluate.examples import Compared, Published
from graphllm.evaluate.graphqa_metrics import published_scores, strict_form, word_match
from graphllm.evaluate.hallucination import Named
from graphllm.evaluate.metrics import (
    AnswerScores,
    Mean,
    abstention,
    hit,
    latency,
    mean,
    normalize,
    risk_coverage,
    score,
)
from graphllm.evaluate.predictions import Prediction

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_FORMS = {Compared.AS_WRITTEN: normalize, Compared.NORMALIZED: strict_form}
_STRICT = ("hits_at_1", "hit", "exact_set", "precision", "recall", "f1", "word_match")
_PUBLISHED = tuple(f"published_{name}" for name in ("accuracy", "hit", "precision", "f1"))
_ANSWERS = (*_STRICT, *_PUBLISHED)


def scored(prediction: Prediction) -> AnswerScores:
    """Return how well one answer agrees with gold, names compared as its suite does."""
    example = prediction.example
    return score(prediction.predicted.entities, example.gold, _FORMS[example.compared])


def measure(predictions: Sequence[Prediction]) -> dict[str, Mean]:
    """Return the averages; a question counts where its metric is defined.

    ``linking`` is the share of questions whose first linked entity is the topic; ``path`` the
    share whose chain of relations is the gold one, and ``path_where_right`` the same among those
    whose first answer is right. ``abstention_precision`` is the share of the declined questions
    that have no answer, ``abstention_recall`` the share of those without an answer that it
    declined; both only where some have none. Where gold answers are known that the graph does not
    hold, the scores come a second time, ``..._in_graph``, for the questions whose answer it holds.
    ``errors`` were refused with an error.

    ``hit`` is G-Retriever's; see ``metrics.hit``. ``published_...`` are the scores of the
    publication that a suite is from, and ``word_match`` finds answers as whole words; see
    ``graphqa_metrics``. ``hits_at_1 of ...`` is for one kind of question. ``valid_nodes``,
    ``valid_edges`` and ``fully_valid`` are about the grounds that answers name; see
    ``hallucination``.
    """
    values = {
        name: mean(np.array(list(found.values()), dtype=np.float64))
        for name, found in per_question(predictions).items()
    }
    abstained = np.array([p.predicted.abstained for p in predictions], dtype=np.bool_)
    answerable = np.array([p.example.answerable for p in predictions], dtype=np.bool_)
    declined = abstention(abstained, answerable)
    values["coverage"] = declined.coverage
    if not answerable.all():
        values["abstention_precision"] = declined.precision
        values["abstention_recall"] = declined.recall
    values["errors"] = mean(np.array([bool(p.error) for p in predictions], dtype=np.bool_))
    return {name: value for name, value in values.items() if value.n}


def per_question(predictions: Sequence[Prediction]) -> dict[str, dict[int, float]]:
    """Return each metric's value for each question it is defined for, by question id."""
    scores = {p.example.id: _answer_scores(p) for p in predictions}
    values = {
        name: {question: s[name] for question, s in scores.items() if name in s}
        for name in _ANSWERS
    }
    of_kind = _by_kind(predictions, values["hits_at_1"])
    if any(p.example.gold and not p.example.in_graph for p in predictions):
        held = {p.example.id for p in predictions if p.example.answerable}
        values |= {
            f"{name}_in_graph": {q: s for q, s in found.items() if q in held}
            for name, found in values.items()
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
    grounds = {p.example.id: p.predicted.named for p in predictions}
    return (
        values
        | of_kind
        | _validity({q: named for q, named in grounds.items() if named is not None})
    )


def _by_kind(
    predictions: Sequence[Prediction], hits_at_1: Mapping[int, float]
) -> dict[str, dict[int, float]]:
    """Return Hits@1 for each kind of question apart."""
    kinds = {p.example.id: p.example.kind for p in predictions if p.example.kind}
    return {
        f"hits_at_1 of {kind}": {q: hits_at_1[q] for q, asked in kinds.items() if asked == kind}
        for kind in sorted(set(kinds.values()))
    }


def _answer_scores(prediction: Prediction) -> dict[str, float]:
    example, predicted = prediction.example, prediction.predicted
    found = scored(prediction)._asdict() | published_scores(example, predicted)
    text = predicted.text or "\n".join(predicted.entities)
    if example.compared is Compared.NORMALIZED and example.published in (None, Published.ANSWERS):
        found["hit"] = hit(text, example.gold)
    if example.published:
        found["word_match"] = word_match(text, example.gold)
    return found


def _validity(grounds: Mapping[int, Named]) -> dict[str, dict[int, float]]:
    shares = {
        name: {question: getattr(named, name) for question, named in grounds.items()}
        for name in ("valid_nodes", "valid_edges", "fully_valid")
    }
    return {
        name: {question: share for question, share in found.items() if share is not None}
        for name, found in shares.items()
    }


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
        [bool(p.example.gold) and scored(p).hits_at_1 > 0 for p in predictions],
        dtype=np.bool_,
    )
    return Ranked(confidence, is_right)


def curve(predictions: Sequence[Prediction]) -> dict[str, float]:
    """Return the risk when only the most confident share of the questions is answered."""
    found = risk_coverage(*confidence_and_right(predictions))
    last = [max(0, round(share * len(predictions)) - 1) for share in SHARES]
    return {f"{share:.0%}": float(found.risk[i]) for share, i in zip(SHARES, last, strict=True)}


def usage(predictions: Sequence[Prediction]) -> dict[str, float]:
    """Return what language models were asked for, in all and per question; nothing without one."""
    used = [asdict(p.predicted.usage) for p in predictions]
    total = {name: sum(u[name] for u in used) for name in ("calls", "prompt_tokens")}
    total["completion_tokens"] = sum(u["completion_tokens"] for u in used)
    if not any(total.values()):
        return {}
    each = {f"{name}_per_question": count / len(used) for name, count in total.items()}
    return {name: float(count) for name, count in total.items()} | each


def seconds(predictions: Sequence[Prediction]) -> dict[str, float]:
    """Return the latency of the questions."""
    return latency(np.array([p.seconds for p in predictions], dtype=np.float64))._asdict()
