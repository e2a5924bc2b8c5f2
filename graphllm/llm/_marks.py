"""Soft parts as marks in a text, while a chat template puts the messages together."""

import re
from dataclasses import dataclass
from itertools import count

from graphllm.errors import LanguageModelError
from graphllm.llm.language_model import Message, Part, Prompt

# Characters that Unicode leaves to private use. A mark begins with one that is nowhere else in it,
# so that no mark can begin in the text before it.
_OPEN, _CLOSE = "\ue000", "\ue001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A prompt with a mark in the place of every soft part.

    Attributes:
        prompt: Messages of text only.
        lead: How a mark begins; none of the texts holds it.
        num_marks: How many soft parts there are.
    """

    prompt: Prompt
    lead: str
    num_marks: int

    def pieces(self, text: str) -> list[str | int]:
        """Return ``text`` cut at the marks: texts, and the numbers of the soft parts between.

        Raises:
            LanguageModelError: ``text`` does not hold every mark once.
        """
        if not self.num_marks:
            return [text]
        cut = re.split(f"{self.lead}([0-9]+){_CLOSE}", text)
        numbers = [int(number) for number in cut[1::2]]
        if sorted(numbers) != list(range(self.num_marks)):
            raise LanguageModelError(
                f"the chat template gives {len(numbers)} places to {self.num_marks} soft parts; "
                "put them into a message that it takes over as it is, such as the last one"
            )
        return [int(piece) if odd % 2 else piece for odd, piece in enumerate(cut)]


def marked(prompt: Prompt) -> Marked:
    """Return ``prompt`` with marks that no text in it can forge: it is searched for them first."""
    if not prompt.soft_parts:
        return Marked(prompt=prompt, lead="", num_marks=0)
    texts = [part for message in prompt.messages for part in message.parts if isinstance(part, str)]
    leads = (f"{_OPEN}{salt}." for salt in count())
    lead = next(lead for lead in leads if not any(lead in text for text in texts))
    numbers = count()

    def as_text(part: Part) -> str:
        return part if isinstance(part, str) else f"{lead}{next(numbers)}{_CLOSE}"

    messages = tuple(
        Message(role=message.role, text="".join(map(as_text, message.parts)))
        for message in prompt.messages
    )
    return Marked(prompt=Prompt(messages=messages), lead=lead, num_marks=next(numbers))
