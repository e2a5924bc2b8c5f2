"""How prompts and the replies to them become tokens, and tokens text."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import cast

from torch import Tensor
from transformers import PreTrainedTokenizerBase

from graphllm.errors import LanguageModelError
from graphllm.graph.plain import plain
from graphllm.llm._marks import marked
from graphllm.llm.language_model import Message, Prompt
from graphllm.llm.prompting import plain_prompt, system_in_user, well_formed, without_tokens
from graphllm.llm.token_prompt import TokenPrompt

SOFT = -1  # stands in the token ids where a vector of a soft part has its place

# A soft part is no text to continue; what stands behind one begins like a new line.
_AFTER_SOFT = "\n"


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A prompt as the model reads it.

    Attributes:
        ids: One for every position; ``SOFT`` where a vector stands.
        soft: The vectors, in the order of their places.
        tail: The text behind the last soft part, which the reply continues.
    """

    ids: list[int]
    soft: tuple[Tensor, ...] = ()
    tail: str = ""

    def __len__(self) -> int:
        return len(self.ids)


class PromptTokenizer:
    """The tokenizer of a model, its chat template and its end tokens; safe between threads.

    Texts are data: what is a control token in one is taken apart first. A text that continues
    another is tokenised as it stands there, so that no space comes before it that nobody wrote.

    Args:
        end_ids: The tokens that end a reply.
        start_id: The token with which a decoder begins the reply, where prompts go to an encoder;
            ``None`` where the reply continues the prompt.
    """

    def __init__(
        self,
        name: str,
        tokenizer: PreTrainedTokenizerBase,
        end_ids: frozenset[int],
        *,
        start_id: int | None,
    ) -> None:
        self._name = name
        self._tokenizer = tokenizer
        self._lock = Lock()  # a tokenizer changes inside while it works
        self._start_id = start_id
        self._control_tokens = _control_tokens(tokenizer)
        self.end_ids = end_ids

    @property
    def pad_id(self) -> int:
        """Any token: it is masked in a prompt, and stands behind the end of a reply."""
        pad_id = self._tokenizer.pad_token_id
        return pad_id if pad_id is not None else min(self.end_ids, default=0)

    def ids(self, text: str) -> list[int]:
        """Return the tokens of ``text``, without those put around a prompt."""
        with self._lock:
            return self._ids(self._harmless(text))

    def control_ids(self, text: str) -> list[int]:
        """Return the tokens of ``text`` of our own, in which control tokens are what they say."""
        with self._lock:
            return self._ids(text)

    def row(self, prompt: Prompt | TokenPrompt) -> Row:
        """Return the positions of ``prompt``, by the chat template where there is one."""
        if isinstance(prompt, TokenPrompt):
            return self._as_it_stands(prompt)
        marks = marked(prompt)
        messages = [
            Message(role=message.role, text=self._harmless(message.text))
            for message in marks.prompt.messages
        ]
        harmless = Prompt(messages=tuple(messages))
        with self._lock:
            is_chat = bool(self._tokenizer.chat_template)
            text = self._templated(harmless) if is_chat else plain_prompt(harmless)
            pieces = marks.pieces(text)
            before, behind = ([], []) if is_chat else self._around
            soft = cast("tuple[Tensor, ...]", prompt.soft_parts)
            ids = [*before, *self._spliced(pieces, soft), *behind]
        return Row(
            ids=ids or [self._first_id],
            soft=tuple(soft[piece] for piece in pieces if isinstance(piece, int)),
            tail=str(pieces[-1]),
        )

    def _as_it_stands(self, prompt: TokenPrompt) -> Row:
        soft = cast("tuple[Tensor, ...]", prompt.soft_parts)
        return Row(ids=list(prompt.ids(SOFT)) or [self._first_id], soft=soft)

    def target(self, row: Row, text: str | Sequence[int]) -> list[int]:
        """Return the tokens of the reply ``text`` to ``row``, with its end token.

        A reply that is given as tokens is taken as it stands.
        """
        if not isinstance(text, str):
            return list(text)
        harmless = self._harmless(text)
        with self._lock:
            if self._start_id is None:
                return [*self._continued(harmless, row.tail), *self._end_of_reply]
            ids = list(self._tokenizer(text_target=harmless)["input_ids"])
        if ids[:1] == [self._start_id]:
            del ids[0]  # the decoder begins with it already
        return ids if ids and ids[-1] in self.end_ids else [*ids, *self._end_of_reply]

    def text(self, token_ids: Sequence[int]) -> str:
        """Return the text of a reply."""
        with self._lock:
            text = self._tokenizer.decode(
                list(token_ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        assert isinstance(text, str)  # noqa: S101  (one sequence in, one text out)
        return text

    def _spliced(self, pieces: Sequence[str | int], soft: Sequence[Tensor]) -> list[int]:
        ids: list[int] = []
        for position, piece in enumerate(pieces):
            if isinstance(piece, int):
                ids.extend([SOFT] * len(soft[piece]))
            else:
                ids.extend(self._continued(piece, "") if position else self._ids(piece))
        return ids

    def _continued(self, text: str, before: str) -> list[int]:
        """Return the tokens of ``text`` where it stands behind ``before``.

        Where the two would share a token, ``text`` has those of a new line, or else its own.
        """
        for lead in (before or _AFTER_SOFT, _AFTER_SOFT):
            told, whole = self._ids(lead), self._ids(lead + text)
            if whole[: len(told)] == told:
                return whole[len(told) :]
        return self._ids(text)

    @cached_property
    def _around(self) -> tuple[list[int], list[int]]:
        """What the tokenizer puts before and behind a prompt that has no template."""
        word = "the"
        bare, whole = self._ids(word), list(self._tokenizer(word)["input_ids"])
        starts = range(len(whole) - len(bare) + 1)
        start = next((at for at in starts if whole[at : at + len(bare)] == bare), len(whole))
        before, behind = whole[:start], whole[start + len(bare) :]
        if self._start_id is None and behind and behind[-1] in self.end_ids:
            del behind[-1]  # an end after the question would end the reply before it began
        return before, behind

    @cached_property
    def _end_of_reply(self) -> list[int]:
        """The token that ends a reply: the template's, or else the tokenizer's."""
        template = self._behind_reply() if self._tokenizer.chat_template else []
        own = self._tokenizer.eos_token_id
        ends = [*template, *([] if own is None else [own]), *sorted(self.end_ids)]
        return [token for token in ends if token in self.end_ids][:1]

    def _behind_reply(self) -> list[int]:
        """Return what the chat template puts behind a reply."""
        reply = "reply."
        chat = (Message(role="user", text="question"), Message(role="assistant", text=reply))
        try:
            text = self._templated(Prompt(messages=chat), reply_follows=False)
        except LanguageModelError:
            return []  # a template for questions only
        return self._ids(text.rpartition(reply)[2])

    @property
    def _first_id(self) -> int:
        """What stands for an empty prompt."""
        first = self._tokenizer.bos_token_id
        return first if first is not None else self.pad_id

    def _templated(self, prompt: Prompt, *, reply_follows: bool = True) -> str:
        chat = [{"role": message.role, "content": message.text} for message in prompt.messages]
        try:
            text = self._tokenizer.apply_chat_template(
                chat, tokenize=False, add_generation_prompt=reply_follows
            )
        except Exception as error:  # a template raises whatever it likes
            if (merged := system_in_user(prompt)) != prompt:
                return self._templated(merged, reply_follows=reply_follows)
            raise LanguageModelError(
                f"{self._name}: its chat template refuses the prompt: {plain(str(error))}"
            ) from error
        assert isinstance(text, str)  # noqa: S101  (one chat in, one text out)
        return text

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _harmless(self, text: str) -> str:
        return without_tokens(well_formed(text), self._control_tokens)


def _control_tokens(tokenizer: object) -> frozenset[str]:
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    return frozenset(str(token) for token in added if token.special) | frozenset(
        getattr(tokenizer, "all_special_tokens", [])
    )
