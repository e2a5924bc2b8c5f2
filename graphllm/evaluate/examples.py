"""What a suite asks, and what a system says to it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import numpy as np

from graphllm.answer import Usage
from graphllm.errors import ConfigError, DataError
from graphllm.evaluate.hallucination import Named
from graphllm.graph.view import GraphView
from graphllm.query.plan import Step

Chain = tuple[Step, ...]


class Compared(StrEnum):
    """How the names of answers are compared with gold."""

    AS_WRITTEN = "as written"  # case and accents count
    NORMALIZED = "normalized"  # lower case, without punctuation and articles


class Published(StrEnum):
    """Which published metric scores what was said, beside the strict ones; see ``published``."""

    CHOICE = "choice"  # the first of the choices that is named
    CONTAINS = "contains"  # the label is a part of what was said, case as written
    ANSWERS = "answers"  # hit, accuracy, precision and F1 over a list of answers


class PublishedPrompt(NamedTuple):
    """What a published system reads beside the graph.

    Attributes:
        context: Text that the question is about, such as two arguments; ends a line, or is ``""``.
        question: The question in its template.
    """

    context: str
    question: str

    @property
    def text(self) -> str:
        """Context and question, as they are read."""
        return self.context + self.question


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One question with what is known about its answer.

    Attributes:
        id: The line in the suite's file, from 1; pairs the predictions of two runs.
        question: As a system gets it.
        gold: The right answers; empty when the graph does not hold one, and abstaining is right.
        topic: The key of the entity the question is about, never shown to a system; ``None`` if
            the suite does not say.
        chain: The relations from the topic to the answers; ``None`` if the suite does not say.
        in_graph: Whether the graph holds one of the right answers; where it does not, abstaining
            is right, and every answer scores 0.
        compared: How answers are compared with ``gold``.
        prompt: What the published system of this suite reads; ``None`` if there is none.
        label: What that system learns to write, letter for letter.
        published: The metric of that publication.
        kind: What sort of question it is, where the suite says; ``""`` otherwise.
    """

    id: int
    question: str
    gold: tuple[str, ...]
    topic: str | None = None
    chain: Chain | None = None
    in_graph: bool = True
    compared: Compared = Compared.AS_WRITTEN
    prompt: PublishedPrompt | None = None
    label: str = ""
    published: Published | None = None
    kind: str = ""

    @property
    def answerable(self) -> bool:
        """Whether there is a right answer to be found."""
        return bool(self.gold) and self.in_graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """What a system says to one question.

    Attributes:
        entities: The answering names or values, best first; empty when it abstains.
        confidence: Between 0 and 1; only its order over questions matters.
        abstained: Whether it declines to answer.
        plan: How it came to the answer, for people.
        linked: Keys of the entities it takes the question to be about, best first.
        chain: The relations it walked from there, when it walked just a chain.
        text: All that it says, where that is more than the entities; the reply of a model.
        named: How many nodes and edges it names as its grounds, and how many of them there are in
            the graph; ``None`` when it was not asked for grounds.
        usage: What a language model was asked for.
    """

    entities: tuple[str, ...]
    confidence: float = 1.0
    abstained: bool = False
    plan: str = ""
    linked: tuple[str, ...] = ()
    chain: Chain | None = None
    text: str = ""
    named: Named | None = None
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Questions over one graph, or each over a graph of its own.

    Attributes:
        name: E.g. ``"metaqa-2hop"``.
        split: E.g. ``"test"``; ``"all"`` when the data has no split.
        examples: In the order of the file.
        graph_path: The file of the graph that answers them, or of all their graphs.
        never_returns: Whether gold answers leave the topic itself out at every hop.
        graph_of: Returns the graph of one question; ``None`` when all have the one of
            ``graph_path``.
        choices: The answers that every question of the suite chooses from; empty when it is open.

    Raises:
        DataError: There is no example.
    """

    name: str
    split: str
    examples: tuple[Example, ...]
    graph_path: Path
    never_returns: bool = False
    graph_of: Callable[[Example], GraphView] | None = None
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.examples:
            raise DataError(f"suite {self.name!r} has no questions")

    def __len__(self) -> int:
        return len(self.examples)

    def sample(self, limit: int | None, rng: np.random.Generator) -> "Suite":
        """Return ``limit`` examples drawn without replacement, in file order; all when ``None``.

        Raises:
            ConfigError: ``limit`` is below 1.
        """
        if limit is None or limit >= len(self):
            return self
        if limit < 1:
            raise ConfigError(f"limit must be 1 or more, got {limit}")
        chosen = np.sort(rng.choice(len(self), size=limit, replace=False))
        return replace(self, examples=tuple(self.examples[i] for i in chosen.tolist()))
