"""Ask for one end of a relation in the English that its label suggests.

A label such as ``directed by`` reads from head to tail: "Alien is directed by Ridley Scott".
Every function returns an empty text where no question would sound right.
"""

from graphllm.io.wide import singular
from graphllm.retrieval.labels import PREPOSITIONS, VERBS, LabelForm, label_form

# Simple past and base form of verbs that say what their subject does.
BASE = {
    "achieved": "achieve", "acted": "act", "appeared": "appear", "authored": "author",
    "began": "begin", "belonged": "belong", "bought": "buy", "built": "build", "chose": "choose",
    "cited": "cite", "coached": "coach", "competed": "compete", "composed": "compose",
    "created": "create", "defeated": "defeat", "designed": "design", "developed": "develop",
    "died": "die", "directed": "direct", "discovered": "discover", "drew": "draw", "edited": "edit",
    "employed": "employ", "fought": "fight", "found": "find", "founded": "found",
    "graduated": "graduate", "grew": "grow", "held": "hold", "influenced": "influence",
    "invented": "invent", "joined": "join", "knew": "know", "led": "lead", "lived": "live",
    "made": "make", "managed": "manage", "met": "meet", "moved": "move", "owned": "own",
    "painted": "paint", "participated": "participate", "performed": "perform", "played": "play",
    "produced": "produce", "published": "publish", "purchased": "purchase", "ran": "run",
    "rated": "rate", "received": "receive", "recorded": "record", "reviewed": "review",
    "sang": "sing", "served": "serve", "sold": "sell", "spoke": "speak", "starred": "star",
    "studied": "study", "supervised": "supervise", "taught": "teach", "took": "take",
    "translated": "translate", "traveled": "travel", "visited": "visit", "watched": "watch",
    "won": "win", "worked": "work", "wrote": "write",
}  # fmt: skip
# Verbs that, before a preposition, say what somebody did: "acted in", but "located in" is a state.
_INTRANSITIVE = frozenset({
    "acted", "appeared", "belonged", "competed", "died", "fought", "graduated", "grew", "lived",
    "moved", "participated", "performed", "played", "ran", "sang", "served", "spoke", "starred",
    "studied", "taught", "traveled", "worked",
})  # fmt: skip
_OF_THINGS_TOO = {
    "appeared",
    "began",
    "belonged",
    "grew",
    "held",
    "influenced",
    "made",
    "moved",
    "ran",
}
_PERSONAL = frozenset(BASE) - _OF_THINGS_TOO
_PAST_OF = {
    "drawn": "drew", "given": "gave", "grown": "grew", "known": "knew", "run": "ran",
    "spoken": "spoke", "sung": "sang", "taken": "took", "written": "wrote",
}  # fmt: skip
_SAME_PAST = frozenset({"built", "held", "led", "made", "sold", "taught", "won"})
_PLACED = frozenset({"born", "based", "buried", "located", "situated", "headquartered"})
_PLACE_VERBS = frozenset({"died", "lived", "served", "studied", "taught", "worked"})
_OVER = frozenset({"born"})  # states that lie in the past
_WITHOUT_ARTICLE = frozenset({"kind", "part", "parts", "type"})
_PRESENT = frozenset({
    "activates", "affects", "borders", "calls", "causes", "follows", "hates", "includes",
    "inhibits", "influences", "regulates", "requires", "supports", "treats",
})  # fmt: skip
_UNSAYABLE = frozenset({"are", "be", "had", "has", "have", "is", "of", "via", "was", "were"})
PEOPLE = frozenset({
    "actor", "actress", "artist", "author", "composer", "customer", "director", "employee", "human",
    "musician", "patient", "people", "person", "player", "politician", "scientist", "student",
    "teacher", "user", "writer",
})  # fmt: skip


