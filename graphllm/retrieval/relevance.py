"""Where retrieval begins for a question, and which relations bear on it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from graphllm.retrieval.ground import Ground
from graphllm.retrieval.linker import Mention, Seeds, weight

_SURELY_LESS = 0.5  # a mention this much lighter than the heaviest is a common word
_MOST_STARTS = 64
_LEADS_THERE = 0.2  # what a relation is worth that leads to the kind of node asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevance:
    """What a question is about, in terms of a graph.

    Attributes:
        starts: The nodes it names, with how surely, most surely first; sums to 1.
        relations: How much each relation bears on it, 0 to 1.
    """

    starts: dict[int, float]
    relations: Float32[np.ndarray, "num_relations"]


def relevance(ground: Ground, seeds: Seeds) -> Relevance:
    """Return where ``seeds`` begin and how much each relation bears on the question.

    A relation bears on it as far as one of its words speaks of the relation, or asks for the kind
    of node that the relation leads to.
    """
    mentions = chosen_mentions(seeds)
    words = ground.paths.words(seeds.tokens, [mention.span for mention in mentions])
    ground.affinity.prepare([word.token.folded for word in words])
    count = len(ground.view.relations)
    found = np.zeros(count, dtype=np.float32)
    for word in words:
        heard = np.float32(min(word.weight, 1.0))
        found = np.maximum(found, heard * ground.affinity.relations(word.token.folded)[:count])
        if word.asks and not word.is_name:
            kinds = ground.affinity.classes(word.token.folded)[: 2 * count]
            led = kinds.reshape(count, 2).max(axis=1)
            found = np.maximum(found, heard * np.float32(_LEADS_THERE) * led)
    return Relevance(starts=_starts(seeds, mentions), relations=found)


def chosen_mentions(seeds: Seeds) -> list[Mention]:
    """Return the mentions that are probably meant: the heaviest that do not overlap."""
    chosen: list[Mention] = []
    heaviest = max((_mass(seeds, mention) for mention in seeds.mentions), default=0.0)
    for mention in sorted(seeds.mentions, key=lambda m: -_mass(seeds, m)):
        same_words = [other for other in chosen if other.span.overlaps(mention.span)]
        if _mass(seeds, mention) < _SURELY_LESS * heaviest:
            break
        if all(other.span == mention.span for other in same_words):  # one name, several kinds
            chosen.append(mention)
    return chosen


def _mass(seeds: Seeds, mention: Mention) -> float:
    return weight(mention.span, seeds.tokens) * mention.quality or mention.quality


def _starts(seeds: Seeds, mentions: list[Mention]) -> dict[int, float]:
    starts: dict[int, float] = {}
    for mention in mentions:
        share = _mass(seeds, mention) / len(mention.nodes)
        for node in mention.nodes[:_MOST_STARTS]:
            starts[node] = max(starts.get(node, 0.0), share)
    kept = dict(sorted(starts.items(), key=lambda item: (-item[1], item[0]))[:_MOST_STARTS])
    total = sum(kept.values())
    return {node: share / total for node, share in kept.items()}
