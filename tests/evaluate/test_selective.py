"""Calibration error, bounds, and limits, against definitions written out."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.errors import ConfigError
from graphllm.evaluate.selective import (
    answered_above,
    expected_calibration_error,
    least_confidence,
    upper_bound,
)


def naive_error(confidence, is_right, num_bins):
    ordered = sorted(zip(confidence, is_right, strict=True), key=lambda pair: pair[0])
    n, total, start = len(ordered), 0.0, 0
    for number in range(num_bins):
        size = n // num_bins + (number < n % num_bins)
        members = ordered[start : start + size]
        start += size
        if members:
            sure = sum(c for c, _ in members) / size
            right = sum(r for _, r in members) / size
            total += size * abs(sure - right)
    return total / n


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40),
    st.integers(1, 12),
)
def test_calibration_error_is_its_formula(pairs, num_bins):
    confidence = np.array([c for c, _ in pairs])
    is_right = np.array([r for _, r in pairs], dtype=np.bool_)
    found = expected_calibration_error(confidence, is_right, num_bins)
    assert found == pytest.approx(naive_error(confidence.tolist(), is_right.tolist(), num_bins))


def test_probabilities_are_calibrated_and_boasting_is_not():
    rng = np.random.default_rng(0)
    p = rng.random(20_000)
    is_right = rng.random(20_000) < p
    assert expected_calibration_error(p, is_right) < 0.015
    assert expected_calibration_error(np.sqrt(p), is_right) > 0.1
    assert math.isnan(expected_calibration_error(p[:0], is_right[:0]))


@given(st.integers(1, 60), st.data())
def test_the_bound_is_where_so_few_errors_become_improbable(n, data):
    num_wrong = data.draw(st.integers(0, n - 1))
    bound = Fraction(upper_bound(num_wrong, n, doubt=0.1))
    chance = sum(math.comb(n, k) * bound**k * (1 - bound) ** (n - k) for k in range(num_wrong + 1))
    assert float(chance) == pytest.approx(0.1, abs=1e-6)
    assert bound > Fraction(num_wrong, n)


def test_a_limit_holds_but_for_the_doubt():
    """Over many draws the true error above the limit is seldom more than is tolerated."""
    rng = np.random.default_rng(1)
    too_many, found = 0, 0
    for _ in range(200):
        p = rng.random(2_000)
        least = least_confidence(p, rng.random(2_000) < p, 0.1, doubt=0.1)
        if least is not None:
            found += 1
            too_many += (1 - least) / 2 > 0.1  # of answers that are as sure as that, or surer
    assert found > 150
    assert too_many <= 0.15 * found


def test_a_limit_lets_in_all_that_are_as_sure():
    confidence = np.array([0.9] * 200 + [0.5] * 100)
    is_right = np.array([True] * 200 + [False] * 100)
    assert least_confidence(confidence, is_right, 0.05) == pytest.approx(0.9)
    assert least_confidence(confidence[::-1], is_right[::-1], 0.05) == pytest.approx(0.9)


def test_more_errors_ask_for_more_confidence():
    rng = np.random.default_rng(2)
    p = rng.random(3_000)
    is_right = rng.random(3_000) < p
    limits = [least_confidence(p, is_right, error) for error in (0.1, 0.2, 0.3, 0.4)]
    assert None not in limits
    assert limits == sorted(limits, reverse=True)


def test_wrong_answers_among_the_surest_do_not_end_the_search():
    """The surest few are all wrong, the many after them right: a later start finds these."""
    confidence = np.linspace(1, 0, 4_000)
    is_right = np.arange(4_000) >= 40
    assert least_confidence(confidence, is_right, 0.05) is not None


def test_few_questions_bear_out_no_limit():
    confidence = np.full(20, 0.9)
    assert least_confidence(confidence, np.ones(20, dtype=np.bool_), 0.05) is None
    assert least_confidence(confidence, np.zeros(20, dtype=np.bool_), 0.5) is None
    assert least_confidence(confidence[:0], np.ones(0, dtype=np.bool_), 0.5) is None


def test_an_error_that_is_no_share_is_refused():
    with pytest.raises(ConfigError, match="above 0 and below 1, got 1"):
        least_confidence(np.ones(3), np.ones(3, dtype=np.bool_), 1.0)


def test_what_is_answered_above_a_limit():
    confidence, is_right = np.array([0.9, 0.8, 0.3]), np.array([True, False, False])
    answered = answered_above(0.8, confidence, is_right, num_questions=4)
    assert (answered.error.value, answered.error.n) == (0.5, 2)
    assert (answered.coverage.value, answered.coverage.n) == (0.5, 4)
    nothing = answered_above(0.95, confidence, is_right)
    assert math.isnan(nothing.error.value)
    assert nothing.coverage.value == 0
