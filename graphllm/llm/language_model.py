"""What a language model can be asked, wherever it runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from graphllm.answer.answer import Usage
from graphllm.errors import ConfigError

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a chat."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a model is given: messages, oldest first; the last is the one to reply to."""

    messages: tuple[Message, ...]

    @classmethod
    def of(cls, text: str, *, system: str = "") -> "Prompt":
        """Return a prompt of one user message, after a system message where there is one."""
        before = (Message(role="system", text=system),) if system else ()
        return cls(messages=(*before, Message(role="user", text=text)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How a reply is drawn.

    Attributes:
        max_new_tokens: Length of the reply at most.
        temperature: 0 takes the likeliest token each time, so that replies repeat.
        seed: Draws the reply where the temperature is above 0; ``None`` leaves it to the model.

    Raises:
        ConfigError: ``max_new_tokens`` is below 1, or the temperature negative.
    """

    max_new_tokens: int = 512
    temperature: float = 0.0
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise ConfigError(f"max_new_tokens must be 1 or more, got {self.max_new_tokens}")
        if not self.temperature >= 0:
            raise ConfigError(f"temperature must be 0 or more, got {self.temperature}")


GREEDY = Decoding()


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A reply.

    Attributes:
        text: Without the prompt and without end tokens.
        usage: One call and its tokens.
        cut_off: It reached ``max_new_tokens`` before it was complete.
    """

    text: str
    usage: Usage = field(default_factory=Usage)
    cut_off: bool = False


@runtime_checkable
class LanguageModel(Protocol):
    """Replies to prompts; safe to share between threads.

    Errors of the model's side are ``LanguageModelError``; a prompt that does not fit the context
    is one too, never a silent cut.
    """

    @property
    def id(self) -> str:
        """Names the model in reports."""

    @property
    def context_tokens(self) -> int | None:
        """How many tokens prompt and reply may have together; ``None`` when it is not known."""

    @property
    def sends_to(self) -> str:
        """Where the prompts go: the address of a server; ``""`` when they stay on this machine."""

    def count_tokens(self, text: str) -> int:
        """Return how many tokens ``text`` has; of a server's model, an estimate from above."""

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding = GREEDY) -> list[Generation]:
        """Return one reply per prompt, the same as if each were asked alone."""

    def stream(self, prompt: Prompt, decoding: Decoding = GREEDY) -> Iterator[str]:
        """Yield the reply in pieces; joined they are what ``generate`` returns."""
