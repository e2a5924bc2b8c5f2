"""Which way a relation is walked, read from grammar: "who advised X" against "who did X advise".

Kinds of nodes settle most directions by themselves; this matters where both ends of a relation are
of one kind (people who teach, marry or influence people).
"""

from collections.abc import Sequence
from enum import Enum

from graphllm.retrieval.english import (
    AGENT_ENDINGS,
    COPULAS,
    Token,
    family,
    is_converse,
    synonyms,
    words,
)
from graphllm.retrieval.labels import LabelForm, label_form
from graphllm.retrieval.linker import Span


class Role(Enum):
    """What the entity (or the nodes reached so far) is to a word."""

    AGENT = "agent"  # X does it: "did X advise", "advised by X"
    PATIENT = "patient"  # it is done to X: "who advised X", "X was advised by"
    POSSESSOR = "possessor"  # "advisor of X", "X's advisor"
    HOLDER = "holder"  # "X is the advisor of ..."
    UNKNOWN = "unknown"


_OWNERS = words("his her its their")
_BETWEEN = words("the a an")


def role_of(tokens: Sequence[Token], position: int, entity: Span) -> Role:
    """Return what the entity is to the word at ``position``.

    Examples:
        >>> from graphllm.retrieval.english import tokenize
        >>> def role(text, word, name):
        ...     words = tokenize(text)
        ...     at = [t.text for t in words].index
        ...     return role_of(words, at(word), Span(at(name), at(name) + 1)).value
        >>> role("who advised Fermi", "advised", "Fermi")
        'patient'
        >>> role("who did Fermi advise", "advise", "Fermi")
        'agent'
        >>> role("the students of Fermi", "students", "Fermi")
        'possessor'
        >>> role("Fermi was advised by whom", "advised", "Fermi")
        'patient'
    """
    words = [t.folded for t in tokens]
    if entity.last <= position <= entity.last + 1 and words[entity.first] in _OWNERS:
        return Role.POSSESSOR
    owned = [w == "s" for w in words[max(position - 2, 0) : position]]
    if any(owned):
        return Role.POSSESSOR
    if words[position + 1 : position + 2] == ["of"]:
        is_one = any(w in COPULAS for w in words[max(entity.first - 1, 0) : position])
        names = any(t.text[:1].isupper() for t in tokens[position + 2 : position + 4])
        holds = entity.last <= position and is_one and names
        return Role.HOLDER if holds else Role.POSSESSOR
    if position < entity.first:
        between = [w for w in words[position + 1 : entity.first] if w not in _BETWEEN]
        if between[:1] == ["by"]:
            return Role.AGENT
        if "s" in between or "of" in between:
            return Role.UNKNOWN
        return Role.PATIENT if len(between) <= 1 else Role.UNKNOWN
    between = words[entity.last : position]
    if words[position + 1 : position + 2] == ["by"]:
        return Role.PATIENT
    if any(w in ("did", "does", "do") for w in words[max(entity.first - 4, 0) : entity.first]):
        return Role.AGENT
    if any(w in COPULAS for w in between):
        return Role.UNKNOWN
    return Role.AGENT if not between or between == ["also"] else Role.UNKNOWN


def forward(label: str, word: str, role: Role) -> bool | None:
    """Return whether the relation is walked from head to tail; ``None`` when grammar is silent.

    Args:
        label: The words of the relation's label.
        word: The folded word of the question that points to it.
        role: What the entity is to that word.

    Examples:
        >>> forward("doctoral advisor", "students", Role.POSSESSOR)
        False
        >>> forward("doctoral advisor", "advised", Role.PATIENT)
        True
        >>> forward("discovered", "discoverer", Role.POSSESSOR)
        False
        >>> [forward("parent of", word, Role.POSSESSOR) for word in ("parents", "children")]
        [False, True]
    """
    if role is Role.UNKNOWN:
        return None
    if role is Role.HOLDER:
        possessed = forward(label, word, Role.POSSESSOR)
        return None if possessed is None else not possessed
    form = label_form(label)
    if form is LabelForm.NOUN:
        return _forward_noun(label, word, role)
    if role is Role.POSSESSOR:
        noun = label.removesuffix(" of")
        if noun != label and not noun.endswith(("ed", "en", "made")):  # the head is the noun
            return names_other_end(noun, word)
        names_agent = word.rstrip("s").endswith(AGENT_ENDINGS)
        return names_agent == (form is LabelForm.PASSIVE)
    return (role is Role.AGENT) == (form is LabelForm.ACTIVE)


def _forward_noun(label: str, word: str, role: Role) -> bool | None:
    if role is Role.POSSESSOR:
        return not names_other_end(label, word)
    names_agent = label.rstrip("s").endswith(AGENT_ENDINGS)
    if not names_agent:
        return None
    return (role is Role.PATIENT) != names_other_end(label, word)


def names_other_end(label: str, word: str) -> bool:
    """Return whether ``word`` names the head of a relation whose label names the tail.

    Examples:
        >>> names_other_end("doctoral advisor", "students"), names_other_end("parent", "mother")
        (True, False)
    """
    parts = label.split()
    direct = any(family(part) == family(word) or synonyms(part, word) for part in parts)
    return not direct and any(is_converse(part, word) for part in parts)
