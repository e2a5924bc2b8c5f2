"""Scores of answers against gold, of abstaining, of confidence, of time; and their standard errors.

Names are compared as they are written, after Unicode composition (NFC) and stripping spaces at the
ends: "Amélie" in two encodings is one name, "amelie" is another. Data sets whose published numbers
compare more loosely pass ``loosely``.
"""

import math
import re
import string
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Num

Array = Num[np.ndarray, "n"] | Bool[np.ndarray, "n"]


class AnswerScores(NamedTuple):
    """How well one answer agrees with gold; each between 0 and 1."""

    hits_at_1: float
    exact_set: float
    precision: float
    recall: float
    f1: float


class RiskCoverage(NamedTuple):
    """The error rate among the most confident questions, for each number of them.

    Attributes:
        coverage: ``1/n, 2/n, ..., 1``.
        risk: The error rate of that share.
        aurc: The mean of ``risk``: the area under the curve; smaller is better.
    """

    coverage: Float[np.ndarray, "n"]
    risk: Float[np.ndarray, "n"]
    aurc: float


class Mean(NamedTuple):
    """An average over questions with its standard error."""

    value: float
    standard_error: float
    n: int

    def to_dict(self) -> dict[str, float | None]:
        """Return the fields as plain data; ``None`` for what is not defined."""
        return defined(self._asdict())


class AbstentionScores(NamedTuple):
    """How well a system knows what it cannot answer.

    Attributes:
        precision: Of the questions it declined, the share that have no answer.
        recall: Of the questions that have no answer, the share it declined.
        coverage: Of all questions, the share it answered.
    """

    precision: Mean
    recall: Mean
    coverage: Mean


class Latency(NamedTuple):
    """Seconds a question takes: the median, and what 95 % stay below."""

    p50_s: float
    p95_s: float


def normalize(name: str) -> str:
    """Return ``name`` in the form that is compared."""
    return unicodedata.normalize("NFC", name).strip()


_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def loosely(name: str) -> str:
    """Return ``name`` in lower case, without punctuation, articles and surplus space.

    Source: Rajpurkar et al. 2016 (SQuAD), as G-Retriever applies it to WebQSP; punctuation is
    that of ASCII.

    Examples:
        >>> loosely("The  U.S. of A."), loosely("An apple, a day")
        ('us of', 'apple day')
    """
    plain = normalize(name).lower().translate(_NO_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", plain).split())


def hit(text: str, gold: Iterable[str]) -> float:
    """Return 1 when any right answer is a part of what was said, else 0.

    Source: G-Retriever, code for WebQSP, where the paper calls it Hit@1. It looks for letters, not
    for names: "chad" is found in "chadwick", and a longer answer is hit more easily. It is here to
    stand beside published numbers only.

    Examples:
        >>> hit("I think it was The Beatles.", ["beatles"]), hit("Chadwick", ["Chad"])
        (1.0, 1.0)
    """
    said = loosely(text)
    return float(any(loosely(answer) in said for answer in gold))


def score(
    predicted: Sequence[str], gold: Iterable[str], form: Callable[[str], str] = normalize
) -> AnswerScores:
    """Compare the answers, best first, with the set of right ones.

    Saying nothing scores 0 when there is an answer and 1 when there is none; saying something
    scores 0 when there is none. Repeated names count once.

    Args:
        form: Gives the form in which names are compared; ``loosely`` where a data set does.

    Examples:
        >>> half = score(["Heat", "Ran"], {"Heat", "Jaws"})
        >>> half.hits_at_1, half.exact_set, half.precision, half.recall, half.f1
        (1.0, 0.0, 0.5, 0.5, 0.5)
    """
    said, right = [form(name) for name in predicted], {form(name) for name in gold}
    if not said or not right:
        agree = float(not said and not right)
        return AnswerScores(agree, agree, agree, agree, agree)
    common = len(right.intersection(said))
    num_said = len(set(said))
    return AnswerScores(
        hits_at_1=float(said[0] in right),
        exact_set=float(common == num_said == len(right)),
        precision=common / num_said,
        recall=common / len(right),
        f1=2 * common / (num_said + len(right)),
    )


def mean(values: Array) -> Mean:
    """Return the average and its standard error (sample deviation over root n).

    The standard error of fewer than two values is NaN, and so is the average of none.
    """
    n = len(values)
    value = float(np.mean(values)) if n else math.nan
    spread = float(np.std(values, ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return Mean(value, spread, n)


def abstention(
    abstained: Bool[np.ndarray, "n"], answerable: Bool[np.ndarray, "n"]
) -> AbstentionScores:
    """Score which questions were declined."""
    return AbstentionScores(
        precision=mean(~answerable[abstained]),
        recall=mean(abstained[~answerable]),
        coverage=mean(~abstained),
    )


def defined(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return numbers as JSON has them: it knows no NaN, and has ``None`` for what is not defined.

    Examples:
        >>> defined({"value": 0.5, "standard_error": math.nan})
        {'value': 0.5, 'standard_error': None}
    """
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def risk_coverage(
    confidence: Float[np.ndarray, "n"], correct: Bool[np.ndarray, "n"]
) -> RiskCoverage:
    """Return the risk-coverage curve of answering the most confident questions first.

    Source: El-Yaniv and Wiener 2010; AURC as in Geifman et al. 2019.
    Differs from the paper: among questions of equal confidence the risk is what a random order
    gives on average, so the curve does not depend on the order of the questions.

    Args:
        confidence: One per question; minus infinity puts a question that was declined last.
        correct: Whether each answer is right; a declined question counts as its caller decides.
    """
    n = len(confidence)
    _, group = np.unique(-confidence, return_inverse=True)
    group_risk = np.bincount(group, weights=~correct) / np.maximum(np.bincount(group), 1)
    errors = np.cumsum(group_risk[np.sort(group)])
    answered = np.arange(1, n + 1)
    risk = errors / answered
    return RiskCoverage(answered / n, risk, mean(risk).value)


def latency(seconds: Float[np.ndarray, "n"]) -> Latency:
    """Return the median and the 95th percentile, interpolated; NaN when there is nothing."""
    if not len(seconds):
        return Latency(math.nan, math.nan)
    p50, p95 = np.percentile(seconds, [50, 95])
    return Latency(float(p50), float(p95))
