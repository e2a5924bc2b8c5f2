"""Draw paths that go along a relation and back: what else the author of X wrote."""

from dataclasses import replace
from typing import TYPE_CHECKING

from graphllm.query.plan import Attribute, Entities, Follow, NodePlan, Plan, Step, Values
from graphllm.questions.walks import there_and_back, turned

if TYPE_CHECKING:
    from graphllm.questions.sampling import Nodes, Sampler

_MOST_OTHERS = 40
_SHAPES = ("back", "back", "onward", "onward", "onward", "value", "before", "again")


def draw_return(sampler: "Sampler") -> Plan | None:
    """Return a path that comes back, alone or in a longer one; ``None`` when none was found.

    As the planner walks it: what is gone out from is left out where the walk begins with it.
    """
    shape = sampler.pick(_SHAPES)
    node = sampler.any_node()
    start = None if node is None else sampler.entities(node)
    if node is None or start is None:
        return None
    if shape == "before":
        return _before(sampler, start, node)
    step = _shared_step(sampler, node)
    if step is None:
        return None
    plan: NodePlan = there_and_back(start, step)
    found = sampler.nodes(plan)
    if not 0 < len(found) <= _MOST_OTHERS:
        return None
    match shape:
        case "back":
            return plan
        case "value":
            return _value(sampler, plan, found)
        case "again":
            return _onward(sampler, plan, found, step)
        case _:
            return _onward(sampler, plan, found, None)


def _shared_step(sampler: "Sampler", node: int) -> Step | None:
    """Return a step to what others may lead to as well."""
    kind = sampler.lexicon.kind_of(node)
    options = []
    for step in sampler.steps(node):
        sense = sampler.lexicon.sense(step, kind)
        one_source = sense is None or (sense.words.one_tail if sense.backward else
                                       sense.words.one_head)  # fmt: skip
        if sense is not None and not sense.twoway and not one_source:
            options.append(step)
    return sampler.pick(options)


def _onward(
    sampler: "Sampler", plan: NodePlan, found: "Nodes", along: Step | None
) -> NodePlan | None:
    """Return the plan with a step more: by another relation, or by the one it came back on."""
    at = int(found[int(sampler.rng.integers(len(found)))])
    kind = sampler.lexicon.kind_of(at)
    back = getattr(getattr(plan, "left", None), "step", None)
    steps = [s for s in sampler.steps(at) if back is None or s.relation != back.relation]
    step = along or sampler.pick(steps)
    if step is None:
        return None
    sense = sampler.lexicon.sense(step, kind)
    if along is not None and (sense is None or sense.leads_to_one):
        return None  # it would only be what was shared
    longer = sampler.follow(plan, step, kind)
    return longer if 0 < len(sampler.nodes(longer)) <= _MOST_OTHERS else None


def _value(sampler: "Sampler", plan: NodePlan, found: "Nodes") -> Plan | None:
    """Return an attribute of those that share something."""
    sense = sampler.measure(sampler.kind_at(found)) if len(found) <= 8 else None
    if sense is None:
        return None
    if isinstance(sense.measure, Attribute):
        return Values(plan, sense.measure.name)
    return Follow(plan, replace(sense.measure.step, condition=None))


def _before(sampler: "Sampler", start: Entities, node: int) -> NodePlan | None:
    """Return another step before one there and back: "other books by the author of X's sequel"."""
    kind = sampler.lexicon.kind_of(node)
    first = sampler.pick(sampler.steps(node))
    if first is None:
        return None
    middle = sampler.follow(start, first, kind)
    found = sampler.nodes(middle)
    if not 0 < len(found) <= _MOST_OTHERS or not isinstance(middle, Follow):
        return None
    at = int(found[int(sampler.rng.integers(len(found)))])
    step = _shared_step(sampler, at)
    if step is None or step.relation == first.relation:
        return None
    plan = Follow(Follow(middle, step), turned(step))
    back = sampler.nodes(plan)
    return plan if len(found) < len(back) <= _MOST_OTHERS else None
