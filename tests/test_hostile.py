"""Hostile graphs and questions through the whole of graphllm; the benchmark has all hundred."""

import json
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from graphllm import GraphQA, TextualGraph

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SAMPLE = [
    "script tag",
    "osc title",
    "bidi override",
    "fake facts",
    "fake close",
    "sql in",
    "billion laughs in graphml",
    "quadratic blowup in gexf",
    "external file in rdf",
    "a name of 10 MB",
    "one edge a million times",
    "JSON nested",
    "CSV with NULs",
    "lone surrogates",
    "a regex bomb",
    "only control codes",
    "4,001 characters",
]


@pytest.fixture
def hostile(monkeypatch):
    """What the benchmark defines."""
    if sys.platform == "win32":
        pytest.skip("bounds memory with the resource module")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return runpy.run_path(str(BENCHMARKS / "hostile.py"), run_name="hostile")


@pytest.mark.slow
def test_nothing_acts_nothing_lies_and_it_ends(tmp_path, hostile):
    only = [part for text in SAMPLE for part in ("--only", text)]
    command = [sys.executable, str(BENCHMARKS / "hostile.py")]
    done = subprocess.run(
        [*command, *only, "--out", str(tmp_path)], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((tmp_path / "hostile.json").read_text("utf-8"))["cases"]
    assert len(rows) == len(SAMPLE)
    assert {row["end"] for row in rows} >= {"answered", "refused"}


@pytest.mark.slow
def test_what_does_not_end_is_stopped_and_told(tmp_path, hostile):
    command = [sys.executable, str(BENCHMARKS / "hostile.py"), "--only", "a hub of"]
    done = subprocess.run(
        [*command, "--case-s", "0.01"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 1
    assert "WRONG: did not end in" in done.stdout


def test_there_are_a_hundred_different_ones_and_a_seed_repeats_them(tmp_path, hostile):
    cases = hostile["cases"]
    first, again, other = cases(0), cases(0), cases(1)
    assert len({c.name for c in first}) == len(first) == 100
    assert [c.name for c in first] == [c.name for c in again]
    assert [c.name for c in first] != [c.name for c in other]
    for name, one, two in zip("ab", first[:2], again[:2], strict=False):
        for folder in (tmp_path / name / "1", tmp_path / name / "2"):
            folder.mkdir(parents=True)
        written = [c.write(tmp_path / name / str(i)) for i, c in enumerate((one, two), 1)]
        assert written[0].read_bytes() == written[1].read_bytes()


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ("<script>1</script>" * 4, "page: 4 scripts"),
        ("<p onclick=x>", "onclick"),
        ("<link href=http://evil.example>", "evil.example"),
        ("<div style='x' data-x='java\tscript:1'>", "data-x"),
        ("<iframe srcdoc=x>", "<iframe>"),
        ("<p>\x1b[2J", "x1b"),
    ],
)
def test_the_check_of_pages_sees_what_acts(html, problem, hostile):
    wrong: list[str] = []
    hostile["check_page"](html, wrong)
    assert len(wrong) == 1
    assert problem in wrong[0]


def test_the_check_of_answers_sees_lies(hostile):
    check, order = hostile["_check_answer"], hostile["ORDER"]
    graph = TextualGraph.from_triples([("Ada", "knows", "Bo")])
    answer = GraphQA.from_graph(graph).ask("who does Ada know?")
    for lie, problem in (
        (replace(answer, entities=(order,)), "survived"),
        (replace(answer, entities=("Cy",), plan=None), "stands on nothing"),
        (
            replace(answer, citations=(replace(answer.citations[0], tail="Cy"),), plan=None),
            "does not say",
        ),
    ):
        wrong: list[str] = []
        check(lie, graph, wrong)
        assert problem in wrong[0]
    wrong = []
    check(answer, graph, wrong)
    assert wrong == []
