"""What speaks for a reading of a question and what against it, as numbers.

A calibration turns them into the probability that the answer is right. None needs the right answer,
and each is cheap. What does not apply to a reading is left out, and then counts neither way.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from graphllm.graph.folding import humanize
from graphllm.query.plan import (
    Aggregated,
    Attribute,
    Count,
    CountValues,
    EdgeValues,
    Exists,
    FactsOf,
    Filter,
    Follow,
    GroupCount,
    Grouped,
    HavingAttribute,
    Intersect,
    NodePlan,
    OfType,
    Plan,
    ShortestPath,
    Step,
    Subtract,
    TopK,
    Union,
    Values,
    children,
)
from graphllm.query.result import PlanResult
from graphllm.retrieval.constraints import constraints, superlative
from graphllm.retrieval.english import FUNCTION_WORDS, Token, family, synonyms
from graphllm.retrieval.ground import Ground, PlanCandidate
from graphllm.retrieval.intents import Want, intent
from graphllm.retrieval.linker import Match, Mention, Seeds, Span, weight
from graphllm.retrieval.paths import Word

_NO_RIVAL = 0.5  # the lead of a reading that no other comes near
_NEAR = 0.1  # this far behind in score, another reading is a rival
_WEAK = 0.9  # below this score, each point costs more
_NAMING = 0.7  # quality of a mention that may well be meant
_NAME = 1.5  # weight of words that are surely a name
_SURE = 6.0  # of a logit: a scorer that is surer is no better for it
_SHARPNESS = 20.0  # of similarities, as in training
_FAR = 0.5  # of similarities: no lead is larger
_OPERATIONS: Mapping[str, tuple[type, ...]] = {
    "counts": (Count, CountValues, GroupCount, Grouped),
    "confirms": (Exists,),
    "ranks": (TopK,),
    "compares": (Filter,),
    "combines": (Intersect, Union, Subtract),
    "reads values": (Values, EdgeValues, Aggregated),
    "tells": (FactsOf,),
    "connects": (ShortestPath,),
}

Evidence = Mapping[str, float]


class Case(NamedTuple):
    """A question, all of its readings, and the one whose answer is to be judged.

    Attributes:
        candidates: Best first.
        result: What the plan of ``chosen`` gave; ``None`` when it was not run.
    """

    seeds: Seeds
    candidates: Sequence[PlanCandidate]
    chosen: PlanCandidate
    result: PlanResult | None = None


def evidence(ground: Ground, case: Case) -> Evidence:
    """Return what speaks for and against the chosen reading, by name."""
    return {
        **_standing(case.candidates, case.chosen),
        **_learned(case.candidates, case.chosen),
        **_linking(case.seeds, case.chosen.mentions),
        **_wording(ground, case.seeds, case.chosen),
        **_form(ground, case.seeds, case.chosen),
        **_shape(case.chosen.plan),
        **(_outcome(case.result) if case.result else {}),
    }


def _standing(candidates: Sequence[PlanCandidate], chosen: PlanCandidate) -> dict[str, float]:
    """Return how well a reading explains the question, and how far it is ahead."""
    others = [c.score for c in candidates if c.plan != chosen.plan]
    lead = min(chosen.score - max(others), _NO_RIVAL) if others else _NO_RIVAL
    return {
        "score": chosen.score,
        "weak score": max(0.0, _WEAK - chosen.score),
        "lead": lead,
        "rivals": math.log1p(sum(score > chosen.score - _NEAR for score in others)),
    }


def _learned(candidates: Sequence[PlanCandidate], chosen: PlanCandidate) -> dict[str, float]:
    """Return how near the trained scorer puts a reading, and whether it puts another nearer."""
    if chosen.similarity is None:
        return {}
    others = [
        c.similarity for c in candidates if c.plan != chosen.plan and c.similarity is not None
    ]
    near = [math.exp(_SHARPNESS * (similarity - chosen.similarity)) for similarity in others]
    rival = max(others, default=-1.0)
    return {
        "similarity": chosen.similarity,
        "belief": _logit(1 / (1 + sum(near))),
        "similarity lead": min(chosen.similarity - rival, _FAR),
        "scorers disagree": float(rival > chosen.similarity),
    }


def _logit(share: float) -> float:
    inside = min(max(share, 1e-6), 1 - 1e-6)
    return max(-_SURE, min(_SURE, math.log(inside / (1 - inside))))


def _linking(seeds: Seeds, mentions: Sequence[Mention]) -> dict[str, float]:
    """Return how surely the names of a reading are those of the question."""
    spans = [m.span for m in mentions]
    unused = [
        m
        for m in seeds.mentions
        if m.quality >= _NAMING
        and not any(m.span.overlaps(s) for s in spans)
        and weight(m.span, seeds.tokens) >= _NAME
    ]
    return {
        "names nothing": float(not mentions),
        "link quality": min((m.quality for m in mentions), default=1.0),
        "misspelt": float(any(m.match in (Match.FUZZY, Match.MEANING) for m in mentions)),
        "part of a name": float(any(m.match is Match.PARTIAL for m in mentions)),
        "several names": float(len(mentions) > 1),
        "namesakes": max((math.log(len(m.nodes)) for m in mentions), default=0.0),
        "names left": float(bool(unused)),
    }


def _wording(ground: Ground, seeds: Seeds, chosen: PlanCandidate) -> dict[str, float]:
    """Return which words a plan leaves unsaid, and which of its steps no word speaks of."""
    taken = [m.span for m in chosen.mentions] + list(_steering(seeds.tokens, chosen.plan))
    words = ground.paths.words(seeds.tokens, taken)
    ground.affinity.prepare([word.token.folded for word in words])
    labels = sorted(set(_labels(ground, chosen.plan)))
    spoken = np.zeros((len(words), len(labels)), dtype=np.float32)
    for row, word in enumerate(words):
        spoken[row] = ground.affinity.relations(word.token.folded)[labels]
    said = [
        max(float(row.max(initial=0.0)), _as_kind(ground, chosen.plan, labels, word))
        for row, word in zip(spoken, words, strict=True)
    ]
    left = [word.weight * (1 - min(fit, 1.0)) for word, fit in zip(words, said, strict=True)]
    silent = 1 - spoken.max(axis=0, initial=0.0)
    return {
        "unsaid": sum(left) / max(sum(word.weight for word in words), 1.0),
        "most unsaid": max(left, default=0.0),
        "unknown name": float(any(word.is_name for word in words)),
        "silent step": float(silent.max(initial=0.0)),
        "silent steps": float(silent.mean()) if len(labels) else 0.0,
        "length": math.log(max(len(seeds.tokens), 1)),
    }


def _as_kind(ground: Ground, plan: Plan, labels: Sequence[int], word: Word) -> float:
    """Return how well a word names the kind of what a plan passes through, or reads off edges."""
    folded = word.token.folded
    named = [part.type for part in _parts(plan) if isinstance(part, OfType)]
    named += [part.attribute for part in _parts(plan) if isinstance(part, EdgeValues)]
    own = {w for name in named for w in humanize(name).split()} - FUNCTION_WORDS
    if any(family(w) == family(folded) or synonyms(w, folded) for w in own):
        return 1.0
    arrivals = ground.affinity.classes(folded).reshape(-1, 2)[labels]
    return float(arrivals.max(initial=0.0))


def _steering(tokens: Sequence[Token], plan: Plan) -> Iterator[Span]:
    """Yield the words that ask for an operation which the plan does."""
    wanted = intent(tokens)
    if wanted.want is not Want.LIST and not isinstance(plan, NodePlan):
        yield from wanted.spans
    parts = list(_parts(plan))
    steps = [step for part in parts for step in _steps(part)]
    if any(isinstance(p, Filter) for p in parts) or any(s.condition for s in steps):
        yield from (c.span for c in constraints(tokens))
    ranked = superlative(tokens)
    if ranked is not None and any(isinstance(p, TopK | Grouped) for p in parts):
        yield ranked.span


def _parts(plan: Plan) -> Iterator[Plan]:
    """Yield a plan and all that is inside it."""
    yield plan
    for inner in children(plan):
        yield from _parts(inner)


def _steps(part: Plan) -> tuple[Step, ...]:
    """Return the steps that one part of a plan walks or counts by itself."""
    if isinstance(part, Grouped):
        over = getattr(part.over and part.over.measure, "step", None)
        return (*part.by.steps, *([over] if over else []))
    found = (getattr(part, "step", None), getattr(getattr(part, "measure", None), "step", None))
    return tuple(step for step in found if isinstance(step, Step))


def _attributes(part: Plan) -> tuple[str, ...]:
    """Return the node attributes that one part of a plan reads by itself."""
    if isinstance(part, Values | CountValues | HavingAttribute):
        return (part.attribute,)
    if isinstance(part, Grouped):
        measure = part.over and part.over.measure
        read = [part.by.attribute] if part.by.attribute else []
        return (*read, *([measure.name] if isinstance(measure, Attribute) else []))
    measure = getattr(part, "measure", None)
    return (measure.name,) if isinstance(measure, Attribute) else ()


def _labels(ground: Ground, plan: Plan) -> Iterator[int]:
    """Yield the places, among the labels of a graph, of what a plan walks and reads."""
    relations = {name: i for i, name in enumerate(ground.view.relations)}
    attributes = {name: i for i, name in enumerate(ground.schema.attributes, len(relations))}
    for part in _parts(plan):
        yield from (relations[s.relation] for s in _steps(part) if s.relation in relations)
        yield from (attributes[name] for name in _attributes(part) if name in attributes)


def _form(ground: Ground, seeds: Seeds, chosen: PlanCandidate) -> dict[str, float]:
    """Return how far a plan gives the kind of thing that is asked for: persons to a "who"."""
    confirms = intent(seeds.tokens).want is Want.CONFIRM
    found = {"other form": float(confirms != isinstance(chosen.plan, Exists))}
    last = chosen.plan
    while isinstance(last, Filter | TopK | Intersect | Subtract | Union):
        last = children(last)[0]
    words = ground.paths.words(seeds.tokens, [m.span for m in chosen.mentions])
    asked = [word.token.folded for word in words if word.asks]
    if asked and isinstance(last, Follow):
        label = next(_labels(ground, last))
        port = 2 * label + last.step.inverse
        fits = (
            max(float(ground.affinity.classes(a)[port]), float(ground.affinity.relations(a)[label]))
            for a in asked
        )
        found["kind asked"] = max(fits)
    return found


def _shape(plan: Plan) -> dict[str, float]:
    """Return what a plan does, and in how many steps."""
    parts = list(_parts(plan))
    does = {
        name: float(any(isinstance(part, kinds) for part in parts))
        for name, kinds in _OPERATIONS.items()
    }
    steps = sum(len(_steps(part)) for part in parts)
    return {**does, "one step": float(steps == 1), "steps past two": float(max(0, steps - 2))}


def _outcome(result: PlanResult) -> dict[str, float]:
    """Return what running a plan gave: how much, and whether it rests on what is absent."""
    number = len(result.nodes) or len(result.values) or len(result.paths)
    return {
        "answers": math.log1p(number),
        "one answer": float(number == 1),
        "closed world": float(result.closed_world),
        "denies": float(result.values in ((False,), (0,))),
    }
