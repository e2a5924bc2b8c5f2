"""Every recipe runs, as a user would run it, on a tiny graph."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PIPELINES = Path(__file__).parents[1] / "pipelines"


def run(recipe: str, *args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PIPELINES / recipe), *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8", timeout=120)


def test_every_recipe_has_a_test_here():
    recipes = {path.relative_to(PIPELINES).as_posix() for path in PIPELINES.rglob("*.py")}
    assert recipes == {"graph_qa/ask.py"}


@pytest.mark.slow
def test_ask_answers_a_file_of_questions(tmp_path):
    (tmp_path / "films.csv").write_text("head,relation,tail\nAlien,directed by,Ridley Scott\n")
    (tmp_path / "questions.txt").write_text("Who directed Alien?\n\nWho directed Casablanca?\n")
    done = run("graph_qa/ask.py", "films.csv", "questions.txt", cwd=tmp_path)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["entities"] for answer in answers] == [["Ridley Scott"], []]
    assert done.stderr == "answered 1 of 2\n"


def test_ask_says_how_it_is_used(tmp_path):
    done = run("graph_qa/ask.py", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("usage")
