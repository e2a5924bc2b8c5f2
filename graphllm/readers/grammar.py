"""How the label of a relation is used in an English sentence."""

PREPOSITIONS = frozenset({
    "about", "after", "at", "by", "for", "from", "in", "into", "of", "on", "over", "to", "under",
    "with",
})  # fmt: skip
# Verbs that neither end in -ed nor are told from nouns by their form.
VERBS = frozenset({
    "built", "cites", "contains", "crosses", "directs", "employs", "founded", "has", "invented",
    "knows", "leads", "likes", "loves", "made", "measures", "orbits", "owns", "plays", "sells",
    "teaches", "taught", "treats", "uses", "won", "wrote", "writes",
})  # fmt: skip
# Participles that say what was done to the head, even if it is a person.
PASSIVE = frozenset({
    "based", "born", "buried", "connected", "located", "married", "named", "related",
})  # fmt: skip


def is_phrase(words: str) -> bool:
    """Whether words need a noun after them: "located in", "discovered"; and not "capital".

    Examples:
        >>> [words for words in ("part of", "won", "doctoral advisor") if is_phrase(words)]
        ['part of', 'won']
    """
    return words.split(" ")[-1] in PREPOSITIONS or _is_verb(words)


def is_active(words: str, *, of_people: bool) -> bool:
    """Whether words say what their subject does: "discovered", of people also "worked at".

    Examples:
        >>> is_active("worked at", of_people=True), is_active("located in", of_people=False)
        (True, False)
    """
    first, *more = words.split(" ")
    if more and more[-1] in PREPOSITIONS:
        return of_people and first.endswith("ed") and first not in PASSIVE
    return _is_verb(words)


def _is_verb(words: str) -> bool:
    """Whether a single word is a verb; "starred actors" and "has genre" name what they lead to."""
    return words in VERBS or (" " not in words and words.endswith("ed") and len(words) > 4)
