"""Where a question begins: after "Sorry, but could you please tell me ..."."""

import re
from collections.abc import Sequence

from graphllm.retrieval.english import FUNCTION_WORDS, Token
from graphllm.retrieval.linker import Span

_FILLERS = (
    "so|ok|okay|well|oh|ah|hmm?|hey|hi|hello|(?:good )?(?:morning|afternoon|evening)|sorry|"
    "excuse me|and|but|also|now|next one|one more(?: thing| question)?|by the way|btw|say|"
    "(?:a )?quick question|real quick|out of curiosity|just (?:curious|wondering)|anyway|actually|"
    "not sure(?: who to ask| if this is the right place)?|help me out|please|kindly|tell me"
)
_ASKING = (
    "(?:can|could|would|will) (?:you|anyone|someone|i|we)(?: (?:please|kindly|maybe|be able to|"
    "happen to|like to))*|(?:do|does) (?:you|anyone|anybody|someone|somebody)(?: happen to)?|"
    "(?:i|we)(?: ?would| ?d| will| ?ll)?(?: also| just)? (?:like|love|want|need|wish|wonder|have)"
    "(?: to)?|(?:i|we) ?(?:am|m|was|were|are|re) (?:trying to|looking to|wondering|curious)|"
    "it would help(?: me)?(?: to)?"
)
_TELLING = (
    "(?:tell|give|show|get|bring|find|list|name|provide|state|specify|indicate|identify|report|"
    "look|know|learn|see|hear|have|be given|be told|check|help)"
    "(?: (?:me|us|out|up|for me|with|all|of))*"
)
_BEGINS = (
    "what|which|who|whom|whose|where|when|why|how|if|whether|the|all|a|an|every|any|each|from|"
    "on which|in which|is|are|was|were|did|does|do|has|have|had|can|could|in what"
)
_OPENING = re.compile(
    rf"(?:(?:{_FILLERS}) )*(?:(?:{_ASKING}) )?(?:(?:please|kindly) )*(?:{_TELLING} )?"
    rf"(?=(?:{_BEGINS})(?: |$))"
)
_THANKS = frozenset(("thanks", "thank", "please", "btw", "again", "then"))


def opening(tokens: Sequence[Token]) -> int:
    """Return how many words only lead to the question.

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> [opening(tokenize(q)) for q in (
        ...     "Sorry, but could you tell me who wrote it?", "Is it so?", "State parks of Utah",
        ...     "I'd like to know whether Ada wrote it", "Ok, next one: did she?")]
        [6, 0, 0, 4, 3]
    """
    found = _OPENING.match(joined(tokens))
    return words_before(tokens, found.end()) if found else 0


def joined(tokens: Sequence[Token]) -> str:
    """Return the folded words as one text."""
    return " ".join(token.folded for token in tokens)


def words_before(tokens: Sequence[Token], offset: int) -> int:
    """Return how many words begin before an offset in the joined text; one may hold a space."""
    starts, length = 0, 0
    for token in tokens:
        starts += length < offset
        length += len(token.folded) + 1
    return starts


def courtesies(tokens: Sequence[Token]) -> list[Span]:
    """Return the words of an opening, and of the thanks at the end, that would mean something else.

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> courtesies(tokenize("Please specify the area of Peru. Thanks!"))
        [Span(first=1, last=2), Span(first=6, last=7)]
    """
    first, last = opening(tokens), len(tokens)
    while last > first and tokens[last - 1].folded in _THANKS:
        last -= 1
    around = (*range(first), *range(last, len(tokens)))
    return [Span(i, i + 1) for i in around if tokens[i].folded not in FUNCTION_WORDS]
