"""Plans for a question that goes on from the one before it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from graphllm.answer.history import Turn
from graphllm.retrieval.follow_ups import about, asks_how_many, asks_the_same, counted, earlier_plan
from graphllm.retrieval.ground import MENTIONS_TRIED, Ground, PlanCandidate
from graphllm.retrieval.linker import Match, Mention, Seeds, Span

_GOES_ON = 1.3  # as good as a question that is wholly explained


def going_on(
    ground: Ground,
    seeds: Seeds,
    history: Sequence[Turn],
    afresh: Callable[[Seeds], list[PlanCandidate]],
) -> Iterator[PlanCandidate]:
    """Yield the earlier plan about somebody else, or counted, where no more is asked.

    Args:
        ground: The graph made ready for planning.
        seeds: What the question mentions.
        history: Earlier turns, oldest first.
        afresh: Plans a question as it stands.
    """
    earlier = earlier_plan(history)
    if earlier is None:
        return
    if asks_how_many(seeds.tokens) and (plan := counted(earlier)) is not None:
        yield PlanCandidate(plan, _GOES_ON)
    for mention in seeds.mentions[:MENTIONS_TRIED]:
        if mention.match is not Match.HISTORY and asks_the_same(seeds.tokens, [mention.span]):
            keys = ground.entities(mention.nodes).keys
            yield PlanCandidate(about(earlier, keys), _GOES_ON, (mention,))


def with_the_unsaid(ground: Ground, seeds: Seeds, history: Sequence[Turn]) -> Seeds:
    """Let a question without a name be about what the last one was about."""
    if seeds.mentions or not history:
        return seeds
    found = (ground.view.find_key(key) for key in history[-1].focus)
    focus = tuple(node for node in found if node is not None)
    if not focus:
        return seeds
    end = len(seeds.tokens)
    unsaid = Mention(Span(end, end), "", focus, Match.HISTORY, 1.0)
    return replace(seeds, mentions=(unsaid,))
