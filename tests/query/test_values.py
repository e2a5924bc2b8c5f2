import numpy as np
import pytest

from graphllm.query import Comparison
from graphllm.query.values import compare, ordinals, read_text


def date(text):
    return np.datetime64(text, "us")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1999", 1999),
        (" -44 ", -44),
        ("+3.50", 3.5),
        ("7.0", 7),
        ("1999-05-01", date("1999-05-01")),
        ("1999-05-01T10:30:00Z", date("1999-05-01T10:30")),
        ("-0044-03-15", date("-0044-03-15")),
        ("1999-13-01", None),
        ("1999-02-30", None),
        ("1,234", None),
        ("inf", None),
        ("nan", None),
        ("1e5", None),
        ("٣", None),
        ("", None),
        ("7 Up", None),
        ("9" * 40, None),
    ],
)
def test_reads_numbers_and_iso_dates_only(text, expected):
    reading = read_text(text)
    assert (reading, type(reading)) == (expected, type(expected))


LESS, MORE, EQUALS, UNLIKE = (
    Comparison.LESS,
    Comparison.MORE,
    Comparison.EQUALS,
    Comparison.NOT_EQUALS,
)


@pytest.mark.parametrize(
    ("values", "comparison", "literal", "expected"),
    [
        (np.array([1949, 1950]), LESS, 1950, [True, False]),
        (np.array([1, 2]), LESS, 10**400, [True, True]),
        (np.array([1.0, 2.0]), MORE, -(10**400), [True, True]),
        (np.array([2**62 + 1]), EQUALS, 2**62 + 1, [True]),
        (np.array([np.nan, 1.0]), UNLIKE, 5, [False, True]),
        (np.array([1, 2]), UNLIKE, float("nan"), [False, False]),
        (np.array([1, 2]), UNLIKE, "1", [False, False]),
        (np.array([1, 0]), EQUALS, True, [False, False]),
        (np.array([True, False]), EQUALS, True, [True, False]),
        (np.array([True, False]), EQUALS, 1, [False, False]),
        (np.array([True, False]), LESS, True, [False, False]),
        (
            np.array(["1949-12-31T23:59:59", "1950-01-01", "1950-12-31", "NaT"], "M8[us]"),
            LESS,
            1950,
            [True, False, False, False],
        ),
        (np.array(["1950-12-31T23:00", "1951-01-01"], "M8[us]"), MORE, 1950, [False, True]),
        (np.array(["1950-06-01", "NaT"], "M8[us]"), UNLIKE, 1951.0, [True, False]),
        (np.array(["1950-06-01", "NaT"], "M8[us]"), UNLIKE, date("1950-06-02"), [True, False]),
        (np.array(["1950-06-01"], "M8[us]"), EQUALS, 1950.5, [False]),
        (np.array(["-0044-03-15"], "M8[us]"), EQUALS, -44, [True]),
        (np.array([1950, 1951]), MORE, date("1950-06-01"), [False, True]),
        (np.array([1950.5, 1951.0]), MORE, date("1950-06-01"), [False, True]),
        (np.array([1950]), UNLIKE, np.datetime64("NaT", "us"), [False]),
        (np.array([1950]), Comparison.CONTAINS, 1950, [False]),
        (["1949", "1950-06-01", "then"], LESS, 1951, [True, True, False]),
        (["Émile ", "EMILE", "Emil"], EQUALS, "emile", [True, True, False]),
        (["$", "!", ""], EQUALS, "$", [True, False, False]),
        (["The Art of War", "Bart"], Comparison.CONTAINS, "art", [True, False]),
        (["大東京", "京都"], Comparison.CONTAINS, "東京", [True, False]),
        ([], EQUALS, 3, []),
    ],
)
def test_which_values_compare(values, comparison, literal, expected):
    assert compare(values, comparison, literal).tolist() == expected


def test_numbers_and_dates_share_an_order():
    texts = ["2000", "1999-08-01", "x", "1999", "1999-12-31"]
    order, has = ordinals(texts)
    assert has.tolist() == [True, True, False, True, True]
    ranked = sorted((i for i in range(5) if has[i]), key=lambda i: order[i])
    assert [texts[i] for i in ranked] == ["1999", "1999-08-01", "1999-12-31", "2000"]


def test_truth_values_have_no_order():
    assert not ordinals(np.array([True, False]))[1].any()
