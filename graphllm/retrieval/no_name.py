"""Plans that begin with every node of a kind: "the oldest universities"."""

from collections.abc import Iterator, Sequence

from graphllm.query.plan import (
    Aggregated,
    Count,
    Exists,
    Filter,
    HavingStep,
    NodePlan,
    OfType,
    Plan,
    TopK,
)
from graphllm.retrieval.constraints import Superlative
from graphllm.retrieval.english import family, is_person_noun
from graphllm.retrieval.ground import AGGREGATES, Ground, PlanCandidate, Question
from graphllm.retrieval.intents import EVERY, Want
from graphllm.retrieval.labels import LabelForm, label_form
from graphllm.retrieval.linker import Match
from graphllm.retrieval.measures import ScoredMeasure
from graphllm.retrieval.paths import Word

_SOMEBODY = 0.2  # likeness to persons below which "who" is not answered with a kind of node
_KIND_IS_CLEAR = 0.75


def from_kinds(ground: Ground, question: Question) -> Iterator[PlanCandidate]:
    """Yield plans that begin with every node of a kind: "the oldest universities"."""
    operated = not question.is_plain or question.intent.want is not Want.LIST
    unused = any(
        m.match is Match.HISTORY or ground.is_name(question, m) for m in question.seeds.mentions
    )
    words = ground.paths.words(question.seeds.tokens, question.spans)
    ground.affinity.prepare([w.token.folded for w in words])
    asks_who = any(w.token.folded == "who" for w in words)
    ranking = question.superlative
    counted = ranking[0].span.last if ranking and ranking[0].counts else -1
    for word in words[:4]:
        if word.position == counted:  # "the most songs" ranks what has them, not the songs
            continue
        for base, port in _kinds_named(ground, word):
            if asks_who and ground.affinity.classes("who")[port] < _SOMEBODY:
                continue
            plan, explained = _operated(ground, question, base, port, words, word)
            if plan is not None and (operated or len(words) == 1):
                score = ground.covered(question, [], explained) + (-0.1 if unused else 0.25)
                yield PlanCandidate(plan, score)


def _kinds_named(ground: Ground, word: Word) -> list[tuple[NodePlan, int]]:
    """Return the kinds of node that a word names, each with a port that arrives at it."""
    folded = word.token.folded
    kind = ground.type_named(folded)
    if kind is not None:
        ports = [
            p
            for p in range(2 * len(ground.view.relations))
            if ground.schema.arrival_types(p).get(kind, 0) > 0.5
        ]
        return [(OfType(ground.view.node_types[kind]), ports[0])] if ports else []
    found: list[tuple[NodePlan, int]] = []
    relations = ground.affinity.relations(folded)[: len(ground.view.relations)]
    best = int(relations.argmax()) if len(relations) else 0
    if len(relations) and relations[best] >= _KIND_IS_CLEAR:
        label = ground.affinity.phrase(folded, best)
        says_who = family(folded) in map(family, label.split()) or is_person_noun(folded)
        doers = says_who and label_form(label) is LabelForm.ACTIVE  # "actors" acted in
        arrives = 2 * best + doers
        found.append((HavingStep(ground.schema.step(arrives ^ 1)), arrives))
    kinds = ground.affinity.classes(folded)[: 2 * len(ground.view.relations)]
    if len(kinds) and kinds.max() >= _KIND_IS_CLEAR:
        port = int(kinds.argmax())
        usual = ground.schema.follows(port)[: 2 * len(ground.view.relations)]
        if usual.any():
            found.append((HavingStep(ground.schema.step(int(usual.argmax()))), port))
    return found


def _operated(
    ground: Ground,
    question: Question,
    base: NodePlan,
    port: int,
    words: Sequence[Word],
    kind_word: Word,
) -> tuple[Plan | None, dict[int, float]]:
    """Apply the question's comparisons and operation to every node of a kind."""
    explained = {w.position: 1.0 for w in words if ground.is_of_kind(w, kind_word)}
    plan = base
    for constraint, fitting in question.constraints:
        measure = ground.measures.of_kind(fitting, port)
        if measure is None:
            return None, {}
        plan = Filter(plan, measure.measure, constraint.comparison, constraint.value)
    others = [w for w in words if w.position not in explained]
    if question.superlative is not None:
        ranked = _ranked_kind(ground, question.superlative, plan, port, others, explained)
        if ranked is None:
            return None, {}
        plan = ranked
    want = question.intent.want
    if want in AGGREGATES:
        fitting = tuple(ground.measures.find([w.token.folded for w in others], is_time=False))
        measure = ground.measures.of_kind(fitting, port)
        if measure is None:
            return None, {}
        explained.update({w.position: 1.0 for w in others if w.token.folded == measure.cue})
        return Aggregated(plan, measure.measure, AGGREGATES[want]), explained
    if want is Want.CONFIRM:
        every = any(t.folded in EVERY for t in question.seeds.tokens)
        return (None if every else Exists(plan)), explained
    return (Count(plan) if want is Want.COUNT else plan), explained


def _ranked_kind(
    ground: Ground,
    ranking: tuple[Superlative, tuple[ScoredMeasure, ...]],
    plan: NodePlan,
    port: int,
    others: Sequence[Word],
    explained: dict[int, float],
) -> NodePlan | None:
    wanted, fitting = ranking
    measure = ground.measures.of_kind(fitting, port)
    if measure is not None:
        return TopK(plan, measure.measure, wanted.k, wanted.ascending)
    if not wanted.counts or not others:
        return None
    fit = ground.port_fit([w.token.folded for w in others])
    fit = fit * (ground.schema.follows(port) > 0)
    best = int(fit.argmax())
    if fit[best] <= 0.3:
        return None
    for word in others:
        about = ground.port_fit([word.token.folded])[best]
        explained[word.position] = min(1.0, float(about) / 0.6)
    return ground.most(plan, best, wanted)
