"""How the label of a relation is used in an English sentence."""

from graphllm.retrieval.labels import PREPOSITIONS, VERBS


def is_phrase(words: str) -> bool:
    """Whether words need a noun after them: "located in", "discovered"; and not "capital".

    Examples:
        >>> [words for words in ("part of", "won", "doctoral advisor") if is_phrase(words)]
        ['part of', 'won']
    """
    return words.split(" ")[-1] in PREPOSITIONS or _is_verb(words)


def _is_verb(words: str) -> bool:
    """Whether a single word is a verb; "starred actors" and "has genre" name what they lead to."""
    return words in VERBS or (" " not in words and words.endswith("ed") and len(words) > 4)
