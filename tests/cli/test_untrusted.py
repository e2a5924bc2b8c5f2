"""A graph may hold anything; what it holds is shown and never acts."""

import json
import re

import pytest

pytestmark = pytest.mark.slow

ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
EVIL = "Al\x1b[2Jien\u202e <script>alert(1)</script>"
DIRECTOR = 'Ridley "\x9b31m" Scott\u2066'


@pytest.fixture
def evil(tmp_path):
    rows = [
        {"head": EVIL, "relation": "directed\x07 by", "tail": DIRECTOR},
        {"head": EVIL, "relation": "directed\x07 by", "tail": "Ada\nLovelace"},
        {"head": "Heat", "relation": "directed\x07 by", "tail": "Mann"},
    ]
    path = tmp_path / "evil.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return path.name


def assert_harmless(done):
    assert done.returncode in (0, 3), done.stderr
    assert ACTS.findall(done.stdout + done.stderr) == []


def test_no_command_passes_on_what_acts(graphllm, evil):
    asked = graphllm("ask", evil, "Who directed Alien?", "--why", "--plan", "--subgraph")
    assert_harmless(asked)
    plan = 'follow(entities("Heat"), "directed\\u0007 by")'
    assert_harmless(graphllm("suggest", evil))
    session = f"Tell me about {DIRECTOR}\n/why\n/plan\n/subgraph\n{EVIL}\n\x1b]0;title\x07\n"
    assert_harmless(graphllm("chat", evil, input=session))
    assert_harmless(graphllm("index", evil, "-o", "e.gllm"))
    assert_harmless(graphllm("index", "info", "e.gllm"))
    replayed = graphllm("ask", evil, "--run", plan)
    assert ACTS.findall(replayed.stdout + replayed.stderr) == []


def test_json_is_exact_and_harmless(graphllm, evil):
    done = graphllm("ask", evil, f"Tell me about {EVIL}", "--json")
    assert_harmless(done)
    assert json.loads(done.stdout)["entities"] == [EVIL]


def test_a_page_holds_no_script_but_its_own(graphllm, evil, tmp_path):
    graphllm("ask", evil, f"Tell me about {EVIL}", "--html", "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "&lt;script&gt;alert(1)" in page
    assert page.count("<script") == page.count("</script>") == 3  # data, library, our own
    assert ACTS.findall(page) == []
