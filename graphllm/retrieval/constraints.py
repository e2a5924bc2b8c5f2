"""The parts of a question that compare and rank: "born before 1900", "the three largest"."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from graphllm.query.plan import Comparison, Literal
from graphllm.retrieval.english import COPULAS, FUNCTION_WORDS, Token
from graphllm.retrieval.linker import Span


class Constraint(NamedTuple):
    """A comparison with a number or a date.

    Attributes:
        span: Where the comparing words and the value stand.
        comparison: How.
        value: With what.
        cues: Words that may say what is compared, likeliest first.
        is_time: The comparing word speaks of time ("before").
    """

    span: Span
    comparison: Comparison
    value: Literal
    cues: tuple[str, ...]
    is_time: bool


class Superlative(NamedTuple):
    """A ranking.

    Attributes:
        span: Where its words stand.
        k: How many are asked for.
        ascending: The smallest come first.
        cues: Words that may say what is measured, likeliest first.
        is_time: The measure is a date or year.
        counts: The measure may also be how many things there are ("the most films").
    """

    span: Span
    k: int
    ascending: bool
    cues: tuple[str, ...]
    is_time: bool = False
    counts: bool = False


_COMPARATORS: dict[tuple[str, ...], tuple[Comparison, bool]] = {
    ("before",): (Comparison.LESS, True),
    ("earlier", "than"): (Comparison.LESS, True),
    ("prior", "to"): (Comparison.LESS, True),
    ("until",): (Comparison.AT_MOST, True),
    ("after",): (Comparison.MORE, True),
    ("later", "than"): (Comparison.MORE, True),
    ("since",): (Comparison.AT_LEAST, True),
    ("in",): (Comparison.EQUALS, True),
    ("during",): (Comparison.EQUALS, True),
    ("on",): (Comparison.EQUALS, True),
    ("from",): (Comparison.EQUALS, True),
    ("dated",): (Comparison.EQUALS, True),
    ("more", "than"): (Comparison.MORE, False),
    ("greater", "than"): (Comparison.MORE, False),
    ("larger", "than"): (Comparison.MORE, False),
    ("bigger", "than"): (Comparison.MORE, False),
    ("higher", "than"): (Comparison.MORE, False),
    ("longer", "than"): (Comparison.MORE, False),
    ("taller", "than"): (Comparison.MORE, False),
    ("heavier", "than"): (Comparison.MORE, False),
    ("faster", "than"): (Comparison.MORE, False),
    ("expensive", "than"): (Comparison.MORE, False),
    ("over",): (Comparison.MORE, False),
    ("above",): (Comparison.MORE, False),
    ("exceeding",): (Comparison.MORE, False),
    ("at", "least"): (Comparison.AT_LEAST, False),
    ("less", "than"): (Comparison.LESS, False),
    ("fewer", "than"): (Comparison.LESS, False),
    ("smaller", "than"): (Comparison.LESS, False),
    ("lower", "than"): (Comparison.LESS, False),
    ("shorter", "than"): (Comparison.LESS, False),
    ("cheaper", "than"): (Comparison.LESS, False),
    ("lighter", "than"): (Comparison.LESS, False),
    ("slower", "than"): (Comparison.LESS, False),
    ("under",): (Comparison.LESS, False),
    ("below",): (Comparison.LESS, False),
    ("at", "most"): (Comparison.AT_MOST, False),
    ("older", "than"): (Comparison.MORE, False),
    ("younger", "than"): (Comparison.LESS, False),
    ("exactly",): (Comparison.EQUALS, False),
    ("equal", "to"): (Comparison.EQUALS, False),
    ("of",): (Comparison.EQUALS, False),
}
_LONGEST_COMPARATOR = 2
# What a comparing word may measure, where nothing nearer says it.
_COMPARED_BY = {
    "longer": ("length", "duration"),
    "shorter": ("length", "duration", "height"),
    "taller": ("height",),
    "higher": ("height", "elevation", "altitude"),
    "lower": ("height", "elevation", "altitude"),
    "above": ("elevation", "altitude"),
    "below": ("elevation", "altitude"),
    "larger": ("size", "area"),
    "bigger": ("size", "area"),
    "smaller": ("size", "area"),
    "heavier": ("weight", "mass"),
    "lighter": ("weight", "mass"),
    "faster": ("speed",),
    "slower": ("speed",),
    "expensive": ("price", "cost"),
    "cheaper": ("price", "cost"),
    "older": ("age",),
    "younger": ("age",),
}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_COUNTS = {
    w: n
    for n, w in enumerate(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], 1
    )
}

_DATES = ("born", "founded", "date", "year", "released", "published")
# For each word: whether the smallest come first, what it may measure, whether that is a time.
_ADJECTIVES: dict[str, tuple[bool, tuple[str, ...], bool]] = {
    "oldest": (True, _DATES, True),
    "earliest": (True, _DATES, True),
    "first": (True, _DATES, True),
    "youngest": (False, ("born", *_DATES), True),
    "newest": (False, _DATES, True),
    "latest": (False, _DATES, True),
    "last": (False, _DATES, True),
    "recent": (False, _DATES, True),
    "recently": (False, _DATES, True),
    "largest": (False, ("area", "population", "size"), False),
    "biggest": (False, ("size", "population", "area"), False),
    "greatest": (False, ("size", "population"), False),
    "smallest": (True, ("area", "population", "size"), False),
    "populous": (False, ("population",), False),
    "populated": (False, ("population",), False),
    "highest": (False, ("height", "elevation", "rating"), False),
    "tallest": (False, ("height", "elevation"), False),
    "lowest": (True, ("height", "elevation", "rating"), False),
    "longest": (False, ("length", "duration", "runtime"), False),
    "shortest": (True, ("length", "duration", "height"), False),
    "expensive": (False, ("price", "cost"), False),
    "cheapest": (True, ("price", "cost"), False),
    "heaviest": (False, ("weight", "mass"), False),
    "lightest": (True, ("weight", "mass"), False),
    "richest": (False, ("wealth", "gdp", "income", "revenue"), False),
    "poorest": (True, ("wealth", "gdp", "income"), False),
    "popular": (False, ("popularity", "votes", "rating"), False),
    "best": (False, ("rating", "score"), False),
    "worst": (True, ("rating", "score"), False),
    "fastest": (False, ("speed",), False),
    "slowest": (True, ("speed",), False),
    "deepest": (False, ("depth",), False),
    "northernmost": (False, ("latitude", "lat"), False),
    "southernmost": (True, ("latitude", "lat"), False),
    "easternmost": (False, ("longitude", "lng", "lon"), False),
    "westernmost": (True, ("longitude", "lng", "lon"), False),
    "busiest": (False, ("traffic", "passengers", "trips"), False),
}
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            *("january jan", "february feb", "march mar", "april apr", "may", "june jun"),
            *("july jul", "august aug", "september sept sep", "october oct", "november nov"),
            "december dec",
        ),
        1,
    )
    for name in names.split()
}
_OPENING = frozenset({"the", "top", "which", "what", "list", "show", "name", "me", "give", "find"})
_DAY = re.compile(r"([1-9]|[12]\d|3[01])(st|nd|rd|th)?")
_YEAR = re.compile(r"[12]\d{3}")
_SECOND_WORD = ("recent", "recently", "populous", "populated", "expensive", "popular")


def constraints(tokens: Sequence[Token]) -> list[Constraint]:
    """Return the comparisons in a question, left to right.

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> [c[1:4] for c in constraints(tokenize("people born before 1900"))]
        [(<Comparison.LESS: '<'>, 1900, ('born', 'people'))]
        >>> [c[1:3] for c in constraints(tokenize("cities with over 1.5 million people"))]
        [(<Comparison.MORE: '>'>, 1500000)]
        >>> [c.value for c in constraints(tokenize("born between 1850 and 1900"))]
        [1850, 1900]
    """
    found: list[Constraint] = []
    position = 0
    while position < len(tokens):
        new = _between(tokens, position) or _compared(tokens, position)
        found += new
        position = new[-1].span.last if new else position + 1
    return found


def _compared(tokens: Sequence[Token], first: int) -> list[Constraint]:
    for length in range(_LONGEST_COMPARATOR, 0, -1):
        words = tuple(t.folded for t in tokens[first : first + length])
        known = _COMPARATORS.get(words)
        moment = _moment(tokens, first + length) if known else None
        if known is not None and moment is not None:
            return _at_moment(tokens, first, known[0], moment)
        literal = _literal(tokens, first + length) if known else None
        if known is None or literal is None:
            continue
        comparison, is_time = known
        if words == ("from",) and not _is_year(literal[0]):
            continue
        value, last = literal
        span = Span(first, last)
        cues = (*_cues(tokens, span), *_COMPARED_BY.get(words[0], ()))
        decade = re.fullmatch(r"(\d{3}0)s", tokens[last - 1].folded)
        if decade:
            return _range(span, int(decade[1]), int(decade[1]) + 9, cues)
        return [Constraint(span, comparison, value, cues, is_time or _is_year(value))]
    return []


def _between(tokens: Sequence[Token], first: int) -> list[Constraint]:
    if tokens[first].folded not in ("between", "from"):
        return []
    if (dated := _between_moments(tokens, first)) is not None:
        return dated
    low = _literal(tokens, first + 1)
    if low is None or low[1] >= len(tokens) or tokens[low[1]].folded not in ("and", "to"):
        return []
    high = _literal(tokens, low[1] + 1)
    if high is None:
        return []
    span = Span(first, high[1])
    return _range(span, low[0], high[0], _cues(tokens, span))


class _Moment(NamedTuple):
    """A day or a month: its first day, the first day after it, and the position after its words."""

    start: np.datetime64
    end: np.datetime64
    last: int


def _moment(tokens: Sequence[Token], first: int, year: int | None = None) -> _Moment | None:
    """Read "March 1997", "4 July 1996", "July 4th, 1996", or without its year where one is given.

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> str(_moment(tokenize("in March 1997"), 1).end)
        '1997-04-01'
        >>> str(_moment(tokenize("on the 4th of July, 1996"), 1).start)
        '1996-07-04'
    """
    words = [t.folded for t in tokens]
    at, day = first, None
    while at < len(words) and words[at] in ("the", "of"):
        at += 1
    if at < len(words) and _DAY.fullmatch(words[at]):
        day, at = int(re.sub(r"\D", "", words[at])), at + 1
        at += words[at : at + 1] == ["of"]
    month = _MONTHS.get(words[at]) if at < len(words) else None
    if month is None:
        return None
    at += 1
    if day is None and at < len(words) and _DAY.fullmatch(words[at]):
        day, at = int(re.sub(r"\D", "", words[at])), at + 1
    at += words[at : at + 1] == ["of"]
    if at < len(words) and _YEAR.fullmatch(words[at]):
        year, at = int(words[at]), at + 1
    return None if year is None else _spanning(year, month, day, at)


def _spanning(year: int, month: int, day: int | None, last: int) -> _Moment | None:
    start = np.datetime64(f"{year:04}-{month:02}", "M")
    if day is None:
        return _Moment(start.astype("datetime64[D]"), (start + 1).astype("datetime64[D]"), last)
    that = start.astype("datetime64[D]") + (day - 1)
    if that.astype("datetime64[M]") != start:  # the 31st of June
        return None
    return _Moment(that, that + 1, last)


def _at_moment(
    tokens: Sequence[Token], first: int, comparison: Comparison, moment: _Moment
) -> list[Constraint]:
    span = Span(first, moment.last)
    cues = _cues(tokens, span)
    if comparison is Comparison.EQUALS:
        return _dated(span, cues, moment.start, moment.end)
    after = {Comparison.MORE: Comparison.AT_LEAST, Comparison.AT_MOST: Comparison.LESS}
    limit = moment.end if comparison in after else moment.start
    return [Constraint(span, after.get(comparison, comparison), _us(limit), cues, True)]


def _between_moments(tokens: Sequence[Token], first: int) -> list[Constraint] | None:
    """Read "between 1 March and 15 June 1997": a year that is said last counts for both."""
    years = [int(t.folded) for t in tokens[first:] if _YEAR.fullmatch(t.folded)]
    low = _moment(tokens, first + 1, years[0] if years else None)
    if low is None or low.last >= len(tokens) or tokens[low.last].folded not in ("and", "to"):
        return None
    high = _moment(tokens, low.last + 1)
    if high is None:
        return None
    span = Span(first, high.last)
    return _dated(span, _cues(tokens, span), low.start, high.end)


def _dated(
    span: Span, cues: tuple[str, ...], start: np.datetime64, end: np.datetime64
) -> list[Constraint]:
    return [
        Constraint(span, Comparison.AT_LEAST, _us(start), cues, True),
        Constraint(span, Comparison.LESS, _us(end), cues, True),
    ]


def _us(day: np.datetime64) -> np.datetime64:
    return day.astype("datetime64[us]")


def _range(span: Span, low: Literal, high: Literal, cues: tuple[str, ...]) -> list[Constraint]:
    is_time = _is_year(low) and _is_year(high)
    return [
        Constraint(span, Comparison.AT_LEAST, low, cues, is_time),
        Constraint(span, Comparison.AT_MOST, high, cues, is_time),
    ]


def _literal(tokens: Sequence[Token], position: int) -> tuple[Literal, int] | None:
    """Read a number, year, decade or ISO date; return it with the position after it."""
    while position < len(tokens) and tokens[position].folded in ("the", "year", "a"):
        position += 1
    if position >= len(tokens):
        return None
    if [t.folded for t in tokens[position : position + 2]] == ["sea", "level"]:
        return 0, position + 2
    text = tokens[position].text.replace(",", "")
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return np.datetime64(text, "us"), position + 1
    if re.fullmatch(r"\d{3}0s", text):
        return int(text[:-1]), position + 1
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        return None
    number: int | float = float(text) if "." in text else int(text)
    after = tokens[position + 1].folded if position + 1 < len(tokens) else ""
    if after in _SCALES:
        scaled = number * _SCALES[after]
        return (int(scaled) if scaled == int(scaled) else scaled), position + 2
    return number, position + 1


def _cues(tokens: Sequence[Token], span: Span) -> tuple[str, ...]:
    """Return the content words nearest to a comparison: those before it, then one after."""
    before = [t.folded for t in tokens[max(span.first - 4, 0) : span.first]][::-1]
    after = [t.folded for t in tokens[span.last : span.last + 3]]
    nearest = [*before[:2], *after[:1], *before[2:], *after[1:]]  # "20 units in stock"
    return tuple(w for w in nearest if w and w not in FUNCTION_WORDS)


def _is_year(value: Literal) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return 1000 <= value <= 2100
    return isinstance(value, np.datetime64)


def superlative(tokens: Sequence[Token]) -> Superlative | None:
    """Return the ranking that a question asks for, if any.

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> superlative(tokenize("the three oldest universities"))[1:3]
        (3, True)
        >>> superlative(tokenize("who won the most awards")).counts
        True
        >>> superlative(tokenize("top 3 countries by number of customers"))[1:4]
        (3, False, ('number', 'of', 'customers'))
    """
    words = [t.folded for t in tokens]
    first_of = _first_of(words)
    if first_of is not None:
        return first_of
    for position, word in enumerate(words):
        following = words[position + 1] if position + 1 < len(words) else ""
        if word in ("most", "fewest", "least") and words[max(position - 1, 0)] != "at":
            ascending = word != "most"
            if following in _SECOND_WORD:
                direction, cues, is_time = _ADJECTIVES[following]
                span = Span(position, position + 2)
                if position + 2 == len(words):  # "was hired most recently": the verb says of what
                    said = words[position - 1 : position]
                    cues = (*(w for w in said if w not in FUNCTION_WORDS), *cues)
                return _counted(words, span, direction != ascending, cues, is_time)
            verb = words[max(position - 2, 0) : position] if not following else []
            cues = (*(w for w in verb if w not in FUNCTION_WORDS), *words[position + 1 :][:2])
            if cues and following not in ("of",):  # "has spent the most": the verb says what of
                span = Span(position, position + 1)
                return _counted(words, span, ascending, cues, is_time=False, counts=True)
        was_once = (
            words[position - 1] in COPULAS and following.endswith("ed") if position else False
        )
        if word in _ADJECTIVES and word not in _SECOND_WORD and not was_once:
            ascending, cues, is_time = _ADJECTIVES[word]
            if words[position + 1 : position + 3] == ["number", "of"] and not is_time:
                span = Span(position, position + 3)  # "the largest number of routes"
                counted = tuple(words[position + 3 :][:2])
                return _counted(words, span, ascending, counted, is_time=False, counts=True)
            nouns = tuple(w for w in words[position + 1 : position + 3] if w not in FUNCTION_WORDS)
            if position == len(words) - 1:  # "who was hired first": the verb says of what
                nouns = tuple(w for w in words[position - 1 : position] if w not in FUNCTION_WORDS)
            return _counted(
                words, Span(position, position + 1), ascending, (*nouns, *cues), is_time
            )
    return None


def _first_of(words: Sequence[str]) -> Superlative | None:
    """Read "top 5 customers by total", "bottom 3 albums by number of tracks"."""
    for position, word in enumerate(words[:6]):
        number = words[position + 1] if position + 1 < len(words) else ""
        k = number_said(number)
        ranks = word in ("top", "bottom") or (word in _ADJECTIVES and word not in _SECOND_WORD)
        if not ranks or "by" not in words[position:]:
            continue
        by = words.index("by", position)
        cues = tuple(words[by + 1 : by + 5])
        if word not in ("top", "bottom"):  # "the three busiest airports by number of routes"
            ascending, _, is_time = _ADJECTIVES[word]
            if words[by + 1 : by + 3] != ["number", "of"] or is_time:
                continue
            return _counted(
                words, Span(position, position + 1), ascending, cues, False, counts=True
            )
        span = Span(position, position + 1 + (k is not None))
        return Superlative(span, k or 1, word == "bottom", cues, counts=True)
    return None


def _counted(
    words: Sequence[str],
    span: Span,
    ascending: bool,
    cues: tuple[str, ...],
    is_time: bool,
    counts: bool = False,
) -> Superlative:
    """Read "the three oldest", "top 5", "5 largest"."""
    k = number_said(words[span.first - 1]) if span.first else None
    first = span.first - 1 if k else span.first
    if k is None:
        k = _number_before(words[: span.first])
    return Superlative(Span(first, span.last), k or 1, ascending, cues, is_time, counts)


def number_said(word: str) -> int | None:
    """Return a number that a word says: "five", "12"; ``None`` for years and all other words."""
    return _COUNTS.get(word) or (int(word) if word.isdigit() and len(word) < 4 else None)


def _number_before(words: Sequence[str]) -> int | None:
    """Return the number of "the five artists with the most albums"."""
    for position, word in enumerate(words[:-2]):
        number = number_said(word)
        opens = position == 0 or words[position - 1] in _OPENING
        if number and opens and not words[position + 1].isdigit():
            return number
    return None
