"""The trained scorer's say in the order of the candidates."""

from collections.abc import Collection, Sequence

import numpy as np
from jaxtyping import Float32

from graphllm.query.plan import Plan
from graphllm.retrieval.ground import PlanCandidate
from graphllm.retrieval.linker import Match, Mention, Seeds
from graphllm.retrieval.scorer import PlanScorer
from graphllm.retrieval.verbalize import Verbalizer, letters_of, marked

_FIRST = 48  # candidates that the scorer sees,
_PLAIN = 24  # and at least so many that take no common word for a name
_WEIGHT = 2.0  # of a similarity beside the score that words give


def rescored(
    scorer: PlanScorer,
    verbalizer: Verbalizer,
    seeds: Seeds,
    ranked: Sequence[PlanCandidate],
    later: Collection[Plan],
) -> list[PlanCandidate]:
    """Return the first candidates, each behind as far as it is less similar than the most similar.

    Args:
        ranked: Best first.
        later: Plans that go on from history: the question does not say all of them, so they keep
            their scores.
    """
    plain = [place for place, c in enumerate(ranked) if not c.is_guess][:_PLAIN]
    first = [ranked[place] for place in sorted({*range(min(_FIRST, len(ranked))), *plain})]
    asked = [c for c in first if _is_whole(c) and c.plan not in later]
    similar = scorer.similarities([texts_of(verbalizer, seeds, c) for c in asked])
    moved = {
        c.plan: c._replace(score=c.score - loss, similarity=float(s))
        for c, s, loss in zip(asked, similar, _behind(similar), strict=True)
    }
    return sorted((moved.get(c.plan, c) for c in first), key=lambda c: -c.score)


def _behind(similarities: Float32[np.ndarray, "num_candidates"]) -> list[float]:
    return (_WEIGHT * (similarities.max(initial=-1) - similarities)).tolist()


def _is_whole(candidate: PlanCandidate) -> bool:
    """Return whether no name of a plan is left to history."""
    return all(m.match is not Match.HISTORY for m in candidate.mentions)


def texts_of(verbalizer: Verbalizer, seeds: Seeds, candidate: PlanCandidate) -> tuple[str, str]:
    """Return the question and the plan as the scorer compares them."""
    mentions = sorted(candidate.mentions, key=lambda m: m.span)
    question = marked(seeds.question, [_characters(seeds, m) for m in mentions])
    view = verbalizer.schema.view
    letters = letters_of([[view.keys[node] for node in m.nodes] for m in mentions])
    return question, verbalizer.text(candidate.plan, letters, candidate.unsaid)


def _characters(seeds: Seeds, mention: Mention) -> tuple[int, int]:
    first, last = mention.span
    if first >= min(last, len(seeds.tokens)):  # what the question leaves unsaid
        return len(seeds.question), len(seeds.question)
    return seeds.tokens[first].start, seeds.tokens[last - 1].end
