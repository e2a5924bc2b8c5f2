"""What a conversation remembers of an earlier question."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One question of a conversation and what came of it.

    Attributes:
        question: As it was asked.
        entities: The answering names or values, best first; empty when the answer abstained.
        focus: The keys of the entities the question was about, so that "it" can mean them.
        plan_text: The plan that was run, as text that can be replayed.
    """

    question: str
    entities: tuple[str, ...] = ()
    focus: tuple[str, ...] = ()
    plan_text: str | None = None
