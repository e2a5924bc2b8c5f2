"""What training came to, for programs and as text."""

import json
from dataclasses import replace

import numpy as np
import pytest

from graphllm.cli.train import planner_table, soft_prompt_table
from graphllm.questions import BuiltQuestion, Refusal
from graphllm.tasks.adaptation import Adaptation
from graphllm.tasks.before_after import BeforeAfter
from graphllm.tasks.soft_prompt import SoftPromptReport

COUNT = BuiltQuestion(
    question="How many?", mentions=(), plan=None, answers=("2",), operation="count", hops=1,
    style="plain",
)  # fmt: skip
PATH = replace(COUNT, operation="path")
NOBODY = replace(PATH, refusal=Refusal.NO_ENTITY)
BEFORE, AFTER = [False, True, False, True], [True, True, True, False]
COMMON = {
    "before": np.array(BEFORE), "after": np.array(AFTER), "asked": (PATH, COUNT, PATH, NOBODY),
    "num_train": 1200, "num_steps": 48, "minutes": 2.04, "seed": 3,
}  # fmt: skip
ADAPTED = Adaptation(**COMMON, is_interrupted=True, is_kept=True)
PROMPTED = SoftPromptReport(**COMMON, best_step=40, loss=0.5, llm="small", folder="run")
REPORTS = pytest.mark.parametrize("found", [ADAPTED, PROMPTED], ids=["planner", "soft-prompt"])


@REPORTS
def test_shares_are_those_counted_by_hand(found):
    kinds = {kind: (before, after) for kind, (before, after) in found.by_kind.items()}
    assert list(kinds) == ["count", "no answer", "path"]
    for kind, places in {"count": [1], "no answer": [3], "path": [0, 2]}.items():
        before, after = kinds[kind]
        assert before.value == sum(BEFORE[place] for place in places) / len(places)
        assert after.value == sum(AFTER[place] for place in places) / len(places)
        assert before.n == after.n == len(places)
    changes = [int(now) - int(then) for then, now in zip(BEFORE, AFTER, strict=True)]
    assert found.difference.value == sum(changes) / len(changes)


@REPORTS
def test_a_report_is_json_without_nan(found):
    def refuse(constant):
        raise AssertionError(constant)

    report = json.loads(json.dumps(found.to_dict()), parse_constant=refuse)
    assert report["by_kind"]["count"] == {
        "before": {"value": 1.0, "standard_error": None, "n": 1},
        "after": {"value": 1.0, "standard_error": None, "n": 1},
    }
    assert report["difference"]["value"] == 0.25
    assert (report["trained_on"], report["held_out"], report["steps"]) == (1200, 4, 48)


def test_a_report_says_itself_how_it_reads():
    with pytest.raises(TypeError, match="abstract method"):
        BeforeAfter(**COMMON)


BY_KIND = """\
by kind             before  after      n
  count               1.00   1.00      1
  no answer           1.00   0.00      1
  path                0.00   1.00      2
"""


def test_the_text_of_an_adapted_planner():
    assert planner_table(ADAPTED) == (
        "trained on 1,200 questions in 48 steps, broken off; 2.0 minutes in all\n"
        "asked 4 others, which name nothing that was trained on\n\n"
        "right before   0.500 +- 0.289 (n 4)\n"
        "right after    0.750 +- 0.250 (n 4)\n"
        "difference    +0.250 +- 0.479 (n 4)\n\n"
        f"{BY_KIND}\n"
        "kept: ask and chat use these weights from now on; --remove goes back"
    )


def test_the_text_of_soft_prompts():
    assert soft_prompt_table(PROMPTED, "towns.csv") == (
        "trained on 1,200 questions in 48 steps (the best after 40); 2.0 minutes in all\n"
        "asked 4 others, which name nothing that was trained on\n\n"
        "right from text alone, before      0.500 +- 0.289 (n 4)\n"
        "right from soft prompt and text    0.750 +- 0.250 (n 4)\n"
        "difference                        +0.250 +- 0.479 (n 4)\n\n"
        f"{BY_KIND}\n"
        'ask it: graphllm ask towns.csv "..." --llm run'
    )
