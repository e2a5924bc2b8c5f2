r"""The scores of GraphQA as G-Retriever's code has them, and the strict ones to stand beside them.

The published ones look for letters, not for names: "no" is found in "not sure" and "chad" in
"chadwick"; whoever says more is hit more easily; three right answers on one line have a precision
of 3. They are here to stand beside published numbers only. The strict ones divide what was said
into answers, compare whole answers, and let no score exceed 1.

Source: He et al. 2024 (arXiv 2402.07630), code. A label with "|" in an answer is two answers to it.
"""

import re
import string
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from graphllm.evaluate.examples import Example, Predicted, Published
from graphllm.evaluate.metrics import loosely, normalize, score

_CHOICE = re.compile(r"support|Support|Counter|counter")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_WORD = re.compile(r"\w+")


class PublishedAnswers(NamedTuple):
    """The scores of a list of answers; ``precision`` and ``f1`` may exceed 1."""

    hit: float
    accuracy: float
    precision: float
    f1: float


class StrictAnswers(NamedTuple):
    """How well what was said, read as a list of answers, agrees with gold; each between 0 and 1.

    Attributes:
        hits_at_1: Whether the first answer is a right one.
        precision: Of the different answers, the share that is right.
        recall: Of the right ones, the share that is among them.
        f1: Their harmonic mean.
        word_match: Whether a right answer stands somewhere, as whole words.
    """

    hits_at_1: float
    precision: float
    recall: float
    f1: float
    word_match: float


def published_choice(text: str, label: str) -> float:
    """Return 1 when the first of the two words that is written, if only in a longer one, is right.

    "SUPPORT" is not found.

    Examples:
        >>> published_choice("Counterexamples support it.", "counter")
        1.0
    """
    found = _CHOICE.search(text)
    return float(found is not None and found.group().lower() == label)


def published_contains(text: str, label: str) -> float:
    """Return 1 when the label is a part of what was said, capitals as they are.

    Examples:
        >>> published_contains("I am not sure", "no"), published_contains("Yes", "yes")
        (1.0, 0.0)
    """
    return float(label in text)


def published_answers(text: str, label: str) -> PublishedAnswers:
    r"""Return the scores of what was said against answers that are divided by "|".

    An answer of which nothing is left without punctuation and articles is always found. Each line,
    also an empty one, counts for the precision.

    Examples:
        >>> published_answers("Chadwick\nno idea", "chad|niger")
        PublishedAnswers(hit=1.0, accuracy=0.5, precision=0.5, f1=0.5)
    """
    lines = text.replace("|", "\n").split("\n")
    said, answers = _plain(" ".join(lines)), label.split("|")
    matched = sum(_plain(answer) in said for answer in answers)
    precision, recall = matched / len(lines), matched / len(answers)
    f1 = 2 * precision * recall / (precision + recall) if matched else 0.0
    return PublishedAnswers(float(matched > 0), recall, precision, f1)


def _plain(text: str) -> str:
    """Return ``text`` without capitals, ASCII punctuation, articles and surplus space."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def answers_in(text: str) -> list[str]:
    r"""Return the answers that a text lists, one a line or divided by "|", each once.

    Examples:
        >>> answers_in("Fido | Rex\n\nFido")
        ['Fido', 'Rex']
    """
    parts = (part.strip() for part in text.replace("|", "\n").split("\n"))
    return list(dict.fromkeys(filter(None, parts)))


def strict_answers(said: Sequence[str], gold: Iterable[str], text: str = "") -> StrictAnswers:
    """Return how well answers, best first, agree with gold.

    Names are compared as ``strict_form`` writes them. Saying nothing scores 0.

    Args:
        said: The answers; of a text, ``answers_in`` it.
        text: All that was said, in which whole words are looked for; ``said`` when left out.

    Examples:
        >>> strict_answers(["Chadwick", "the Niger"], ["Chad", "Niger"])
        StrictAnswers(hits_at_1=0.0, precision=0.5, recall=0.5, f1=0.5, word_match=1.0)
    """
    gold = tuple(gold)
    found = score(said, gold, strict_form)
    return StrictAnswers(
        hits_at_1=found.hits_at_1,
        precision=found.precision,
        recall=found.recall,
        f1=found.f1,
        word_match=word_match(text or "\n".join(said), gold),
    )


def strict_form(name: str) -> str:
    """Return ``name`` as ``loosely`` does, and as it is written where that leaves nothing.

    Examples:
        >>> strict_form("The Who!"), strict_form("A")
        ('who', 'A')
    """
    return loosely(name) or normalize(name)


def word_match(text: str, gold: Iterable[str]) -> float:
    """Return 1 when the words of an answer stand in ``text``, one after another, else 0.

    Words are runs of letters and digits, in any capitals. Articles do not count where an answer has
    other words; an answer without any word must be one of the lines, or between two "|".

    Examples:
        >>> word_match("a Chadwick", ["Chad"]), word_match("It is Chad's.", ["the Chad"])
        (0.0, 1.0)
    """
    return float(any(_stands_in(text, answer) for answer in gold))


def _stands_in(text: str, answer: str) -> bool:
    for words in (_content_words, _words):
        if wanted := words(answer):
            return f" {' '.join(wanted)} " in f" {' '.join(words(text))} "
    return normalize(answer) in answers_in(normalize(text))


def _words(text: str) -> list[str]:
    return _WORD.findall(normalize(text).casefold())


def _content_words(text: str) -> list[str]:
    return [word for word in _words(text) if word not in ("a", "an", "the")]


def published_scores(example: Example, predicted: Predicted) -> dict[str, float]:
    """Return the scores of the publication that an example belongs to; none if it has none."""
    text = predicted.text or "\n".join(predicted.entities)
    match example.published:
        case Published.CHOICE:
            return {"published_accuracy": published_choice(text, example.label)}
        case Published.CONTAINS:
            return {"published_accuracy": published_contains(text, example.label)}
        case Published.ANSWERS:
            found = published_answers(text, example.label)
            return {f"published_{name}": value for name, value in found._asdict().items()}
    return {}
