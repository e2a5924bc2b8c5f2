"""HTML that cannot be broken out of: every text is cut, made plain and escaped on its way in."""

import json
from html import escape

from graphllm.graph.plain import plain

LONGEST = 2_000  # characters of one text that a page shows
VOID = {"circle", "input", "path", "rect", "meta"}


class Html(str):
    """Markup that is finished; any other string is text and gets escaped."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str | int | bool | None) -> Html:
    """Return ``<name ...>children</name>``.

    Args:
        children: ``Html`` goes in as it is, text is escaped.
        attributes: ``class_`` and ``for_`` lose their underscore, others turn it into a hyphen;
            ``True`` gives an attribute without a value, ``False`` and ``None`` give none.

    Examples:
        >>> print(element("p", "a < b", element("b", "!"), class_="x", hidden=True))
        <p class="x" hidden>a &lt; b<b>!</b></p>
    """
    opened = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID:
        return Html(f"<{name}{opened}>" if name in {"input", "meta"} else f"<{name}{opened}/>")
    return Html(f"<{name}{opened}>{''.join(map(_escaped, children))}</{name}>")


def paragraphs(text: str) -> Html:
    """Return ``text`` with its line breaks, each line made plain."""
    return Html("\n".join(escape(plain(line)) for line in shortened(text).split("\n")))


def joined(parts: list[Html]) -> Html:
    """Return pieces of markup one after the other."""
    return Html("".join(parts))


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return ``text``, or its beginning and how long it is.

    Examples:
        >>> shortened("abcdefgh", 5), shortened("abc", 5)
        ('abcde… (8 characters)', 'abc')
    """
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… ({len(text):,} characters)"


def script_json(data: object) -> str:
    r"""Return ``data`` as JSON that no HTML parser takes for markup.

    Examples:
        >>> print(script_json("</script>&"))
        "\u003c/script\u003e\u0026"
    """
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    for acts in "<>&":
        text = text.replace(acts, f"\\u{ord(acts):04x}")
    return text


def _escaped(child: str) -> str:
    return child if isinstance(child, Html) else escape(plain(shortened(child)))


def _attribute(key: str, value: str | int | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return (
        f" {name}"
        if value is True
        else f' {name}="{_escaped(value if isinstance(value, str) else str(value))}"'
    )
