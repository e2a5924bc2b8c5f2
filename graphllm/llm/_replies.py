"""What a chat-completions server says, checked before it is believed."""

import codecs
import json
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from graphllm.answer.answer import Usage
from graphllm.llm.prompting import well_formed

T = TypeVar("T")

CUT_OFF = "length"
WITHHELD = "content_filter"
DONE = "[DONE]"

_JSON_NAMES = {dict: "an object", list: "a list", str: "a text", int: "a number", bool: "a boolean"}


class BadReplyError(Exception):
    """What is wrong with a reply, and what the server itself says of it."""

    def __init__(self, what: str, said: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.said = said


class Piece(NamedTuple):
    """A reply or a part of one."""

    text: str
    finish: str | None = None
    usage: Usage | None = None


class Refusal(NamedTuple):
    """What a server gives as the reason why it does not reply."""

    message: str
    parameter: str = ""
    code: str = ""


def whole_reply(body: bytes) -> Piece:
    """Read the body of a reply that is not streamed.

    Raises:
        BadReplyError: It is not what the chat-completions API promises.
    """
    data = _object(_parsed(body), "the reply")
    choice = _first_choice(data)
    if choice is None:
        raise BadReplyError("has no choices")
    message = _object(choice.get("message"), "choices[0].message")
    return _piece(data, choice, _content(message, _finish(choice)))


def streamed_piece(event: str) -> Piece:
    """Read the data of one event of a streamed reply.

    Raises:
        BadReplyError: It is not what the chat-completions API promises.
    """
    data = _object(_parsed(event.encode()), "an event of the stream")
    choice = _first_choice(data)
    if choice is None:  # the last event may hold nothing but the usage
        return Piece("", None, _usage(data))
    delta = _object(choice.get("delta"), "choices[0].delta")
    content = delta.get("content")
    text = "" if content is None else _expect(content, str, "choices[0].delta.content")
    return _piece(data, choice, text)


def refusal(body: bytes) -> Refusal:
    """Read what a server says with an error status; the text as it is where it is not JSON."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return Refusal(body.decode("utf-8", "replace"))
    error = data.get("error", data) if isinstance(data, dict) else data
    if isinstance(error, str):
        return Refusal(error)
    if not isinstance(error, dict):
        return Refusal(json.dumps(data))
    message = error.get("message") or error.get("detail") or error
    return Refusal(
        message if isinstance(message, str) else json.dumps(message),
        *(str(error.get(key) or "") for key in ("param", "code")),
    )


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadReplyError("is not JSON", body.decode("utf-8", "replace")) from error


def _expect(value: object, kind: type[T], where: str) -> T:
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    found = "nothing" if value is None else _JSON_NAMES.get(type(value), "a number")
    raise BadReplyError(f"has {found} where {where} should be {_JSON_NAMES[kind]}")


def _object(value: object, where: str) -> dict[str, object]:
    return _expect(value, dict, where)


def _first_choice(data: dict[str, object]) -> dict[str, object] | None:
    if data.get("error"):
        raise BadReplyError("reports an error", refusal(json.dumps(data).encode()).message)
    choices = _expect(data.get("choices"), list, "choices")
    return _object(choices[0], "choices[0]") if choices else None


def _finish(choice: dict[str, object]) -> str | None:
    finish = choice.get("finish_reason")
    return None if finish is None else _expect(finish, str, "choices[0].finish_reason")


def _content(message: dict[str, object], finish: str | None) -> str:
    content = message.get("content")
    if content is None and message.get("refusal"):
        raise BadReplyError("refuses to answer", str(message["refusal"]))
    if content is None and finish == CUT_OFF:  # all tokens went into reasoning
        return ""
    return _expect(content, str, "choices[0].message.content")


def _piece(data: dict[str, object], choice: dict[str, object], text: str) -> Piece:
    finish = _finish(choice)
    if finish == WITHHELD:
        raise BadReplyError("was withheld by the server's content filter")
    return Piece(well_formed(text), finish, _usage(data))


def _usage(data: dict[str, object]) -> Usage | None:
    """Return the usage a server reports; ``None`` where it reports none that can be read."""
    usage = data.get("usage")
    if not isinstance(usage, dict):
        return None
    told, replied = (usage.get(f"{part}_tokens") for part in ("prompt", "completion"))
    if type(told) is not int or type(replied) is not int or min(told, replied) < 0:
        return None
    return Usage(calls=1, prompt_tokens=told, completion_tokens=replied)


class EventParser:
    """Splits a stream of server-sent events into the data of each, however the bytes arrive.

    Lines end in LF, CRLF or CR; comments and other fields are skipped; the data lines of an event
    are joined. An event that the end of the stream cuts short counts as sent: some servers leave
    out the empty line after the last.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._line: list[str] = []  # the parts of the line that has not ended yet
        self._after_cr = False
        self._data: list[str] = []

    def feed(self, chunk: bytes, *, last: bool = False) -> Iterator[str]:
        """Yield the data of the events that ``chunk`` completes.

        Raises:
            BadReplyError: The bytes are not UTF-8.
        """
        try:
            text = self._decoder.decode(chunk, last)
        except UnicodeDecodeError as error:
            raise BadReplyError("is not UTF-8") from error
        for line in self._lines(text):
            yield from self._take(line)
        if last:
            yield from self._take("".join(self._line))
            yield from self._take("")

    def _lines(self, text: str) -> Iterator[str]:
        if self._after_cr and text:
            text = text.removeprefix("\n")
            self._after_cr = False
        self._after_cr = self._after_cr or text.endswith("\r")
        *ends, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for end in ends:
            yield "".join([*self._line, end])
            self._line = []
        self._line.append(rest)

    def _take(self, line: str) -> Iterator[str]:
        if not line:
            if event := "\n".join(self._data):
                yield event
            self._data = []
        field, _, value = line.partition(":")
        if field == "data":
            self._data.append(value.removeprefix(" "))
