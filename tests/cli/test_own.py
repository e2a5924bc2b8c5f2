"""Questions built from one's own graph, and answers that are withheld, through the command line."""

import json

import pytest

from graphllm.cli.own import table, wrong_text
from graphllm.questions import BuiltQuestion, Refusal
from graphllm.retrieval.calibration import shipped_calibration
from graphllm.tasks.own import Asked, OwnReport

FILMS = "head,relation,tail\n" + "".join(
    f"{film},{relation},{who}\n"
    for film, director, actor in [
        ("Alien", "Ridley Scott", "Sigourney Weaver"),
        ("Aliens", "James Cameron", "Sigourney Weaver"),
        ("Titanic", "James Cameron", "Kate Winslet"),
        ("Gladiator", "Ridley Scott", "Russell Crowe"),
        ("Witness", "Peter Weir", "Harrison Ford"),
    ]
    for relation, who in (("directed by", director), ("starring", actor))
)


@pytest.fixture
def films(tmp_path):
    (tmp_path / "films.csv").write_text(FILMS, "utf-8")
    return "films.csv"


@pytest.mark.slow
def test_own_questions_are_asked_and_counted(graphllm, films):
    done = graphllm("eval", "own", films, "--questions", "12", "--seed", "2", "--wrong")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "12 questions built from 12 nodes, 10 edges, 2 relations (seed 2)"
    )
    assert "right plan considered" in done.stdout
    assert "easier than people's" in done.stderr
    as_json = graphllm("eval", "own", films, "--questions", "12", "--seed", "2", "--json")
    report = json.loads(as_json.stdout)
    assert (report["questions"], report["seed"]) == (12, 2)
    wrong = [asked["question"] for asked in report["asked"] if not asked["is_right"]]
    assert all(question in done.stdout for question in wrong)


@pytest.mark.slow
def test_an_answer_is_given_only_when_sure_enough(graphllm, films):
    question = ("ask", films, "Who directed Alien?")
    sure = json.loads(graphllm(*question, "--json").stdout)["confidence"]
    for limit in shipped_calibration().limits[:1]:
        done = graphllm(*question, "--max-error", str(limit.max_error))
        assert done.returncode == (0 if sure >= limit.probability else 3)
        said = done.stdout if done.returncode == 0 else done.stderr
        expected = "Ridley Scott" if done.returncode == 0 else "Not sure enough"
        assert said.startswith(expected)


@pytest.mark.parametrize("command", ["ask", "eval"])
def test_an_error_that_is_no_share_is_explained(graphllm, films, command):
    words = (films, "Who directed Alien?") if command == "ask" else ("own", films)
    done = graphllm(command, *words, "--max-error", "5")
    assert (done.returncode, done.stdout) == (1, "")
    assert "above 0 and below 1; got 5" in done.stderr


def test_a_language_model_is_not_held_to_an_error(graphllm, films, tmp_path):
    asked = ("ask", films, "Who directed Alien?", "--max-error", "0.1")
    done = graphllm(*asked, "--llm", "some-model", "--llm-url", "http://127.0.0.1:9/v1")
    assert done.returncode == 1
    assert "a language model does not say how sure it is" in done.stderr
    naive = ("--reader", "nearest_relation", "--data", str(tmp_path))
    done = graphllm("eval", "webqsp-subgraphs", *naive, "--max-error", "0.1")
    assert done.returncode == 2
    assert "not for --reader nearest_relation" in done.stderr


def built(question: str, *answers: str, refusal=None) -> BuiltQuestion:
    return BuiltQuestion(
        question=question,
        mentions=(),
        plan=None,
        answers=answers,
        operation="path",
        hops=1,
        style="plain",
        refusal=refusal,
    )


REPORT = OwnReport(
    seed=0,
    asked=(
        Asked(built("Who is a?", "x"), ("x",), 0.8, True, 1.0, "p"),
        Asked(built("Who is b?", "y"), ("x" * 200,), 0.4, False, None, "q\x1b[2J"),
        Asked(built("Who is c?", refusal=Refusal.NO_EDGE), ("z",), 0.3, None, None, "r"),
    ),
    limits={0.05: 0.7},
)


def test_the_table_draws_a_bar_for_each_share():
    rows = table(REPORT).split("\n")
    assert rows[1].split() == ["path", "#" * 6 + "." * 6, "0.500", "0.500", "2"]
    last = next(row for row in rows if "--max-error 0.05" in row)
    assert last.split()[2:] == ["0.000", "1", "0.333"]
    assert max(map(len, rows)) <= 80


def test_what_was_wrong_is_told_safely():
    told = wrong_text(REPORT)
    assert "Who is a?" not in told
    assert "right: no answer in this graph" in told
    assert "\x1b" not in told
    assert all(len(line) < 120 for line in told.split("\n"))
