"""Probabilities from evidence, and limits from tolerated errors."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.errors import ConfigError, DataError
from graphllm.retrieval.calibration import (
    Calibration,
    Limit,
    Term,
    fit,
    shipped_calibration,
)

LIMITS = (Limit(0.05, 0.9), Limit(0.1, 0.8), Limit(0.3, 0.5))
PLAIN = Calibration(
    bias=0.5,
    terms={"score": Term(2.0, 0.7, 0.1), "guess": Term(-1.0, 0.2, 0.4)},
    limits=LIMITS,
    about={"seed": 3},
)


def test_the_probability_is_that_of_the_formula():
    logit = 0.5 + 2.0 * (0.8 - 0.7) / 0.1 - 1.0 * (1 - 0.2) / 0.4
    expected = 1 / (1 + math.exp(-logit))
    assert PLAIN.probability({"score": 0.8, "guess": 1.0}) == pytest.approx(expected)


def test_what_is_missing_counts_as_average_and_what_is_unknown_not_at_all():
    average = PLAIN.probability({"score": 0.7, "guess": 0.2})
    assert PLAIN.probability({}) == pytest.approx(average)
    assert PLAIN.probability({"score": 0.7, "news": 9.0}) == pytest.approx(average)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_more_of_what_speaks_for_it_never_makes_it_less_probable(one, two):
    low, high = sorted((one, two))
    assert 0 < PLAIN.probability({"score": low}) <= PLAIN.probability({"score": high}) <= 1


def test_between_two_errors_the_stricter_limit_holds():
    asked = (0.05, 0.07, 0.1, 0.29, 0.3, 0.9)
    assert [PLAIN.limit(error) for error in asked] == [0.9, 0.9, 0.8, 0.8, 0.5, 0.5]


def test_an_error_below_any_that_was_measured_is_refused():
    with pytest.raises(ConfigError, match=r"below 0\.01; the least that is calibrated is 0\.05"):
        PLAIN.limit(0.01)
    with pytest.raises(ConfigError, match=r"no limit is known to keep the error below 0\.01$"):
        replace(PLAIN, limits=()).limit(0.01)


@pytest.mark.parametrize("error", [0.0, 1.0, -0.1, 5.0, math.nan])
def test_an_error_that_is_no_share_is_refused(error):
    with pytest.raises(ConfigError, match="above 0 and below 1"):
        PLAIN.limit(error)


def test_what_is_written_is_read_back():
    assert Calibration.from_json(PLAIN.to_json()) == PLAIN


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not a calibration"),
        ("[]", "not a calibration"),
        ("{}", "not a calibration"),
        ('{"format": "other"}', "expected format graphllm.calibration/1, got 'other'"),
        (PLAIN.to_json().replace('"scale"', '"scales"'), "not a calibration"),
        (PLAIN.to_json().replace("0.5", '"half"', 1), "not a calibration"),
    ],
    ids=["cut off", "a list", "empty", "other format", "other term", "text for a number"],
)
def test_what_is_no_calibration_is_named(text, problem):
    with pytest.raises(DataError, match=f"mine.json: {problem}"):
        Calibration.from_json(text, "mine.json")


def invented(num: int, seed: int = 0):
    """Evidence, labels drawn by a known formula, and the true probabilities."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(num, 2)) * [1.0, 5.0] + [0.0, 3.0]
    p = 1 / (1 + np.exp(-(0.3 + 1.5 * x[:, 0] - 0.2 * x[:, 1])))
    evidence = [{"a": float(a), "b": float(b), "constant": 1.0} for a, b in x]
    return evidence, rng.random(num) < p, p


def test_fitting_finds_the_formula_that_made_the_labels():
    evidence, is_right, p = invented(20_000)
    found = fit(evidence, is_right)
    assert set(found.terms) == {"a", "b"}  # what is always the same tells nothing
    slopes = {name: term.weight / term.scale for name, term in found.terms.items()}
    assert slopes == {"a": pytest.approx(1.5, abs=0.1), "b": pytest.approx(-0.2, abs=0.02)}
    estimated = np.array([found.probability(one) for one in evidence])
    assert np.abs(estimated - p).mean() < 0.01


def test_the_fit_is_the_minimum_that_going_downhill_finds():
    evidence, is_right, _ = invented(300)
    found = fit(evidence, is_right, ridge=2.0)
    x = np.array([[one["a"], one["b"]] for one in evidence])
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    bias, weights = 0.0, np.zeros(2)
    for _ in range(5_000):
        gap = 1 / (1 + np.exp(-(bias + x @ weights))) - is_right
        bias -= 0.01 * gap.sum() / 3
        weights -= 0.01 * (x.T @ gap + 2.0 * weights) / 3
    assert found.bias == pytest.approx(bias, abs=1e-6)
    assert [found.terms[n].weight for n in "ab"] == pytest.approx(weights.tolist(), abs=1e-6)


def test_evidence_that_some_lack_is_fitted_as_if_it_were_average():
    evidence, is_right, _ = invented(500)
    partly = [one if i % 2 else {"a": one["a"]} for i, one in enumerate(evidence)]
    term = fit(partly, is_right).terms["b"]
    assert term.mean == pytest.approx(np.mean([one["b"] for one in evidence[1::2]]))


def test_separable_labels_give_finite_weights():
    evidence = [{"a": float(i)} for i in range(10)]
    found = fit(evidence, np.arange(10) > 4, ridge=1.0)
    assert math.isfinite(found.terms["a"].weight)
    assert found.probability({"a": 9.0}) > 0.8 > 0.2 > found.probability({"a": 0.0})


@pytest.mark.parametrize("labels", [[], [True, True]], ids=["none", "all right"])
def test_labels_of_one_kind_cannot_be_fitted(labels):
    with pytest.raises(DataError, match=f"right answers and wrong ones, got {len(labels)}"):
        fit([{"a": 1.0}] * len(labels), np.array(labels, dtype=np.bool_))


def test_the_shipped_calibration_is_whole():
    shipped = shipped_calibration()
    assert json.loads(shipped.to_json())["format"] == "graphllm.calibration/1"
    errors = [limit.max_error for limit in shipped.limits]
    assert errors == sorted(set(errors))
    least = [limit.probability for limit in shipped.limits]
    assert least == sorted(least, reverse=True)  # the more error is tolerated, the less is asked
    assert shipped.terms["score"].weight > 0
