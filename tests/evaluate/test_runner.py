import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

from graphllm.errors import ConfigError, DataError, PlanError
from graphllm.evaluate import Predicted, compare, comparison_table, load_suite, run
from graphllm.evaluate.predictions import read_predictions
from graphllm.evaluate.suites import metaqa_chain

# right; half of it and the wrong entity; declined; wrong by a wrong path
SAID = {
    "who directed Heat": Predicted(
        entities=("Mann",),
        confidence=0.9,
        linked=("Heat", "Heat (1986)"),
        chain=metaqa_chain("movie_to_director"),
        plan="Heat directed by",
    ),
    "who starred in Heat": Predicted(
        entities=("Pacino",),
        confidence=0.8,
        linked=("Heat (1986)", "Heat"),
        chain=metaqa_chain("movie_to_actor"),
    ),
    "which films did Lumet direct": Predicted(
        entities=(), confidence=0.7, abstained=True, linked=("Lumet",)
    ),
    "when was Ali released": Predicted(
        entities=("Mann",),
        confidence=0.6,
        linked=("Ali",),
        chain=metaqa_chain("movie_to_director"),
    ),
}


@pytest.fixture
def suite(suites_dir):
    return load_suite("metaqa-1hop", suites_dir)


def test_report_of_a_run_worked_by_hand(suite):
    report = run(suite, SAID.__getitem__)
    values = {name: (m.value, m.n) for name, m in report.means.items()}
    assert values == {
        "hits_at_1": (0.5, 4),
        "exact_set": (0.25, 4),
        "precision": (0.5, 4),
        "recall": (0.375, 4),
        "f1": (pytest.approx((1 + 2 / 3) / 4), 4),
        "linking": (0.75, 4),
        "path": (0.5, 4),
        "path_where_right": (1.0, 2),
        "coverage": (0.75, 4),
        "errors": (0.0, 4),
    }
    # 1, 1, 0, 0: variance 1/3, over 4
    assert report.means["hits_at_1"].standard_error == pytest.approx(math.sqrt(1 / 12))
    # most confident first: right, right, wrong, and the declined one last
    assert report.areas["aurc"] == pytest.approx((0 + 0 + 1 / 3 + 2 / 4) / 4)
    assert report.areas["aurc_ideal"] == report.areas["aurc"]
    assert 0 <= report.latency["p50_s"] <= report.latency["p95_s"]


def test_saved_run_holds_what_is_needed_to_repeat_it(suite, tmp_path):
    out = tmp_path / "run"
    run(suite, SAID.__getitem__, out=out, graph_hash="abc", about={"model": "m"}, seed=3)
    saved = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert saved["schema"] == "graphllm.report/1"
    assert (saved["n"], saved["seed"], saved["graph_hash"]) == (4, 3, "abc")
    assert saved["about"] == {"model": "m"}
    assert saved["versions"]["numpy"] == np.__version__
    assert saved["machine"]
    first = json.loads((out / "predictions.jsonl").read_text(encoding="utf-8").split("\n")[0])
    assert {name: first[name] for name in ("question", "gold", "entities", "linked", "plan")} == {
        "question": "who directed Heat",
        "gold": ["Mann"],
        "entities": ["Mann"],
        "linked": ["Heat", "Heat (1986)"],
        "plan": "Heat directed by",
    }
    assert first["topic"] == "Heat"
    assert first["chain"] == first["gold_chain"] == [["directed_by", False]]


def test_predictions_read_back_equal(suite, tmp_path):
    run(suite, SAID.__getitem__, out=tmp_path / "run")
    read = read_predictions(tmp_path / "run" / "predictions.jsonl")
    assert [p.example for p in read] == list(suite.examples)
    assert [p.predicted for p in read] == list(SAID.values())


