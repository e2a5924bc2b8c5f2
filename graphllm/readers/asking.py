"""A question on its way through a language model: what it asks next, until it has its reading."""

import time
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from graphllm.answer import Usage
from graphllm.llm import Generation, Prompt
from graphllm.readers.reading import Reading


class Asked(NamedTuple):
    """A prompt that goes to the model.

    Attributes:
        name: Which prompt it is: ``"graph_qa/answer"``.
        prompt: What the model is given.
        facts: How many edges of the graph stand in it.
        holds: What of the user's stands in it, in words.
    """

    name: str
    prompt: Prompt
    facts: int
    holds: str


Steps = Generator[Asked, Generation, Reading]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What asking a question takes at most; nothing was sent to find that out.

    Attributes:
        model: Its name.
        sends_to: Where prompts would go; ``""`` when they stay on this machine.
        prompts: What it may be asked, in order.
        prompt_tokens: Of each of them; of a server's model, estimated from above.
        usage: The whole, if every one of them is asked and each reply is as long as it may be.
    """

    model: str
    sends_to: str
    prompts: tuple[Asked, ...]
    prompt_tokens: tuple[int, ...]
    usage: Usage


class Asking:
    """A question on its way.

    So that many can be asked in batches, what a question does between two calls of the model is a
    generator: it yields what it asks, and is sent the reply.

    Attributes:
        asked: What it asks now; ``None`` once it has its reading.
    """

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._usage = Usage()
        self._model_s = 0.0
        self.asked: Asked | None = None
        self._advance(None)

    @property
    def reading(self) -> Reading:
        """What came of it."""
        return self._reading

    def go_on(self, reply: Generation, seconds: float) -> None:
        """Hand over a reply and how long it took."""
        self._usage += reply.usage
        self._model_s += seconds
        self._advance(reply)

    def _advance(self, reply: Generation | None) -> None:
        try:
            self.asked = next(self._steps) if reply is None else self._steps.send(reply)
        except StopIteration as done:
            self.asked = None
            reading: Reading = done.value
            timings = {**reading.timings, "model": self._model_s}
            self._reading = replace(reading, usage=self._usage, timings=timings)


@dataclass
class Clock:
    """Seconds per stage."""

    laps: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        """Count what passed since the last lap for ``stage``."""
        now = time.perf_counter()
        self.laps[stage] = self.laps.get(stage, 0.0) + now - self._last
        self._last = now

    def skip(self) -> None:
        """Count what passed since the last lap for nothing: a model was waited for."""
        self._last = time.perf_counter()