def ask_heads(words: str, tail: str, *, of_people: bool, kind: str = "") -> str:
    """Return a question for what has the relation to ``tail``.

    Args:
        words: The relation's label in words.
        tail: The name that is given.
        of_people: Whether the answers are known to be people.
        kind: The type of all answers, if they have one.

    Examples:
        >>> ask_heads("acted in", "The Matrix", of_people=False)
        'Who acted in The Matrix?'
        >>> ask_heads("genre", "Drama", of_people=False, kind="movies")
        'Which movies have the genre Drama?'
    """
    first, last = words.split()[0], words.split()[-1]
    who = "Who" if of_people or (not kind and _is_done_by_people(words)) else "What"
    form = label_form(words)
    if form is LabelForm.NOUN and not _is_present(words):
        return _ask_owners(words, tail, of_people=of_people, kind=kind)
    if form is LabelForm.PASSIVE:
        return f"{who} was {words} {tail}?"
    if " " not in words or first in _INTRANSITIVE or _is_present(words):
        return f"{who} {words} {tail}?"
    if last in PREPOSITIONS:
        be = "was" if who == "Who" and first in _OVER else "is"
        return f"{who} {be} {_article(words)}{words} {tail}?"
    return ""


def ask_tails(words: str, head: str, tail: str, *, of_people: bool) -> str:
    """Return a question for what ``head`` has the relation to.

    Args:
        words: The relation's label in words.
        head: The name that is given.
        tail: One of the answers; a number tells when, not where.
        of_people: Whether the answers are known to be people.

    Examples:
        >>> ask_tails("directed by", "Alien", "Ridley Scott", of_people=False)
        'Who directed Alien?'
        >>> ask_tails("born in", "Marie", "Warsaw", of_people=False)
        'Where was Marie born?'
    """
    first, last = words.split()[0], words.split()[-1]
    who = "Who" if of_people or singular(last) in PEOPLE else "What"
    form = label_form(words)
    if _is_present(words):
        verb, *rest = words.split()
        return f"{who} does {' '.join([head, singular(verb), *rest])}?"
    if form is LabelForm.NOUN:
        if last in PREPOSITIONS | _UNSAYABLE:
            return ""
        be = "is" if singular(last) == last else "are"
        return f"{who} {be} the {words} of {head}?"
    if form is LabelForm.PASSIVE:
        past = past_of(words.removesuffix(" by"))
        return f"Who {past} {head}?" if past else f"Who was {head} {words}?"
    where = "When" if tail[:4].isdecimal() else "Where"
    if first in _PLACED and last in ("in", "at", "on"):
        return f"{where} {'was' if first in _OVER else 'is'} {head} {first}?"
    if first in BASE:
        if first in _PLACE_VERBS and last in ("in", "at"):
            return f"{where} did {head} {BASE[first]}?"
        return f"{who} did {' '.join([head, BASE[first], *words.split()[1:]])}?"
    return f"{who} is {head} {_article(words)}{words}?" if last in PREPOSITIONS else ""


def _ask_owners(words: str, tail: str, *, of_people: bool, kind: str) -> str:
    if " " in words or words in PREPOSITIONS | _UNSAYABLE:
        return ""
    if of_people:
        return f"Whose {words} is {tail}?"
    return f"Which {_plural(kind)} have the {words} {tail}?" if kind else ""


def _is_done_by_people(words: str) -> bool:
    first, *rest = words.split()
    return first in (_PERSONAL & _INTRANSITIVE if rest else _PERSONAL)


def _is_present(words: str) -> bool:
    """Whether words begin with a verb in the present: "orbits", "reports to"."""
    first, *rest = words.split()
    is_verb = first.endswith("s") and singular(first) != first
    if rest:
        return is_verb and len(rest) == 1 and rest[0] in ("to", "for", "with", "from", "on")
    return is_verb and (words in VERBS or words in _PRESENT)


def past_of(participle: str) -> str:
    """Return the simple past of a participle; empty where it is not known."""
    if " " in participle:
        return ""
    if participle.endswith("ed") or participle in _SAME_PAST:
        return participle
    return _PAST_OF.get(participle, "")


def _article(words: str) -> str:
    """Return "the " before a noun that is something of another: "the capital of"."""
    first, *rest = words.split()
    is_noun = rest == ["of"] and not first.endswith(("ed", "en")) and first != "made"
    if not is_noun or first in _WITHOUT_ARTICLE:
        return ""
    return "a " if first == "member" else "the "


def _plural(kind: str) -> str:
    kind = singular(kind)
    if kind in ("person", "child", "man", "woman"):
        return {"person": "people", "child": "children", "man": "men", "woman": "women"}[kind]
    if kind.endswith("y") and kind[-2:-1] not in "aeiou":
        return f"{kind[:-1]}ies"
    return f"{kind}es" if kind.endswith(("s", "x", "ch", "sh")) else f"{kind}s"
