"""Fold names and words so that spelling habits do not keep them apart."""

import re
import unicodedata

_NOT_WORD = re.compile(r"[\W_]+")
_LONGEST_LABEL = 2_000  # characters of an identifier; what is longer is told by its beginning
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def fold(text: str) -> str:
    """Return ``text`` without case, accents, punctuation, underscores and surplus space.

    Examples:
        >>> fold("  Amélie,  or:_Le_Fabuleux Destin "), fold("AC/DC"), fold("Çà et là")
        ('amelie or le fabuleux destin', 'ac dc', 'ca et la')
    """
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in plain if not unicodedata.combining(c)).casefold()
    return _NOT_WORD.sub(" ", plain).strip()


def humanize(label: str) -> str:
    """Return the words of an identifier: of a relation, a type or a column.

    Examples:
        >>> humanize("starred_actors"), humanize("doctoralAdvisor"), humanize("P.O.Box")
        ('starred actors', 'doctoral advisor', 'p o box')
        >>> humanize("http://example.org/onto#birthPlace"), humanize("/people/person/birth_place")
        ('birth place', 'people person birth place')
    """
    label = label[:_LONGEST_LABEL]
    if "://" in label:
        label = re.split(r"[#/]", label.rstrip("#/"))[-1]
    return _NOT_WORD.sub(" ", _CAMEL.sub(" ", label)).strip().lower()
