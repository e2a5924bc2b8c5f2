"""Which end of a journey, a message or a payment words speak of: where it comes from, or goes to.

A flight has two airports, a trip two stations, a transfer two accounts; "from" and "to" tell them
apart in a question, and words such as "source" and "destination" in the labels of a graph.
"""

from collections.abc import Sequence
from enum import Enum

from graphllm.retrieval.english import words
from graphllm.retrieval.linker import Span

_FAR = 3  # words between a preposition and the name that it goes with


class Direction(Enum):
    """One of the two ends."""

    FROM = "from"
    TO = "to"


_IN_LABELS = {
    Direction.FROM: words(
        "source origin start from departure departing sender begin home src payer"
    ),
    Direction.TO: words("destination target end to arrival arriving receiver recipient dest payee"),
}
_SAID = {
    Direction.FROM: words(
        "from leave leaves leaving left depart departs departing departure departures out "
        "originate originates originating origin start starts starting started begin begins"
    ),
    Direction.TO: words(
        "to into towards toward reach reaches reached reaching arrive arrives arriving arrival "
        "arrivals destination destinations land lands landing end ends ending ended"
    ),
}
_BETWEEN = words("the a an at in of on airport city station town")


def of_label(label: str) -> Direction | None:
    """Return the end that a label names; ``None`` for both or neither.

    Examples:
        >>> of_label("source airport"), of_label("end station"), of_label("airline")
        (<Direction.FROM: 'from'>, <Direction.TO: 'to'>, None)
    """
    said = [end for end, known in _IN_LABELS.items() if not known.isdisjoint(label.split())]
    return said[0] if len(said) == 1 else None


def of_word(word: str) -> Direction | None:
    """Return the end that a folded word of a question speaks of."""
    return next((end for end, known in _SAID.items() if word in known), None)


def before(folded: Sequence[str], span: Span) -> Direction | None:
    """Return the end that the words right before a name say it is.

    Examples:
        >>> before("fly to from the Isle".split(), Span(4, 5)).value
        'from'
        >>> before("routes that end at Rome".split(), Span(4, 5)).value
        'to'
    """
    for at in range(span.first - 1, max(span.first - 1 - _FAR, -1), -1):
        end = of_word(folded[at])
        if end is not None or folded[at] not in _BETWEEN:
            return end
    return None


def left_open(folded: Sequence[str], named: Sequence[Span]) -> Direction | None:
    """Return the end that is asked for: a word for it goes with no name.

    Examples:
        >>> left_open("where can I fly to from Rome".split(), [Span(6, 7)]).value
        'to'
        >>> left_open("which airports are reached from Rome".split(), [Span(5, 6)]).value
        'to'
    """
    used: set[int] = set()
    for span in named:
        at = span.first - 1
        while at >= 0 and folded[at] in _BETWEEN:
            at -= 1
        used.add(at)
    inside = {at for span in named for at in range(*span)}
    said = [of_word(w) for at, w in enumerate(folded) if at not in used | inside]
    ends = {end for end in said if end is not None}
    return ends.pop() if len(ends) == 1 else None
