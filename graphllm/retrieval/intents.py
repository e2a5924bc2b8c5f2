"""What a question wants done with what it finds: listed, counted, confirmed, connected, told."""

import re
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from graphllm.retrieval.english import FUNCTION_WORDS, Token, words
from graphllm.retrieval.linker import Span
from graphllm.retrieval.openings import courtesies, joined, opening, words_before


class Want(Enum):
    """What is to be done."""

    LIST = "list"
    COUNT = "count"
    CONFIRM = "confirm"
    CONNECT = "connect"
    AVERAGE = "average"
    TOTAL = "total"


class Intent(NamedTuple):
    """What a question wants, and the words that say so."""

    want: Want
    spans: tuple[Span, ...] = ()


EVERY = words("all every everybody everyone")
"""Words after which a yes or no is about all of them, and not whether there is any."""

_AUXILIARIES = words("is are was were did does do has have had can could will would")
_CONNECTING = words(
    "connect connected connects connection connections relate related relation relationship "
    "path paths link linked links route"
)
_ASKING = words("who what which where when how")
_CONNECTED = re.compile(r"\b(?:to do with|lies? between|stands? between)\b")
_TELLING = words(
    "about describe description information info facts fact details detail know everything "
    "summary summarize summarise explain background tell more say"
)


def intent(tokens: Sequence[Token]) -> Intent:
    """Return what the question wants; a list of names when nothing says otherwise.

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> [intent(tokenize(q)).want.value for q in (
        ...     "how many films did she direct", "did she direct Alien", "who directed Alien",
        ...     "how is Ada connected to Babbage", "what is the average population of cities")]
        ['count', 'confirm', 'list', 'connect', 'average']
        >>> intent(tokenize("I wonder whether she directed Alien")).want.value
        'confirm'
    """
    wanted = _wanted(tokens)
    apart = [s for s in courtesies(tokens) if not any(s.overlaps(o) for o in wanted.spans)]
    return Intent(wanted.want, (*wanted.spans, *apart))


def _wanted(tokens: Sequence[Token]) -> Intent:
    words = [t.folded for t in tokens]
    for position, word in enumerate(words):
        following = words[position + 1] if position + 1 < len(words) else ""
        if word == "how" and following == "many":
            return Intent(Want.COUNT, (Span(position, position + 2),))
        before = words[position - 1] if position else ""
        counting = before in ("", "the", "a", "what", "total")  # not "phone number of"
        if word == "count" and not following and not _ASKING.intersection(words):
            return Intent(Want.COUNT, (Span(position, position + 1),))
        if word in ("number", "count") and following in ("of", "the", "all") and counting:
            return Intent(Want.COUNT, (Span(position, position + 2),))
        if word in ("average", "mean"):
            return Intent(Want.AVERAGE, (Span(position, position + 1),))
        if following in ("number", "count"):  # "the total number of invoices" is how many there are
            continue
        if word in ("total", "sum") and following and words[max(position - 1, 0)] != "a":
            return Intent(Want.TOTAL, (Span(position, position + 1),))
    connecting = [i for i, w in enumerate(words) if w in _CONNECTING]
    if connecting:
        return Intent(Want.CONNECT, tuple(Span(i, i + 1) for i in connecting))
    joining = _CONNECTED.search(joined(tokens))
    if joining:
        first, last = (words_before(tokens, offset) for offset in joining.span())
        return Intent(Want.CONNECT, (Span(first, last),))
    first = opening(tokens)
    begins = words[first] if first < len(words) else ""
    if begins in ("if", "whether") and first:
        return Intent(Want.CONFIRM, (Span(first, first + 1),))
    if begins in _AUXILIARIES and words[first + 1 : first + 2] != ["you"]:
        return Intent(Want.CONFIRM, (Span(first, first + 1),))
    return Intent(Want.LIST)


def only_tells(tokens: Sequence[Token], named: Sequence[Span]) -> bool:
    """Return whether nothing but "tell me about" is said besides the names.

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> only_tells(tokenize("tell me about Ada"), [Span(3, 4)])
        True
        >>> only_tells(tokenize("who married Ada"), [Span(2, 3)])
        False
    """
    return all(
        t.folded in FUNCTION_WORDS or t.folded in _TELLING
        for i, t in enumerate(tokens)
        if not any(s.first <= i < s.last for s in named)
    )


def asks_for_everything(tokens: Sequence[Token]) -> bool:
    """Return whether the question asks for all there is: "tell me about X", "who is X".

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> [asks_for_everything(tokenize(q)) for q in (
        ...     "tell me about Ada", "Who is Ada?", "what do you know of Ada", "what is it about")]
        [True, True, True, False]
    """
    words = [t.folded for t in tokens]
    if words[:2] == ["tell", "me"] or words[:4] == ["what", "do", "you", "know"]:
        return True
    return (
        len(words) > 2
        and words[0] in ("who", "what")
        and words[1] in _BEING
        and "about" not in words
    )


_BEING = words("is was are were")
