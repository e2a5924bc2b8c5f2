"""Markup that text cannot break out of."""

import json
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from graphllm.answer.markup import LONGEST, element, paragraphs, script_json, shortened
from graphllm.graph.plain import plain


class Seen(HTMLParser):
    """What a parser of HTML makes of a page: its tags, and the texts between them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_what_is_html_goes_in_as_it_is_and_text_is_escaped():
    inner = element("i", "a < b & c")
    assert element("p", inner, "<i>") == "<p><i>a &lt; b &amp; c</i>&lt;i&gt;</p>"


def test_attributes():
    made = element("input", type="checkbox", checked=True, hidden=False, id=None, data_edge=0)
    assert made == '<input type="checkbox" checked data-edge="0">'


@given(st.text())
def test_a_parser_reads_back_the_text_and_nothing_else(text):
    seen = Seen(element("p", text, title=text))
    assert seen.tags == [("p", {"title": plain(text)})]
    assert seen.text == plain(text)


@given(st.text())
def test_lines_stay_lines(text):
    seen = Seen(element("p", paragraphs(text)))
    assert [tag for tag, _ in seen.tags] == ["p"]
    assert seen.text == "\n".join(map(plain, text.split("\n")))


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_in_a_page_reads_back_and_holds_nothing_that_ends_it(data):
    text = script_json(data)
    assert json.loads(text) == data
    assert text.isascii()
    assert not set("<>&") & set(text)


def test_a_long_text_is_cut_and_says_how_long_it_is():
    assert shortened("x" * LONGEST) == "x" * LONGEST
    assert shortened("x" * 10_000_000).endswith("x… (10,000,000 characters)")
    assert len(element("p", "x" * 10_000_000)) < LONGEST + 100
