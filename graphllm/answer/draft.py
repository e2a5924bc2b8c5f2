"""What a reader hands over to be checked."""

from dataclasses import dataclass

TYPE, DESCRIPTION = "type", "description"
"""What claims call a node's type and its text, where no attribute has that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One statement of an answer, and where it says the graph holds it.

    Attributes:
        head: The name (or alias, or key) of the node the edge leaves.
        relation: The relation, or the attribute's name when ``edge`` is ``None``.
        tail: The name of the node the edge enters, or the attribute's value as text.
        edge: The edge that is cited; ``None`` for an attribute of a node.
        node: The node whose attribute is cited; ``None`` for an edge.
        qualifiers: Attributes of the edge that the claim states too: ``(("year", "1903"),)``.
    """

    head: str
    relation: str
    tail: str
    edge: int | None = None
    node: int | None = None
    qualifiers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An answer before it is checked.

    Attributes:
        text: The answer as a sentence.
        entities: The answering names or values, best first.
        claims: What the answer rests on.
        closed_world: The answer also rests on the *absence* of facts ("no", "0", a superlative).
        derived: The entities are worked out from the claims ("yes", a count, an average) and not
            named by them; such an answer needs all of its claims.
        confidence: Between 0 and 1.
    """

    text: str
    entities: tuple[str, ...]
    claims: tuple[Claim, ...]
    closed_world: bool = False
    derived: bool = False
    confidence: float = 1.0
