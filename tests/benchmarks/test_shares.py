"""Shares and differences, against the sums that define them."""

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=40)


@given(pairs=PAIRS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_difference_is_the_mean_of_the_changes(script, pairs):
    before, after = [a for a, _ in pairs], [b for _, b in pairs]
    changes = [int(b) - int(a) for a, b in pairs]
    mean = sum(changes) / len(changes)
    variance = sum((c - mean) ** 2 for c in changes) / (len(changes) - 1)
    found = script("shares").difference(before, after)
    assert found == (
        pytest.approx(mean),
        pytest.approx(math.sqrt(variance / len(pairs))),
        len(pairs),
    )


def test_a_share_and_how_it_is_printed_and_kept(script, tmp_path):
    shares = script("shares")
    share = shares.share_of([True, True, True, False])
    assert share == (0.75, pytest.approx(math.sqrt(0.75 * 0.25 / 4)), 4)
    assert shares.line("all", share) == "all                               0.750 +- 0.217  (n 4)"
    shares.write_json(tmp_path / "a" / "b.json", {"all": share}, seed=3)
    written = json.loads((tmp_path / "a" / "b.json").read_text())
    assert written["seed"] == 3
    assert written["shares"]["all"]["n"] == 4
