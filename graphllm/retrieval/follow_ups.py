"""The forms of questions that only make sense after an earlier one: "what about Ada?", "when?"."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace

from graphllm.query.plan import Count, Entities, Exists, Follow, Intersect, NodePlan, Plan, Step
from graphllm.query.plan import ShortestPath as Path
from graphllm.retrieval.english import FUNCTION_WORDS, Token, words
from graphllm.retrieval.linker import Span

_OPENINGS = tuple(
    tuple(text.split())
    for text in (
        "and what about", "and how about", "what about", "how about", "the same question for",
        "the same for", "same question for", "same for", "the same", "same", "and", "but", "or",
        "ok", "okay", "so", "now", "then", "also", "well", "hm", "thanks", "please",
    )
)  # fmt: skip
_CORRECTIONS = tuple(
    tuple(text.split())
    for text in (
        "i actually meant", "i meant to say", "i meant", "i mean", "i was asking about",
        "i asked about", "i asked for", "no not that", "no", "not that", "nope", "sorry", "oops",
        "wait", "actually", "rather", "correction", "make that", "that should be", "it should be",
    )
)  # fmt: skip
_REVERSED = tuple(
    tuple(text.split())
    for text in (
        "the other way round", "the other way around", "other way round", "other way around",
        "vice versa", "the reverse", "in reverse", "conversely", "in the other direction",
        "the opposite direction", "the other direction",
    )
)  # fmt: skip
_AMONG = tuple(
    tuple(text.split())
    for text in (
        "of them", "of those", "of these", "of the two", "of the three", "among them",
        "among those", "among these", "which one", "which ones", "only those", "only the ones",
        "only these", "only ones", "only", "just those", "just the ones", "just", "from those",
        "from these", "those", "the ones", "any of them", "all of them",
    )
)  # fmt: skip
_ASKING = words("who whom when where what which why how")
_WITH_ASKING = words("by to from in for at on with year date day place exactly and but")
_BEST_OF = {
    "more": "most", "less": "least", "fewer": "fewest", "better": "best", "worse": "worst",
    **{
        f"{stem}er": f"{stem}est"
        for stem in (
            "old", "young", "new", "earli", "lat", "larg", "bigg", "great", "small", "high",
            "tall", "low", "long", "short", "cheap", "heavi", "light", "rich", "poor", "fast",
            "slow", "deep",
        )
    },
}  # fmt: skip
_FIRST_OF_ALL = words("those the only just")


def opening(tokens: Sequence[Token]) -> int:
    """Return how many words only lead over: "and", "what about", "no, I meant".

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> [opening(tokenize(q)) for q in ("and what about Ada", "No, I meant Ada", "who is Ada")]
        [3, 3, 0]
    """
    said = [t.folded for t in tokens]
    position = 0
    while found := _begins(said[position:], (*_CORRECTIONS, *_OPENINGS)):
        position += found
    return position


def corrects(tokens: Sequence[Token]) -> bool:
    """Return whether a question begins by taking back what was asked.

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> [corrects(tokenize(q)) for q in ("Sorry, I meant Ada", "and Ada?", "Ada, not Bo")]
        [True, False, True]
    """
    said = [t.folded for t in tokens]
    return bool(_begins(said[1:] if said[:1] == ["and"] else said, _CORRECTIONS)) or (
        "not" in said[1:] and not _ASKING & set(said)
    )


def _begins(said: Sequence[str], phrases: Sequence[tuple[str, ...]]) -> int:
    return max((len(p) for p in phrases if tuple(said[: len(p)]) == p), default=0)


def compared_as_best(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """Return the words with "which one is older?" said as "which one is oldest?".

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> [t.folded for t in compared_as_best(tokenize("Which one is more expensive?"))]
        ['which', 'one', 'is', 'most', 'expensive']
    """
    if any(t.folded == "than" for t in tokens):
        return tuple(tokens)
    return tuple(t._replace(folded=_BEST_OF.get(t.folded, t.folded)) for t in tokens)


def asks_reverse(tokens: Sequence[Token]) -> bool:
    """Return whether a question only asks for the other direction: "and vice versa?"."""
    return tuple(t.folded for t in tokens[opening(tokens) :]) in _REVERSED


def asks_how_many(tokens: Sequence[Token]) -> bool:
    """Return whether a question only asks for the number of what was just answered.

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> [asks_how_many(tokenize(q)) for q in ("how many are there?", "how many films?")]
        [True, False]
    """
    said = [t.folded for t in tokens]
    counts = any(said[i : i + 2] == ["how", "many"] for i in range(len(said)))
    return counts and all(word in FUNCTION_WORDS for word in said)


def asks_otherwise(tokens: Sequence[Token]) -> list[Token]:
    """Return the words of a question that only asks anew about the same: "and when?", "by whom?".

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> [[t.text for t in asks_otherwise(tokenize(q))] for q in ("And by whom?", "who is Ada")]
        [['by', 'whom'], []]
    """
    rest = list(tokens[opening(tokens) :])
    said = [t.folded for t in rest]
    asks = sum(w in _ASKING for w in said) == 1 and said not in (["why"], ["what"], ["how"])
    return rest if asks and all(w in _ASKING | _WITH_ASKING for w in said) else []


def among(tokens: Sequence[Token]) -> Span | None:
    """Return where a question speaks of some of what was answered: "which of them", "only those".

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> among(tokenize("Which of these is the oldest?")), among(tokenize("Who knows them?"))
        (Span(first=1, last=3), None)
    """
    said = [t.folded for t in tokens]
    for first in range(opening(tokens), len(said)):
        length = _begins(said[first:], _AMONG)
        begins = first == opening(tokens) or said[first] not in _FIRST_OF_ALL
        if length and begins:
            return Span(first, first + length)
    return None


def mapped(plan: Plan, change: Callable[[Plan], Plan]) -> Plan:
    """Return ``plan`` with ``change`` made to each of its parts, the innermost first."""
    inner = {
        field.name: mapped(part, change)
        for field in fields(plan)
        if isinstance(part := getattr(plan, field.name), NodePlan)
    }
    return change(replace(plan, **inner) if inner else plan)  # type: ignore[arg-type]


def about(plan: Plan, old: Entities, new: Entities) -> Plan:
    """Return ``plan`` with the entities ``old`` replaced by ``new``.

    Examples:
        >>> from graphllm.query.text import parse_plan, to_text
        >>> plan = parse_plan('count(follow(entities("a"), "knows"))')
        >>> to_text(about(plan, Entities(("a",)), Entities(("b",))))
        'count(follow(entities("b"), "knows"))'
    """
    return mapped(plan, lambda part: new if part == old else part)


def reversed_plan(plan: Plan) -> Plan | None:
    """Return the plan that asks the other way round; ``None`` where that has no meaning.

    Examples:
        >>> from graphllm.query.text import parse_plan, to_text
        >>> to_text(reversed_plan(parse_plan('follow(entities("a"), "teaches")')))
        'follow(entities("a"), ~"teaches")'
        >>> text = 'exists(intersect(follow(entities("a"), "teaches"), entities("b")))'
        >>> to_text(reversed_plan(parse_plan(text)))
        'exists(intersect(follow(entities("b"), "teaches"), entities("a")))'
    """
    match plan:
        case Count(Follow(Entities() as start, step)):
            return Count(Follow(start, _back(step)))
        case Follow(Entities() as start, step):
            return Follow(start, _back(step))
        case Exists(Intersect(Follow(Entities() as start, step), Entities() as end)):
            return Exists(Intersect(Follow(end, step), start))
        case Path(start, end):
            return replace(plan, start=end, end=start)
    return None


def _back(step: Step) -> Step:
    return replace(step, inverse=not step.inverse)
