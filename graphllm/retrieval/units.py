"""Units of measure: what a number in a question is in, and what an attribute's label says it is in.

A track of 5 minutes is one of 300,000 milliseconds where the attribute is called ``Milliseconds``.
"""

from collections.abc import Iterable

from graphllm.query.plan import Literal
from graphllm.retrieval.english import words

MONEY = words("dollar dollars euro euros pound pounds usd eur gbp $")
# Of what a unit is, and how much of the first of its kind.
_UNITS: dict[str, tuple[str, float]] = {
    name: (what, amount)
    for what, names, amount in (
        ("time", "millisecond msec", 1e-3),
        ("time", "second sec", 1.0),
        ("time", "minute min", 60.0),
        ("time", "hour hr", 3600.0),
        ("size", "byte", 1.0),
        ("size", "kilobyte kb", 1e3),
        ("size", "megabyte mb", 1e6),
        ("size", "gigabyte gb", 1e9),
        ("length", "meter metre", 1.0),
        ("length", "kilometer kilometre km", 1e3),
        ("length", "mile", 1609.344),
        ("length", "foot feet ft", 0.3048),
        ("mass", "gram", 1.0),
        ("mass", "kilogram kilo kg", 1e3),
        ("mass", "pound lb", 453.592),
    )
    for name in names.split()
}
# What a number with such a unit may measure.
_MEASURES = {
    "time": ("duration", "length", "milliseconds"),
    "size": ("size", "bytes"),
    "length": ("height", "elevation", "altitude", "length", "distance"),
    "mass": ("weight", "mass"),
}


def is_unit(word: str) -> bool:
    """Return whether a folded word is a unit, of money too.

    Examples:
        >>> [is_unit(word) for word in ("minutes", "dollars", "customers")]
        [True, True, False]
    """
    return word in MONEY or _unit(word) is not None


def measured_in(word: str) -> tuple[str, ...]:
    """Return words for what a unit may measure, the likeliest first; none for no unit.

    Examples:
        >>> measured_in("feet")[:2], measured_in("dollars")[0], measured_in("dogs")
        (('height', 'elevation'), 'price', ())
    """
    if word in MONEY:
        return ("price", "cost", "total", "amount")
    unit = _unit(word)
    return () if unit is None else _MEASURES[unit[0]]


def in_unit_of(label: Iterable[str], value: Literal, word: str) -> Literal:
    """Return ``value``, said with the unit ``word``, in the unit that a label names.

    Where the label names none of that kind, it is taken to be in the unit of the question.

    Examples:
        >>> in_unit_of(["milliseconds"], 5, "minutes"), in_unit_of(["altitude"], 5, "feet")
        (300000, 5)
    """
    said = _unit(word)
    own = [unit for unit in map(_unit, label) if unit is not None]
    if said is None or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    size = next((amount for what, amount in own if what == said[0]), None)
    if size is None:
        return value
    scaled = round(value * said[1] / size, 9)
    return int(scaled) if float(scaled).is_integer() else scaled


def _unit(word: str) -> tuple[str, float] | None:
    return _UNITS.get(word) or _UNITS.get(word.removesuffix("s"))
