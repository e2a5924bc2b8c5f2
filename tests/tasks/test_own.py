"""A graph is asked questions that are built from it."""

import json
import math
from functools import cache

import numpy as np
import pytest

from graphllm import GraphQA, TextualGraph
from graphllm.errors import ConfigError, DataError
from graphllm.questions import BuiltQuestion, Refusal
from graphllm.tasks.built import attempted, judged
from graphllm.tasks.own import Asked, OwnReport, evaluate_own
from tests.retrieval import worlds

NUM = 15


@cache
def qa() -> GraphQA:
    like = worlds.reader("family")
    return GraphQA(like.view, like.linker.names, worlds.encoder())


@cache
def report() -> OwnReport:
    return evaluate_own(qa(), num_questions=NUM, seed=3)


def built(question: str, *answers: str, kind: str = "path", refusal=None) -> BuiltQuestion:
    return BuiltQuestion(
        question=question,
        mentions=(),
        plan=None,
        answers=answers,
        operation=kind,
        hops=1,
        style="plain",
        refusal=refusal,
    )


def asked(question: BuiltQuestion, *entities: str, confidence=0.5, has_plan=None, edges=None):
    return Asked(question, entities, confidence if entities else 0.0, has_plan, edges, "")


NOBODY = built("Who is nobody?", refusal=Refusal.NO_ENTITY)
BY_HAND = OwnReport(
    seed=0,
    asked=(
        asked(built("a", "x", "y"), "y", "x", confidence=0.9, has_plan=True, edges=1.0),
        asked(built("b", "x", kind="count"), "z", confidence=0.8, has_plan=True, edges=0.5),
        asked(built("c", "x"), has_plan=False),
        asked(NOBODY),
        asked(NOBODY, "x", confidence=0.3),
    ),
    limits={0.05: 0.85, 0.3: 0.7},
)


def test_the_averages_are_those_counted_by_hand():
    means = {name: (found.value, found.n) for name, found in BY_HAND.means.items()}
    assert means == {
        "right": (pytest.approx(1 / 3), 3),
        "declined though it has an answer": (pytest.approx(1 / 3), 3),
        "declined for it has none": (0.5, 2),
        "wrong, of the answers given": (pytest.approx(2 / 3), 3),
        "right plan considered": (pytest.approx(2 / 3), 3),
        "right edges retrieved": (0.75, 2),
    }
    kinds = {kind: (found.value, found.n) for kind, found in BY_HAND.by_kind.items()}
    assert kinds == {"path": (0.5, 2), "count": (0.0, 1)}
    # three answers in ten bins: each alone, so the error is the mean of |confidence - right|
    assert BY_HAND.calibration_error == pytest.approx((0.1 + 0.8 + 0.3) / 3)


def test_what_withholding_would_come_to():
    strict, loose = BY_HAND.withheld[0.05], BY_HAND.withheld[0.3]
    assert (strict.error.value, strict.error.n, strict.coverage.value) == (0.0, 1, 0.2)
    assert (loose.error.value, loose.error.n, loose.coverage.value) == (0.5, 2, 0.4)


def test_declining_all_leaves_the_calibration_error_open():
    declined = OwnReport(seed=0, asked=(asked(NOBODY),))
    assert math.isnan(declined.calibration_error)
    assert declined.to_dict()["calibration_error"] is None
    assert "wrong, of the answers given" not in declined.means


def test_a_graph_is_asked_what_it_answers():
    found = report()
    assert len(found.asked) == NUM
    assert found.means["right"].value > 0.4
    assert found.means["right plan considered"].value >= found.means["right"].value
    assert sum(mean.n for mean in found.by_kind.values()) == found.means["right"].n


def test_what_is_said_to_be_right_is_what_the_graph_answers():
    for one in report().asked:
        if one.question.is_answerable and one.is_right:
            assert set(one.entities) == set(one.question.answers)
            assert set(qa().ask(one.question.question).entities) == set(one.question.answers)


def test_the_same_seed_asks_the_same_and_another_others():
    again = evaluate_own(qa(), num_questions=4, seed=3)
    assert again.asked == evaluate_own(qa(), num_questions=4, seed=3).asked
    other = evaluate_own(qa(), num_questions=4, seed=4)
    assert {a.question.question for a in other.asked} != {a.question.question for a in again.asked}


def test_the_report_is_plain_data():
    told = json.loads(json.dumps(report().to_dict(), allow_nan=False))
    assert told["schema"] == "graphllm.own/1"
    assert told["questions"] == len(told["asked"]) == NUM
    assert told["means"]["right"]["n"] + sum(not a["right"] for a in told["asked"]) == NUM
    assert "easier than people's" in told["caveat"]


def test_progress_is_told():
    seen: list[tuple[int, int]] = []
    evaluate_own(qa(), num_questions=3, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(ConfigError, match="1 or more, got 0"):
        evaluate_own(qa(), num_questions=0)
    opaque = GraphQA.from_graph(TextualGraph.from_triples([("a", "R17", "b"), ("b", "R4", "c")]))
    with pytest.raises(DataError, match="none of its labels reads as English"):
        evaluate_own(opaque)


def test_an_attempt_is_right_only_with_the_whole_set_and_never_where_nothing_is():
    known = built("Who won the Golden Lantern and the Silver Compass?", "Greta Keller")
    part = built("Who did Anna Berg teach?", "Dora Berg")
    nobody = built("Who taught Dora Berg?", refusal=Refusal.NO_EDGE)
    unread = built("xyzzy", "plugh")
    found = list(attempted(qa().reader, [known, part, nobody, unread]))
    assert [outcome.is_right for outcome in found] == [True, False, False, False]
    assert [bool(outcome.evidence) for outcome in found] == [True, True, True, False]
    given = judged(found, qa().reader.calibration)
    assert given.is_right.tolist() == [True, False, False]
    assert np.all((given.confidence > 0) & (given.confidence < 1))
