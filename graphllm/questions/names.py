"""Invented names: of people, towns, firms, ships, drugs and some 200 other kinds of thing.

The word lists and recipes are in ``names.toml``.
"""

import re
import tomllib
from functools import lru_cache
from importlib.resources import files

import numpy as np

from graphllm.errors import DataError

_SLOT = re.compile(r"\{(\w+)\}")
_CONSONANTS = "BCDFGHJKLMNPRSTVWXZ"
_CAPITALS = "ABCDEFGHIJKLMNOPRSTUVWXYZ"


@lru_cache(maxsize=1)
def _books() -> dict[str, tuple[str, ...]]:
    table = tomllib.loads((files("graphllm.questions") / "names.toml").read_text("utf-8"))
    return {
        name: tuple(entries)
        for section in ("recipes", "lists")
        for name, entries in table[section].items()
    }


def recipes() -> frozenset[str]:
    """Return the names of all recipes."""
    return frozenset(_books())


def word_list(name: str) -> frozenset[str]:
    """Return a list of ``names.toml`` as a set."""
    return frozenset(_books()[name])


def invent(recipe: str, rng: np.random.Generator) -> str:
    """Return one invented name.

    Raises:
        DataError: ``names.toml`` has no such recipe.

    Examples:
        >>> invent("disease", np.random.default_rng(5)) != invent("town", np.random.default_rng(5))
        True
    """
    return " ".join(_expand(recipe, rng).split())


def _expand(recipe: str, rng: np.random.Generator) -> str:
    books = _books()
    if recipe not in books:
        raise DataError(f"names.toml has no recipe {recipe!r}")
    pattern = books[recipe][int(rng.integers(len(books[recipe])))]
    return _SLOT.sub(lambda slot: _fill(slot[1], rng), pattern)


def _fill(slot: str, rng: np.random.Generator) -> str:
    match slot:
        case "d":
            return str(rng.integers(10))
        case "c":
            return _CONSONANTS[int(rng.integers(len(_CONSONANTS)))]
        case "v":
            return _CAPITALS[int(rng.integers(len(_CAPITALS)))]
        case "n":
            return str(rng.integers(1, 100))
        case "nn":
            return str(rng.integers(1, 1000))
        case "year":
            return str(rng.integers(1950, 2024))
        case _:
            return _expand(slot, rng)
