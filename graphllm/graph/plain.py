"""Show text of unknown origin without letting it act."""

import json
import re

# Control characters (so also every ANSI sequence, which begins with ESC or CSI), line separators,
# the marks that reorder text for the eye, invisible tag characters, and lone surrogates.
_ACTS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def plain(text: str) -> str:
    r"""Return ``text`` on one line, with every character that could act written as an escape.

    A name from a graph can then neither move a terminal's cursor, colour its output, start a new
    line that looks like ours, nor reorder what is read. Letters of all scripts stay.

    Examples:
        >>> print(plain("Ad\x1b[31ma"), plain("two\nlines"), plain("Zoë \u202egnp.exe"))
        Ad\x1b[31ma two\nlines Zoë \u202egnp.exe
    """
    return _ACTS.sub(lambda match: ascii(match[0])[1:-1], text)


def plain_json(text: str) -> str:
    r"""Return JSON ``text`` with every character that could act written as a JSON escape.

    It still reads back as the same data; line breaks between its parts stay.

    Examples:
        >>> print(plain_json('"a\u202eb"'))
        "a\u202eb"
    """

    def escaped(match: re.Match[str]) -> str:
        return match[0] if match[0] in "\n\t" else json.dumps(match[0])[1:-1]

    return _ACTS.sub(escaped, text)
