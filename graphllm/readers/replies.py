"""Read what a language model replies: tolerant of how it is written, strict about what it is.

A reply is data of unknown origin: whatever it holds, these functions return, or raise
``ReplyError``.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from graphllm.query.text import OPERATIONS

LONGEST_REPLY = 100_000  # characters; no answer to a question is longer
_MOST_ANSWERS = 1_000
_MOST_CITES = 2_000
_MOST_OBJECTS = 20  # places at which a JSON object may begin that are tried
_LONGEST_REASON = 300
_THOUGHTS_END = "</think>"  # models that reason aloud put it before their reply
_TRAILING_COMMA = re.compile(r",(?=\s*[\]}])")
_NUMBERED = re.compile(r"\[?\s*(\d{1,6})\s*\]?\s*(.*)", re.DOTALL)
_OPERATION = re.compile(r"\b([a-z_]+)\s*\(")
_ARGUMENT = re.compile(r'\s*("|~|[a-z_]+\s*\()')


class ReplyError(ValueError):
    """A reply that is not what was asked for; the message says how."""


@dataclass(frozen=True, slots=True)
class Cite:
    """What a reply points at: a numbered line, or the line about a node.

    Attributes:
        number: Of the line; ``None`` when it is named.
        stated: The node's name; behind a number, what the reply says the line says.
    """

    number: int | None
    stated: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer as a model gave it; nothing of it is checked.

    Attributes:
        answers: Names, numbers, "yes" or "no".
        cites: What they rest on.
        abstention: Why there is no answer; ``None`` when there is one.
    """

    answers: tuple[str, ...] = ()
    cites: tuple[Cite, ...] = ()
    abstention: str | None = None


def read_reply(text: str) -> Reply:
    """Return the answer that a reply holds as a JSON object, perhaps with text around it.

    Raises:
        ReplyError: There is no such object, or a part of it has the wrong type.

    Examples:
        >>> read_reply('Sure: ```{"answers": ["Ada"], "cites": ["2"], "abstain": null,}```')
        Reply(answers=('Ada',), cites=(Cite(number=2, stated=''),), abstention=None)
    """
    found = _object(_without_thoughts(text))
    answers = tuple(dict.fromkeys(_answer(value) for value in _items(found, "answers")))
    abstain = found.get("abstain")
    if abstain not in (None, "", False) or not answers:
        reason = abstain if isinstance(abstain, str) else ""
        return Reply(abstention=" ".join(reason.split())[:_LONGEST_REASON])
    cites = tuple(dict.fromkeys(_cite(value) for value in _items(found, "cites")))
    if len(answers) > _MOST_ANSWERS or len(cites) > _MOST_CITES:
        raise ReplyError(f"it gives {len(answers):,} answers and {len(cites):,} cites")
    return Reply(answers=answers, cites=cites)


def _without_thoughts(text: str) -> str:
    if len(text) > LONGEST_REPLY:
        raise ReplyError(f"it has {len(text):,} characters")
    return text.rpartition(_THOUGHTS_END)[2]


def _object(text: str) -> dict[str, object]:
    """Return the first JSON object in ``text`` that has an answer's keys."""
    for start in _starts(text):
        for candidate in (text[start:], _TRAILING_COMMA.sub("", text[start:])):
            try:
                found, _ = _DECODER.raw_decode(candidate)
            except (ValueError, RecursionError):
                continue
            if isinstance(found, dict) and ("answers" in found or "abstain" in found):
                return found
    raise ReplyError("there is no JSON object with answers in it")


def _starts(text: str) -> Iterator[int]:
    start = text.find("{")
    for _ in range(_MOST_OBJECTS):
        if start < 0:
            return
        yield start
        start = text.find("{", start + 1)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


_DECODER = json.JSONDecoder(parse_constant=_refuse, strict=False)


def _items(found: dict[str, object], key: str) -> list[object]:
    """Return the list under ``key``; a single value counts as a list of one."""
    value = found.get(key)
    if value is None:
        return []
    if isinstance(value, dict):
        raise ReplyError(f'its "{key}" are an object')
    return value if isinstance(value, list) else [value]


def _answer(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise ReplyError("an answer of it is neither a text nor a number")


def _cite(value: object) -> Cite:
    if isinstance(value, int) and not isinstance(value, bool):
        return Cite(value)
    if not isinstance(value, str) or not value.strip():
        raise ReplyError("a cite of it is neither a number nor a text")
    match = _NUMBERED.fullmatch(value.strip())
    if match and (value.strip().startswith("[") or not match[2]):
        return Cite(int(match[1]), match[2].strip())
    return Cite(None, value.strip())


def read_plan_text(text: str) -> str:
    """Return the plan that a reply holds, perhaps with text around it; ``""`` when it has none.

    Raises:
        ReplyError: The reply is too long to look through.

    Examples:
        >>> read_plan_text('The plan is: `count(type("Film"))`. It counts films.')
        'count(type("Film"))'
        >>> read_plan_text("none")
        ''
    """
    text = _without_thoughts(text)
    calls = [match for match in _OPERATION.finditer(text) if match[1] in OPERATIONS]
    if not calls:
        return ""
    # in prose: "the count (of all) is count(...)"
    plan = next((call for call in calls if _ARGUMENT.match(text, call.end())), calls[0])
    return text[plan.start() : _end_of_call(text, plan.end())]


def _end_of_call(text: str, position: int) -> int:
    """Return where the bracket that opened before ``position`` closes; the end if it does not."""
    depth, quoted = 1, False
    while position < len(text) and depth:
        character = text[position]
        if quoted and character == "\\":
            position += 1
        elif character == '"':
            quoted = not quoted
        elif not quoted:
            depth += (character == "(") - (character == ")")
        position += 1
    return position
