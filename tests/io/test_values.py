from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphllm.errors import DataError
from graphllm.graph import Kind
from graphllm.io.values import as_text, column_kind, parse_as, parse_value


@pytest.mark.parametrize(
    "text",
    [
        *("", "007", "+49 30", "+5", "1,234", "1_000", "0x10", "nan", "inf", "1e", ".", "-"),
        *("12-34", "1999-13-01", "2020-02-30", "12345678901234567890", "1.2.3", "١٢", "true"),
    ],
)
def test_texts_that_are_not_values_stay_texts(text):
    assert parse_value(text) == text


@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_integers_are_read_back(number):
    assert parse_value(str(number)) == number
    assert column_kind([str(number)]) is Kind.INTEGER


@given(st.floats(allow_nan=False, allow_infinity=False).map(lambda f: float(f"{f:.12g}")))
def test_numbers_are_read_back(number):
    assert parse_value(repr(number)) == number


@given(st.datetimes(timezones=st.none()))
def test_times_are_read_back(moment):
    found = parse_value(moment.isoformat(" "))
    assert found == np.datetime64(moment, "us")


def test_a_time_zone_is_turned_to_utc():
    assert parse_value("2020-01-01T12:00:00+02:00") == np.datetime64("2020-01-01T10:00:00", "us")


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2", "N/A"], Kind.INTEGER),
        (["1", "2.5", "1e3"], Kind.NUMBER),
        (["1", "x"], Kind.TEXT),
        (["1", "yes"], Kind.TEXT),
        (["true", "False"], Kind.BOOLEAN),
        (["2001-01-01", "2001-01-01 10:00"], Kind.DATE),
        (["2001-01-01", "1999"], Kind.TEXT),
        (["", "NULL"], Kind.TEXT),
        (["01234", "99999"], Kind.TEXT),
    ],
)
def test_a_column_has_the_kind_of_all_its_cells(cells, kind):
    assert column_kind(cells) is kind


@pytest.mark.parametrize("kind", [Kind.INTEGER, Kind.NUMBER, Kind.DATE, Kind.BOOLEAN])
def test_a_value_of_another_kind_is_refused(kind):
    with pytest.raises(DataError, match=r"expected .*, got 'soon'"):
        parse_as("soon", kind)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2020, 1, 2), "2020-01-02"),
        (datetime(2020, 1, 2, 3), "2020-01-02T03:00:00"),
        (date(2020, 1, 2), "2020-01-02"),
        (float("nan"), ""),
        (1e300, "1e+300"),
        (["a", 1], "a;1"),
    ],
)
def test_typed_cells_become_the_text_of_a_csv(value, text):
    assert as_text(value) == text
