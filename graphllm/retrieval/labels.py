"""How the label of a relation reads between its head and its tail."""

from enum import Enum
from functools import lru_cache

from graphllm.retrieval.english import words


class LabelForm(Enum):
    """How a relation's label reads between its head and its tail."""

    NOUN = "noun"  # tail is the LABEL of head: "doctoral advisor"
    ACTIVE = "active"  # head LABEL tail: "discovered", "located in"
    PASSIVE = "passive"  # head is LABEL tail: "directed by"


# Verbs that neither end in -ed nor are told from nouns by their form.
VERBS = words(
    "wrote written writes won taught teaches sang sung sold sells bought buys led leads held built "
    "found knew known knows grew ran chose chosen drew drawn gave given wed born made makes "
    "influences measures orbits calls owns treats causes contains uses follows cites likes loves "
    "hates manages supports requires includes affects inhibits activates regulates borders employs "
    "produces advises supervises crosses directs has plays"
)
_SHORTEST_PAST = 4  # letters of a word in -ed that is no past tense: "bed", "seed"
# After which a label reads from head to tail; and all that a label may end in.
_ACTIVE_ENDS = words("in at to of on with for from after under")
PREPOSITIONS = frozenset({
    "about", "after", "at", "by", "for", "from", "in", "into", "of", "on", "over", "to", "under",
    "with",
})  # fmt: skip


@lru_cache(maxsize=4096)
def label_form(label: str) -> LabelForm:
    """Return how the words of a label read.

    Examples:
        >>> [label_form(x).value for x in ("directed by", "won", "doctoral advisor", "located in")]
        ['passive', 'active', 'noun', 'active']
    """
    words = label.split() or [""]
    if words[-1] == "by":
        return LabelForm.PASSIVE
    if words[-1] in _ACTIVE_ENDS:
        return LabelForm.ACTIVE
    last = words[-1]
    is_verb = last in VERBS or (last.endswith("ed") and len(last) > _SHORTEST_PAST)
    return LabelForm.ACTIVE if is_verb and len(words) == 1 else LabelForm.NOUN