def test_a_broken_run_goes_on_where_it_stopped(suite, tmp_path):
    asked = []

    def breaks_at_third(question):
        asked.append(question)
        if len(asked) == 3:
            raise ZeroDivisionError
        return SAID[question]

    with pytest.raises(ZeroDivisionError):
        run(suite, breaks_at_third, out=tmp_path / "run")
    # killed while it wrote the third line
    with (tmp_path / "run" / "predictions.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"id": 3, "quest')
    steps = []
    report = run(
        suite, breaks_at_third, out=tmp_path / "run", progress=lambda *step: steps.append(step)
    )
    assert asked == [*list(SAID)[:3], *list(SAID)[2:]]
    assert steps == [(3, 4), (4, 4)]
    whole = run(suite, SAID.__getitem__)
    assert report.means == whole.means
    assert report.areas == whole.areas
    assert len(read_predictions(tmp_path / "run" / "predictions.jsonl")) == 4


def test_a_finished_run_asks_nothing_again(suite, tmp_path):
    first = run(suite, SAID.__getitem__, out=tmp_path)
    again = run(suite, {}.__getitem__, out=tmp_path)
    assert again.means == first.means


@pytest.mark.parametrize(
    ("changed", "name"),
    [({"seed": 1}, "seed"), ({"about": {"k": "2"}}, "about"), ({"limit": 2}, "limit")],
)
def test_a_run_with_other_settings_is_not_continued(suite, tmp_path, changed, name):
    run(suite, SAID.__getitem__, out=tmp_path)
    with pytest.raises(ConfigError, match=f"holds a run with {name} .* use another folder"):
        run(suite, SAID.__getitem__, out=tmp_path, **changed)


def test_damaged_predictions_are_refused(suite, tmp_path):
    run(suite, SAID.__getitem__, out=tmp_path)
    path = tmp_path / "predictions.jsonl"
    path.write_text('{"id": 1}\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(DataError, match="line 1: not a saved prediction"):
        run(suite, SAID.__getitem__, out=tmp_path)


def test_an_expected_error_on_one_question_is_counted_not_fatal(suite):
    def refuses_films(question):
        if "films" in question:
            raise PlanError("no such relation")
        return SAID[question]

    report = run(suite, refuses_films)
    assert report.means["errors"].value == 0.25
    assert report.means["coverage"].value == 0.75


def test_limit_asks_a_seeded_sample(suite):
    asked = []

    def listen(question):
        asked.append(question)
        return SAID[question]

    runs = [run(suite, listen, limit=2, seed=seed) for seed in (0, 0, 1, 2, 3)]
    assert [r.means["f1"].n for r in runs] == [2] * 5
    pairs = [tuple(asked[i : i + 2]) for i in range(0, 10, 2)]
    assert pairs[0] == pairs[1]
    assert len(set(pairs)) > 1


def test_suites_with_unanswerable_questions_report_abstention(suite):
    from dataclasses import replace

    examples = list(suite.examples)
    examples[2] = replace(examples[2], gold=())
    examples[3] = replace(examples[3], gold=())
    report = run(replace(suite, examples=tuple(examples)), SAID.__getitem__)
    assert report.means["abstention_precision"].value == 1
    assert report.means["abstention_recall"].value == 0.5
    # declining where there is no answer is right, speaking there is wrong
    assert report.means["hits_at_1"].value == 0.75


def test_table_shows_every_number_in_eighty_columns(suite):
    report = run(suite, SAID.__getitem__)
    lines = report.table().split("\n")
    assert lines[0] == "metaqa-1hop (test), 4 questions"
    assert max(map(len, lines)) <= 80
    names = [line.split()[0] for line in lines[2:-2]]
    assert names == [*report.means, *report.areas, *report.latency]
    (hits,) = (line for line in lines if line.startswith("hits_at_1"))
    assert hits.split() == ["hits_at_1", "0.5000", "0.2887", "4"]


def test_two_runs_compare_question_by_question(suite, tmp_path):
    better = SAID | {"when was Ali released": Predicted(entities=("2001",), linked=("Ali",))}
    run(suite, SAID.__getitem__, out=tmp_path / "a")
    run(suite, better.__getitem__, out=tmp_path / "b")
    compared = compare(tmp_path / "a", tmp_path / "b", np.random.default_rng(0))
    assert compared["hits_at_1"].difference == 0.25
    assert compared["hits_at_1"].n == 4
    assert compared["linking"] == (0, 0, 0, 1, 4)
    assert "path_where_right" not in compared
    assert "+0.2500" in comparison_table(compared)


def test_runs_over_different_questions_do_not_compare(suite, suites_dir, tmp_path):
    run(suite, SAID.__getitem__, out=tmp_path / "a")
    two = load_suite("metaqa-2hop", suites_dir)
    run(two, lambda question: Predicted(entities=("x",)), out=tmp_path / "b")
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match="runs over different suites"):
        compare(tmp_path / "a", tmp_path / "b", rng)
    with pytest.raises(DataError, match="holds no run"):
        compare(tmp_path / "a", tmp_path / "c", rng)


def test_system_may_be_any_callable(suite):
    system = SimpleNamespace(ask=lambda question: Predicted(entities=(), abstained=True))
    assert run(suite, system.ask).means["coverage"].value == 0
