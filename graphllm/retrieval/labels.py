"""How the label of a relation reads between its head and its tail."""

from enum import Enum
from functools import lru_cache

from graphllm.retrieval.english import IRREGULAR, words


class LabelForm(Enum):
    """How a relation's label reads between its head and its tail."""

    NOUN = "noun"  # tail is the LABEL of head: "doctoral advisor"
    ACTIVE = "active"  # head LABEL tail: "discovered", "located in"
    PASSIVE = "passive"  # head is LABEL tail: "directed by"


_PREPOSITIONS = words("in at to of on with for from after under")


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
    if words[-1] in _PREPOSITIONS:
        return LabelForm.ACTIVE
    last = words[-1]
    is_past = last.endswith("ed") or (last in IRREGULAR and last in _VERBS)
    return LabelForm.ACTIVE if is_past and len(words) == 1 else LabelForm.NOUN


_VERBS = words(
    "wrote written won taught sang sung sold bought led held built found knew known grew ran "
    "chose chosen drew drawn gave given wed born died acted influences measures orbits calls owns "
    "treats causes contains "
    "uses follows cites likes knows loves hates manages leads supports requires includes affects "
    "inhibits activates regulates borders employs produces makes sells buys teaches advises"
)
