"""Lay the words of a question along relation paths, keeping their order.

A path of k steps is a chain of 2 k + 1 elements: kind of node, step, kind of node, ... Words nearer
to the entity speak of earlier elements ("who wrote the films directed by X": directed, films,
wrote, who), so a reading is a monotone alignment of words to elements, and the best one is found
by dynamic programming over all paths at once.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int


class Alignment(NamedTuple):
    """The best monotone alignment of words to the elements of each path.

    Attributes:
        explained: The affinity of each word to the element it was laid on; 0 when on none.
        support: The best affinity that each element received.
    """

    explained: Float32[np.ndarray, "num_words num_paths"]
    support: Float32[np.ndarray, "num_paths num_elements"]


def align(
    affinity: Float32[np.ndarray, "num_words num_paths num_elements"],
    weights: Float32[np.ndarray, "num_words"],
    first_bonus: Float32[np.ndarray, "num_elements"],
    repeats: Bool[np.ndarray, "num_words"] | None = None,
    telling: Bool[np.ndarray, "num_words"] | None = None,
) -> Alignment:
    """Return the alignment of largest gain, words in the order given; a word may go unexplained.

    Args:
        affinity: Of each word to each element of each path, in 0..1.
        weights: How much it matters to explain each word.
        first_bonus: What the first word on an element earns on top, per unit of affinity: it
            makes two words for one relation speak of two steps where the path has two.
        repeats: Words said before ("the advisor of X's advisor"): on the element that the first
            of them was laid on they explain less, for they should speak of another step.
        telling: Words that may support a step; "who" fits any person and supports none.
    """
    num_words, num_paths, num_elements = affinity.shape
    # best[:, e + 1]: the last word so far was laid on element e; best[:, 0]: none was laid.
    best = np.full((num_paths, num_elements + 1), -np.inf, dtype=np.float32)
    best[:, 0] = 0
    came_from = np.zeros((num_words, num_paths, num_elements + 1), dtype=np.int64)
    skipped = np.arange(num_elements + 1)
    for word in range(num_words):
        reach, origin = _running_max(best)
        gain = weights[word] * affinity[word]
        enter = reach[:, :-1] + gain + first_bonus * affinity[word]
        again = repeats is not None and repeats[word]
        stay = best[:, 1:] + gain * (_REPEATED if again else 1)
        laid = np.maximum(enter, stay)
        better = (laid > best[:, 1:]) & (affinity[word] > 0)
        source = np.where(enter >= stay, origin[:, :-1], skipped[1:])
        came_from[word] = skipped
        came_from[word][:, 1:] = np.where(better, source + _LAID, skipped[1:])
        best[:, 1:] = np.where(better, laid, best[:, 1:])
    return _trace(affinity, came_from, best.argmax(axis=1), repeats, telling)


_REPEATED = np.float32(0.4)
_LAID = 1000  # added to a predecessor's number when the word itself was laid here


def _running_max(
    values: Float32[np.ndarray, "num_paths num_states"],
) -> tuple[Float32[np.ndarray, "num_paths num_states"], Int[np.ndarray, "num_paths num_states"]]:
    """Return the running maximum along each path, and the last place where it was attained."""
    reach = np.maximum.accumulate(values, axis=1)
    attained = np.where(values >= reach, np.arange(values.shape[1]), 0)
    return reach, np.maximum.accumulate(attained, axis=1)


def _trace(
    affinity: Float32[np.ndarray, "num_words num_paths num_elements"],
    came_from: Int[np.ndarray, "num_words num_paths num_states"],
    state: Int[np.ndarray, "num_paths"],
    repeats: Bool[np.ndarray, "num_words"] | None,
    telling: Bool[np.ndarray, "num_words"] | None,
) -> Alignment:
    """Walk the choices back, noting what each word explained and each element received."""
    num_words, num_paths, num_elements = affinity.shape
    support = np.zeros((num_paths, num_elements), dtype=np.float32)
    explained = np.zeros((num_words, num_paths), dtype=np.float32)
    paths = np.arange(num_paths)
    for word in range(len(affinity) - 1, -1, -1):
        source = came_from[word, paths, state]
        laid = source >= _LAID
        element = np.maximum(state - 1, 0)
        here = np.where(laid, affinity[word, paths, element], 0).astype(np.float32)
        again = repeats is not None and repeats[word]
        stayed = again & laid & (source - _LAID == state)
        explained[word] = np.where(stayed, here * _REPEATED, here)
        if telling is None or telling[word]:
            support[paths, element] = np.maximum(support[paths, element], here)
        state = np.where(laid, source - _LAID, source)
    return Alignment(explained, support)
