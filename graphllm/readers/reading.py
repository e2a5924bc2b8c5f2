"""What a reader makes of a question."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from graphllm.answer import Abstention, Draft, Turn, Usage
from graphllm.query import Plan, PlanResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a reader made of a question.

    Attributes:
        draft: The answer to be checked; ``None`` when there is none.
        plan: The plan that was run, or that would have been.
        result: What it gave.
        abstention: Why there is no draft.
        alternatives: Other plans and the confidence in each, best first.
        shown: The edges a model was shown, to which its claims are held; ``None`` where a plan
            gave the answer.
        focus: The keys of the entities the question is about, where no plan names them.
        resolved: The question as it was rewritten to stand alone; ``""`` when it was not.
        truncated: Facts that bear on the question were left out of what the model was shown.
        usage: What a language model was asked for.
        timings: Seconds per stage.
    """

    draft: Draft | None = None
    plan: Plan | None = None
    result: PlanResult | None = None
    abstention: Abstention | None = None
    alternatives: tuple[tuple[Plan, float], ...] = ()
    shown: frozenset[int] | None = None
    focus: tuple[str, ...] = ()
    resolved: str = ""
    truncated: bool = False
    usage: Usage = field(default_factory=Usage)
    timings: dict[str, float] = field(default_factory=dict)


@runtime_checkable
class Reader(Protocol):
    """Turns a question into a draft that is not checked yet; safe to share between threads."""

    def read(self, question: str, history: Sequence[Turn] = ()) -> Reading:
        """Return what ``question`` means and what the graph answers.

        Args:
            history: Earlier turns, oldest first.
        """
