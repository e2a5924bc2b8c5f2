"""One exchange with a server: sent, tried again where that helps, and every failure told as one."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from ipaddress import ip_address
from math import isfinite

import httpx

from graphllm.errors import ConfigError, LanguageModelError
from graphllm.graph.plain import plain
from graphllm.llm._replies import BadReplyError, Refusal, refusal
from graphllm.llm.patience import Patience

log = logging.getLogger(__name__)

CHAT_PATH = "/chat/completions"
MAX_REPLY_BYTES = 8_000_000  # far beyond any reply; what is longer is not a reply
MAX_REFUSAL_BYTES = 64_000
SHOWN_CHARS = 300
TRY_AGAIN = frozenset({408, 429, 500, 502, 503, 504, 529})
NO_QUOTA = "insufficient_quota"  # sent with 429, but waiting does not help

Payload = Mapping[str, object]

_HINTS = {
    401: "check the API key (OPENAI_API_KEY)",
    403: "check what the API key (OPENAI_API_KEY) may do",
    404: "check the model's name, and that the base URL is right: most end in /v1",
    429: "wait, or ask for less at once (concurrency)",
}
_REFUSES = re.compile(
    r"unsupported|not support|unrecognized|unrecognised|unknown|unexpected|not permitted|"
    r"not allowed|deprecated|no longer|extra_forbidden",
    re.IGNORECASE,
)


class Address:
    """Where a server is, apart from the credentials that may stand in its URL.

    Raises:
        ConfigError: The URL is not one of http or https, or has a query or a fragment.
    """

    def __init__(self, base_url: str) -> None:
        text = base_url.strip().rstrip("/").removesuffix(CHAT_PATH)
        try:
            url = httpx.URL(text)
        except (httpx.InvalidURL, ValueError):
            url = httpx.URL("")
        if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
            bare = plain(re.sub(r"//[^/]*@", "//", text).partition("?")[0])
            raise ConfigError(
                f"the base URL of a language model should look like https://host/v1, got {bare!r}"
            )
        self.user, self.password = url.username, url.password
        self.bare = str(url.copy_with(username=None, password=None)).rstrip("/")
        self.host = url.host
        self.is_encrypted = url.scheme == "https"

    @property
    def is_this_machine(self) -> bool:
        """Whether nothing sent there leaves the machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class Dialect:
    """Which parameters the server takes, learnt from what it refuses.

    The chat-completions API has grown apart: newer models of OpenAI want
    ``max_completion_tokens`` for ``max_tokens`` and a fixed temperature, others know no seed.
    """

    RENAMED: Mapping[str, str] = {"max_tokens": "max_completion_tokens"}
    OPTIONAL = ("max_tokens", "temperature", "seed", "stream_options")

    def __init__(self) -> None:
        self._refused: set[str] = set()

    def put(self, payload: Payload) -> Payload:
        """Return ``payload`` without what the server has refused."""
        out = {key: value for key, value in payload.items() if key not in self._refused}
        for key in self._refused & set(self.RENAMED) & set(payload):
            out[self.RENAMED[key]] = payload[key]
        return out

    def learn(self, sent: Payload, said: Refusal) -> bool:
        """Return whether ``said`` refuses an optional parameter that was sent, and remember it."""
        if not _REFUSES.search(f"{said.message} {said.code}"):
            return False
        for key in self.OPTIONAL:
            named = said.parameter == key or re.search(rf"\b{key}\b", said.message)
            if key in sent and named:
                log.info("the server does not take the parameter %s; sent without it", key)
                self._refused.add(key)
                return True
        return False


class _TryAgainError(Exception):
    """A failure that may pass; ``after_s`` is what the server asks to wait."""

    def __init__(self, failure: LanguageModelError, after_s: float = 0.0) -> None:
        super().__init__()
        self.failure = failure
        self.after_s = after_s


