"""A question that was built, with everything known about it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from graphllm.errors import DataError, PlanError
from graphllm.query.plan import Plan
from graphllm.query.text import parse_plan, to_text


class Refusal(StrEnum):
    """Why a built question has no answer."""

    NO_EDGE = "no edge"  # the plan runs, and finds nothing
    NO_RELATION = "no relation"  # the graph knows nothing of the kind
    NO_ENTITY = "no entity"  # what the question names is not in the graph


class MentionSpan(NamedTuple):
    """Where a question names something, and the keys of the nodes with that name."""

    start: int
    end: int
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltQuestion:
    """A question over a graph, its plan and its answers.

    Attributes:
        question: As a person would write it.
        mentions: Where it names nodes, in the order they stand; without keys where no node has
            that name.
        plan: What it asks for; ``None`` when the graph cannot say it.
        answers: The answering names or values as text; empty when there are none.
        operation: The kind of plan: "path", "count", "superlative" ...
        hops: The longest chain of steps.
        style: How it is put: "plain", "formal", "terse", "chatty" or "indirect".
        noise: How its names are misspelt; empty when they are not.
        refusal: Why it has no answer; ``None`` when it has one.
        domain, schema: Where its graph comes from.
    """

    question: str
    mentions: tuple[MentionSpan, ...]
    plan: Plan | None
    answers: tuple[str, ...]
    operation: str
    hops: int
    style: str
    noise: str = ""
    refusal: Refusal | None = None
    domain: str = ""
    schema: str = ""

    @property
    def is_answerable(self) -> bool:
        """Whether the graph answers it."""
        return self.refusal is None

    @property
    def plan_text(self) -> str:
        """The plan as text; empty when there is none."""
        return "" if self.plan is None else to_text(self.plan)

    def to_json(self) -> str:
        """Return one line of JSON that ``from_json`` reads back."""
        record = {
            "question": self.question,
            "mentions": [[m.start, m.end, list(m.keys)] for m in self.mentions],
            "plan": self.plan_text,
            "answers": list(self.answers),
            "operation": self.operation,
            "hops": self.hops,
            "style": self.style,
            "noise": self.noise,
            "refusal": None if self.refusal is None else self.refusal.value,
            "domain": self.domain,
            "schema": self.schema,
        }
        return json.dumps(record, ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> "BuiltQuestion":
        """Return the question that a line of JSON holds.

        Raises:
            DataError: The line is not one that ``to_json`` writes.
        """
        try:
            record = json.loads(line)
            return cls(
                question=record["question"],
                mentions=tuple(MentionSpan(s, e, tuple(keys)) for s, e, keys in record["mentions"]),
                plan=parse_plan(record["plan"]) if record["plan"] else None,
                answers=tuple(record["answers"]),
                operation=record["operation"],
                hops=record["hops"],
                style=record["style"],
                noise=record["noise"],
                refusal=None if record["refusal"] is None else Refusal(record["refusal"]),
                domain=record["domain"],
                schema=record["schema"],
            )
        except (KeyError, TypeError, ValueError, PlanError) as error:
            raise DataError(f"not a line of a built question: {error!r}: {line[:80]}") from error


def to_lines(questions: Iterable[BuiltQuestion]) -> Iterator[str]:
    """Yield a line of JSON for each question, with its line end."""
    for question in questions:
        yield f"{question.to_json()}\n"


def from_lines(lines: Iterable[str]) -> Iterator[BuiltQuestion]:
    """Yield the questions of a file of JSON lines.

    Raises:
        DataError: A line cannot be read; the message says which.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield BuiltQuestion.from_json(line)
            except DataError as error:
                raise DataError(f"line {number}: {error}") from error
