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
    assert recipes == {"graph_qa/ask.py", "questions/sample.py"}


@pytest.mark.slow
def test_ask_answers_a_file_of_questions(tmp_path):
    (tmp_path / "films.csv").write_text("head,relation,tail\nAlien,directed by,Ridley Scott\n")
    (tmp_path / "questions.txt").write_text("Who directed Alien?\n\nWho directed Casablanca?\n")
    done = run("graph_qa/ask.py", "films.csv", "questions.txt", cwd=tmp_path)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["entities"] for answer in answers] == [["Ridley Scott"], []]
    assert done.stderr == "answered 1 of 2\n"


@pytest.mark.slow
def test_sample_prints_questions_over_invented_graphs_and_over_a_file(tmp_path):
    rows = ["head,relation,tail", "Arbel,calls at,Ulm", "Morna,calls at,Ulm", ""]
    (tmp_path / "ships.csv").write_text("\n".join(rows))
    done = run("questions/sample.py", "--num", "6", "--jsonl", "--domain", "music", cwd=tmp_path)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["domain"] for record in records] == ["music"] * 6
    done = run("questions/sample.py", "--num", "2", "--graph", "ships.csv", cwd=tmp_path)
    assert "calls at" in done.stdout
    done = run("questions/sample.py", "--domain", "unicorns", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("no domain 'unicorns'; there are: ")


def test_ask_says_how_it_is_used(tmp_path):
    done = run("graph_qa/ask.py", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("usage")