class Server:
    """An OpenAI-compatible server; safe to share between threads.

    The API key is sent to the address given and nowhere else (redirects are not followed), and
    stands in no message, log or ``repr``.
    """

    def __init__(self, address: Address, api_key: str, patience: Patience) -> None:
        self.address = address
        self._api_key = api_key
        self._patience = patience
        self._dialect = Dialect()
        self._tls = httpx.create_ssl_context()

    def client(self) -> httpx.AsyncClient:
        """Return a client to make exchanges with, to be closed in the loop that uses it."""
        patience = self._patience
        timeout = httpx.Timeout(patience.idle_s, connect=patience.connect_s, pool=None)
        return httpx.AsyncClient(
            timeout=timeout,
            verify=self._tls,
            headers=self._headers(),
            auth=self._auth(),
            trust_env=not self.address.is_this_machine,  # a proxy cannot reach this machine
            # a connection for each try: one kept open may be closed there just as it is used here
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )

    def _headers(self) -> dict[str, str]:
        headers = {
            "User-Agent": f"graphllm/{version('graphllm')}",
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",  # so that bytes received are bytes of the reply
        }
        if self._api_key:
            headers["Authorization"] = f"Bearer {self._api_key}"
        return headers

    def _auth(self) -> httpx.BasicAuth | None:
        if self._api_key or not self.address.user:
            return None
        return httpx.BasicAuth(self.address.user, self.address.password)

    @asynccontextmanager
    async def exchange(
        self, client: httpx.AsyncClient, payload: Payload
    ) -> AsyncIterator[httpx.Response]:
        """Send ``payload``; yield the response once its status says that a reply follows.

        Raises:
            LanguageModelError: There is no reply, it does not come in time, or the block found
                something wrong with it (`BadReplyError`).
        """
        patience = self._patience
        try:
            async with asyncio.timeout(patience.total_s):
                response = await self._persist(client, payload)
                try:
                    yield response
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise self._error(
                f"was not done after {patience.total_s:g} s",
                advice="ask for a shorter reply or allow more time (total_s)",
            ) from error
        except httpx.TimeoutException as error:
            raise self._error(
                f"sent nothing for {patience.idle_s:g} s",
                advice="ask for a shorter reply or allow more time (idle_s)",
            ) from error
        except httpx.HTTPError as error:
            raise self._error("broke off its reply", str(error), "ask again") from error
        except BadReplyError as error:
            raise self._error(
                f"sent a reply that {error.what}",
                error.said,
                "check that the base URL is that of an OpenAI-compatible server",
            ) from error

    async def _persist(self, client: httpx.AsyncClient, payload: Payload) -> httpx.Response:
        waits = self._patience.waits()
        while True:
            try:
                return await self._try(client, payload)
            except _TryAgainError as trouble:
                wait_s = next(waits, None)
                if wait_s is None:
                    raise trouble.failure from trouble.__cause__
                wait_s = max(wait_s, min(trouble.after_s, self._patience.longest_wait_s))
                log.info("%s; trying again in %.1f s", trouble.failure, wait_s)
                await asyncio.sleep(wait_s)

    async def _try(self, client: httpx.AsyncClient, payload: Payload) -> httpx.Response:
        """Send once, or again at once in words that the server understands."""
        while True:
            sent = self._dialect.put(payload)
            response = await self._send(client, sent)
            if response.status_code == httpx.codes.OK:
                return response
            try:
                said = await _refusal(response)
            finally:
                await response.aclose()
            if response.status_code not in (400, 422) or not self._dialect.learn(sent, said):
                self._refuse(response, said)

    async def _send(self, client: httpx.AsyncClient, payload: Payload) -> httpx.Response:
        url = self.address.bare + CHAT_PATH
        request = client.build_request("POST", url, content=json.dumps(payload))
        try:
            return await client.send(request, stream=True, follow_redirects=False)
        except httpx.ConnectTimeout as error:
            what = f"could not be reached within {self._patience.connect_s:g} s"
            raise _TryAgainError(self._error(what, advice="check the address")) from error
        except httpx.ConnectError as error:
            what = "could not be reached"
            advice = "check that the server runs and that the base URL is right"
            raise _TryAgainError(self._error(what, str(error), advice)) from error

    def _refuse(self, response: httpx.Response, said: Refusal) -> None:
        status = response.status_code
        if response.is_redirect:
            raise self._error(
                f"answered with a redirect ({status}), which is not followed",
                response.headers.get("location", ""),
                "give the new base URL if you trust it",
            )
        what = f"refused with status {status}" if status >= 400 else f"answered with {status}"
        failure = self._error(what, said.message, _HINTS.get(status, ""))
        if status in TRY_AGAIN and said.code != NO_QUOTA:
            raise _TryAgainError(failure, _retry_after_s(response.headers.get("retry-after", "")))
        raise failure

    def _error(self, what: str, said: str = "", advice: str = "") -> LanguageModelError:
        """Return an error of one line; ``said`` is foreign text and may even hold the key."""
        for secret in filter(None, (self._api_key, self.address.password)):
            said = said.replace(secret, "***")
        said = plain(" ".join(said.split()))
        said = said if len(said) <= SHOWN_CHARS else said[:SHOWN_CHARS] + "..."
        parts = [f"the language model server {self.address.bare} {what}"]
        parts += [f": {said}"] if said else []
        parts += [f"; {advice}"] if advice else []
        return LanguageModelError("".join(parts))


async def limited(response: httpx.Response) -> AsyncIterator[bytes]:
    """Yield the bytes of a reply.

    Raises:
        BadReplyError: There are more than any reply has.
    """
    received = 0
    async for chunk in response.aiter_bytes():
        received += len(chunk)
        if received > MAX_REPLY_BYTES:
            raise BadReplyError(f"is longer than {MAX_REPLY_BYTES:,} bytes")
        yield chunk


def content_type(response: httpx.Response) -> str:
    """Return the media type of a reply without its parameters; ``""`` when it names none."""
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _refusal(response: httpx.Response) -> Refusal:
    body = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_REFUSAL_BYTES:
                break
    except httpx.HTTPError as error:  # the status has said the main thing
        log.debug("the text of a refusal broke off", exc_info=error)
    return refusal(bytes(body[:MAX_REFUSAL_BYTES]))


def _retry_after_s(text: str) -> float:
    """Return the seconds that a ``Retry-After`` header asks for: a number or a date."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            until = parsedate_to_datetime(text)
        except ValueError:
            return 0.0
        seconds = (until.astimezone(UTC) - datetime.now(UTC)).total_seconds()
    return seconds if isfinite(seconds) and seconds > 0 else 0.0
