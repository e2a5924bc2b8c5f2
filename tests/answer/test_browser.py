"""Pages of answers in a real browser: drawn, explorable, and harmless."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from graphllm import GraphQA
from graphllm.answer import Answer
from graphllm.examples import path
from tests.answer.hostile import TEXTS, hostile_answer

pytestmark = pytest.mark.slow

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CY = "document.getElementById('canvas')._cyreg.cy"  # where Cytoscape.js keeps itself


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser without a network, one per process that runs tests."""
    named = os.environ.get("GRAPHLLM_BROWSER")
    found = named or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        pytest.skip(f"needs a browser: {', '.join(BROWSERS)}, or GRAPHLLM_BROWSER")
    from playwright.sync_api import sync_playwright

    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    quiet = ["--host-resolver-rules=MAP * ~NOTFOUND", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*as_root, *quiet])
        yield browser
        browser.close()


@dataclass
class Opened:
    """A page that is open, and everything it did that it should not."""

    page: Any
    url: str
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.wrong.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("dialog", self._dismiss)
        self.page.on("request", self._requested)
        self.page.on("popup", lambda _: self.wrong.append("a window"))
        self.page.goto(self.url)

    def _dismiss(self, dialog: Any) -> None:
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _requested(self, request: Any) -> None:
        if request.url != self.url:
            self.wrong.append(f"request: {request.url}")

    def drawn(self) -> "Opened":
        self.page.wait_for_selector("body.live")
        self.page.wait_for_function(f"{CY}.nodes().length > 0")
        return self

    def ask(self, expression: str) -> Any:
        return self.page.evaluate(expression)

    def click_node(self, position: int) -> None:
        place = self.ask(
            f"""(() => {{
                const at = {CY}.getElementById("n{position}").renderedPosition();
                const box = document.getElementById("canvas").getBoundingClientRect();
                return [at.x + box.x, at.y + box.y];
            }})()"""
        )
        self.page.mouse.click(*place)

    def tap(self, elements: str) -> None:
        """Tap each of them; void, for handing elements over here would take minutes."""
        self.ask(f"void {elements}.forEach((element) => element.emit('tap'))")

    def painted(self) -> int:
        """How many pixels of the canvases are not empty."""
        return self.ask(
            """[...document.querySelectorAll("#canvas canvas")].reduce((sum, canvas) => {
                const { width, height } = canvas;
                const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
                for (let i = 3; i < data.length; i += 4) sum += data[i] > 0;
                return sum;
            }, 0)"""
        )

    def assert_harmless(self) -> None:
        assert self.wrong == []
        assert self.ask("typeof window.__pwned") == "undefined"


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Open the page of an answer from a file."""
    contexts = []

    def opened(html: str | Answer, **options: Any) -> Opened:
        text = html.to_html() if isinstance(html, Answer) else html
        file = tmp_path / f"page{len(contexts)}.html"
        file.write_text(text, encoding="utf-8", newline="")
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 1000}, **options))
        contexts[-1].set_default_timeout(20_000)
        return Opened(contexts[-1].new_page(), file.as_uri())

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def qa() -> GraphQA:
    return GraphQA.from_file(path("discoveries"))


@pytest.fixture(scope="module")
def answer(qa: GraphQA) -> Answer:
    return qa.ask("Who discovered the elements named after Marie Curie?")


def test_the_graph_is_drawn_and_nothing_is_asked_of_anyone(show, answer):
    shown = show(answer).drawn()
    data = shown.ask("JSON.parse(document.getElementById('drawing').textContent)")
    assert shown.ask(f"{CY}.nodes().length") == len(data["nodes"]) > len(answer.citations)
    assert shown.ask(f"{CY}.edges('.cited').length") == len(answer.citations)
    assert shown.painted() > 2_000
    assert shown.ask(f"{CY}.nodes('.answer').map((node) => node.data('name'))") == ["Glenn Seaborg"]
    assert shown.ask(f"{CY}.nodes('.topic').map((node) => node.data('name'))") == ["Marie Curie"]
    shown.assert_harmless()


def test_a_click_on_a_node_tells_what_the_graph_says_of_it(show, answer):
    shown = show(answer).drawn()
    node = shown.ask(f"{CY}.nodes('.topic')[0].data('position')")
    shown.click_node(node)
    panel = shown.page.locator("#panel")
    assert "Marie Curie" in panel.locator("h3").inner_text()
    told = panel.inner_text()
    assert "Polish and French physicist and chemist" in told
    assert "1867-11-07" in told
    assert "person" in told
    shown.page.keyboard.press("Escape")
    shown.page.locator("#stage").focus()
    shown.page.keyboard.press("Escape")
    assert "Choose a node" in panel.inner_text()
    shown.assert_harmless()


def test_a_click_on_a_citation_highlights_its_edge(show, answer):
    shown = show(answer).drawn()
    before = shown.page.locator("#stage").screenshot()
    line = shown.page.locator(".proof button").nth(1)
    line.click()
    chosen = shown.ask(f"{CY}.$('.chosen').map((e) => e.data('edge'))")
    assert chosen == [answer.citations[1].edge]
    assert line.get_attribute("aria-pressed") == "true"
    assert answer.citations[1].relation in shown.page.locator("#panel h3").inner_text()
    assert shown.page.locator("#stage").screenshot() != before
    shown.assert_harmless()


def test_a_cited_attribute_highlights_its_node(show, qa):
    shown = show(qa.ask("When was Marie Curie born?")).drawn()
    shown.page.locator(".proof button").first.click()
    assert shown.ask(f"{CY}.$('.chosen').map((e) => e.data('name'))") == ["Marie Curie"]
    shown.assert_harmless()


def test_it_zooms_by_wheel_button_and_key_and_nodes_can_be_dragged(show, answer):
    shown = show(answer).drawn()
    zoom = f"{CY}.zoom()"
    start = shown.ask(zoom)
    shown.page.locator("#zoom-in").click()
    by_button = shown.ask(zoom)
    shown.page.locator("#stage").focus()
    shown.page.keyboard.press("+")
    by_key = shown.ask(zoom)
    assert start < by_button < by_key
    box = shown.page.locator("#stage").bounding_box()
    shown.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    shown.page.mouse.wheel(0, -300)
    shown.page.wait_for_function(f"{zoom} > {by_key}")
    shown.page.locator("#fit").click()
    assert shown.ask(zoom) == pytest.approx(start)
    pan = shown.ask(f"{CY}.pan().x")
    shown.page.locator("#stage").focus()
    shown.page.keyboard.press("ArrowRight")
    assert shown.ask(f"{CY}.pan().x") == pan - 60

    at = f"(({CY}).nodes('.answer')[0]).position('x')"
    before = shown.ask(at)
    x, y = shown.ask(
        f"""(() => {{
            const at = {CY}.nodes('.answer')[0].renderedPosition();
            const box = document.getElementById("canvas").getBoundingClientRect();
            return [at.x + box.x, at.y + box.y];
        }})()"""
    )
    shown.page.mouse.move(x, y)
    shown.page.mouse.down()
    shown.page.mouse.move(x + 60, y, steps=5)
    shown.page.mouse.up()
    assert shown.ask(at) > before + 20
    shown.assert_harmless()


def test_context_can_be_hidden(show, answer):
    shown = show(answer).drawn()
    seen = f"{CY}.edges().filter((edge) => edge.style('display') !== 'none').length"
    everything = shown.ask(seen)
    shown.page.locator("#context").click()
    assert shown.ask(seen) == len(answer.citations) < everything
    shown.page.locator("#context").click()
    assert shown.ask(seen) == everything
    shown.assert_harmless()


def test_all_of_it_can_be_reached_by_keyboard(show, answer):
    shown = show(answer).drawn()
    for _ in range(30):
        shown.page.keyboard.press("Tab")
        if shown.ask("document.activeElement.closest('.proof') !== null"):
            break
    shown.page.keyboard.press("Enter")
    assert shown.ask(f"{CY}.$('.chosen').length") == 1
    shown.assert_harmless()


def test_without_scripts_answer_proof_picture_and_texts_are_there(show, answer):
    shown = show(answer, java_script_enabled=False)
    page = shown.page
    assert "Glenn Seaborg" in page.locator("h1").inner_text()
    assert page.locator(".proof li").count() == len(answer.citations)
    assert page.locator("#stage svg").is_visible()
    assert page.locator("#stage svg .node").count() > len(answer.citations)
    page.locator(".listed > summary").click()
    page.locator(".listed details summary").first.click()
    assert page.locator(".listed details[open] .known").first.is_visible()
    assert page.locator(".tools").is_hidden()
    assert shown.wrong == []


def test_on_paper_the_picture_stands_in_for_the_canvas(show, answer):
    shown = show(answer).drawn()
    shown.page.emulate_media(media="print")
    assert shown.page.locator("#stage svg").is_visible()
    assert shown.page.locator("#canvas").is_hidden()
    shown.assert_harmless()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_colours_of_the_system(show, answer, scheme):
    shown = show(answer, color_scheme=scheme).drawn()
    colour = shown.ask("getComputedStyle(document.body).backgroundColor")
    red = int(re.search(r"\d+", colour)[0])
    assert (red > 200) == (scheme == "light")
    label = shown.ask(f"{CY}.nodes()[0].style('color')")
    assert (int(re.search(r"\d+", label)[0]) < 100) == (scheme == "light")
    shown.assert_harmless()


def test_a_refusal_shows_what_is_known(show, qa):
    refused = qa.ask("Who was born in Europe?")
    assert not refused
    shown = show(refused).drawn()
    assert shown.ask(f"{CY}.nodes('.topic').map((node) => node.data('name'))") == ["Europe"]
    shown.assert_harmless()


def test_a_refusal_with_nothing_to_draw_is_a_page_too(show, qa):
    shown = show(qa.ask("Who directed Casablanca?"))
    assert "Pasadena" in shown.page.inner_text("body")
    shown.assert_harmless()


def test_hostile_texts_execute_nothing_wherever_they_stand(show):
    shown = show(hostile_answer()).drawn()
    nodes = shown.ask(f"{CY}.nodes().length")
    assert nodes == len(TEXTS)
    shown.page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    for number in range(nodes):
        shown.tap(f"{CY}.getElementById('n{number}')")
        shown.tap(f"{CY}.getElementById('e{number}')")
    for line in range(0, nodes - 1, 7):
        shown.page.locator(".proof button").nth(line).click()
    shown.page.wait_for_timeout(100)
    assert shown.page.locator("img, iframe, form, base").count() == 0
    shown.assert_harmless()


def test_a_hundred_hostile_graphs_execute_nothing(show):
    """Each text alone, each beside the next, and several many together."""
    shown = show(hostile_answer(TEXTS[:1])).drawn()
    pairs = [[text] for text in TEXTS] + [list(two) for two in pairwise(TEXTS)]
    assert len(pairs) >= 95
    file = shown.url
    for texts in [*pairs, TEXTS[::-1], TEXTS[::2], TEXTS[1::2], TEXTS[::3], TEXTS[::5]]:
        Path(file.removeprefix("file://")).write_text(hostile_answer(texts).to_html(), "utf-8")
        shown.page.goto(file)
        shown.drawn()
        shown.tap(f"{CY}.elements()")
        shown.assert_harmless()


def test_the_frame_of_a_notebook_draws_and_cannot_reach_the_notebook(show, answer):
    shown = show(f"<!doctype html><meta charset=utf-8><body>{answer._repr_html_()}")
    frame = shown.page.frame_locator("iframe")
    frame.locator("body.live").wait_for()
    frame.locator(".proof button").first.click()
    assert "discovered" in frame.locator("#panel h3").inner_text()
    assert shown.page.frames[1].evaluate("window.origin") == "null"
    assert [wrong for wrong in shown.wrong if "about:srcdoc" not in wrong] == []
