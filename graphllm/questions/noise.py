"""Names as people type them: with slips, in the wrong case, without accents."""

import unicodedata

import numpy as np

_KEYS_BESIDE = {
    "a": "qsz", "b": "vgn", "c": "xvd", "d": "sfe", "e": "wrd", "f": "dgr", "g": "fht", "h": "gjy",
    "i": "uok", "j": "hku", "k": "jli", "l": "ko", "m": "n", "n": "bm", "o": "ipl", "p": "ol",
    "q": "wa", "r": "etf", "s": "adw", "t": "ryg", "u": "yij", "v": "cbf", "w": "qes", "x": "zcs",
    "y": "tuh", "z": "xs",
}  # fmt: skip
_SHORTEST = 5  # letters; a slip in a shorter name makes it another one


def without_accents(name: str) -> str:
    """Return ``name`` in plain letters.

    Examples:
        >>> without_accents("Zoë Sørensen"), without_accents("Łukasz")
        ('Zoe Sorensen', 'Lukasz')
    """
    plain = name.translate(str.maketrans("łŁøØıđĐ", "lLoOidD"))
    decomposed = unicodedata.normalize("NFKD", plain)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def typo(name: str, rng: np.random.Generator) -> str:
    """Return ``name`` with one slip in a word of some length: the first letter stays.

    A name without such a word comes back as it is.
    """
    words = name.split(" ")
    long = [i for i, word in enumerate(words) if len(word) >= _SHORTEST and word.isalpha()]
    if not long:
        return name
    chosen = long[int(rng.integers(len(long)))]
    words[chosen] = _slip(words[chosen], rng)
    return " ".join(words)


def _slip(word: str, rng: np.random.Generator) -> str:
    at = int(rng.integers(1, len(word) - 1))
    before, letter, after = word[:at], word[at], word[at + 1 :]
    match int(rng.integers(4)):
        case 0:
            return before + after
        case 1:
            return before + letter + letter + after
        case 2 if after[0] != letter:
            return before + after[0] + letter + after[1:]
        case _:
            beside = _KEYS_BESIDE.get(letter.lower(), "e")
            return before + beside[int(rng.integers(len(beside)))] + after


def soil(name: str, rng: np.random.Generator) -> tuple[str, str]:
    """Return a name as somebody might type it, and what is wrong with it; nothing may be."""
    drawn = rng.random()
    if drawn < 0.35:
        return _told(name, typo(name, rng), "typo")
    if drawn < 0.65:
        cased = name.lower() if rng.random() < 0.8 else name.upper()
        return _told(name, cased, "case")
    if drawn < 0.85:
        return _told(name, without_accents(name), "accents")
    return _told(name, without_accents(typo(name, rng)).lower(), "typo and case")


def _told(name: str, soiled: str, what: str) -> tuple[str, str]:
    return soiled, "" if soiled == name else what
