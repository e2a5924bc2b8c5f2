"""Answer by plan: link, rank plans, run the best one exactly, and say what it found."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from graphllm.answer import Abstention, Reason, Turn
from graphllm.graph.taught import NOTHING_TAUGHT, Taught
from graphllm.graph.view import GraphView
from graphllm.index.graph_index import GraphIndex
from graphllm.index.names import Names
from graphllm.index.remembered import RememberedEncoder
from graphllm.query import Plan, execute
from graphllm.readers.drafting import draft_of
from graphllm.readers.reading import Reading
from graphllm.readers.refusals import no_fact, no_reading, not_sure, too_long
from graphllm.retrieval.calibration import Calibration, shipped_calibration
from graphllm.retrieval.evidence import Case, Evidence, evidence
from graphllm.retrieval.ground import PlanCandidate
from graphllm.retrieval.linker import Linker, Seeds
from graphllm.retrieval.planner import Planner
from graphllm.retrieval.scorer import PlanScorer, shipped_scorer
from graphllm.text.encoder import TextEncoder

_SURE_ENOUGH = 0.75
_HOPELESS = 0.2  # with a scorer, whose judgement counts too, only this little is not looked at
_LIKELY = 0.5  # probability of being right from which an answer is given all the same,
_ALIKE = 0.6  # where the scorer finds it as near to the question as this
_UNLIKE = 0.45  # less near, what is not likely either is not said,
_WELL_SAID = 0.95  # but where its words explain it as well as this
_MOST_NAMED = 8  # things of one name that a refusal still says it is about
_MOST_WORDS = 80  # of a question; what is longer is a text
_NEAREST = 3  # names by meaning that are tried
_TIE = 0.02  # plans this close in score explain a question equally well
_NO_MARGIN = 0.1
_TIES_RUN = 6
_SHOWN = 3  # other plans
_SPREAD = 0.1  # of a score: how much likelier a reading makes one that is so much ahead


class Attempt(NamedTuple):
    """The best reading of a question, whether or not it is good enough to be said.

    Attributes:
        seeds: What the question mentions.
        candidates: All its readings, best first.
        reading: The one that was run; with a draft where that gave anything.
        evidence: What speaks for the draft and against it; empty without a draft.
    """

    seeds: Seeds
    candidates: Sequence[PlanCandidate]
    reading: Reading
    evidence: Evidence

    @property
    def is_poor(self) -> bool:
        """Whether the best plan does not explain the question well enough to be run at all."""
        return is_poor(self.candidates)


class PlanReader:
    """Reads a question as a plan over one graph, and runs it.

    Args:
        view: The graph.
        names: Search over its names.
        encoder: Meaning of words.
        taught: What its relations were said to mean, and other names of its nodes.
        max_error: Withhold answers, so that at most this share of those given is wrong; answer
            whatever is understood well enough when ``None``.
        calibration: How sure an answer is; the shipped one when ``None``.
        scorer: The trained judge of plans; the shipped one when ``None``.

    Raises:
        ConfigError: No limit is known that keeps the error below ``max_error``.
    """

    def __init__(
        self,
        view: GraphView,
        names: Names,
        encoder: TextEncoder,
        taught: Taught = NOTHING_TAUGHT,
        *,
        max_error: float | None = None,
        calibration: Calibration | None = None,
        scorer: PlanScorer | None = None,
    ) -> None:
        self.calibration = calibration or shipped_calibration()
        self.least = 0.0 if max_error is None else self.calibration.limit(max_error)
        self.view = view
        self.taught = taught
        self.linker = Linker(view, names, _by_meaning(view, encoder), taught)
        kept = isinstance(view, GraphIndex)  # a graph in memory leaves nothing behind
        remembered = RememberedEncoder(encoder) if kept else None
        self.planner = Planner(view, encoder, remembered, taught, scorer or shipped_scorer())

    def read(self, question: str, history: Sequence[Turn] = ()) -> Reading:
        """Return what ``question`` means and what the graph answers."""
        start = time.perf_counter()
        seeds = self.linker.link(question, history)
        linked = time.perf_counter()
        if len(seeds.tokens) > _MOST_WORDS:
            return Reading(abstention=too_long(len(seeds.tokens), _MOST_WORDS))
        candidates = self.planner.rank(seeds, history)
        planned = time.perf_counter()
        timings = {"link": linked - start, "plan": planned - linked}
        if is_poor(candidates):
            return replace(self._unread(seeds, candidates), timings=timings)
        attempt = self._attempt(seeds, candidates)
        timings["execute"] = time.perf_counter() - planned
        return replace(self.decided(attempt), timings=timings)

    def attempt(self, question: str, history: Sequence[Turn] = ()) -> Attempt:
        """Return the best reading of a question, however unsure; to learn how sure readings are."""
        seeds = self.linker.link(question, history)
        candidates = self.planner.rank(seeds, history)
        if not candidates:
            return Attempt(seeds, candidates, self._unread(seeds, candidates), {})
        return self._attempt(seeds, candidates)

    def decided(self, attempt: Attempt) -> Reading:
        """Return the reading with how sure it is; without its draft where that is not enough."""
        reading, candidates = attempt.reading, attempt.candidates
        if attempt.is_poor:
            return self._unread(attempt.seeds, candidates)
        if reading.draft is None:
            untried = [c for c in candidates if c.plan != reading.plan]
            return replace(reading, alternatives=self._untried(attempt.seeds, untried))
        sure = self.calibration.probability(attempt.evidence)
        if is_doubted(candidates, sure):
            return self._unread(attempt.seeds, candidates)
        others = _others(candidates, reading.plan, sure)
        if sure >= self.least:
            draft = replace(reading.draft, confidence=sure)
            return replace(reading, draft=draft, alternatives=others)
        withheld = ((reading.plan, sure),) if reading.plan else ()
        abstention = not_sure(sure, self.least)
        return replace(
            reading, draft=None, abstention=abstention, alternatives=(*withheld, *others)
        )

    def refuses(self, attempt: Attempt) -> bool:
        """Return whether an answer is not given, however much error is tolerated."""
        if attempt.is_poor or attempt.reading.draft is None:
            return True
        return is_doubted(attempt.candidates, self.calibration.probability(attempt.evidence))

    def _unread(self, seeds: Seeds, candidates: Sequence[PlanCandidate]) -> Reading:
        """Refuse a question that no plan explains well enough."""
        named = seeds.mentions[0].nodes[:_MOST_NAMED] if seeds.mentions else ()
        return Reading(
            abstention=no_reading(seeds, candidates, self.view, self.planner.schema),
            alternatives=self._untried(seeds, candidates),
            focus=tuple(self.view.keys[node] for node in named),
        )

    def _untried(
        self, seeds: Seeds, candidates: Sequence[PlanCandidate]
    ) -> tuple[tuple[Plan, float], ...]:
        """Return plans that were not run, and how sure each would be by its words alone."""
        if not candidates:
            return ()
        best = candidates[0]
        sure = self.calibration.probability(
            evidence(self.planner.ground, Case(seeds, candidates, best))
        )
        return ((best.plan, sure), *_others(candidates, best.plan, sure)[: _SHOWN - 1])

    def _attempt(self, seeds: Seeds, candidates: Sequence[PlanCandidate]) -> Attempt:
        """Run the best plan that says something, and weigh what speaks for it."""
        reading = self._first_with_answer(candidates)
        found: Evidence = {}
        if reading.draft is not None and reading.result is not None:
            chosen = next(c for c in candidates if c.plan == reading.plan)
            case = Case(seeds, candidates, chosen, reading.result)
            found = evidence(self.planner.ground, case)
        return Attempt(seeds, candidates, reading, found)

    def _first_with_answer(self, candidates: Sequence[PlanCandidate]) -> Reading:
        """Run the best plan; run those that explain the question as well until one says something.

        A "no" that no fact was examined for gives way to one that was: who is said to have
        discovered it, rather than what he is not said to have discovered.
        """
        best = self.run(candidates[0].plan)
        plain = [c for c in candidates if not c.is_guess]
        if candidates[0].is_guess and not says_something(best) and plain:
            return self._first_with_answer(plain)
        for candidate in candidates[1:_TIES_RUN]:
            behind = candidates[0].score - candidate.score
            unfounded = is_closed(best) and not stands_on_facts(best)
            if says_something(best) or behind >= (_NO_MARGIN if unfounded else _TIE):
                continue
            other = self.run(candidate.plan)
            denies = is_closed(other) and stands_on_facts(other) and not says_something(other)
            if (says_something(other) and behind < _TIE) or (unfounded and denies):
                best = other
        founded = stands_on_facts(best) or says_something(best)
        return best if founded else self._without_facts(best)

    def _without_facts(self, reading: Reading) -> Reading:
        """Refuse to conclude anything from no facts at all."""
        if reading.draft is None:
            return reading
        message = "The graph has no fact from which this could be told."
        abstention = Abstention(reason=Reason.NO_EDGE, message=message)
        return replace(reading, draft=None, abstention=abstention)

    def run(self, plan: Plan, *, confidence: float = 1.0) -> Reading:
        """Run ``plan`` and draft an answer from what it gives."""
        result = execute(plan, self.view)
        if result.is_empty:
            abstention = no_fact(plan, self.view, self.planner.schema)
            return Reading(plan=plan, result=result, abstention=abstention)
        return Reading(
            plan=plan,
            result=result,
            draft=draft_of(
                plan,
                result,
                self.view,
                confidence=confidence,
                wording=self.planner.schema.wording,
            ),
        )


def _by_meaning(
    view: GraphView, encoder: TextEncoder
) -> Callable[[str], list[tuple[int, float]]] | None:
    """Return a search for nodes by what their names mean, where ``view`` has their vectors."""
    vectors = view.vectors(encoder.id) if isinstance(view, GraphIndex) else None
    if vectors is None:
        return None

    def search(text: str) -> list[tuple[int, float]]:
        rows, scores = vectors.search(encoder.encode([text]), _NEAREST)
        return [
            (int(node), float(score))
            for row, score in zip(rows[0].tolist(), scores[0].tolist(), strict=True)
            for node in vectors.owners(row)[:1]
        ]

    return search


def is_poor(candidates: Sequence[PlanCandidate]) -> bool:
    """Return whether no plan explains its question well enough to be run at all."""
    if not candidates:
        return True
    is_judged = candidates[0].similarity is not None
    return candidates[0].score < (_HOPELESS if is_judged else _SURE_ENOUGH)


def is_doubted(candidates: Sequence[PlanCandidate], sure: float) -> bool:
    """Return whether neither its words, nor the scorer, nor the calibration carry the best plan.

    Args:
        sure: The probability that its answer is right.
    """
    score, similar = candidates[0].score, candidates[0].similarity
    if score < _SURE_ENOUGH:
        return sure < _LIKELY or similar is None or similar < _ALIKE
    return score < _WELL_SAID and sure < _LIKELY and similar is not None and similar < _UNLIKE


def says_something(reading: Reading) -> bool:
    """Return whether a reading has an answer other than "no" or "none"."""
    values = reading.result.values if reading.result else ()
    return reading.draft is not None and values not in ((False,), (0,))


def is_closed(reading: Reading) -> bool:
    """Return whether a reading concludes from what is not in the graph."""
    return reading.result is not None and reading.result.closed_world


def stands_on_facts(reading: Reading) -> bool:
    """Return whether any edge or attribute was found or examined for the answer."""
    result = reading.result
    return result is not None and bool(len(result.edges) or result.attributes or len(result.nodes))


def _others(
    candidates: Sequence[PlanCandidate], chosen: Plan | None, sure: float
) -> tuple[tuple[Plan, float], ...]:
    """Return the next best plans, with what is left of the belief shared out by their scores.

    None gets more than ``sure``, which the chosen one has.
    """
    others = [c for c in candidates if c.plan != chosen]
    shares = [math.exp((c.score - others[0].score) / _SPREAD) for c in others]
    return tuple(
        (c.plan, min(sure, (1 - sure) * share / sum(shares)))
        for c, share in zip(others[:_SHOWN], shares[:_SHOWN], strict=True)
    )
