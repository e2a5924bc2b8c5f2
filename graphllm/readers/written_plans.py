"""Run a plan that a language model wrote, if it is about the question and within bounds."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import cast

from graphllm.errors import PlanError
from graphllm.graph.folding import fold
from graphllm.graph.view import GraphView
from graphllm.query import (
    Entities,
    NodePlan,
    Plan,
    ShortestPath,
    children,
    execute,
    parse_plan,
    to_text,
)
from graphllm.readers.drafting import draft_of
from graphllm.readers.judging import Named
from graphllm.readers.plan_reader import says_something, stands_on_facts
from graphllm.readers.reading import Reading

PLANNED = 0.75
"""Confidence in the answer of a plan that a model wrote; it does not say how sure it is."""

_MOST_HOPS, _MOST_PATHS = 10, 50  # of a plan that a model wrote
_LARGEST_PROOF = 100_000  # facts; what rests on more takes long to check and says little


def run_written(
    written: str, view: GraphView, names: Sequence[Named], *, at_least: int
) -> Reading | None:
    """Run a plan over what the question names and nothing else; ``None`` when it finds nothing.

    Args:
        written: The plan as text; it may give a name where a key belongs.
        names: What the question names.
        at_least: Of how many of them it must speak, where the question has so many.

    Raises:
        PlanError: It cannot be read or run, begins from something else, or leaves names out.
    """
    plan = _with_keys(parse_plan(written), names, view)
    _check(plan, names, view, at_least)
    result = execute(plan, view)
    if result.is_empty or len(result.edges) + len(result.attributes) > _LARGEST_PROOF:
        return None
    draft = draft_of(plan, result, view, confidence=PLANNED)
    reading = Reading(plan=plan, result=result, draft=draft)
    return reading if stands_on_facts(reading) or says_something(reading) else None


def _check(plan: Plan, names: Sequence[Named], view: GraphView, at_least: int) -> None:
    allowed = {view.keys[node] for name in names for node in name.nodes}
    if strange := sorted(_keys(plan) - allowed):
        there = ", ".join(sorted(allowed)[:8]) or "none: begin with type(...) or having(...)"
        raise PlanError(f"the question does not name {strange[0]!r}; its keys: {there}")
    left_out = [name.text for name in names if not _speaks_of(plan, name, view)]
    if len(names) - len(left_out) < min(at_least, len(names)):
        raise PlanError(f"it says nothing of {' and '.join(left_out)}")
    if isinstance(plan, Entities):
        raise PlanError("it only repeats what the question names")
    far = isinstance(plan, ShortestPath) and plan.max_hops > _MOST_HOPS
    many = isinstance(plan, ShortestPath) and plan.max_paths > _MOST_PATHS
    if far or many:
        raise PlanError(f"shortest_path takes at most {_MOST_HOPS} hops and {_MOST_PATHS} paths")


def _speaks_of(plan: Plan, name: Named, view: GraphView) -> bool:
    """Whether a plan begins from what is named, or has its words, as a type or a value."""
    keys = {view.keys[node] for node in name.nodes}
    return not keys.isdisjoint(_keys(plan)) or fold(name.text) in fold(to_text(plan))


def _with_keys(plan: Plan, names: Sequence[Named], view: GraphView) -> Plan:
    """Return ``plan`` with keys where it says the name of what the question names."""
    keys: dict[str, list[str]] = {}
    for node in (node for name in names for node in sorted(name.nodes)):
        keys.setdefault(view.names[node], []).append(view.keys[node])
    own = {view.keys[node] for name in names for node in name.nodes}
    return _replaced(plan, {said: found for said, found in keys.items() if said not in own})


def _replaced(plan: Plan, keys: Mapping[str, Sequence[str]]) -> Plan:
    """Return ``plan`` with every name of ``keys`` in place of a key replaced by the keys."""
    if isinstance(plan, Entities):
        return Entities(tuple(key for said in plan.keys for key in keys.get(said, [said])))
    inside = {
        slot.name: _replaced(part, keys)
        for slot in fields(plan)
        if isinstance(part := getattr(plan, slot.name), NodePlan)
    }
    return cast("Plan", replace(plan, **inside))  # type: ignore[arg-type]


def _keys(plan: Plan) -> set[str]:
    own = set(plan.keys) if isinstance(plan, Entities) else set()
    return own.union(*(_keys(part) for part in children(plan)))
