"""How well graphllm-small answers: what it replies, held to the grammar, against what is right."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from graphllm.llm.small.checkpoint import SmallModel
from graphllm.llm.small.replies import SmallReply, allowed_tokens, read_small_reply
from graphllm.llm.small.vocabulary import CONTEXT, PAD
from graphllm.train.small import Rendered, Tokens, rendered

_BATCH = 32
_MOST_WRITTEN = 24  # tokens of a reply


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallScores:
    """What a share of replies was like; precision and recall are means over what is answered.

    Attributes:
        num: Examples.
        exact: The answers are exactly the right ones, ``none`` and words included.
        hits_at_1: Of what has nodes for an answer, the first written is right.
        cited: Of the lines that are cited, those that the answer rests on.
        cites_found: Of the lines that the answer rests on, those that are cited.
        abstains: Of what the text does not answer, the share that gets ``none``.
        answers: Of what it answers, the share that gets an answer.
    """

    num: int
    exact: float
    hits_at_1: float
    cited: float
    cites_found: float
    abstains: float
    answers: float


def scored(right: Sequence[SmallReply], given: Sequence[SmallReply]) -> SmallScores:
    """Return the scores of replies."""
    pairs = list(zip(right, given, strict=True))
    answerable = [(r, g) for r, g in pairs if not r.is_none]
    named = [(r, g) for r, g in pairs if r.answers]
    citing = [(r, g) for r, g in answerable if g.cites]
    return SmallScores(
        num=len(pairs),
        exact=_mean(_same(r, g) for r, g in pairs),
        hits_at_1=_mean(bool(g.answers) and g.answers[0] in r.answers for r, g in named),
        cited=_mean(len({*r.cites} & {*g.cites}) / len(g.cites) for r, g in citing),
        cites_found=_mean(len({*r.cites} & {*g.cites}) / len(r.cites) for r, g in answerable),
        abstains=_mean(g.is_none for r, g in pairs if r.is_none),
        answers=_mean(not g.is_none for _, g in answerable),
    )


def _same(right: SmallReply, given: SmallReply) -> bool:
    if right.is_none or given.is_none:
        return right.is_none == given.is_none
    return {*right.answers} == {*given.answers} and right.words == given.words


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return float(np.mean(found)) if found else float("nan")


@torch.no_grad()
def replies(model: SmallModel, rows: Sequence[Rendered]) -> list[SmallReply]:
    """Return what a model replies to inputs, taking the likeliest token that the grammar allows."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i].input_ids))
    found: dict[int, SmallReply] = {}
    for first in range(0, len(order), _BATCH):
        some = order[first : first + _BATCH]
        told = [rows[i].input_ids for i in some]
        longest = max(map(len, told))
        ids = torch.tensor([row + [PAD] * (longest - len(row)) for row in told])
        written = model.generate(
            input_ids=ids.to(model.device),
            attention_mask=(ids != PAD).long().to(model.device),
            prefix_allowed_tokens_fn=allowed_tokens(told),
            max_new_tokens=_MOST_WRITTEN,
            num_beams=1,
            do_sample=False,
        )
        for i, reply in zip(some, written[:, 1:].tolist(), strict=True):
            found[i] = read_small_reply(reply)
    return [found[i] for i in range(len(rows))]


def right_reply(row: Rendered) -> SmallReply:
    """Return the reply that an input should get."""
    return read_small_reply(row.target_ids)


def scores_of(
    model: SmallModel, tokens: Sequence[Tokens], *, max_tokens: int, seed: int = 0
) -> SmallScores:
    """Return the scores of a model on examples, as many lines of each as fit ``max_tokens``."""
    rng = np.random.default_rng(seed)
    rows = [row for t in tokens if (row := rendered(t, rng, min(max_tokens, CONTEXT))) is not None]
    return scored([right_reply(row) for row in rows], replies(model, rows))
