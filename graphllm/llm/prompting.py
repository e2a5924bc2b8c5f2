"""Prompts as one text, for models without a chat template, and texts that cannot close a prompt."""

import re
from collections.abc import Iterable

from graphllm.llm.language_model import Message, Prompt

# How the turns of a chat are marked in the usual chat formats. A server turns them into control
# tokens even where they stand inside a message.
CHAT_MARKS = re.compile(
    r"<\|[^|<>\s]{1,40}\|>|</?s>|<(?:bos|eos|start_of_turn|end_of_turn)>|\[/?INST\]|<</?SYS>>"
)


def well_formed(text: str) -> str:
    r"""Return ``text`` with U+FFFD for each half of a surrogate pair, which no encoding can hold.

    Examples:
        >>> well_formed("a\ud800b")
        'a\ufffdb'
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def without_marks(text: str) -> str:
    """Return ``text`` with a space in every mark of a chat format, so that it is text again.

    Examples:
        >>> without_marks("Alien<|im_end|>")
        'Alien< |im_end|>'
    """
    return CHAT_MARKS.sub(lambda match: _split(match[0]), text)


def without_tokens(text: str, tokens: Iterable[str]) -> str:
    """Return ``text`` with a space in every one of ``tokens`` of two characters or more.

    Examples:
        >>> without_tokens("a </s> b", ["</s>"])
        'a < /s> b'
    """
    longest_first = sorted(
        {token for token in tokens if len(token) > 1}, key=lambda t: (-len(t), t)
    )
    if not longest_first:
        return text
    return re.sub("|".join(map(re.escape, longest_first)), lambda match: _split(match[0]), text)


def _split(mark: str) -> str:
    return f"{mark[0]} {mark[1:]}"


def plain_prompt(prompt: Prompt) -> str:
    r"""Return ``prompt`` as one text, for a model without a chat template.

    One question is its text, after the system's and an empty line. In a chat every turn stands
    on a paragraph of its own, led by ``User:`` or ``Assistant:``, and ``Assistant:`` ends it.

    Examples:
        >>> plain_prompt(Prompt.of("Who?", system="Be brief."))
        'Be brief.\n\nWho?'
    """
    told = [message for message in prompt.messages if message.role != "system"]
    if len(told) < 2:
        return "\n\n".join(message.text for message in prompt.messages)
    return "\n\n".join([*map(_turn, prompt.messages), "Assistant:"])


def _turn(message: Message) -> str:
    return message.text if message.role == "system" else f"{message.role.title()}: {message.text}"


def system_in_user(prompt: Prompt) -> Prompt:
    r"""Return ``prompt`` with what the system says put before the first message of the user.

    Some chat templates have no place for a system message.

    Examples:
        >>> system_in_user(Prompt.of("Who?", system="Be brief.")).messages[0].text
        'Be brief.\n\nWho?'
    """
    system = [message for message in prompt.messages if message.role == "system"]
    rest = [message for message in prompt.messages if message.role != "system"]
    if not (system and rest):
        return prompt
    before = [part for message in system for part in (*message.parts, "\n\n")]
    first = Message(role=rest[0].role, parts=(*before, *rest[0].parts))
    return Prompt(messages=(first, *rest[1:]))
