"""Fakes and contracts for tests, of graphllm and of what plugs into it."""

from collections.abc import Iterator, Sequence

from graphllm.answer import Usage
from graphllm.llm import GREEDY, Decoding, Generation, Prompt


class ScriptedLLM:
    """A ``LanguageModel`` that gives the replies it was handed, one after the other.

    Attributes:
        asked: Every prompt it was given, oldest first.

    Examples:
        >>> llm = ScriptedLLM(["four"])
        >>> llm.generate([Prompt.of("two and two?")])[0].text, llm.asked[0].messages[0].text
        ('four', 'two and two?')
    """

    id = "scripted"
    context_tokens: int | None = None
    sends_to = ""

    def __init__(self, replies: Sequence[str]) -> None:
        self._replies = list(replies)
        self.asked: list[Prompt] = []

    def count_tokens(self, text: str) -> int:
        """Return the number of words."""
        return len(text.split())

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding = GREEDY) -> list[Generation]:
        """Return the next replies of the script, one per prompt."""
        return [self._next(prompt) for prompt in prompts]

    def _next(self, prompt: Prompt) -> Generation:
        self.asked.append(prompt)
        if len(self.asked) > len(self._replies):
            raise AssertionError(f"the script has {len(self._replies)} replies; asked once more")
        reply = self._replies[len(self.asked) - 1]
        told = sum(self.count_tokens(message.text) for message in prompt.messages)
        usage = Usage(calls=1, prompt_tokens=told, completion_tokens=self.count_tokens(reply))
        return Generation(text=reply, usage=usage)

    def stream(self, prompt: Prompt, decoding: Decoding = GREEDY) -> Iterator[str]:
        """Yield the next reply of the script, a word at a time."""
        for position, word in enumerate(self._next(prompt).text.split(" ")):
            yield f" {word}" if position else word
