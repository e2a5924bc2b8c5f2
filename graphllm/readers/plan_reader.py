"""Answer by plan: link, rank plans, run the best one exactly, and say what it found."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from graphllm.answer import Abstention, Reason, Turn
from graphllm.graph.view import GraphView
from graphllm.index.graph_index import GraphIndex
from graphllm.index.names import Names
from graphllm.index.remembered import RememberedEncoder
from graphllm.query import Plan, execute
from graphllm.readers.drafting import draft_of
from graphllm.readers.reading import Reading
from graphllm.readers.refusals import no_fact, no_reading, too_long
from graphllm.retrieval.ground import PlanCandidate
from graphllm.retrieval.linker import Linker
from graphllm.retrieval.planner import Planner
from graphllm.text.encoder import TextEncoder

_SURE_ENOUGH = 0.75
_MOST_NAMED = 8  # things of one name that a refusal still says it is about
_MOST_WORDS = 80  # of a question; what is longer is a text
_NEAREST = 3  # names by meaning that are tried
_TIE = 0.02  # plans this close in score explain a question equally well
_NO_MARGIN = 0.1
_TIES_RUN = 6


class PlanReader:
    """Reads a question as a plan over one graph, and runs it.

    Args:
        view: The graph.
        names: Search over its names.
        encoder: Meaning of words.
    """

    def __init__(self, view: GraphView, names: Names, encoder: TextEncoder) -> None:
        self.view = view
        self.linker = Linker(view, names, _by_meaning(view, encoder))
        kept = isinstance(view, GraphIndex)  # a graph in memory leaves nothing behind
        self.planner = Planner(view, encoder, RememberedEncoder(encoder) if kept else None)

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
        if not candidates or candidates[0].score < _SURE_ENOUGH:
            abstention = no_reading(seeds, candidates, self.view, self.planner.schema)
            others = tuple((c.plan, _confidence_of(c.score)) for c in candidates[:3])
            named = seeds.mentions[0].nodes[:_MOST_NAMED] if seeds.mentions else ()
            return Reading(
                abstention=abstention,
                alternatives=others,
                focus=tuple(self.view.keys[node] for node in named),
                timings=timings,
            )
        reading = self._first_with_answer(candidates)
        timings["execute"] = time.perf_counter() - planned
        others = tuple(
            (c.plan, _confidence_of(c.score)) for c in candidates[:4] if c.plan != reading.plan
        )
        return Reading(
            draft=reading.draft,
            plan=reading.plan,
            result=reading.result,
            abstention=reading.abstention,
            alternatives=others,
            timings=timings,
        )

    def _first_with_answer(self, candidates: Sequence[PlanCandidate]) -> Reading:
        """Run the best plan; run those that explain the question as well until one says something.

        A "no" that no fact was examined for gives way to one that was: who is said to have
        discovered it, rather than what he is not said to have discovered.
        """
        best = self.run(candidates[0].plan, confidence=confidence(candidates))
        plain = [c for c in candidates if not c.is_guess]
        if candidates[0].is_guess and not says_something(best) and plain:
            return self._first_with_answer(plain)
        for candidate in candidates[1:_TIES_RUN]:
            behind = candidates[0].score - candidate.score
            unfounded = is_closed(best) and not stands_on_facts(best)
            if says_something(best) or behind >= (_NO_MARGIN if unfounded else _TIE):
                continue
            other = self.run(candidate.plan, confidence=confidence(candidates))
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
            draft=draft_of(plan, result, self.view, confidence=confidence),
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


def _confidence_of(score: float) -> float:
    """Return the confidence in a plan that was not run, from its score alone."""
    return max(0.0, min(1.0, score - 0.4))


def confidence(candidates: Sequence[PlanCandidate]) -> float:
    """Return the confidence in the first candidate, from its score and its lead."""
    lead = candidates[0].score - candidates[1].score if len(candidates) > 1 else 0.3
    return max(0.05, min(0.99, candidates[0].score - 0.4 + min(lead, 0.2)))
