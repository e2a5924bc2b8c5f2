"""Graphs that ship with graphllm, so that a first question needs no file of one's own."""

from pathlib import Path

from graphllm.errors import ConfigError

__all__ = ["names", "path"]

_FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Return the names of the example graphs."""
    return sorted(file.parent.name for file in _FOLDER.glob("*/edges.csv"))


def path(name: str = "discoveries") -> Path:
    """Return the folder of the example graph ``name``.

    Raises:
        ConfigError: There is no such example.

    Examples:
        >>> sorted(file.name for file in path("discoveries").glob("*.csv"))
        ['edges.csv', 'nodes.csv']
    """
    if name not in names():
        raise ConfigError(f"no example graph {name!r}; there is {', '.join(names())}")
    return _FOLDER / name
