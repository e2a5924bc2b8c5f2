"""The page of an answer: what it says, and that nothing in it can act or fetch."""

import base64
import hashlib
import json
import re
from html import unescape
from html.parser import HTMLParser

import pytest

from graphllm import GraphQA, TextualGraph
from graphllm.answer import Abstention, Answer, Citation, Reason
from graphllm.answer.markup import shortened
from graphllm.answer.page import LISTED_CITATIONS
from graphllm.graph.plain import plain
from tests.answer.hostile import TEXTS, hostile_answer

ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Page(HTMLParser):
    """A page as a parser sees it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {}
        self._open = ""
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._open = tag
        if tag in ("script", "style"):
            self.inside.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        self._open = ""

    def handle_data(self, data):
        if self._open in ("script", "style"):
            self.inside[self._open][-1] += data
        else:
            self.text += data

    @property
    def drawn(self) -> dict:
        return json.loads(self.inside["script"][0])

    @property
    def policy(self) -> dict[str, str]:
        metas = [a for tag, a in self.tags if tag == "meta" and "http-equiv" in a]
        assert [a["http-equiv"] for a in metas] == ["Content-Security-Policy"]
        parts = metas[0]["content"].split("; ")
        return {name: value for name, _, value in (part.partition(" ") for part in parts)}


def page(answer: Answer) -> Page:
    return Page(answer.to_html())


@pytest.fixture(scope="module")
def films() -> GraphQA:
    triples = [
        ("Alien", "directed by", "Ridley Scott"),
        ("Blade Runner", "directed by", "Ridley Scott"),
        ("Alien", "starred", "Sigourney Weaver"),
    ]
    return GraphQA.from_graph(TextualGraph.from_triples(triples))


def test_it_says_the_answer_the_plan_the_proof_and_what_else_it_could_mean(films):
    answer = films.ask("Who directed Alien?")
    shown = page(answer)
    for text in (answer.question, answer.text, answer.plan.text, answer.plan.cypher):
        assert text in shown.text
    assert "Take the 'directed by' of Alien." in shown.text
    assert "Ridley Scott" in shown.text
    assert f"confidence {answer.confidence:.2f}" in shown.text
    assert all(other.text in shown.text for other in answer.alternatives)
    assert [node["name"] for node in shown.drawn["nodes"] if node["role"] == "answer"] == [
        "Ridley Scott"
    ]
    first = shown.drawn["edges"][0]
    assert (first["relation"], first["cited"]) == ("directed by", True)


def test_every_line_of_the_proof_points_at_what_is_drawn_of_it(films):
    answer = films.ask("Who directed Alien?")
    shown = page(answer)
    lines = [a for tag, a in shown.tags if tag == "button" and "data-edge" in a]
    assert len(lines) == len(answer.citations) == 1
    edge = shown.drawn["edges"][int(lines[0]["data-edge"])]
    assert edge["edge"] == answer.citations[0].edge
    assert shown.drawn["nodes"][edge["tail"]]["name"] == "Ridley Scott"


def test_a_cited_attribute_points_at_its_node():
    citation = Citation(head="Alien", relation="year", tail="1979", head_key="a")
    shown = page(Answer(question="q", text="1979", citations=(citation,)))
    lines = [a for tag, a in shown.tags if tag == "button" and "data-node" in a]
    assert [a["data-node"] for a in lines] == ["0"]
    assert not any("data-edge" in a for _, a in shown.tags)


def test_a_refusal_says_why_and_what_came_near():
    abstention = Abstention(
        reason=Reason.NO_ENTITY, message="There is no Allien.", near_misses=("Alien", "Aliens")
    )
    shown = page(Answer(question="Allien?", text="There is no Allien.", abstained=abstention))
    for text in ("There is no Allien.", "no answer", "Did you mean", "Alien", "Aliens"):
        assert text in shown.text
    assert "confidence" not in shown.text
    assert not any(a.get("id") in ("stage", "library") for _, a in shown.tags)


def test_the_same_answer_gives_the_same_page(films):
    answer = films.ask("Who directed Alien?")
    again = GraphQA.from_graph(films.view).ask("Who directed Alien?")
    assert answer.to_html() == answer.to_html()
    assert page(answer).drawn == page(again).drawn


def test_what_runs_is_what_the_policy_names_and_nothing_may_be_fetched():
    shown = page(hostile_answer())
    data, library, script = shown.inside["script"]
    assert shown.policy == {
        "default-src": "'none'",
        "script-src": f"{digest(script)} {digest(unpacked(library))}",
        "style-src": " ".join(map(digest, shown.inside["style"])),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert json.loads(data)["nodes"]


def unpacked(library: str) -> str:
    import gzip

    return gzip.decompress(base64.b64decode(library)).decode("utf-8")


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_library_comes_with_its_licence():
    shown = hostile_answer().to_html()
    assert "Cytoscape.js 3.34.4" in shown
    assert "Copyright (c) 2016-2026, The Cytoscape Consortium." in shown
    assert "Permission is hereby granted, free of charge" in shown


def test_hostile_texts_make_no_tag_and_no_attribute():
    harmless = [f"text {i}" for i in range(len(TEXTS))]
    evil, tame = page(hostile_answer()), page(hostile_answer(harmless))
    # which kinds of tags and attributes there are depends on our own code alone
    assert kinds(evil) - {("details", "id")} == kinds(tame) - {("details", "id")}
    assert len(evil.inside["script"]) == 3
    for _, attributes in evil.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert attributes.get("href", "data:,") == "data:,"
        assert "src" not in attributes


def kinds(shown: Page) -> set[tuple[str, str]]:
    return {(tag, name) for tag, attributes in shown.tags for name in (*attributes, "")}


def test_no_control_character_and_no_reordering_mark_reaches_a_page():
    answer = hostile_answer()
    for shown in (answer.to_html(), answer._repr_html_()):
        assert ACTS.findall(shown) == []
        assert "\u2028" not in shown


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_texts_are_shown_as_they_are(text):
    shown = page(hostile_answer([text, "other"], question=text)).text
    assert plain(shortened(text)) in shown


def test_addresses_stand_only_in_texts():
    """Nothing but the licence and shown texts may hold an address."""
    harmless = hostile_answer([f"text {i}" for i in range(5)]).to_html()
    assert re.findall(r"https?:|//\w+\.|@import|url\((?!#)", harmless) == []


def test_names_of_megabytes_make_a_page_of_kilobytes():
    shown = hostile_answer(["N" * 10_000_000, "text"]).to_html()
    assert len(shown) < 400_000
    assert "(10,000,000 characters)" in shown


def test_a_long_proof_is_listed_in_part_and_says_so():
    citations = tuple(
        Citation(head="a", relation="r", tail=f"b{i}", head_key="a", tail_key=f"b{i}", edge=i)
        for i in range(5000)
    )
    shown = page(Answer(question="q", text="Many.", citations=citations))
    assert f"... and {5000 - LISTED_CITATIONS:,} more" in shown.text
    assert "4,880 more citations are not drawn" in shown.text
    assert len(shown.html) < 700_000


def test_texts_of_all_scripts_keep_their_direction():
    shown = page(hostile_answer(["שלום", "سلام", "text"]))
    names = [a for tag, a in shown.tags if tag == "span" and a.get("class") == "name"]
    assert names
    assert all(a["dir"] == "auto" for a in names)


def test_a_notebook_frames_the_page_and_lets_it_reach_nothing(films):
    answer = films.ask("Who directed Alien?")
    shown = Page(answer._repr_html_())
    frames = [a for tag, a in shown.tags if tag == "iframe"]
    assert [a["sandbox"] for a in frames] == ["allow-scripts"]
    inner = Page(frames[0]["srcdoc"])
    assert inner.drawn == page(answer).drawn
    assert answer.text in shown.text  # for viewers that take the frame away
    assert str(answer.citations[0]) in shown.text
    assert {tag for tag, _ in shown.tags} <= {
        "p", "b", "i", "ul", "li", "details", "summary", "iframe",
    }  # fmt: skip
    assert len(answer._repr_html_()) < 260_000


def test_a_notebook_shows_hostile_texts_as_texts():
    shown = Page(hostile_answer()._repr_html_())
    assert not {"script", "img", "svg", "style"} & {tag for tag, _ in shown.tags}
    assert unescape("&lt;svg onload") in shown.text


def test_without_a_graph_a_notebook_needs_no_frame():
    shown = Page(Answer(question="q", text="No.", entities=("no",))._repr_html_())
    assert [tag for tag, _ in shown.tags] == ["p", "b"]
