from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graphllm.errors import ConfigError, DataError
from graphllm.evaluate import Example, Predicted, Suite, load_suite
from graphllm.evaluate.abstention import abstention_cases, ask_cases
from graphllm.evaluate.chains import walk
from graphllm.evaluate.measure import measure
from graphllm.evaluate.suites import metaqa_chain


@pytest.fixture
def suites(suites_dir):
    return [load_suite(name, suites_dir) for name in ("metaqa-1hop", "metaqa-2hop")]


def test_half_of_the_cases_lose_the_edges_into_their_answers(suites, films):
    cases = abstention_cases(suites, films, 3, np.random.default_rng(0))
    assert [case.example.id for case in cases] == [1, 2, 3, 4, 5, 6]
    assert [bool(case.example.gold) for case in cases] == [True, True, False, False, True, False]
    assert len({case.example.question for case in cases}) == 6
    gold = {e.question: set(e.gold) for suite in suites for e in suite.examples}
    for case in cases:
        assert (len(case.removed) == 0) == bool(case.example.gold)
        last = case.example.chain[-1]
        ends = (films.heads if last.inverse else films.tails)[case.removed]
        if len(case.removed):
            assert {films.names[int(n)] for n in ends} == gold[case.example.question]


def test_a_system_that_looks_at_its_graph_declines_just_the_cut_questions(suites, films):
    examples = {e.question: e for suite in suites for e in suite.examples}
    made = []

    def system(view):
        made.append(view.num_edges)

        def answer(question):
            example = examples[question]
            found = walk(view, example.topic, example.chain, never_returns=True).nodes
            names = tuple(view.names[int(node)] for node in found)
            return Predicted(entities=names, abstained=not names)

        return answer

    steps = []
    cases = abstention_cases(suites, films, 3, np.random.default_rng(1))
    predictions = ask_cases(cases, films, system, lambda *step: steps.append(step))
    means = measure(predictions)
    assert means["abstention_precision"].value == means["abstention_recall"].value == 1
    assert means["exact_set"].value == 1
    assert made == [films.num_edges] + [
        films.num_edges - len(case.removed) for case in cases if len(case.removed)
    ]
    assert steps[-1] == (6, 6)


def test_draws_repeat_with_their_seed(suites, films):
    drawn = [
        [c.example for c in abstention_cases(suites, films, 2, np.random.default_rng(seed))]
        for seed in (0, 0, 1, 2)
    ]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2] or drawn[0] != drawn[3]


def test_a_chain_that_leads_nowhere_is_not_cut(suites, films):
    lost = replace(suites[0].examples[0], topic="Ali", chain=metaqa_chain("movie_to_actor"))
    examples = (lost, lost, *suites[0].examples[2:])
    suite = replace(suites[0], examples=examples)
    for seed in range(6):
        cases = abstention_cases([suite], films, 1, np.random.default_rng(seed))
        assert [len(case.removed) > 0 for case in cases] == [False, True]


def test_too_few_questions_and_no_chain_are_refused(suites, films):
    with pytest.raises(ConfigError, match="metaqa-2hop has 2 questions, 4 are needed"):
        abstention_cases(suites, films, 4, np.random.default_rng(0))
    bare = tuple(Example(id=i, question="q", gold=("a",)) for i in (1, 2))
    suite = Suite(name="bare", split="all", examples=bare, graph_path=Path("g"))
    with pytest.raises(DataError, match=r"bare, question \d: no topic and chain to cut"):
        abstention_cases([suite], films, 1, np.random.default_rng(0))
