import numpy as np
import pytest

from graphllm.errors import DataError
from graphllm.evaluate import bootstrap
from graphllm.evaluate.bootstrap import paired_bootstrap


def naive(first, second, seed, resamples):
    """Draw an index per question, one resample after the other."""
    rng = np.random.default_rng(seed)
    differences = second - first
    drawn = [rng.choice(differences, len(differences)).mean() for _ in range(resamples)]
    means = np.array(drawn)
    observed = differences.mean()
    extreme = np.abs(means - observed) >= abs(observed) - 1e-12
    return np.quantile(means, [0.025, 0.975]), (1 + extreme.sum()) / (1 + resamples)


def runs(n, first_right, second_right, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.random(n) < first_right).astype(float), (rng.random(n) < second_right).astype(float)


@pytest.mark.parametrize("rates", [(0.5, 0.5), (0.6, 0.68), (0.2, 0.9)])
def test_agrees_with_drawing_questions_one_by_one(rates):
    first, second = runs(150, *rates)
    found = paired_bootstrap(first, second, np.random.default_rng(1), resamples=4000)
    (low, high), p_value = naive(first, second, 2, 4000)
    assert found.difference == pytest.approx(second.mean() - first.mean())
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.015)
    assert found.p_value == pytest.approx(p_value, abs=0.03)
    assert found.n == 150


def test_equal_runs_do_not_differ():
    same, _ = runs(40, 0.5, 0.5)
    assert paired_bootstrap(same, same, np.random.default_rng(0)) == (0.0, 0.0, 0.0, 1.0, 40)


def test_swapping_the_runs_mirrors_the_interval():
    first, second = runs(200, 0.3, 0.5)
    there = paired_bootstrap(first, second, np.random.default_rng(0))
    back = paired_bootstrap(second, first, np.random.default_rng(0))
    assert there.difference == -back.difference
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=0.02)


def test_a_seed_repeats_and_chunks_change_only_how_much_is_drawn_at_once(monkeypatch):
    first, second = runs(60, 0.4, 0.5)
    whole = paired_bootstrap(first, second, np.random.default_rng(3), resamples=500)
    assert whole == paired_bootstrap(first, second, np.random.default_rng(3), resamples=500)
    monkeypatch.setattr(bootstrap, "CHUNK_CELLS", 100)
    assert whole == paired_bootstrap(first, second, np.random.default_rng(3), resamples=500)


def test_p_is_small_but_never_zero():
    found = paired_bootstrap(np.zeros(50), np.ones(50), np.random.default_rng(0), resamples=999)
    assert found.p_value == 1 / 1000
    assert (found.low, found.high) == (1.0, 1.0)


def test_a_true_difference_is_covered_as_often_as_promised():
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        first = (rng.random(200) < 0.5).astype(float)
        second = (rng.random(200) < 0.6).astype(float)
        found = paired_bootstrap(first, second, rng, resamples=500)
        covered += found.low <= 0.1 <= found.high
    assert 180 <= covered <= 199  # 190 expected, standard deviation 3.1


def test_unpaired_scores_are_refused():
    with pytest.raises(DataError, match="cannot pair 2 scores with 3"):
        paired_bootstrap(np.zeros(2), np.zeros(3), np.random.default_rng(0))
    with pytest.raises(DataError, match="cannot pair 0"):
        paired_bootstrap(np.zeros(0), np.zeros(0), np.random.default_rng(0))
