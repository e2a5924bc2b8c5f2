"""What people teach about a graph: what its relations mean, and other names of its nodes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphllm.graph.folding import fold
from graphllm.graph.plain import plain


@dataclass(frozen=True, slots=True)
class Meaning:
    """Words for a relation, or for an attribute of nodes.

    Attributes:
        relation: Its label in the graph.
        phrase: What it means, from head to tail: "supplies", "supplier", "supplied by".
        inverse: Whether the phrase reads from tail to head instead.
    """

    relation: str
    phrase: str
    inverse: bool = False

    def __str__(self) -> str:
        return plain(f"{'~' * self.inverse}{self.relation} means {_quoted(self.phrase)}")


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name of a node, or of all nodes that share a name.

    Attributes:
        alias: The other name.
        name: What the nodes were called when it was taught.
        keys: Their keys.
    """

    alias: str
    name: str
    keys: tuple[str, ...]

    def __str__(self) -> str:
        return plain(f"{_quoted(self.alias)} is {_quoted(self.name)}")


Lesson = Meaning | Alias


@dataclass(frozen=True, slots=True)
class Taught:
    """All that was taught about one graph.

    Attributes:
        lessons: By number, in the order they were taught; a number is never used again.

    Examples:
        >>> taught = Taught({1: Meaning("R17", "supplies"), 3: Alias("IBM", "I. B. M.", ("ibm",))})
        >>> print(taught)
        1. R17 means "supplies"
        3. "IBM" is "I. B. M."
        >>> taught.phrases, taught.keys_called("ibm")
        ({'R17': (Meaning(relation='R17', phrase='supplies', inverse=False),)}, ('ibm',))
    """

    lessons: Mapping[int, Lesson] = field(default_factory=dict)

    @property
    def phrases(self) -> dict[str, tuple[Meaning, ...]]:
        """What each relation was said to mean, in the order it was taught."""
        found: dict[str, tuple[Meaning, ...]] = {}
        for lesson in self.lessons.values():
            if isinstance(lesson, Meaning):
                found[lesson.relation] = (*found.get(lesson.relation, ()), lesson)
        return found

    @property
    def aliases(self) -> tuple[Alias, ...]:
        """The other names, in the order they were taught."""
        return tuple(x for x in self.lessons.values() if isinstance(x, Alias))

    def keys_called(self, folded: str) -> tuple[str, ...]:
        """Return the keys of the nodes that were said to have a name; ``folded`` is folded."""
        keys = (key for x in self.aliases if fold(x.alias) == folded for key in x.keys)
        return tuple(dict.fromkeys(keys))

    def __bool__(self) -> bool:
        return bool(self.lessons)

    def __str__(self) -> str:
        return "\n".join(f"{number}. {lesson}" for number, lesson in self.lessons.items())


def _quoted(text: str) -> str:
    """Put text in quotes that it does not hold itself, so that it can be read again."""
    mark = next((mark for mark in "\"'`" if mark not in text), '"')
    return f"{mark}{text}{mark}"


NOTHING_TAUGHT = Taught()
