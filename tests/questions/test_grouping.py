"""Groups, different values, and what has a value: drawn, said, and mistaken for others."""

import numpy as np
import pytest

from graphllm.graph.builder import GraphBuilder
from graphllm.query.execute import execute
from graphllm.query.plan import (
    Aggregate,
    Aggregated,
    Attribute,
    By,
    Comparison,
    Count,
    CountValues,
    Grouped,
    HavingAttribute,
    Intersect,
    OfType,
    Over,
    Part,
    Step,
    Subtract,
    TopK,
    Values,
)
from graphllm.questions import Sampler, Wrong, generate, negatives, sampler_of, schemas
from graphllm.questions.asking import Asker
from graphllm.questions.grouping import next_in_rank
from graphllm.questions.own import lexicon_of

SHIPS = OfType("Ship")
OWNER = By((Step("owner"),))


@pytest.fixture(scope="module")
def fleet():
    builder = GraphBuilder()
    for number in range(9):
        facts = {"tonnage": 100 * (number + 1), "flag": ("Bexian", "Ulmish")[number % 2]}
        if number % 3:
            facts["length"] = 20 + number
        builder.node(f"s{number}", name=f"Ship {number}", type="Ship", attributes=facts)
        builder.node(f"l{number % 4}", name=f"Line {number % 4}", type="Line")
        builder.edge(f"s{number}", "owner", f"l{number % 4}")
    return builder.build()


def said(plan, graph, times=60):
    asker = Asker(lexicon_of(graph), graph, np.random.default_rng(0))
    found = set()
    for _ in range(times):
        core = asker.core(plan, 2)
        found |= {core.direct, core.indirect, core.wanted, core.keywords}
    return found - {""}


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (Grouped(SHIPS, OWNER),
         {"how many ships are there for each owner", "number of ships by owner",
          "how many ships does each owner have", "the number of ships per owner"}),
        (Grouped(SHIPS, By((), "flag")), {"how many ships are there per flag", "ships by flag"}),
        (Grouped(SHIPS, OWNER, Over(Aggregate.AVERAGE, Attribute("tonnage"))),
         {"what is the average tonnage of the ships per owner", "mean tonnage of ships by owner"}),
        (Grouped(SHIPS, By((), "flag"), k=1),
         {"what is the most common flag of the ships", "which flag has the most ships",
          "flag with the most ships"}),
        (Grouped(SHIPS, OWNER, k=3), {"top 3 owners by number of ships"}),
        (Grouped(SHIPS, OWNER, Over(Aggregate.SUM, Attribute("tonnage")), k=1, ascending=True),
         {"which owner has the smallest total tonnage of ships"}),
        (Grouped(SHIPS, OWNER, None, Comparison.AT_LEAST, 2),
         {"which owners have at least 2 ships", "owners with at least 2 ships"}),
        (CountValues(SHIPS, "flag"),
         {"how many different flags do ships have", "number of different flags of ships"}),
        (TopK(SHIPS, Attribute("tonnage"), 3), {"what are the top three ships by tonnage"}),
        (Subtract(SHIPS, HavingAttribute("length")),
         {"which ships have no length", "the ships without a length"}),
        (Intersect(SHIPS, HavingAttribute("length")),
         {"which ships have a length", "the ships with a length"}),
        (next_in_rank(TopK(SHIPS, Attribute("tonnage"), 2)),
         {"the ship with the second highest tonnage"}),
        (Values(TopK(SHIPS, Attribute("length")), "length"),
         {"what is the length of the ship with the highest length"}),
    ],
    ids=("groups", "values", "average", "commonest", "top", "total", "passing", "different",
         "ranked", "without", "with", "second", "extreme"),
)  # fmt: skip
def test_said_as_people_do(plan, expected, fleet):
    assert expected <= said(plan, fleet, 150)


def test_next_in_rank_is_one_node(fleet):
    plan = next_in_rank(TopK(SHIPS, Attribute("tonnage"), 3))
    assert [fleet.names[n] for n in execute(plan, fleet).nodes.tolist()] == ["Ship 6"]


def test_groups_are_drawn_in_every_form():
    rng = np.random.default_rng(4)
    plans = []
    for number in (2, 40, 61):
        sampler = sampler_of(generate(schemas()[number], rng, num_nodes=60), rng)
        drawn = (sampler.draw("groups") for _ in range(13))
        plans += [(q.plan, q.answers) for q in drawn if q is not None]
    assert all(isinstance(plan, Grouped) for plan, _ in plans)
    assert all(answers for _, answers in plans)
    assert any(plan.over is not None for plan, _ in plans)
    assert any(plan.k is not None for plan, _ in plans)
    assert any(plan.comparison is not None for plan, _ in plans)
    assert any(plan.by.attribute is not None for plan, _ in plans)
    assert any(plan.by.steps for plan, _ in plans)
    assert any(plan.by.part is Part.YEAR for plan, _ in plans)


def test_values_are_counted_and_missed(fleet):
    sampler = Sampler(fleet, lexicon_of(fleet), np.random.default_rng(1), dirt=0.0)
    found = set()
    for name in ("count", "filter", "superlative") * 16:
        question = sampler.draw(name)
        plan = None if question is None else question.plan
        found |= {type(plan), type(getattr(plan, "right", None))}
    assert found >= {CountValues, HavingAttribute, TopK, Values}


def test_negatives_of_groups(fleet):
    plan = Grouped(SHIPS, OWNER, Over(Aggregate.AVERAGE, Attribute("tonnage")))
    rng = np.random.default_rng(0)
    found = {n.plan: n.wrong for n in negatives(plan, fleet, rng, limit=40)}
    assert found[Grouped(SHIPS, OWNER)] is Wrong.OPERATION
    total = Grouped(SHIPS, OWNER, Over(Aggregate.SUM, Attribute("tonnage")))
    assert found[total] is Wrong.OPERATION
    assert found[Aggregated(SHIPS, Attribute("tonnage"), Aggregate.AVERAGE)] is Wrong.OPERATION
    by_flag = Grouped(SHIPS, By((), "flag"), plan.over)
    assert found[by_flag] is Wrong.ATTRIBUTE


def test_negatives_of_counted_values_and_of_what_has_one(fleet):
    rng = np.random.default_rng(0)
    counted = {n.plan for n in negatives(CountValues(SHIPS, "flag"), fleet, rng, limit=40)}
    assert counted >= {Count(SHIPS), Values(SHIPS, "flag"), CountValues(SHIPS, "length")}
    without = Subtract(SHIPS, HavingAttribute("length"))
    assert Intersect(SHIPS, HavingAttribute("length")) in {
        n.plan for n in negatives(without, fleet, rng, limit=40)
    }
