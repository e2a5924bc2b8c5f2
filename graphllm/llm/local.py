"""Language models on this machine, through transformers."""

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

from graphllm.answer.answer import Usage
from graphllm.errors import ConfigError, LanguageModelError
from graphllm.graph.plain import plain
from graphllm.llm._decoding import GrowingText, GumbelNoise, StopWhenTold, TokenQueue
from graphllm.llm._loading import Device, Dtype, chosen_device, load_transformers
from graphllm.llm.language_model import GREEDY, Decoding, Generation, Prompt
from graphllm.llm.prompting import plain_prompt, system_in_user, well_formed, without_tokens


class Padded(NamedTuple):
    """Prompts of several lengths as one batch."""

    input_ids: Int[Tensor, "rows length"]
    attention_mask: Int[Tensor, "rows length"]


class LocalLanguageModel:
    """A causal or sequence-to-sequence model of transformers; safe to share between threads.

    Weights are read from safetensors only, and no code that comes with a model is run. Prompts
    take the chat template of the tokenizer, or else the form of `plain_prompt`; control tokens in
    a message are taken apart, so that a text cannot end its message. Sampling draws from the whole
    distribution: settings for generation that come with the model are not used, except its tokens.

    A batch gives what its prompts give alone; on the same device and in float32 only a tie between
    two tokens, equal up to rounding, could fall the other way.

    Args:
        name_or_path: A folder, or a name on the Hugging Face hub or in its local cache.
        device: ``"auto"`` takes a GPU where there is one.
        dtype: ``"auto"`` is float32 on a CPU and what the file has elsewhere.
        batch_size: Prompts per forward pass.
        context_tokens: Prompt and reply at most; what model and tokenizer say by default.
        download: Whether a model that is not on this machine may be fetched from the hub
            (``HF_HUB_OFFLINE`` also forbids it).

    Raises:
        ConfigError: There is no such model or device, or it cannot be read safely.
    """

    def __init__(
        self,
        name_or_path: str | Path,
        *,
        device: Device = "auto",
        dtype: Dtype = "auto",
        batch_size: int = 8,
        context_tokens: int | None = None,
        download: bool = True,
    ) -> None:
        if batch_size < 1:
            raise ConfigError(f"batch_size must be 1 or more, got {batch_size}")
        self._name = str(name_or_path)
        self._device = chosen_device(device)
        loaded = load_transformers(self._name, device=self._device, dtype=dtype, download=download)
        self._model = loaded.model
        self._tokenizer = loaded.tokenizer
        self._end_ids = loaded.end_ids
        self._context_tokens = context_tokens or loaded.context_tokens
        self._batch_size = batch_size
        self._is_seq2seq: bool = self._model.config.is_encoder_decoder
        self._control_tokens = _control_tokens(self._tokenizer)
        # a tokenizer changes inside while it works; so do some models
        self._tokenizer_lock, self._model_lock = Lock(), Lock()

    def __repr__(self) -> str:
        return f"LocalLanguageModel({self._name!r}, device={self._device!r})"

    @property
    def id(self) -> str:
        """Name of the folder, or the name on the hub."""
        return Path(self._name).name if Path(self._name).is_dir() else self._name

    @property
    def context_tokens(self) -> int | None:
        """How many tokens prompt and reply may have together.

        Those of a sequence-to-sequence model may have that many each, since they are apart.
        """
        return self._context_tokens

    @property
    def sends_to(self) -> str:
        """Nothing leaves this machine."""
        return ""

    def count_tokens(self, text: str) -> int:
        """Return how many tokens ``text`` has, without those put around a prompt."""
        with self._tokenizer_lock:
            return len(self._ids(self._harmless(text), with_special=False))

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding = GREEDY) -> list[Generation]:
        """Return one reply per prompt, in the order of the prompts.

        Raises:
            LanguageModelError: A prompt does not fit the context with the reply, or the batch does
                not fit the memory.
        """
        told = [self._prompt_ids(prompt, decoding) for prompt in prompts]
        by_length = sorted(range(len(told)), key=lambda position: len(told[position]))
        replies: dict[int, list[int]] = {}
        for start in range(0, len(told), self._batch_size):
            rows = by_length[start : start + self._batch_size]
            batch = self._generate([told[position] for position in rows], decoding)
            replies.update(zip(rows, batch, strict=True))
        return [
            self._generation(told[position], replies[position], decoding)
            for position in range(len(told))
        ]

    def stream(
        self, prompt: Prompt, decoding: Decoding = GREEDY
    ) -> Generator[str, None, Generation]:
        """Yield the reply in pieces as they come; the generator's return value is the whole.

        Closing the generator stops the model.

        Raises:
            LanguageModelError: As for ``generate``.
        """
        told = self._prompt_ids(prompt, decoding)
        tokens: SimpleQueue[int | None] = SimpleQueue()
        closed = Event()
        text = GrowingText(self._text)
        with ThreadPoolExecutor(1, "graphllm-llm") as thread:
            working = thread.submit(self._generate, [told], decoding, TokenQueue(tokens), closed)
            working.add_done_callback(lambda _: tokens.put(None))
            try:
                while (token := tokens.get()) is not None:
                    if token not in self._end_ids and (piece := text.add(token)):
                        yield piece
            finally:
                closed.set()
            [reply] = working.result()
        if rest := text.rest():
            yield rest
        return self._generation(told, reply, decoding)

    def _generate(
        self,
        told: Sequence[list[int]],
        decoding: Decoding,
        streamer: TokenQueue | None = None,
        closed: Event | None = None,
    ) -> list[list[int]]:
        """Return the tokens of the reply to each row, up to and with its end token."""
        batch = self._padded(told)
        settings = GenerationConfig(  # type: ignore[no-untyped-call]
            max_new_tokens=decoding.max_new_tokens,
            do_sample=False,  # GumbelNoise draws, where a draw is asked for
            num_beams=1,
            eos_token_id=sorted(self._end_ids) or None,
            pad_token_id=self._pad_id,
        )
        noise = [GumbelNoise(len(told), decoding.temperature, decoding.seed)]
        try:
            with self._model_lock:
                sequences = self._model.generate(
                    **batch._asdict(),
                    generation_config=settings,
                    logits_processor=LogitsProcessorList(noise if decoding.temperature else []),
                    stopping_criteria=StoppingCriteriaList([StopWhenTold(closed or Event())]),
                    streamer=streamer,
                )
        except torch.OutOfMemoryError as error:
            raise LanguageModelError(
                f"{self.id}: {len(told)} prompts of up to {batch.input_ids.shape[1]} tokens do not "
                f"fit the memory of {self._device}; lower batch_size or shorten them"
            ) from error
        start = 1 if self._is_seq2seq else batch.input_ids.shape[1]
        return [self._up_to_end(row) for row in sequences[:, start:].tolist()]

    def _up_to_end(self, row: list[int]) -> list[int]:
        ends = (position + 1 for position, token in enumerate(row) if token in self._end_ids)
        return row[: next(ends, len(row))]

    @property
    def _pad_id(self) -> int:
        """Any token: it is masked in a prompt, and stands behind the end of a reply."""
        pad_id = self._tokenizer.pad_token_id
        return pad_id if pad_id is not None else min(self._end_ids, default=0)

    def _padded(self, told: Sequence[list[int]]) -> Padded:
        """Return rows of one length: filled on the left, so that each goes on where it ends.

        The encoder of a sequence-to-sequence model expects its texts to begin at position 0.
        """
        length = max(map(len, told))
        ids = torch.full((len(told), length), self._pad_id)
        mask = torch.zeros_like(ids)
        for row, tokens in enumerate(told):
            place = slice(len(tokens)) if self._is_seq2seq else slice(length - len(tokens), length)
            ids[row, place] = torch.tensor(tokens)
            mask[row, place] = 1
        return Padded(ids.to(self._device), mask.to(self._device))

    def _generation(self, told: list[int], reply: list[int], decoding: Decoding) -> Generation:
        ended = bool(reply) and reply[-1] in self._end_ids
        return Generation(
            text=self._text(reply[:-1] if ended else reply),
            usage=Usage(calls=1, prompt_tokens=len(told), completion_tokens=len(reply)),
            cut_off=not ended,
        )

    def _text(self, token_ids: Sequence[int]) -> str:
        with self._tokenizer_lock:
            text = self._tokenizer.decode(
                list(token_ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        assert isinstance(text, str)  # noqa: S101  (one sequence in, one text out)
        return text

    def _prompt_ids(self, prompt: Prompt, decoding: Decoding) -> list[int]:
        """Return the tokens of a prompt; raise if the context has no room for it and the reply."""
        harmless = tuple(
            replace(message, text=self._harmless(message.text)) for message in prompt.messages
        )
        with self._tokenizer_lock:
            ids = self._formatted(Prompt(messages=harmless))
        needed = (len(ids), decoding.max_new_tokens)
        limit = self._context_tokens
        if limit is not None and (max if self._is_seq2seq else sum)(needed) > limit:
            raise LanguageModelError(
                f"{self.id}: the prompt has {needed[0]} tokens and the reply may have {needed[1]} "
                f"(max_new_tokens); the context is {limit}; shorten either"
            )
        return ids

    def _formatted(self, prompt: Prompt) -> list[int]:
        if self._tokenizer.chat_template:
            return self._ids(self._templated(prompt), with_special=False)
        ids = self._ids(plain_prompt(prompt), with_special=True)
        if not self._is_seq2seq and ids and ids[-1] in self._end_ids:
            del ids[-1]  # an end after the question would end the reply before it began
        return ids or [self._first_id]

    @property
    def _first_id(self) -> int:
        """What stands for an empty prompt."""
        first = self._tokenizer.bos_token_id
        return first if first is not None else self._pad_id

    def _templated(self, prompt: Prompt) -> str:
        chat = [{"role": message.role, "content": message.text} for message in prompt.messages]
        try:
            text = self._tokenizer.apply_chat_template(
                chat, tokenize=False, add_generation_prompt=True
            )
        except Exception as error:  # a template raises whatever it likes
            if (merged := system_in_user(prompt)) != prompt:
                return self._templated(merged)
            raise LanguageModelError(
                f"{self.id}: its chat template refuses the prompt: {plain(str(error))}"
            ) from error
        assert isinstance(text, str)  # noqa: S101  (one chat in, one text out)
        return text

    def _ids(self, text: str, *, with_special: bool) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=with_special)["input_ids"])

    def _harmless(self, text: str) -> str:
        return without_tokens(well_formed(text), self._control_tokens)


def _control_tokens(tokenizer: object) -> frozenset[str]:
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    return frozenset(str(token) for token in added if token.special) | frozenset(
        getattr(tokenizer, "all_special_tokens", [])
    )
