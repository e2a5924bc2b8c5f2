"""Language models behind an OpenAI-compatible server."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Generator, Sequence

import httpx

from graphllm.answer.answer import Usage
from graphllm.errors import ConfigError, LanguageModelError
from graphllm.llm._background import iterate, run
from graphllm.llm._replies import (
    CUT_OFF,
    DONE,
    BadReplyError,
    EventParser,
    Piece,
    streamed_piece,
    whole_reply,
)
from graphllm.llm._server import Address, Payload, Server, content_type, limited
from graphllm.llm.counting import MESSAGE_TOKENS, estimated_tokens
from graphllm.llm.language_model import GREEDY, Decoding, Generation, Prompt
from graphllm.llm.patience import Patience
from graphllm.llm.prompting import well_formed, without_marks

log = logging.getLogger(__name__)

OPENAI_URL = "https://api.openai.com/v1"
EVENT_STREAM = "text/event-stream"


class OpenAICompatible:
    """A model on a server that speaks OpenAI's chat-completions API.

    OpenAI itself, and vLLM, Ollama, llama.cpp, LM Studio and many more. Parameters that a server
    refuses by name (``max_tokens``, ``temperature``, ``seed``) are renamed or left out, so with
    some models replies vary although the temperature asked for is 0.

    Control marks of the usual chat formats are taken apart in what is sent (`without_marks`).

    Args:
        model: Its name on the server.
        base_url: Up to and with ``/v1``; ``OPENAI_BASE_URL`` by default, else OpenAI's own. A user
            and password in it are sent as basic authentication when there is no key.
        api_key: ``OPENAI_API_KEY`` by default; servers on this machine mostly want none. ``""``
            sends none whatever the variable says, and is not asked for.
        context_tokens: Prompt and reply at most, where it is known. A prompt that is estimated
            to be longer is then an error here; some servers would cut it without a word.
        concurrency: How many prompts of a batch are asked at the same time.
        patience: How long to wait, and how often to try again.

    Raises:
        ConfigError: A parameter is out of range, the URL is none, or OpenAI's own server is meant
            and there is no key.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        context_tokens: int | None = None,
        concurrency: int = 8,
        patience: Patience | None = None,
    ) -> None:
        if concurrency < 1:
            raise ConfigError(f"concurrency must be 1 or more, got {concurrency}")
        if context_tokens is not None and context_tokens < 1:
            raise ConfigError(f"context_tokens must be 1 or more, got {context_tokens}")
        address = Address(base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL)
        key = _checked_key(api_key, address)
        self._model = model
        self._context_tokens = context_tokens
        self._concurrency = concurrency
        self._server = Server(address, key, patience or Patience())

    def __repr__(self) -> str:
        return f"OpenAICompatible({self._model!r}, base_url={self.sends_to!r})"

    @property
    def id(self) -> str:
        """The model's name on the server."""
        return self._model

    @property
    def context_tokens(self) -> int | None:
        """How many tokens prompt and reply may have together, where that was told."""
        return self._context_tokens

    @property
    def sends_to(self) -> str:
        """The address of the server, without credentials."""
        return self._server.address.bare

    def count_tokens(self, text: str) -> int:
        """Return an estimate from above; the rule stands at `estimated_tokens`."""
        return estimated_tokens(text)

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding = GREEDY) -> list[Generation]:
        """Return one reply per prompt, in the order of the prompts.

        Raises:
            ConfigError: A prompt has soft parts.
            LanguageModelError: A prompt does not fit, or got no reply that can be used. The other
                prompts of the batch are then given up too.
        """
        for prompt in prompts:
            self._check(prompt, decoding)
        return run(self._all(prompts, decoding)) if prompts else []

    def stream(
        self, prompt: Prompt, decoding: Decoding = GREEDY
    ) -> Generator[str, None, Generation]:
        """Yield the reply in pieces as they come; the generator's return value is the whole.

        Raises:
            ConfigError: The prompt has soft parts.
            LanguageModelError: The prompt does not fit, or the reply cannot be used; what came
                before has been yielded by then.
        """
        self._check(prompt, decoding)
        pieces = []
        for piece in iterate(self._pieces(prompt, decoding)):
            pieces.append(piece)
            if piece.text:
                yield piece.text
        return self._generation(prompt, pieces)

    async def _all(self, prompts: Sequence[Prompt], decoding: Decoding) -> list[Generation]:
        turns = asyncio.Semaphore(self._concurrency)

        async def ask(client: httpx.AsyncClient, position: int) -> Generation:
            async with turns:
                try:
                    return await self._one(client, prompts[position], decoding)
                except LanguageModelError as error:
                    if len(prompts) == 1:
                        raise
                    where = f"prompt {position + 1} of {len(prompts)}"
                    raise LanguageModelError(f"{where}: {error}") from error

        async with self._server.client() as client:
            try:
                async with asyncio.TaskGroup() as group:
                    asks = [
                        group.create_task(ask(client, position)) for position in range(len(prompts))
                    ]
            except BaseExceptionGroup as failures:
                raise failures.exceptions[0] from failures.exceptions[0].__cause__
        return [task.result() for task in asks]

    async def _one(
        self, client: httpx.AsyncClient, prompt: Prompt, decoding: Decoding
    ) -> Generation:
        payload = self._payload(prompt, decoding)
        async with self._server.exchange(client, payload) as response:
            return self._generation(prompt, [await _whole(response)])

    async def _pieces(self, prompt: Prompt, decoding: Decoding) -> AsyncGenerator[Piece, None]:
        asked = {"stream": True, "stream_options": {"include_usage": True}}
        payload = {**self._payload(prompt, decoding), **asked}
        async with (
            self._server.client() as client,
            self._server.exchange(client, payload) as response,
        ):
            if content_type(response) != EVENT_STREAM:  # it does not stream
                yield await _whole(response)
                return
            async for piece in _reply_pieces(response):
                yield piece

    def _payload(self, prompt: Prompt, decoding: Decoding) -> Payload:
        payload: dict[str, object] = {
            "model": self._model,
            "messages": [
                {"role": message.role, "content": without_marks(well_formed(message.text))}
                for message in prompt.messages
            ],
            "max_tokens": decoding.max_new_tokens,
            "temperature": decoding.temperature,
        }
        if decoding.seed is not None:
            payload["seed"] = decoding.seed
        return payload

    def _generation(self, prompt: Prompt, pieces: Sequence[Piece]) -> Generation:
        text = "".join(piece.text for piece in pieces)
        told = [piece.usage for piece in pieces if piece.usage]
        estimate = Usage(
            calls=1,
            prompt_tokens=self._prompt_tokens(prompt),
            completion_tokens=self.count_tokens(text),
        )
        return Generation(
            text=text,
            usage=told[-1] if told else estimate,
            cut_off=any(piece.finish == CUT_OFF for piece in pieces),
        )

    def _prompt_tokens(self, prompt: Prompt) -> int:
        texts = [message.text for message in prompt.messages]
        return sum(map(self.count_tokens, texts)) + MESSAGE_TOKENS * len(texts)

    def _check(self, prompt: Prompt, decoding: Decoding) -> None:
        """Raise if the prompt is not for a server, or is too long for this one."""
        if prompt.soft_parts:
            raise ConfigError(
                f"{self.id} runs on a server, which takes words only, and the prompt has soft "
                "parts; give them to a model on this machine (a folder or hf:ORG/NAME), or leave "
                "them out"
            )
        if self._context_tokens is None:
            return
        needed = self._prompt_tokens(prompt) + decoding.max_new_tokens
        if needed > self._context_tokens:
            raise LanguageModelError(
                f"{self.id}: the prompt (estimated) and max_new_tokens={decoding.max_new_tokens} "
                f"come to {needed} tokens, the context is {self._context_tokens}; shorten either"
            )


