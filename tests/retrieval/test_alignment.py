"""The alignment of words to path elements is the best there is: every other one is tried."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphllm.retrieval.alignment import Alignment, align

REPEATED = 0.4  # what a word is worth where the first word on its element said it before


class Laid(NamedTuple):
    """One way to lay the words along one path."""

    objective: float
    explained: tuple[float, ...]
    support: tuple[float, ...]


def placements(num_words: int, num_elements: int, at: int = 0) -> Iterator[tuple[int | None, ...]]:
    """Yield every way to give words elements that never go back; ``None`` skips a word."""
    if not num_words:
        yield ()
        return
    for rest in placements(num_words - 1, num_elements, at):
        yield (None, *rest)
    for element in range(at, num_elements):
        for rest in placements(num_words - 1, num_elements, element):
            yield (element, *rest)


def lay(placement, affinity, weights, first_bonus, repeats) -> Laid:
    """Score one placement from its definition."""
    objective, last = 0.0, None
    explained, support = [0.0] * len(placement), [0.0] * len(first_bonus)
    for word, element in enumerate(placement):
        if element is None:
            continue
        value = float(affinity[word, element])
        share = REPEATED if element == last and repeats[word] else 1.0
        objective += float(weights[word]) * value * share
        objective += float(first_bonus[element]) * value * (element != last)
        explained[word] = value * share
        support[element] = max(support[element], value)
        last = element
    return Laid(objective, tuple(explained), tuple(support))


def all_ways(path, affinity, weights, first_bonus, repeats) -> list[Laid]:
    """Return every way to lay the words along a path, on elements that they have to do with."""
    num_words, _, num_elements = affinity.shape
    return [
        lay(placement, affinity[:, path], weights, first_bonus, repeats)
        for placement in placements(num_words, num_elements)
        if all(e is None or affinity[w, path, e] > 0 for w, e in enumerate(placement))
    ]


@st.composite
def problems(draw):
    num_words = draw(st.integers(0, 4))
    num_paths, num_elements = draw(st.integers(1, 3)), draw(st.sampled_from([3, 5]))
    shape = (num_words, num_paths, num_elements)
    # half of them are 0: most words have nothing to do with most elements
    tenths = st.lists(
        st.integers(-10, 10), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))
    )
    affinity = np.array(draw(tenths), dtype=np.float32).reshape(shape).clip(0) / 10
    weights = draw(
        st.lists(st.sampled_from([0.5, 0.7, 1.0, 1.4]), min_size=num_words, max_size=num_words)
    )
    bonus = draw(
        st.lists(st.sampled_from([0.0, 0.05, 0.3]), min_size=num_elements, max_size=num_elements)
    )
    repeats = draw(st.lists(st.booleans(), min_size=num_words, max_size=num_words))
    return (
        affinity.astype(np.float32),
        np.array(weights, dtype=np.float32),
        np.array(bonus, dtype=np.float32),
        np.array(repeats, dtype=np.bool_),
    )


@settings(max_examples=60)
@given(problems())
def test_no_other_way_to_lay_the_words_gains_more(problem):
    affinity, weights, first_bonus, repeats = problem
    found = align(affinity, weights, first_bonus, repeats)
    for path in range(affinity.shape[1]):
        ways = all_ways(path, affinity, weights, first_bonus, repeats)
        best = max(way.objective for way in ways)
        optima = [way for way in ways if way.objective >= best - 1e-4]
        assert any(is_same(found, path, way) for way in optima), (path, best, optima)


def is_same(found: Alignment, path: int, way: Laid) -> bool:
    return np.allclose(found.explained[:, path], way.explained, atol=1e-5) and np.allclose(
        found.support[path], way.support, atol=1e-5
    )


@given(problems())
def test_no_repeats_is_the_same_as_leaving_them_out(problem):
    affinity, weights, first_bonus, _ = problem
    none = np.zeros(len(affinity), dtype=np.bool_)
    given_none = align(affinity, weights, first_bonus, none)
    left_out = align(affinity, weights, first_bonus)
    np.testing.assert_array_equal(given_none.explained, left_out.explained)
    np.testing.assert_array_equal(given_none.support, left_out.support)


@given(problems())
def test_paths_do_not_disturb_each_other(problem):
    affinity, weights, first_bonus, repeats = problem
    together = align(affinity, weights, first_bonus, repeats)
    for path in range(affinity.shape[1]):
        alone = align(affinity[:, path : path + 1], weights, first_bonus, repeats)
        np.testing.assert_array_equal(together.explained[:, path], alone.explained[:, 0])
        np.testing.assert_array_equal(together.support[path], alone.support[0])


ONES = np.ones(2, dtype=np.float32)
BONUS = np.array([0, 0.3, 0, 0.3, 0], dtype=np.float32)


def one_path(*rows):
    return np.array(rows, dtype=np.float32)[:, None, :]


def test_words_keep_their_order():
    crossed = one_path([0, 0, 0, 0.8, 0], [0, 0.9, 0, 0, 0])
    assert align(crossed, ONES, BONUS).explained[:, 0].tolist() == pytest.approx([0, 0.9])
    straight = crossed[::-1].copy()
    assert align(straight, ONES, BONUS).explained[:, 0].tolist() == pytest.approx([0.9, 0.8])


def test_two_words_for_one_relation_speak_of_two_steps_where_there_are_two():
    twice = one_path([0, 0.8, 0, 0.8, 0], [0, 0.8, 0, 0.8, 0])
    assert align(twice, ONES, BONUS).support[0].tolist() == pytest.approx([0, 0.8, 0, 0.8, 0])


def test_a_word_said_again_explains_less_on_the_same_step():
    short = one_path([0, 0.8, 0], [0, 0.8, 0])
    again = align(short, ONES, BONUS[:3], np.array([False, True]))
    assert again.explained[:, 0].tolist() == pytest.approx([0.8, 0.8 * REPEATED])
    assert again.support[0].tolist() == pytest.approx([0, 0.8, 0])


def test_a_question_without_words_explains_nothing():
    nothing = align(np.zeros((0, 2, 3), np.float32), np.zeros(0, np.float32), BONUS[:3])
    assert nothing.explained.shape == (0, 2)
    assert not nothing.support.any()
