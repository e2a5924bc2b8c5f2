"""What graphllm-small may reply: lines that stand in its input, then nodes of these lines.

    reply = line+ (node+ | "yes" | "no" | number) | "none"

Held to this grammar the model cannot write a reference that it was not shown, and every node it
names stands in a line it cites.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from jaxtyping import Int
from torch import Tensor

from graphllm.llm.small.vocabulary import END, fast_tokenizer, line_of, node_of

YES, NO, NONE = "yes", "no", "none"
_MOST_DIGITS = 2  # word pieces of a number


class SmallReply(NamedTuple):
    """A reply that was read: numbers of lines, references of nodes, and words."""

    cites: tuple[int, ...] = ()
    answers: tuple[int, ...] = ()
    words: str = ""

    @property
    def is_none(self) -> bool:
        """Whether the text does not answer."""
        return self.words == NONE or not (self.answers or self.words)


def read_small_reply(token_ids: Sequence[int]) -> SmallReply:
    """Return what a reply says, whatever order it says it in."""
    ids = list(token_ids)
    ids = ids[: ids.index(END)] if END in ids else ids
    cites = tuple(dict.fromkeys(n for t in ids if (n := line_of(t)) is not None))
    answers = tuple(dict.fromkeys(n for t in ids if (n := node_of(t)) is not None))
    others = [t for t in ids if line_of(t) is None and node_of(t) is None]
    return SmallReply(cites, answers, str(fast_tokenizer().decode(others)).strip())


class _Words(NamedTuple):
    """The word pieces that an answer in words may have."""

    yes: int
    no: int
    none: int
    digits: frozenset[int]  # that begin a number
    more: frozenset[int]  # that go on with it
    dash: int  # that begins a line about a node


@cache
def _words() -> _Words:
    tokenizer = fast_tokenizer()
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    digits = frozenset(t for w, t in vocabulary.items() if w.isascii() and w.isdigit())
    more = frozenset(
        t
        for w, t in vocabulary.items()
        if w.startswith("##") and w[2:].isascii() and w[2:].isdigit()
    )
    yes, no, none = (vocabulary[word] for word in (YES, NO, NONE))
    return _Words(yes, no, none, digits, more, vocabulary["-"])


@dataclass(frozen=True)
class ReplyGrammar:
    """The replies that one input allows.

    Attributes:
        lines: The nodes that stand in each line, as tokens, by the line's token.
    """

    lines: dict[int, tuple[int, ...]]

    @classmethod
    def of(cls, input_ids: Sequence[int]) -> "ReplyGrammar":
        """Return the grammar of an input."""
        lines: dict[int, list[int]] = {}
        dash, line, before = _words().dash, None, None
        for token in input_ids:
            if line_of(token) is not None:
                line = token
                lines.setdefault(token, [])
            elif node_of(token) is not None:
                line = None if before == dash else line
                if line is not None:
                    lines[line].append(token)
            before = token
        return cls({line: tuple(dict.fromkeys(nodes)) for line, nodes in lines.items()})

    def allowed(self, reply: Sequence[int]) -> list[int]:
        """Return the tokens that may follow what was written, without the one that begins it."""
        if not reply:
            return [*self.lines, _words().none]
        last = reply[-1]
        if line_of(last) is not None:
            said = frozenset(reply)
            further = [line for line in self.lines if line not in said]
            words = [_words().yes, _words().no, *sorted(_words().digits)]
            return [*further, *self._nodes(reply), *words]
        if node_of(last) is not None:
            return [*self._nodes(reply), END]
        if last in _words().digits | _words().more and len(reply) - _cited(reply) < _MOST_DIGITS:
            return [*sorted(_words().more), END]
        return [END]

    def _nodes(self, reply: Sequence[int]) -> list[int]:
        """Return the nodes of the cited lines that were not yet written."""
        said = frozenset(reply)
        found = dict.fromkeys(n for line in reply for n in self.lines.get(line, ()))
        return [node for node in found if node not in said]


def _cited(reply: Sequence[int]) -> int:
    return sum(line_of(token) is not None for token in reply)


def allowed_tokens(
    input_ids: Sequence[Sequence[int]],
) -> Callable[[int, Int[Tensor, "length"]], list[int]]:
    """Return what transformers asks at each token (``prefix_allowed_tokens_fn``)."""
    grammars = [ReplyGrammar.of(row) for row in input_ids]

    def allowed(row: int, written: Int[Tensor, "length"]) -> list[int]:
        return grammars[row].allowed(written[1:].tolist())

    return allowed