def _checked_key(api_key: str | None, address: Address) -> str:
    key = (os.environ.get("OPENAI_API_KEY", "") if api_key is None else api_key).strip()
    if not (key.isascii() and (key.isprintable())):
        raise ConfigError("the API key (OPENAI_API_KEY) holds characters that no key has")
    if address.bare == OPENAI_URL and not key and api_key != "":
        raise ConfigError(
            f"{OPENAI_URL} wants an API key: set OPENAI_API_KEY; or set OPENAI_BASE_URL to the "
            "address of another server, or name a folder or hf:ORG/NAME for a model on this machine"
        )
    if key and not (address.is_encrypted or address.is_this_machine):
        log.warning("%s is not encrypted: the API key can be read on the way", address.bare)
    return key


async def _whole(response: httpx.Response) -> Piece:
    kind = content_type(response)
    body = b"".join([chunk async for chunk in limited(response)])
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise BadReplyError(f"is {kind} and not JSON", body.decode("utf-8", "replace"))
    return whole_reply(body)


async def _reply_pieces(response: httpx.Response) -> AsyncGenerator[Piece, None]:
    """Yield the pieces of a streamed reply, up to its end mark."""
    finished = False
    async for event in _events(response):
        if event.strip() == DONE:
            return
        piece = streamed_piece(event)
        finished = finished or piece.finish is not None
        yield piece
    if not finished:
        raise BadReplyError("ends in the middle")


async def _events(response: httpx.Response) -> AsyncGenerator[str, None]:
    parser = EventParser()
    async for chunk in limited(response):
        for event in parser.feed(chunk):
            yield event
    for event in parser.feed(b"", last=True):
        yield event
