"""Questions that only make sense after the one before: "what about Ada?", "how many?"."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import cast

from graphllm.answer.history import Turn
from graphllm.errors import PlanError
from graphllm.query.plan import Count, Entities, NodePlan, Plan
from graphllm.query.text import parse_plan
from graphllm.retrieval.english import FUNCTION_WORDS, Token
from graphllm.retrieval.linker import Span

_OPENINGS = (("what", "about"), ("how", "about"), ("and",), ("and", "what", "about"))


def earlier_plan(history: Sequence[Turn]) -> Plan | None:
    """Return the plan of the last turn, or ``None`` when it had none that reads."""
    text = history[-1].plan_text if history else None
    if not text:
        return None
    try:
        return parse_plan(text)
    except PlanError:
        return None


def asks_the_same(tokens: Sequence[Token], named: Sequence[Span]) -> bool:
    """Return whether a question only names somebody else: "and Pierre Curie?".

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> asks_the_same(tokenize("what about Pierre Curie"), [Span(2, 4)])
        True
        >>> asks_the_same(tokenize("and who married Pierre Curie"), [Span(3, 5)])
        False
    """
    rest = [
        t.folded
        for i, t in enumerate(tokens)
        if not any(span.first <= i < span.last for span in named)
    ]
    return not rest or tuple(rest) in _OPENINGS


def asks_how_many(tokens: Sequence[Token]) -> bool:
    """Return whether a question only asks for the number of what was just answered.

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> [asks_how_many(tokenize(q)) for q in ("how many are there?", "how many films?")]
        [True, False]
    """
    words = [t.folded for t in tokens]
    counts = any(words[i : i + 2] == ["how", "many"] for i in range(len(words)))
    return counts and all(word in FUNCTION_WORDS for word in words)


def counted(plan: Plan) -> Plan | None:
    """Return the plan that counts what ``plan`` listed; ``None`` when it listed no nodes."""
    return Count(plan) if isinstance(plan, NodePlan) else None


def about(plan: Plan, keys: tuple[str, ...]) -> Plan:
    """Return ``plan`` with the entities it begins with replaced by ``keys``.

    Examples:
        >>> from graphllm.query.text import to_text
        >>> to_text(about(parse_plan('count(follow(entities("a"), "knows"))'), ("b",)))
        'count(follow(entities("b"), "knows"))'
    """
    if isinstance(plan, Entities):
        return Entities(keys)
    for field in fields(plan):
        inner = getattr(plan, field.name)
        if isinstance(inner, NodePlan):
            changed = about(inner, keys)
            if changed != inner:
                return cast("Plan", replace(plan, **{field.name: changed}))  # type: ignore[arg-type]
    return plan
