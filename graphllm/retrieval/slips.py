"""Words as they were meant: those of names that are one slip of the fingers away."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from graphllm.index.names import Names
from graphllm.retrieval.english import FUNCTION_WORDS, Token, family

_MOST_MEANT = 6  # words that one word may have been meant to be
_MOST_READINGS = 12  # of one stretch of words
_MOST_SLIPS = 2  # words of one name that are misspelt


class Reading(NamedTuple):
    """What a stretch of words was meant to say, folded, and how many of its words were slips."""

    text: str
    num_slips: int


def meant(tokens: Sequence[Token], names: Names) -> dict[int, tuple[str, ...]]:
    """Return, by position, the words of names that a word no name has may have been meant to be.

    Other forms of the same English word are no slips: "rivers" is not a misspelt "river".

    Examples:
        >>> from graphllm.graph import TextualGraph
        >>> from graphllm.retrieval.english import tokenize
        >>> graph = TextualGraph.from_triples([("Marie Curie", "born in", "Warsaw")])
        >>> meant(tokenize("Was Marie Cruie born in Warsaw?"), Names.build(graph))
        {2: ('curie',)}
    """
    words = {i: t.folded for i, t in enumerate(tokens) if t.folded not in FUNCTION_WORDS}
    found = names.slips(words.values())
    intended = {
        word: tuple(other for other in alike if not _is_form_of(word, other))[:_MOST_MEANT]
        for word, alike in found.items()
    }
    return {i: intended[word] for i, word in words.items() if intended.get(word)}


def _is_form_of(word: str, other: str) -> bool:
    """Whether two words differ in their ending alone, and are forms of one English word."""
    stem = min(len(word), len(other), max(len(word), len(other)) - 1)
    return word[:stem] == other[:stem] and family(word) == family(other)


def readings(
    words: Sequence[str], first: int, intended: Mapping[int, Sequence[str]]
) -> Iterator[Reading]:
    """Yield what the folded ``words`` from position ``first`` on may have been meant to say.

    Every word that may be a slip is taken for one; nothing is yielded where there is none, or
    more than a person makes in one name.

    Examples:
        >>> list(readings(["marie", "cruie"], 4, {5: ("curie", "cruise")}))
        [Reading(text='marie curie', num_slips=1), Reading(text='marie cruise', num_slips=1)]
    """
    slips = [i for i in range(first, first + len(words)) if i in intended]
    if not 1 <= len(slips) <= _MOST_SLIPS:
        return
    choices = [intended.get(i, (word,)) for i, word in enumerate(words, first)]
    for number, chosen in enumerate(product(*choices)):
        if number == _MOST_READINGS:
            return
        yield Reading(" ".join(word for word in chosen if word), len(slips))
