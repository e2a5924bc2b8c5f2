"""What a language model can be asked, wherever it runs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from graphllm.answer.answer import Usage
from graphllm.errors import ConfigError
from graphllm.graph.plain import plain

Role = Literal["system", "user", "assistant"]


@runtime_checkable
class SoftPart(Protocol):
    """Vectors in the place of words: a torch tensor of shape (num_tokens, model_dim).

    Only what is needed here, so that prompts can be made without torch.
    """

    @property
    def shape(self) -> Sequence[int]:
        """How many vectors, and their width."""


Part: TypeAlias = str | SoftPart


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Message:
    """One message of a chat: a text, or texts and soft parts in turn.

    Two messages are equal if their roles and texts are and they hold the very same soft parts.

    Attributes:
        text: What it says in words; of several parts, the texts joined.
        parts: Texts and soft parts in their order, neighbouring texts joined; the text alone
            unless others are given.

    Raises:
        ConfigError: A soft part is no matrix, or ``text`` says something else than ``parts``.

    Examples:
        >>> Message(role="user", text="Who?").parts
        ('Who?',)
        >>> Message(role="user", parts=("Who ", "is it?"))
        Message(role='user', text='Who is it?')
    """

    role: Role
    text: str = ""
    parts: tuple[Part, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        parts = self.parts or (self.text,)
        words = "".join(part for part in parts if isinstance(part, str))
        if self.text not in ("", words):
            raise ConfigError(
                f"a message is given as text or as parts: text={plain(self.text)!r} is not what "
                f"its parts say, {plain(words)!r}"
            )
        object.__setattr__(self, "text", words)
        object.__setattr__(self, "parts", tuple(_joined(parts)))
        for part in self.soft_parts:
            _check_shape(part)

    @property
    def soft_parts(self) -> tuple[SoftPart, ...]:
        """The parts that are no text."""
        return tuple(part for part in self.parts if not isinstance(part, str))

    def __eq__(self, other: object) -> bool:
        # tensors compare element by element, so soft parts are told apart by what they are
        return isinstance(other, Message) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[str | int, ...]:
        return (self.role, *(part if isinstance(part, str) else id(part) for part in self.parts))


def _joined(parts: Iterable[Part]) -> Iterator[Part]:
    """Yield parts with neighbouring texts as one."""
    for is_text, run in groupby(parts, key=lambda part: isinstance(part, str)):
        if is_text:
            yield "".join(map(str, run))
        else:
            yield from run


def _check_shape(part: SoftPart) -> None:
    if len(part.shape) != 2:
        raise ConfigError(
            f"a soft part has the shape (num_tokens, model_dim), got {tuple(part.shape)}; "
            "SoftPrompt.rows() gives one for each prompt of a batch"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a model is given: messages, oldest first; the last is the one to reply to."""

    messages: tuple[Message, ...]

    @classmethod
    def of(cls, *parts: Part, system: str = "") -> "Prompt":
        """Return a prompt of one user message, after a system message where there is one.

        Args:
            parts: What the user says: one text, or texts and soft parts in turn.
            system: What the system says.
        """
        before = (Message(role="system", text=system),) if system else ()
        return cls(messages=(*before, Message(role="user", parts=parts)))

    @property
    def soft_parts(self) -> tuple[SoftPart, ...]:
        """The soft parts of all messages, in their order."""
        return tuple(part for message in self.messages for part in message.soft_parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How a reply is drawn.

    Attributes:
        max_new_tokens: Length of the reply at most.
        temperature: 0 takes the likeliest token each time, so that replies repeat.
        seed: Draws the reply where the temperature is above 0; ``None`` leaves it to the model.
        references: Hold the reply to the lines and nodes that stand in the prompt, of a model whose
            vocabulary has references; other models do not know what this means.

    Raises:
        ConfigError: ``max_new_tokens`` is below 1, or the temperature negative.
    """

    max_new_tokens: int = 512
    temperature: float = 0.0
    seed: int | None = None
    references: bool = False

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
