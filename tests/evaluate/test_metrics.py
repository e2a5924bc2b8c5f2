import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from graphllm.evaluate.metrics import abstention, latency, mean, risk_coverage, score

NAMES = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=6)


@given(NAMES, NAMES)
def test_score_is_what_counting_by_hand_gives(predicted, gold):
    scores = score(predicted, gold)
    if not predicted or not gold:
        assert set(scores) == {1.0 if not predicted and not gold else 0.0}
        return
    unique = []
    for name in predicted:
        if name not in unique:
            unique.append(name)
    right = sum(1 for name in unique if name in gold)
    precision = right / len(unique)
    recall = sum(1 for name in dict.fromkeys(gold) if name in predicted) / len(dict.fromkeys(gold))
    assert scores.hits_at_1 == (1.0 if predicted[0] in gold else 0.0)
    assert scores.exact_set == (1.0 if precision == recall == 1 else 0.0)
    assert scores.precision == pytest.approx(precision)
    assert scores.recall == pytest.approx(recall)
    harmonic = 2 * precision * recall / (precision + recall) if right else 0.0
    assert scores.f1 == pytest.approx(harmonic)


def test_names_compare_composed_and_stripped_but_not_folded():
    assert score(["Ame\u0301lie "], ["Amélie"]).exact_set == 1
    assert score(["amelie"], ["Amélie"]).exact_set == 0


def test_mean_and_standard_error_by_hand():
    # values 1, 2, 3, 4: mean 2.5, squared deviations sum to 5, 5 / 3 / 4 = 0.41666...
    assert mean(np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx((2.5, math.sqrt(5 / 12), 4))
    one = mean(np.array([7.0]))
    assert one.value == 7
    assert math.isnan(one.standard_error)
    assert math.isnan(mean(np.array([])).value)


def test_abstention_by_hand():
    abstained = np.array([True, True, True, False, False, False, False, False])
    answerable = np.array([False, False, True, False, True, True, True, True])
    precision, recall, coverage = abstention(abstained, answerable)
    assert (precision.value, recall.value, coverage.value) == pytest.approx((2 / 3, 2 / 3, 5 / 8))
    assert (precision.n, recall.n, coverage.n) == (3, 3, 8)
    assert precision.standard_error == pytest.approx(1 / 3)  # 1, 1, 0: variance 1/3, over 3


def test_abstention_of_one_that_never_declines_has_no_precision():
    precision, recall, _ = abstention(np.array([False, False]), np.array([False, True]))
    assert math.isnan(precision.value)
    assert precision.n == 0
    assert recall.value == 0


def test_risk_coverage_by_hand():
    # most confident first: right, wrong, right, wrong -> risks 0, 1/2, 1/3, 1/2
    curve = risk_coverage(np.array([0.2, 0.9, 0.7, 0.4]), np.array([False, True, False, True]))
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert curve.risk.tolist() == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert curve.aurc == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


@given(st.lists(st.tuples(st.sampled_from([-math.inf, 0.1, 0.5]), st.booleans()), max_size=5))
def test_risk_among_ties_is_the_average_over_their_orders(answers):
    assume(answers)
    curves = []
    for order in itertools.permutations(answers):
        ranked = sorted(order, key=lambda pair: -pair[0])  # stable: ties keep this order
        wrong = [not is_right for _, is_right in ranked]
        curves.append([sum(wrong[:k]) / k for k in range(1, len(wrong) + 1)])
    curve = risk_coverage(
        np.array([c for c, _ in answers]), np.array([r for _, r in answers], dtype=np.bool_)
    )
    np.testing.assert_allclose(curve.risk, np.mean(curves, axis=0), atol=1e-12)


def test_risk_at_full_coverage_is_the_error_rate_and_a_better_order_has_less_area():
    correct = np.array([True, False, True, True, False])
    good = risk_coverage(correct.astype(np.float64), correct)
    bad = risk_coverage(-correct.astype(np.float64), correct)
    assert good.risk[-1] == bad.risk[-1] == pytest.approx(0.4)
    assert good.aurc < bad.aurc


def test_latency_interpolates():
    assert latency(np.arange(101.0)) == (50.0, 95.0)
    assert latency(np.array([1.0, 2.0])) == pytest.approx((1.5, 1.95))
    assert math.isnan(latency(np.array([])).p50_s)
