"""What speaks for readings of questions over two small graphs, and against them."""

import math

import pytest

from graphllm.query import Plan
from graphllm.retrieval.evidence import Case, evidence
from graphllm.retrieval.ground import PlanCandidate
from tests.retrieval import worlds


def of(question: str, world: str = "family"):
    return worlds.reader(world).attempt(question).evidence


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("Who taught Dora Berg?", {"one step": 1, "several names": 0, "misspelt": 0}),
        ("Where was Gretta Keler born?", {"misspelt": 1}),
        ("How many children does Anna Berg have?", {"counts": 1, "closed world": 1}),
        ("Was Anna Berg born in Kiel?", {"confirms": 1, "denies": 1, "other form": 0}),
        ("Which city has the largest population?", {"ranks": 1, "names nothing": 1}),
        ("What is the population of Bremen?", {"reads values": 1, "one answer": 1}),
        ("Who won the Golden Lantern but not the Silver Compass?", {"combines": 1}),
        ("Tell me about Malmö", {"tells": 1}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_evidence_names_what_a_plan_does_and_how_it_is_linked(question, says):
    found = of(question)
    assert {name: found[name] for name in says} == says


def test_words_that_no_step_speaks_of_are_left_unsaid():
    said, unsaid = of("Who taught Dora Berg?"), of("Who taught Dora Berg chemistry at night?")
    assert said["unsaid"] < unsaid["unsaid"]
    assert said["most unsaid"] < unsaid["most unsaid"]
    assert of("Who taught Dora Berg in Zanzibar?")["unknown name"] == 1


def test_a_step_that_no_word_speaks_of_is_silent():
    assert of("Who taught Dora Berg?")["silent step"] < 0.5


def test_all_is_finite_and_the_same_each_time():
    for question in ("Who taught Dora Berg?", "What are the two largest cities?", "Who is she?"):
        found = of(question)
        assert all(math.isfinite(value) for value in found.values())
        assert found == of(question)


def case(similarities: list[float | None]):
    """The readings of one question with other scores of a trained scorer, the first chosen."""
    attempt = worlds.reader("family").attempt("Who taught Dora Berg?")
    plans: list[Plan] = [c.plan for c in attempt.candidates][: len(similarities)]
    candidates = [
        PlanCandidate(plan, 1.0 - 0.1 * i, similarity=similarity)
        for i, (plan, similarity) in enumerate(zip(plans, similarities, strict=True))
    ]
    found = Case(attempt.seeds, candidates, candidates[0], attempt.reading.result)
    return evidence(worlds.reader("family").planner.ground, found)


def test_the_trained_scorer_counts_where_there_is_one():
    assert "belief" not in case([None, None])
    agrees, differs = case([0.9, 0.5]), case([0.5, 0.9])
    assert (agrees["scorers disagree"], differs["scorers disagree"]) == (0, 1)
    assert agrees["similarity lead"] == pytest.approx(0.4)
    assert agrees["belief"] > 0 > differs["belief"]
    share = 1 / (1 + math.exp(-20 * (0.6 - 0.5)))  # softmax over the two
    assert case([0.6, 0.5])["belief"] == pytest.approx(math.log(share / (1 - share)), abs=1e-6)


def test_the_lead_is_over_the_next_other_plan():
    assert case([None, None, None])["lead"] == pytest.approx(0.1)
    assert case([None])["lead"] == pytest.approx(0.5)


def test_a_plan_that_was_not_run_has_no_outcome():
    attempt = worlds.reader("family").attempt("Who taught Dora Berg?")
    unrun = Case(attempt.seeds, attempt.candidates, attempt.candidates[0])
    found = evidence(worlds.reader("family").planner.ground, unrun)
    assert "answers" not in found
    assert found["score"] == attempt.candidates[0].score
