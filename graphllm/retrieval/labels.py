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
    "produces advises supervises crosses directs has plays supplies delivers provides serves funds "
    "finances sponsors operates maintains acquires mentors hires coaches distributes feeds eats "
    "pollinates governs rules replaces depends connects contradicts"
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


_BE = words("is are was were be been being has have")
_PARTICIPLES = {
    "wrote": "written", "writes": "written", "sings": "sung", "sang": "sung", "sells": "sold",
    "buys": "bought", "leads": "led", "holds": "held", "finds": "found", "knows": "known",
    "knew": "known", "runs": "run", "ran": "run", "chooses": "chosen", "chose": "chosen",
    "draws": "drawn", "drew": "drawn", "gives": "given", "gave": "given", "makes": "made",
    "teaches": "taught", "wins": "won", "grows": "grown", "grew": "grown", "feeds": "fed",
    "builds": "built", "takes": "taken", "took": "taken", "eats": "eaten", "ate": "eaten",
    "drives": "driven", "drove": "driven", "brings": "brought", "keeps": "kept", "sends": "sent",
    "plans": "planned", "ships": "shipped", "stops": "stopped", "controls": "controlled",
}  # fmt: skip


def turned(label: str) -> str:
    """Return a label that says from the other end what ``label`` says; "" where there is none.

    Examples:
        >>> [turned(x) for x in ("supplied by", "supplies", "supplier", "supplier of", "works for")]
        ['supplied', 'supplied by', 'supplier of', 'supplier', '']
    """
    parts = label.split()
    while len(parts) > 1 and parts[0] in _BE:
        parts = parts[1:]
    rest = " ".join(parts[:-1])
    form = label_form(" ".join(parts))
    if form is LabelForm.PASSIVE:
        return rest
    if form is LabelForm.NOUN:
        return f"{' '.join(parts)} of"
    if parts[-1] == "of" and rest:
        return rest
    return f"{_participle(parts[0])} by" if len(parts) == 1 else ""


def _participle(verb: str) -> str:
    """Return the participle of a verb in the simple past or with an "s"."""
    if verb in _PARTICIPLES or not verb.endswith("s"):
        return _PARTICIPLES.get(verb, verb)
    if verb.endswith("ies"):
        return f"{verb[:-3]}ied"
    stem = verb[:-2] if verb.endswith(("ches", "shes", "sses", "xes")) else verb[:-1]
    return f"{stem}d" if stem.endswith("e") else f"{stem}ed"
