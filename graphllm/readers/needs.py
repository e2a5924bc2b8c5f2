"""What a question needs of a language model: a rewriting, a plan, or just an answer from facts."""

from collections.abc import Sequence

import numpy as np

from graphllm.graph.textualize import Textualized
from graphllm.graph.view import GraphView, edges_of
from graphllm.readers.judging import Named, named
from graphllm.retrieval.constraints import superlative
from graphllm.retrieval.english import words
from graphllm.retrieval.intents import Want, intent
from graphllm.retrieval.linker import Seeds

_FIRST_LINES = 3  # the facts that bear most on a question
_POINTS_BACK = words(
    "it its he him his she her hers they them their theirs this that these those there then one "
    "ones same other others another else also too both former latter previous first second"
)
_GOES_ON = frozenset(["and", "or", "but", "so", "what about", "how about", "why"])


def wants_plan(seeds: Seeds) -> bool:
    """Return whether a question asks for what must be worked out: counts, extremes, yes or no.

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> ask = lambda q: wants_plan(Seeds(q, tuple(tokenize(q)), ()))
        >>> ask("how many films did she direct?"), ask("who is the oldest?"), ask("who knows Ada?")
        (True, True, False)
    """
    wanted = intent(seeds.tokens).want
    worked_out = wanted in (Want.COUNT, Want.AVERAGE, Want.TOTAL, Want.CONFIRM)
    return worked_out or superlative(seeds.tokens) is not None


def breaks_off(shown: Textualized, names: Sequence[Named], view: GraphView) -> bool:
    """Return whether a list that the question may ask for is longer than the text shows.

    That is so when one of the first lines tells of some edges of a named node by a relation, but
    the text does not hold all of them.
    """
    if not shown.truncated:
        return False
    stated, asked = set(shown.edges), {node for name in names for node in name.nodes}
    for edge in (edge for line in shown.lines[:_FIRST_LINES] for edge in line):
        relation = int(view.relation_ids[edge])
        for node, inverse in ((int(view.heads[edge]), False), (int(view.tails[edge]), True)):
            if node in asked:
                there = edges_of(view, np.array([node]), relation, inverse=inverse)
                if len(there) > len(stated) or not stated.issuperset(there.tolist()):
                    return True
    return not shown.lines


def points_back(seeds: Seeds) -> bool:
    """Return whether a question may need the conversation to be understood.

    It does when it has a word such as "it" or "there", begins with "and" or "what about", or names
    nothing that is in the graph.

    Args:
        seeds: The question, linked without the conversation.
    """
    said = [token.folded for token in seeds.tokens]
    opening = {" ".join(said[:1]), " ".join(said[:2])}
    return not named(seeds) or not _POINTS_BACK.isdisjoint(said) or bool(opening & _GOES_ON)
