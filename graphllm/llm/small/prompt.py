"""What graphllm-small is told: a question with references before the names, and lines."""

import re
from collections.abc import Iterable, Sequence

from graphllm.graph.layouts import escape, node_reference
from graphllm.llm.small.replies import SmallReply

_MOST_NAMESAKES = 3  # references before one name
_REFERENCE = re.compile(r"\[(n?)(\d{1,3})\]")


def marked_question(question: str, names: Iterable[tuple[int, int, Sequence[int]]]) -> str:
    """Return a question with the references of what it names before each name.

    Args:
        names: Where each begins and ends, and the references of the nodes that may be meant.

    Examples:
        >>> marked_question("who wrote Alien?", [(10, 15, [4])])
        'who wrote [n4] Alien?'
    """
    parts: list[str] = []
    begun = ended = 0  # where what is not yet written begins, and where the last name ends
    for start, stop, numbers in sorted(names):
        if start >= ended and numbers:
            said = "".join(f"{node_reference(n)} " for n in numbers[:_MOST_NAMESAKES])
            parts += [escape(question[begun:start], "["), said]
            begun, ended = start, stop
    return "".join([*parts, escape(question[begun:], "[")])


def small_prompt(question: str, lines: str) -> str:
    """Return what the model reads.

    Args:
        question: As `marked_question` writes it.
        lines: The text of a subgraph, in the layout of references.
    """
    return f"{question}\n{lines}"


def reply_of(text: str) -> SmallReply:
    """Return what a reply says as text.

    Examples:
        >>> reply_of("[2] [5] [n7]")
        SmallReply(cites=(2, 5), answers=(7,), words='')
    """
    found = [(kind, int(number)) for kind, number in _REFERENCE.findall(text)]
    cites = tuple(dict.fromkeys(number for kind, number in found if not kind))
    answers = tuple(dict.fromkeys(number for kind, number in found if kind))
    return SmallReply(cites, answers, " ".join(_REFERENCE.sub(" ", text).split()))
