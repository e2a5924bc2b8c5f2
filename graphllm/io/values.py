"""Tell numbers, dates and truth values from text, one value or a whole column at a time."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime

import numpy as np

from graphllm.errors import DataError
from graphllm.graph import Kind, Value

# A leading zero or plus sign makes it a code (a zip code, a phone number), and more than 18 digits
# make it an identifier: those stay text, and so do "nan" and "inf", which are names of things too.
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?((0|[1-9][0-9]{0,17})(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_TRUE = frozenset(("true", "yes"))
_FALSE = frozenset(("false", "no"))

# What exports write where nothing is. The second set may be a name, and counts as nothing only
# in a column whose other values are numbers, dates or truth values.
ABSENT = frozenset(("", r"\N", "NULL"))
ABSENT_AMONG_VALUES = ABSENT | {
    "NA", "N/A", "n/a", "na", "nan", "NaN", "null", "Null", "None", "none", "-", "?", "#N/A",
}  # fmt: skip


def parse_value(text: str) -> Value:
    """Return the number or the ISO date that ``text`` writes, else ``text`` itself.

    Examples:
        >>> parse_value("1999"), parse_value("2.50"), parse_value("007"), parse_value("1,234")
        (1999, 2.5, '007', '1,234')
        >>> parse_value("1867-11-07")
        np.datetime64('1867-11-07T00:00:00.000000')
    """
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    if _DATE.fullmatch(text):
        try:
            return parse_date(text)
        except ValueError:
            return text
    return text


def parse_date(text: str) -> np.datetime64:
    """Return an ISO date or time; one with a time zone is turned to UTC.

    Raises:
        ValueError: There is no such day or time.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(moment, "us")


def column_kind(texts: Iterable[str]) -> Kind:
    """Return the narrowest kind that all ``texts`` have, absent ones aside.

    Truth values are recognised only when the whole column holds them.

    Examples:
        >>> column_kind(["1999", "NA", "-3"]), column_kind(["1", "2.5"]), column_kind(["007", "12"])
        (<Kind.INTEGER: 'integer'>, <Kind.NUMBER: 'number'>, <Kind.TEXT: 'text'>)
        >>> column_kind(["yes", "No", ""]), column_kind(["2020-02-30"]), column_kind([])
        (<Kind.BOOLEAN: 'boolean'>, <Kind.TEXT: 'text'>, <Kind.TEXT: 'text'>)
    """
    kinds: set[Kind] = set()
    for text in texts:
        if text not in ABSENT_AMONG_VALUES:
            kinds.add(_kind(text))
            if Kind.TEXT in kinds or len(kinds - {Kind.INTEGER, Kind.NUMBER}) > 1:
                return Kind.TEXT
    if kinds == {Kind.INTEGER, Kind.NUMBER}:
        return Kind.NUMBER
    return kinds.pop() if len(kinds) == 1 else Kind.TEXT


def _kind(text: str) -> Kind:
    if _INTEGER.fullmatch(text):
        return Kind.INTEGER
    if _NUMBER.fullmatch(text):
        return Kind.NUMBER
    if text.lower() in _TRUE | _FALSE:
        return Kind.BOOLEAN
    value = parse_value(text)
    return Kind.DATE if isinstance(value, np.datetime64) else Kind.TEXT


def parse_as(text: str, kind: Kind) -> Value:
    """Return ``text`` read as ``kind``.

    Raises:
        DataError: It is not of that kind.
    """
    try:
        match kind:
            case Kind.INTEGER:
                return int(text)
            case Kind.NUMBER:
                return float(text)
            case Kind.DATE:
                return parse_date(text)
            case Kind.BOOLEAN if text.lower() in _TRUE | _FALSE:
                return text.lower() in _TRUE
            case Kind.TEXT:
                return text
    except ValueError as error:
        raise DataError(f"expected {_ARTICLES[kind]}, got {text[:40]!r}") from error
    raise DataError(f"expected {_ARTICLES[kind]}, got {text[:40]!r}")


_ARTICLES = {
    Kind.INTEGER: "a whole number",
    Kind.NUMBER: "a number",
    Kind.DATE: "a date such as 1867-11-07",
    Kind.BOOLEAN: "true or false",
    Kind.TEXT: "a text",
}


def is_label(text: str) -> bool:
    """Whether ``text`` could name a column: short, and neither a number nor a date."""
    return len(text) <= 60 and "\n" not in text and isinstance(parse_value(text), str)


def as_text(value: object) -> str:
    """Return the text that a cell of a typed table (Excel, Parquet) would have in a CSV.

    Examples:
        >>> as_text(None), as_text(3.0), as_text(True), as_text(date(1867, 11, 7))
        ('', '3', 'true', '1867-11-07')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value:  # not a number is how tables of numbers write an empty cell
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime) and (value.hour, value.minute, value.second) == (0, 0, 0):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple | set | np.ndarray):
        return ";".join(as_text(item) for item in value)
    return str(value)
